"""An uploaded video on the demo page: progress, timeline, annotated video and CSV."""

from __future__ import annotations

import hashlib
import time

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.typing import UploadedFile

from fer import emotions, logs
from fer.media import streaming, video_gate, videos
from fer.media.video_gate import Excerpt
from fer.progress import Progress
from fer.scenarios import SCENARIOS
from fer.ui import (
    announcer,
    answers,
    charts,
    loaders,
    presentation,
    shown_uploads,
    widgets,
)
from fer.ui.demo import confidence_charts
from fer.ui.text import _

KEY = "video_upload"
KEPT = "video_watched"
STOPPED = "video_stopped"
# Which excerpt of a longer video the visitor asked for, by the video's digest.
ASKED = "video_excerpt"
# A shorter one says little.
LEAST_SECONDS = 5


def show(row: DeltaGenerator) -> None:
    """Both models on a chosen video. What was seen is kept for this visit until another is chosen.

    Args:
        row: where the choice goes on a stage.

    Raises:
        FerError: if the video is refused or cannot be read, or no model is installed.
    """
    with presentation.aside(row, _("Choose a video"), "stage_video"):
        upload = _upload()
    if upload is None:
        return
    content = shown_uploads.content(upload)
    digest = hashlib.sha256(content).hexdigest()
    excerpt = _excerpt(content, upload.name, digest)
    if excerpt is None or _is_stopped((digest, excerpt)):
        return
    found = _watched(content, upload.name, digest, excerpt)
    if presentation.is_on():
        _on_stage(found, digest)
    else:
        _result(found, digest)


def _upload() -> UploadedFile | None:
    upload = st.file_uploader(
        _(
            "A video; up to {seconds} seconds of it are analysed at a time (MP4, MOV, WebM, MKV, "
            "AVI; up to {limit} MB)",
            seconds=_.number(video_gate.VIDEO_SECONDS),
            limit=video_gate.VIDEO_BYTES >> 20,
        ),
        key=KEY,
    )
    shown_uploads.keep(upload, KEPT, ASKED)
    st.caption(_("The video stays in this server's memory for your visit and is never stored."))
    return upload


