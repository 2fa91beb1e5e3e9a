"""Page 4's trainings that go on: progress and Stop of each, the outcome, a form to start one."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from fer import FerError, emotions
from fer.artifacts import locations, runs
from fer.scenarios import SCENARIOS
from fer.training import jobs, learning_curves, monitor
from fer.training.monitor import RunState, Stage
from fer.ui.shared import loaders, permissions, text, widgets
from fer.ui.shared.text import _
from fer.ui.training import training_charts
from fer.ui.training.training_sections import CHOSEN, ENDED

SIZES = (48, 64, 96)
# The most that a training may take, in percent of the images and in epochs: on the server's own
# machine, and of a visitor from elsewhere, whose training passes over all images once at most.
MOST = (100, 50)
MOST_OF_VISITORS = (20, 5)
# Session state: the folders of this visit's trainings, and the names of all that it saw going on.
STARTED, SEEN = "training_started", "trainings_seen"


def running() -> list[tuple[Path, RunState]]:
    """Return the trainings that go on here, with their state."""
    return jobs.active(loaders.RUNS, time.time())


def draw_running() -> None:
    """Draw the running trainings with progress, curves so far and a button to stop each.

    When one has ended, the page is drawn anew, with its curves among the chosen ones.
    """
    widgets.show_callback_error()
    runs_now = running()
    names = {_name(run_dir) for run_dir, _run in runs_now}
    ended = st.session_state.get(SEEN, set()) - names
    st.session_state[SEEN] = names
    if ended:
        st.session_state[ENDED] = ended
        st.rerun()
    if not runs_now:
        st.caption(_("No training is running here."))
        return
    for run_dir, run in runs_now:
        _draw_run(run_dir, run)
    if any("accuracy" in run.values for _dir, run in runs_now):
        share = _.percent(1 / emotions.COUNT)
        st.caption(_("Guessing among seven emotions gives {share}.", share=share))


def _name(run_dir: Path) -> str:
    return run_dir.relative_to(loaders.RUNS).as_posix()


def _draw_run(run_dir: Path, run: RunState) -> None:
    name = _name(run_dir)
    is_watched_only = monitor.is_watched_only(run_dir)
    if is_watched_only:
        monitor.watch(run_dir)
    words = [f"**{name}**"]
    if "epoch" in run.values:
        words.append(
            _("epoch {epoch} of {epochs}", epoch=int(run.values["epoch"]), epochs=run.epochs)
        )
    if "accuracy" in run.values:
        words.append(_("training accuracy {share}", share=_.percent(run.values["accuracy"])))
    is_stopping = monitor.is_stopping(run_dir)
    words.append(_stopping(run) if is_stopping else _doing(run))
    st.progress(run.share, " · ".join(words))
    history = runs.read_history(run_dir)
    if history:
        widgets.chart(
            training_charts.curves({name: history}, "accuracy"),
            key=f"live_{name}",
            alt=_("Accuracy of the running training by epoch"),
        )
    # What the operator started is not a visitor's to stop.
    if permissions.may("train") and (permissions.is_visitor_here() or is_watched_only):
        st.button(
            _("Stop"),
            icon=":material/stop_circle:",
            key=f"stop_{name}",
            disabled=is_stopping,
            on_click=widgets.catch_errors(monitor.ask_to_stop),
            args=(run_dir,),
        )


def _doing(run: RunState) -> str:
    """Return the training's step, or the time that is left, in words."""
    if run.state == "waiting":
        return _("waiting for its turn")
    if run.left is not None:
        return _("about {time} left", time=text.duration(run.left))
    stages: dict[Stage, str] = {
        "starting": _("starting Python and reading the images"),
        "loading TensorFlow": _("loading TensorFlow"),
        "choosing a precision": _("choosing between float32 and bfloat16"),
        "loading VGG16": _("loading VGG16"),
        "computing features": _("computing the images' features"),
        "preparing the first step": _("preparing the first step"),
        "training": _("time left not known yet"),
        "checking": _("checking the epoch on PublicTest"),
    }
    return stages[run.stage]


def _stopping(run: RunState) -> str:
    """Return when a training that was asked to stop will end, in words."""
    if run.stage == "training":
        return _("stopping after this step …")
    if run.stage == "checking":
        return _("stopping as soon as this epoch is checked and saved …")
    return _("stopping within a few seconds …")


