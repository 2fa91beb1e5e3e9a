"""Pieces of the training page: what the curves say in words, runs, the live run, the start form."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import streamlit as st

from fer import FerError
from fer.artifacts import locations, model_store, runs
from fer.artifacts.model_store import Artifact
from fer.artifacts.runs import Row
from fer.scenarios import PROPOSED, SCENARIOS, Scenario
from fer.training import jobs, learning_curves, monitor
from fer.training.learning_curves import LossRise, Moment
from fer.ui import charts, loaders, model_comparison, permissions, text, widgets
from fer.ui.text import Translator
from fer.ui.training import training_charts

SIZES = (48, 64, 96)
# The most that a training may take, in percent of the images and in epochs: on the server's own
# machine, and of a visitor from elsewhere, whose training passes over all images once at most.
MOST = (100, 50)
MOST_OF_VISITORS = (20, 5)
# This visit's training.
STARTED = "training_started"


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


def metrics(_: Translator) -> None:
    """Best epoch, validation accuracy, gap and time of each published model."""
    row = {}
    for key in loaders.models():
        reading = learning_curves.read(history(key))
        if reading is None:
            continue
        row[_("{model}: validation", model=key)] = (
            _.percent(reading.best.val_accuracy),
            _("accuracy, best epoch {epoch}", epoch=reading.best.epoch),
        )
        row[_("{model}: gap (points)", model=key)] = (
            _.difference(reading.best.accuracy, reading.best.val_accuracy),
            _("training minus validation, {time}", time=text.duration(reading.seconds, _)),
        )
    widgets.metrics(row, "training_metrics")


def words(model: Artifact, _: Translator) -> list[str]:
    """What a published model's curves say about overfitting and generalisation, in sentences."""
    reading = learning_curves.read(history(model.key))
    if reading is None:
        return []
    said = [
        _at_best(reading.best, _),
        _("The last epoch is the best one: longer training may still gain.")
        if reading.is_unfinished
        else _at_last(reading.last, _),
        _loss(reading.loss, _),
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


def losses(_: Translator) -> str:
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


def _verdict(moment: Moment, _: Translator) -> str:
    return {
        "underfitting": _("Underfitting"),
        "balanced": _("Balanced"),
        "mild overfitting": _("Mild overfitting"),
        "overfitting": _("Overfitting"),
    }[moment.verdict]


def _at_best(moment: Moment, _: Translator) -> str:
    return _(
        "**{verdict}** at its best epoch, {epoch}, whose weights are used: accuracy is {training} "
        "in training and {validation} on PublicTest, a gap of {gap} points.",
        verdict=_verdict(moment, _),
        **_figures(moment, _),
    )


def _at_last(moment: Moment, _: Translator) -> str:
    return _(
        "**{verdict}** at the last epoch, {epoch}: {training} in training and {validation} on "
        "PublicTest, a gap of {gap} points.",
        verdict=_verdict(moment, _),
        **_figures(moment, _),
    )


def _figures(moment: Moment, _: Translator) -> dict[str, str | int]:
    return {
        "epoch": moment.epoch,
        "training": _.percent(moment.accuracy),
        "validation": _.percent(moment.val_accuracy),
        "gap": _.number(_.points(moment.accuracy, moment.val_accuracy), 1),
    }


def _loss(rise: LossRise, _: Translator) -> str:
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


def show_words(_: Translator) -> None:
    """The reading of each published model, side by side."""
    models = loaders.models()
    for column, (key, model) in zip(st.columns(max(len(models), 1)), models.items(), strict=False):
        with column.container(border=True, height="stretch"):
            st.subheader(f"{charts.swatch(key)} {key}")
            for sentence in words(model, _):
                st.markdown(sentence)


def _gap(moment: Moment, _: Translator) -> float:
    return _.points(moment.accuracy, moment.val_accuracy, 2)


def run_table(chosen: dict[str, list[Row]], _: Translator) -> pd.DataFrame:
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
                    _("Gap (points)"): _gap(reading.best, _),
                    _("Gap at the last epoch (points)"): _gap(reading.last, _),
                    _("Image size (px)"): ", ".join(str(s.image_size) for s in reading.phases),
                    _("Time"): text.duration(reading.seconds, _),
                }
            )
    return pd.DataFrame(rows)


def differences(names: list[str], _: Translator) -> pd.DataFrame:
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
        for label, tell in model_comparison.hyperparameters(_).items()
    }
    different = {label: told for label, told in rows.items() if len(set(told)) > 1}
    return pd.DataFrame(
        {
            _("Hyperparameter"): list(different),
            **{name: [told[at] for told in different.values()] for at, name in enumerate(names)},
        }
    )


def is_active() -> bool:
    """Whether a training is going on here."""
    return bool(jobs.active(loaders.RUNS, time.time()))


