"""Pieces of the training page: what the curves say in words, runs, the live run, the start form."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from fer import FerError
from fer.artifacts import model_store, runs
from fer.artifacts.model_store import Artifact
from fer.artifacts.runs import Row
from fer.scenarios import PROPOSED, Scenario
from fer.training import jobs, learning_curves
from fer.training.learning_curves import EpochAccuracy, LossRise
from fer.ui import charts, loaders, model_comparison, text
from fer.ui.text import _

# Whose curves are drawn, and the runs that have ended before the visitor's eyes and join them.
CHOSEN = "runs"
ENDED = "runs_ended"


@loaders.follows
def history(key: str) -> list[Row]:
    """A published model's history, empty if its file is missing or damaged."""
    try:
        model_store.checked(loaders.MODELS, f"{key}/{runs.HISTORY}")
    except FerError:
        # `widgets.problems` says so.
        return []
    return loaders.models()[key].history()


@st.cache_data(show_spinner=False, max_entries=64)
def _run_history(run_dir: Path, changed: int) -> list[Row]:
    return runs.read_history(run_dir)


def histories() -> dict[str, list[Row]]:
    """Every known history: the published models by key, then the runs by folder, newest first."""
    found = {key: history(key) for key in loaders.models()}
    for path in jobs.recorded(loaders.RUNS):
        changed = (path / runs.HISTORY).stat().st_mtime_ns
        found[path.relative_to(loaders.RUNS).as_posix()] = _run_history(path, changed)
    return {name: rows for name, rows in found.items() if rows}


def choose(names: list[str]) -> list[str]:
    """Return the runs whose curves are wanted: at first the published models, then those chosen and
    each that has ended before the visitor's eyes."""
    published = [name for name in names if name in loaders.models()]
    before = st.session_state.get(CHOSEN, published or names[:1])
    ended = st.session_state.pop(ENDED, set()) - {*before}
    chosen = [name for name in (*before, *ended) if name in names]
    if st.session_state.get(CHOSEN) != chosen:
        st.session_state[CHOSEN] = chosen
    # The chips of a multiselect are white on the primary colour, which is too faint.
    return st.pills(_("Runs"), names, selection_mode="multi", key=CHOSEN, persist_state="session")


def words(model: Artifact) -> list[str]:
    """What a published model's curves say about overfitting and generalisation, in sentences."""
    reading = learning_curves.read(history(model.key))
    if reading is None:
        return []
    said = [
        _at_best(reading.best),
        _("The last epoch is the best one: longer training may still gain.")
        if reading.is_unfinished
        else _at_last(reading.last),
        _loss(reading.loss),
    ]
    if model.scenario.augmentation is not None:
        said.append(
            _(
                "Its training accuracy is measured on augmented images, with dropout, and averaged "
                "while weights still change; validation can therefore lie above it."
            )
        )
    else:
        said.append(
            _("Its training accuracy is measured with dropout active, so it comes out too low.")
        )
    if model.metrics is not None:
        splits = {name: row["accuracy"] for name, row in model.metrics["splits"].items()}
        said.append(
            _(
                "**Generalisation**: as published and evaluated in float32, it reaches {private} "
                "on PrivateTest, which played no part in any choice, and {public} on PublicTest, "
                "which the curves may miss by a little: training measures it in its own number "
                "format.",
                private=_.percent(splits["PrivateTest"]),
                public=_.percent(splits["PublicTest"]),
            )
        )
    return said


def gap() -> str:
    """Why the gap of the curves is not how far a model overfits."""
    return _(
        "Training accuracy is measured here with dropout, and of augmented images where a run "
        "augments, so this gap is smaller than that of the finished models, which stands above."
    )


def losses() -> str:
    """Why the heights of loss curves are not compared, and what is measured alike."""
    return _(
        "Loss is what each training minimises, so the heights of different models cannot be "
        "compared: that of `proposed` has label smoothing {smoothing}, in training class weights, "
        "too. Measured alike, as calibrated log loss on PublicTest: {found}.",
        smoothing=_.number(PROPOSED.label_smoothing, 1),
        found=", ".join(
            f"`{key}` {_.number(row['log_loss'], 3)}"
            for key, row in model_comparison.metrics_of("PublicTest").items()
        ),
    )