def _excerpt(content: bytes, name: str, digest: str) -> Excerpt | None:
    """What is analysed: the whole of a short video at once, of a longer one what the visitor
    chooses; None as long as nothing is chosen.

    Raises:
        FerError: if it is no video that can be read.
    """
    with logs.refusals("video refused", content):
        length = videos.length(content, name)
    if length <= video_gate.VIDEO_SECONDS:
        return Excerpt()
    st.info(
        _(
            "This video is {length} long. Up to {seconds} seconds are analysed at a time: choose "
            "where to begin.",
            length=clock(length),
            seconds=_.number(video_gate.VIDEO_SECONDS),
        ),
        icon=":material/content_cut:",
    )
    most = int(video_gate.VIDEO_SECONDS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        minute = st.number_input(
            _("Start: minute"), 0, int(length - 1) // 60, 0, key="video_minute", width=140
        )
        second = st.number_input(_("Start: second"), 0, 59, 0, key="video_second", width=140)
        seconds = st.number_input(
            _("Length (s)"), LEAST_SECONDS, most, most, 5, key="video_seconds", width=140
        )

        def ask() -> None:
            st.session_state[ASKED] = (digest, Excerpt(60.0 * minute + second, float(seconds)))

        st.button(
            _("Analyse"), type="primary", icon=":material/movie:", key="video_analyse", on_click=ask
        )
    asked = st.session_state.get(ASKED)
    return asked[1] if asked is not None and asked[0] == digest else None


def _is_stopped(chosen: tuple[str, Excerpt]) -> bool:
    """Say that the visitor stopped the analysis and offer it anew; False if nobody did."""
    if st.session_state.get(STOPPED) != chosen:
        return False
    st.info(_("The analysis was stopped; nothing of it is kept."))
    st.button(
        _("Analyse again"),
        icon=":material/movie:",
        key="video_again",
        on_click=lambda: st.session_state.pop(STOPPED, None),
    )
    return True


def clock(seconds: float) -> str:
    """A place in a video as players show it: "12:30", from an hour on "1:02:30"."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _watched(content: bytes, name: str, digest: str, excerpt: Excerpt) -> videos.AnalysedVideo:
    kept = st.session_state.get(KEPT)
    if kept is not None and (kept[0] != digest or kept[2].excerpt != excerpt):
        kept = None
    if kept is None or kept[1] != _.language:
        names = {key: _(key) for key in emotions.KEYS}
        bar = st.progress(0.0, _("Analysing the video…"))
        place = st.empty()
        # Streamlit ends this run where it draws: with the next frame that is analysed.
        place.button(
            _("Stop"),
            icon=":material/stop_circle:",
            key="video_stop",
            on_click=lambda: st.session_state.update({STOPPED: (digest, excerpt)}),
        )

        def progress(done: float, total: float, /, **details: float) -> None:
            bar.progress(done / total, _("Analysing the video…"))

        try:
            if kept is not None:
                # In another language only the words on it change.
                found = videos.redrawn(kept[2], content, name, names, progress=progress)
            else:
                found = _analysed(content, name, names, excerpt, progress)
        finally:
            bar.empty()
            place.empty()
        kept = (digest, _.language, found)
        st.session_state[KEPT] = kept
    watched: videos.AnalysedVideo = kept[2]
    return watched


def _analysed(
    content: bytes, name: str, names: dict[str, str], excerpt: Excerpt, progress: Progress
) -> videos.AnalysedVideo:
    started = time.perf_counter()
    with logs.refusals("video refused", content):
        frame_analyser = streaming.FrameAnalyser(loaders.detector(), loaders.classifier())
        found = videos.analyse(
            content, name, frame_analyser, names, excerpt=excerpt, progress=progress
        )
    logs.event(
        "video watched",
        video_ms=round(1000 * found.seconds),
        frames=found.analysed,
        analysis_ms=round(1000 * (time.perf_counter() - started)),
    )
    return found


def _on_stage(found: videos.AnalysedVideo, digest: str) -> None:
    """The video with the answers on it, and beside it both models' confidences over time."""
    picture, side = st.columns(presentation.COLUMNS)
    with picture, st.container(key="stage_view"):
        st.video(found.video, format="video/mp4", autoplay=True, muted=True, loop=True)
    with side:
        with st.container(key="stage_side"):
            st.markdown(
                _("Models agree") + f": **{_agreement(found)}**"
                if found.moments
                else _("No face was found in this video.")
            )
        if found.moments:
            _timelines(found, digest)


def _agreement(found: videos.AnalysedVideo) -> str:
    """In which share of the answered frames both models say the same, as words."""
    compared = [m for m in found.moments if len(m.probabilities) > 1]
    agreed = sum(moment.is_agreed for moment in compared)
    return _.percent(agreed / len(compared)) if compared else "–"


def _result(found: videos.AnalysedVideo, digest: str) -> None:
    numbers = {moment.number for moment in found.moments}
    counted: widgets.Metrics = {
        _("Length"): (_("{n} s", n=_.number(found.seconds, 1)), None),
        _("Analysed frames"): (_.number(found.analysed), None),
        _("Faces"): (_.number(len(numbers)), None),
        _("Models agree"): (_agreement(found), None),
    }
    widgets.metrics(counted, "video_metrics")
    announcer.announce(announcer.listed(counted), "video")
    _notes(found)
    left, right = st.columns(2)
    with left:
        st.video(found.video, format="video/mp4", autoplay=True, muted=True)
        st.download_button(
            _("Download the annotated video (MP4)"),
            found.video,
            file_name="annotated.mp4",
            mime="video/mp4",
            icon=":material/movie:",
            key="video_annotated",
            on_click="ignore",
        )
    with right:
        if not numbers:
            st.warning(_("No face was found in this video."))
            return
        _timelines(found, digest)
        widgets.download(pd.DataFrame(streaming.rows(found.moments)), "video_confidences")


def _timelines(found: videos.AnalysedVideo, digest: str) -> None:
    """Each model's confidences for a face over the video, with a choice among several faces."""
    numbers = sorted({moment.number for moment in found.moments})
    number = numbers[0]
    if len(numbers) > 1:
        doubtful = _doubtful(found)
        number = st.pills(
            _("Face"),
            numbers,
            default=numbers[0],
            format_func=lambda one: f"{one} ?" if one in doubtful else str(one),
            required=True,
            key=answers.face_key("video", digest.encode()),
        )
    for key in SCENARIOS:
        if key not in found.moments[0].probabilities:
            continue
        st.markdown(f"{'## ' if presentation.is_on() else ''}**{key}**")
        figure = confidence_charts.timeline(found.moments, key, number, found.seconds)
        if presentation.is_on():
            # Two steps: half of a stage's height holds no more numbers in its size.
            figure = charts.enlarged(figure, height=charts.STAGE_HEIGHT // 2)
            figure.update_yaxes(dtick=50)
        widgets.chart(
            figure,
            key=f"video_timeline_{key}",
            alt=_("Lines: {model}'s confidence for each emotion in the video", model=key),
        )


def _doubtful(found: videos.AnalysedVideo) -> set[int]:
    """The numbers of what was doubtful as a face most of the time."""
    looks: dict[int, list[bool]] = {}
    for moment in found.moments:
        looks.setdefault(moment.number, []).append(moment.is_doubtful)
    return {number for number, each in looks.items() if 2 * sum(each) > len(each)}


def _notes(found: videos.AnalysedVideo) -> None:
    """What became of the video that a visitor would not expect, a sentence each."""
    if found.excerpt.begin > 0 or found.ending == "limit":
        st.caption(
            _(
                "Analysed from {begin} to {end} of the video; times are counted from {begin}.",
                begin=clock(found.excerpt.begin),
                end=clock(found.excerpt.begin + found.seconds),
            )
        )
    if found.ending == "cut":
        st.warning(
            _(
                "The file is cut off or damaged: it says {stated} seconds, and {seconds} could be "
                "read.",
                stated=_.number(found.stated, 1),
                seconds=_.number(found.excerpt.begin + found.seconds, 1),
            )
        )
    answers.tell_turn(found.turns)
    notes = []
    if found.shots > 1:
        notes.append(
            _(
                "Shots: {n}. A face gets a new number after every cut.",
                n=_.number(found.shots),
            )
        )
    if found.glimpses:
        notes.append(
            _(
                "Left out, because they were seen for less than half a second: {n}.",
                n=_.number(found.glimpses),
            )
        )
    if found.too_small:
        notes.append(
            _("At most {n} faces at once were too small to judge.", n=_.number(found.too_small))
        )
    if _doubtful(found):
        notes.append(_("A question mark: it is doubtful that this is a face."))
    if notes:
        st.caption(" ".join(notes))