def show_live(_: Translator) -> None:
    """The running trainings with progress, curves so far and a button to stop them."""
    running = jobs.active(loaders.RUNS, time.time())
    if not running:
        if st.session_state.pop("was_training", False):
            st.rerun()
        st.caption(_("No training is running here. One started with `fer train` appears here too."))
        return
    st.session_state["was_training"] = True
    is_here = permissions.is_visitor_here()
    for run_dir, run in running:
        is_watched_only = monitor.is_watched_only(run_dir)
        if is_watched_only:
            monitor.watch(run_dir)
        name = run_dir.relative_to(loaders.RUNS).as_posix()
        left = run.seconds_left()
        told = [f"**{name}**"]
        if "epoch" in run.values:
            told.append(
                _(
                    "epoch {epoch} of {epochs}",
                    epoch=int(run.values["epoch"]),
                    epochs=run.epochs,
                )
            )
        if "accuracy" in run.values:
            told.append(_("training accuracy {share}", share=_.percent(run.values["accuracy"])))
        if run.state == "waiting":
            told.append(_("waiting for its turn"))
        else:
            told.append(
                _("starting")
                if left is None
                else _("about {time} left", time=text.duration(left, _))
            )
        st.progress(run.share, " · ".join(told))
        found = runs.read_history(run_dir)
        if found:
            widgets.chart(
                training_charts.curves({name: found}, "accuracy", _),
                key=f"live_{name}",
                alt=_("Accuracy of the running training by epoch"),
            )
        # What the operator started is not a visitor's to stop.
        may_stop = permissions.may("train") and (is_here or is_watched_only)
        if may_stop and st.button(_("Stop"), icon=":material/stop_circle:", key=f"stop_{name}"):
            monitor.ask_to_stop(run_dir)
            st.toast(_("It stops after its current step; finished epochs are kept."))


def start_form(_: Translator) -> None:
    """A short training on a share of the data, in a process of its own."""
    if not permissions.may("train"):
        st.caption(permissions.refusal("train", _))
        return
    is_here = permissions.is_visitor_here()
    most_share, most_epochs = MOST if is_here else MOST_OF_VISITORS
    with st.form("start_training"):
        with st.grid(4, min_column_width=150):
            scenario = st.selectbox(_("Scenario"), list(SCENARIOS), index=1, key="start_scenario")
            share = st.number_input(_("Share of the data (%)"), 1, most_share, 5, key="start_share")
            size = st.selectbox(_("Image size (px)"), SIZES, key="start_size")
            epochs = st.number_input(_("Epochs"), 1, most_epochs, 3, key="start_epochs")
        is_started = st.form_submit_button(_("Start"), icon=":material/play_arrow:", key="start")
    if not is_here:
        st.caption(_("It ends ten minutes after the last visitor has left this page."))
    if not is_started:
        return
    before: Path | None = st.session_state.get(STARTED)
    going = None if before is None else monitor.read(before, time.time())
    if before is not None and going is not None and going.is_active:
        # As after a double click.
        st.warning(
            _("Your training {name} has not ended yet; wait for it or stop it.", name=before.name)
        )
        return
    try:
        st.session_state[STARTED] = jobs.start(
            loaders.ROOT,
            scenario,
            # Bounds of a widget hold in the browser; whoever writes messages by hand passes them.
            fraction=min(int(share), most_share) / 100,
            epochs=min(int(epochs), most_epochs),
            image_size=int(size),
            data_dir=locations.data_folder(loaders.ROOT),
            is_watched_only=not is_here,
        )
    except FerError as error:
        st.error(_.error(error))
    else:
        st.rerun()


def outcome(_: Translator) -> None:
    """How the newest run ended."""
    found = sorted(loaders.RUNS.rglob(monitor.PROGRESS), key=lambda path: path.stat().st_mtime)
    if not found:
        return
    folder = found[-1].parent
    run = monitor.read(folder, time.time())
    name = folder.relative_to(loaders.RUNS).as_posix()
    reading = learning_curves.read(runs.read_history(folder))
    if run is not None and run.state == "finished" and reading is not None:
        st.success(
            _(
                "The training {name} has finished: {accuracy} on PublicTest in its best epoch, "
                "{epoch}. Choose it above to see its curves.",
                name=name,
                accuracy=_.percent(reading.best.val_accuracy),
                epoch=reading.best.epoch,
            ),
            icon=":material/check_circle:",
        )
    elif run is not None and run.state == "failed":
        st.error(_("The training {name} failed: {reason}", name=name, reason=run.reason or "–"))
    elif run is not None and run.reason == monitor.NOBODY_WATCHED:
        st.caption(
            _("The training {name} was stopped, because nobody was watching any more.", name=name)
        )
    elif run is not None and run.state == "stopped":
        # How a training was started is known of those that the page started.
        sentence = (
            _("The training {name} was stopped. The curves of its finished epochs stay.")
            if (folder / jobs.LOG).exists()
            else _(
                "The training {name} was stopped; the command that started it, with `--resume`, "
                "goes on after its last finished epoch."
            )
        )
        st.caption(sentence.format(name=name))