def draw_form() -> None:
    """Draw the form that starts a short training, in a process of its own."""
    st.write(
        _(
            "On a small share of the images, to see curves grow. It runs on this server in a "
            "process of its own, survives a reload, and never replaces the published models."
        )
    )
    if not permissions.may("train"):
        st.caption(permissions.refusal("train"))
        return
    is_here = permissions.is_visitor_here()
    most_share, most_epochs = MOST if is_here else MOST_OF_VISITORS
    # A list that is there before: Streamlit may end this run for a second click where the session
    # stores something, and the training that was just begun would be forgotten.
    started: list[Path] = st.session_state.setdefault(STARTED, [])
    run_dir = started[-1] if started else None
    run = None if run_dir is None else monitor.read(run_dir, time.time())
    # This visit's training, as long as it goes on.
    own = run_dir.name if run_dir is not None and run is not None and run.is_active else None
    with st.form("start_training", enter_to_submit=False):
        with st.grid(4, min_column_width=150):
            scenario = st.selectbox(_("Scenario"), list(SCENARIOS), index=1, key="start_scenario")
            share = st.number_input(_("Share of the data (%)"), 1, most_share, 5, key="start_share")
            size = st.selectbox(_("Image size (px)"), SIZES, key="start_size")
            epochs = st.number_input(_("Epochs"), 1, most_epochs, 3, key="start_epochs")
        is_started = st.form_submit_button(
            _("Start"), icon=":material/play_arrow:", key="start", disabled=own is not None
        )
    if not is_here:
        st.caption(_("It ends ten minutes after the last visitor has left this page."))
    if own is not None:
        st.caption(_("Your training {name} has not ended yet; wait for it or stop it.", name=own))
    # A second click of a double click comes here although the button is no longer to be pressed.
    if not is_started or own is not None:
        return
    try:
        started.append(
            jobs.start(
                loaders.ROOT,
                scenario,
                # Bounds of a widget hold in the browser; who writes messages by hand passes them.
                fraction=min(int(share), most_share) / 100,
                epochs=min(int(epochs), most_epochs),
                image_size=int(size),
                data_dir=locations.data_folder(loaders.ROOT),
                is_watched_only=not is_here,
            )
        )
    except FerError as error:
        st.error(_.error(error))
    else:
        st.rerun()


def draw_outcome() -> None:
    """Draw how the newest run ended."""
    paths = sorted(loaders.RUNS.rglob(monitor.PROGRESS), key=lambda path: path.stat().st_mtime)
    if not paths:
        return
    run_dir = paths[-1].parent
    run = monitor.read(run_dir, time.time())
    if run is None or run.is_active:
        return
    name = _name(run_dir)
    reading = learning_curves.read(runs.read_history(run_dir))
    if run.state == "finished" and reading is not None:
        st.success(_finished(name, reading.best), icon=":material/check_circle:")
    elif run.state == "failed":
        known = None if run.error is None else _.error(FerError.from_record(run.error))
        reason = known or run.reason or "–"
        st.error(_("The training {name} failed: {reason}", name=name, reason=reason))
    elif run.reason == monitor.NOBODY_WATCHED:
        st.caption(
            _("The training {name} was stopped, because nobody was watching any more.", name=name)
        )
    elif run.state == "stopped":
        if reading is None:
            sentence = _(
                "The training {name} was stopped before its first epoch was finished.", name=name
            )
        # How a training was started is known of those that the page started.
        elif (run_dir / jobs.LOG).exists():
            sentence = _(
                "The training {name} was stopped. The curves of its finished epochs stay.",
                name=name,
            )
        else:
            sentence = _(
                "The training {name} was stopped; the command that started it, with `--resume`, "
                "goes on after its last finished epoch.",
                name=name,
            )
        st.caption(sentence)


def _finished(name: str, best: learning_curves.EpochAccuracy) -> str:
    where = (
        _("Its curves are among those above.")
        if name in st.session_state.get(CHOSEN, ())
        else _("Choose it above to see its curves.")
    )
    result = _(
        "The training {name} has finished: {accuracy} on PublicTest in its best epoch, {epoch}; "
        "guessing gives {guessing}.",
        name=name,
        accuracy=_.percent(best.val_accuracy),
        epoch=best.epoch,
        guessing=_.percent(1 / emotions.COUNT),
    )
    return f"{result} {where}"
