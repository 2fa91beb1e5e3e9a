"""Page 4's sections on finished trainings: learning curves, runs compared, the curves in words."""

from __future__ import annotations

from collections.abc import Mapping
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
from fer.ui.shared import charts, loaders, text, widgets
from fer.ui.shared.text import _
from fer.ui.studies import model_comparison
from fer.ui.training import training_charts
from fer.ui.training.training_charts import Quantity

# Session state: the runs whose curves are drawn, and those that have ended before the visitor's
# eyes and join them.
CHOSEN, ENDED = "runs", "runs_ended"


@loaders.follows
def history(key: str) -> list[Row]:
    """Return a published model's history, empty if its file is missing or damaged."""
    try:
        model_store.checked(loaders.MODELS, f"{key}/{runs.HISTORY}")
    except FerError:
        # `widgets.problems` says so.
        return []
    return loaders.models()[key].history()


@st.cache_data(show_spinner=False, max_entries=64)
def _run_history(run_dir: Path, changed: int) -> list[Row]:
    return runs.read_history(run_dir)


def _histories() -> dict[str, list[Row]]:
    """Return every known history: the published models by key, then runs by folder, newest
    first."""
    histories = {key: history(key) for key in loaders.models()}
    for path in jobs.recorded(loaders.RUNS):
        changed = (path / runs.HISTORY).stat().st_mtime_ns
        histories[path.relative_to(loaders.RUNS).as_posix()] = _run_history(path, changed)
    return {name: rows for name, rows in histories.items() if rows}