def _at_best(epoch: EpochAccuracy) -> str:
    return _(
        "**Best epoch {epoch}**, whose weights are used: {validation} on PublicTest; the training "
        "curve is at {training}.",
        **_figures(epoch),
    )


def _at_last(epoch: EpochAccuracy) -> str:
    return _(
        "**Last epoch {epoch}**: {validation} on PublicTest; the training curve is at {training}.",
        **_figures(epoch),
    )


def _figures(epoch: EpochAccuracy) -> dict[str, str | int]:
    return {
        "epoch": epoch.epoch,
        "training": _.percent(epoch.accuracy),
        "validation": _.percent(epoch.val_accuracy),
    }


def _loss(rise: LossRise) -> str:
    # Told with one decimal of a percent.
    if rise.share < 0.0005:
        return _("At the end, validation loss is at its lowest.")
    share = _.percent(rise.share)
    if not rise.is_clear:
        return _(
            "Validation loss is lowest in epoch {epoch} and {share} higher at the end, which may "
            "be noise.",
            epoch=rise.lowest_epoch,
            share=share,
        )
    return _(
        "Validation loss is lowest in epoch {epoch} and rises to {share} above that by the end, "
        "while accuracy may still grow: the model becomes too sure of itself.",
        epoch=rise.lowest_epoch,
        share=share,
    )


def show_words() -> None:
    """The reading of each published model, side by side."""
    models = loaders.models()
    for column, (key, model) in zip(st.columns(max(len(models), 1)), models.items(), strict=False):
        with column.container(border=True, height="stretch"):
            st.subheader(f"{charts.swatch(key)} {key}")
            for sentence in words(model):
                st.markdown(sentence)


def _gap(epoch: EpochAccuracy) -> float:
    return _.points(epoch.accuracy, epoch.val_accuracy, 2)


def run_table(chosen: dict[str, list[Row]]) -> pd.DataFrame:
    """A row for each run: epochs, best epoch, accuracies, gap, sizes, time."""
    rows = []
    for name, found in chosen.items():
        reading = learning_curves.read(found)
        if reading is not None:
            rows.append(
                {
                    _("Run"): name,
                    _("Epochs"): len(found),
                    _("Best epoch"): reading.best.epoch,
                    _("Validation (%)"): round(100 * reading.best.val_accuracy, 2),
                    _("Training (%)"): round(100 * reading.best.accuracy, 2),
                    _("Gap of the curves (points)"): _gap(reading.best),
                    _("Gap of the curves at the last epoch (points)"): _gap(reading.last),
                    _("Image size (px)"): ", ".join(str(s.image_size) for s in reading.phases),
                    _("Time"): text.duration(reading.seconds),
                }
            )
    return pd.DataFrame(rows)


def turned(table: pd.DataFrame) -> pd.DataFrame:
    """`run_table` with a column for each run, so that a phone shows all of it."""
    runs = table.set_index(_("Run"))
    told = {
        name: [
            _.number(value, 2 if isinstance(value, float) else 0)
            if isinstance(value, int | float)
            else str(value)
            for value in runs.loc[name]
        ]
        for name in runs.index
    }
    return pd.DataFrame({_("Run"): runs.columns, **told})


def differences(names: list[str]) -> pd.DataFrame:
    """The hyperparameters in which the runs differ, a row each and a column a run."""
    scenarios = {}
    for name in names:
        if name in loaders.models():
            scenarios[name] = loaders.models()[name].scenario
        else:
            record = runs.read(loaders.RUNS / name)
            scenarios[name] = Scenario.from_dict(record["scenario"])
    rows = {
        label: [tell(scenario) for scenario in scenarios.values()]
        for label, tell in model_comparison.hyperparameters().items()
    }
    different = {label: told for label, told in rows.items() if len(set(told)) > 1}
    return pd.DataFrame(
        {
            _("Hyperparameter"): list(different),
            **{name: [told[at] for told in different.values()] for at, name in enumerate(names)},
        }
    )