def draw_curves() -> None:
    """Draw the learning curves of the runs that the visitor chooses, and their comparison."""
    histories = _histories()
    if not histories:
        st.warning(_("There is no history here yet: see the README."))
        return
    st.header(_("Learning curves"), anchor="curves")
    chosen = _choose_runs(list(histories))
    quantities: dict[Quantity, str] = {
        "accuracy": _("Accuracy"),
        "loss": _("Loss"),
        "learning_rate": _("Learning rate"),
        "gap": _("Gap"),
        "seconds": _("Time"),
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantity = widgets.choice(_("Curve"), quantities, "quantity", wrap=True)
        is_log = st.toggle(_("Logarithmic axis"), key="is_log")
    smoothing = st.slider(
        _("Smoothing (weight of earlier epochs, %)"), 0, 90, 0, 10, key="smoothing", width=320
    )
    shown = {name: histories[name] for name in chosen}
    widgets.chart(
        training_charts.curves(
            shown, quantity, smoothing=smoothing / 100, is_log=is_log and quantity != "gap"
        ),
        key="curves",
        alt=_("Lines: {quantity} of each run by epoch", quantity=quantities[quantity]),
    )
    st.caption(training_charts.marks())
    if quantity == "gap":
        st.caption(
            _(
                "Training accuracy is measured here with dropout, and of augmented images where a "
                "run augments, so this gap is smaller than that of the finished models, which "
                "stands above."
            )
        )
    if quantity == "loss":
        st.caption(
            _(
                "Loss is what each training minimises, so the heights of different models cannot "
                "be compared: that of `proposed` has label smoothing {smoothing}, in training "
                "class weights, too. Measured alike, as calibrated log loss on PublicTest: "
                "{found}.",
                smoothing=_.number(PROPOSED.label_smoothing, 1),
                found=", ".join(
                    f"`{key}` {_.number(row['log_loss'], 3)}"
                    for key, row in model_comparison.metrics_of("PublicTest").items()
                ),
            )
        )
    if details := widgets.opened(_("Compare runs: table and download"), "run_details"):
        with details:
            table = _run_table(shown)
            alt = _("The chosen runs compared")
            widgets.table(table, "runs_table", alt, shown=_transposed(table))
            if len(shown) > 1:
                st.markdown(_("Hyperparameters in which they differ:"))
                widgets.table(
                    _differences(list(shown)),
                    "run_differences",
                    _("Hyperparameters in which the chosen runs differ"),
                )


def _choose_runs(names: list[str]) -> list[str]:
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


def _run_table(histories: Mapping[str, list[Row]]) -> pd.DataFrame:
    """Return a row for each run: epochs, best epoch, accuracies, gap, sizes, time."""

    def gap(epoch: EpochAccuracy) -> float:
        return _.points(epoch.accuracy, epoch.val_accuracy, 2)

    return pd.DataFrame(
        [
            {
                _("Run"): name,
                _("Epochs"): len(rows),
                _("Best epoch"): reading.best.epoch,
                _("Validation (%)"): round(100 * reading.best.val_accuracy, 2),
                _("Training (%)"): round(100 * reading.best.accuracy, 2),
                _("Gap of the curves (points)"): gap(reading.best),
                _("Gap of the curves at the last epoch (points)"): gap(reading.last),
                _("Image size (px)"): ", ".join(str(s.image_size) for s in reading.phases),
                _("Time"): text.duration(reading.seconds),
            }
            for name, rows in histories.items()
            if (reading := learning_curves.read(rows)) is not None
        ]
    )


def _transposed(table: pd.DataFrame) -> pd.DataFrame:
    """Return `_run_table` with a column for each run, so that a phone shows all of it."""

    def in_words(value: object) -> str:
        if isinstance(value, float):
            return _.number(value, 2)
        return _.number(value) if isinstance(value, int) else str(value)

    by_run = table.set_index(_("Run"))
    columns = {name: [in_words(value) for value in by_run.loc[name]] for name in by_run.index}
    return pd.DataFrame({_("Run"): by_run.columns, **columns})


def _differences(names: list[str]) -> pd.DataFrame:
    """Return the hyperparameters in which the runs differ, a row each and a column a run."""
    scenarios = [
        loaders.models()[name].scenario
        if name in loaders.models()
        else Scenario.from_dict(runs.read(loaders.RUNS / name)["scenario"])
        for name in names
    ]
    rows = []
    for label, in_words in model_comparison.hyperparameters().items():
        values = [in_words(scenario) for scenario in scenarios]
        if len(set(values)) > 1:
            rows.append([label, *values])
    return pd.DataFrame(rows, columns=[_("Hyperparameter"), *names])


def draw_readings() -> None:
    """Draw what the curves of each published model say, side by side."""
    models = loaders.models()
    for column, (key, model) in zip(st.columns(max(len(models), 1)), models.items(), strict=False):
        with column.container(border=True, height="stretch"):
            st.subheader(f"{charts.swatch(key)} {key}")
            for sentence in _sentences(model):
                st.markdown(sentence)


def _sentences(model: Artifact) -> list[str]:
    """Return what a published model's curves say about overfitting and generalisation."""
    reading = learning_curves.read(history(model.key))
    if reading is None:
        return []

    def accuracies(epoch: EpochAccuracy) -> dict[str, str | int]:
        return {
            "epoch": epoch.epoch,
            "training": _.percent(epoch.accuracy),
            "validation": _.percent(epoch.val_accuracy),
        }

    sentences = [
        _(
            "**Best epoch {epoch}**, whose weights are used: {validation} on PublicTest; the "
            "training curve is at {training}.",
            **accuracies(reading.best),
        ),
        _("The last epoch is the best one: longer training may still gain.")
        if reading.is_unfinished
        else _(
            "**Last epoch {epoch}**: {validation} on PublicTest; the training curve is at "
            "{training}.",
            **accuracies(reading.last),
        ),
        _loss_sentence(reading.loss),
        _("Its training accuracy is measured with dropout active, so it comes out too low.")
        if model.scenario.augmentation is None
        else _(
            "Its training accuracy is measured on augmented images, with dropout, and averaged "
            "while weights still change; validation can therefore lie above it."
        ),
    ]
    if model.metrics is not None:
        splits = model.metrics["splits"]
        sentences.append(
            _(
                "**Generalisation**: as published and evaluated in float32, it reaches {private} "
                "on PrivateTest, which played no part in any choice, and {public} on PublicTest, "
                "which the curves may miss by a little: training measures it in its own number "
                "format.",
                private=_.percent(splits["PrivateTest"]["accuracy"]),
                public=_.percent(splits["PublicTest"]["accuracy"]),
            )
        )
    return sentences


def _loss_sentence(rise: LossRise) -> str:
    share = _.percent(rise.share)
    # As the sentence would have it, with one decimal of a percent.
    if rise.share < 0.0005:
        return _("At the end, validation loss is at its lowest.")
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
