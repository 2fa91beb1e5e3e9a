"""An uploaded video on the demo page: progress, timeline, annotated video and CSV."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from typing import cast

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer import emotions, logs
from fer.media import streaming, video_gate, videos
from fer.media.video_gate import Excerpt
from fer.ui.demo import confidence_over_time
from fer.ui.faces import announcer, answers
from fer.ui.shared import charts, loaders, presentation, widgets
from fer.ui.shared.text import _
from fer.ui.uploads import shown_uploads

# Session state: digest, language and answers of the video that was analysed last; digest and
# excerpt whose analysis the visitor stopped; digest and chosen excerpt of a longer video.
KEPT, STOPPED, ASKED = "video_watched", "video_stopped", "video_excerpt"
# A shorter one says little.
LEAST_SECONDS = 5


def draw_video(row: DeltaGenerator) -> None:
    """Draw a chosen video, on a stage in that row, with both models' answers, kept for this visit
    until another is chosen.

    Raises:
        FerError: if the video is refused or cannot be read, or no model is installed.
    """
    with presentation.aside(row, _("Choose a video"), "stage_video"):
        upload = st.file_uploader(
            _(
                "A video; up to {seconds} seconds of it are analysed at a time (MP4, MOV, WebM, "
                "MKV, AVI; up to {limit} MB)",
                seconds=_.number(video_gate.VIDEO_SECONDS),
                limit=video_gate.VIDEO_BYTES >> 20,
            ),
            key="video_upload",
        )
        shown_uploads.keep(upload, KEPT, ASKED)
        st.caption(_("The video stays in this server's memory for your visit and is never stored."))
    if upload is None:
        return
    content = shown_uploads.content(upload)
    digest = hashlib.sha256(content).hexdigest()
    excerpt = _choose_excerpt(content, upload.name, digest)
    if excerpt is None:
        return
    if st.session_state.get(STOPPED) == (digest, excerpt):
        st.info(_("The analysis was stopped; nothing of it is kept."))
        st.button(
            _("Analyse again"),
            icon=":material/movie:",
            key="video_again",
            on_click=lambda: st.session_state.pop(STOPPED, None),
        )
        return
    video = _analysed(content, upload.name, digest, excerpt)
    if presentation.is_on():
        _draw_on_stage(video, digest)
    else:
        _draw_result(video, digest)


def _choose_excerpt(content: bytes, name: str, digest: str) -> Excerpt | None:
    """Return the excerpt to analyse: the whole of a short video, of a longer one what the visitor
    chooses; None as long as nothing is chosen."""
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


def clock(seconds: float) -> str:
    """Return a place in a video as players show it: "12:30", from an hour on "1:02:30"."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _analysed(content: bytes, name: str, digest: str, excerpt: Excerpt) -> videos.AnalysedVideo:
    """Return the answers for an excerpt: kept ones, or analysed now, with a bar and Stop."""
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
                video = videos.redrawn(kept[2], content, name, names, progress=progress)
            else:
                started = time.perf_counter()
                with logs.refusals("video refused", content):
                    analyser = streaming.FrameAnalyser(loaders.detector(), loaders.classifier())
                    video = videos.analyse(
                        content, name, analyser, names, excerpt=excerpt, progress=progress
                    )
                logs.event(
                    "video watched",
                    video_ms=round(1000 * video.seconds),
                    frames=video.analysed,
                    analysis_ms=round(1000 * (time.perf_counter() - started)),
                )
        finally:
            bar.empty()
            place.empty()
        kept = st.session_state[KEPT] = (digest, _.language, video)
    return cast(videos.AnalysedVideo, kept[2])


def _draw_on_stage(video: videos.AnalysedVideo, digest: str) -> None:
    picture, side = st.columns(presentation.COLUMNS)
    with picture, st.container(key="stage_view"):
        st.video(video.video, format="video/mp4", autoplay=True, muted=True, loop=True)
    with side:
        with st.container(key="stage_side"):
            st.markdown(
                _("Models agree") + f": **{_agreement(video)}**"
                if video.moments
                else _("No face was found in this video.")
            )
        if video.moments:
            _draw_timelines(video, digest)


def _agreement(video: videos.AnalysedVideo) -> str:
    """Return the share of the answered frames in which both models agree, in words."""
    compared = [m for m in video.moments if len(m.probabilities) > 1]
    agreed = sum(moment.is_agreed for moment in compared)
    return _.percent(agreed / len(compared)) if compared else "–"


def _draw_result(video: videos.AnalysedVideo, digest: str) -> None:
    numbers = {moment.number for moment in video.moments}
    metrics: widgets.Metrics = {
        _("Length"): (_("{n} s", n=_.number(video.seconds, 1)), None),
        _("Analysed frames"): (_.number(video.analysed), None),
        _("Faces"): (_.number(len(numbers)), None),
        _("Models agree"): (_agreement(video), None),
    }
    widgets.metrics(metrics, "video_metrics")
    announcer.announce(announcer.listed(metrics), "video")
    _draw_notes(video)
    left, right = st.columns(2)
    with left:
        st.video(video.video, format="video/mp4", autoplay=True, muted=True)
        st.download_button(
            _("Download the annotated video (MP4)"),
            video.video,
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
        _draw_timelines(video, digest)
        widgets.download(pd.DataFrame(streaming.rows(video.moments)), "video_confidences")


def _draw_timelines(video: videos.AnalysedVideo, digest: str) -> None:
    """Draw each model's confidences for a face over the video, with a choice among several."""
    numbers = sorted({moment.number for moment in video.moments})
    number = numbers[0]
    if len(numbers) > 1:
        doubtful = _doubtful(video)
        number = st.pills(
            _("Face"),
            numbers,
            default=numbers[0],
            format_func=lambda number: f"{number} ?" if number in doubtful else str(number),
            required=True,
            key=answers.face_key("video", digest.encode()),
        )
    for key in video.moments[0].probabilities:
        st.markdown(f"{'## ' if presentation.is_on() else ''}**{key}**")
        figure = confidence_over_time.lines(
            video.moments, key, number, _("Time (s)"), (0, video.seconds)
        )
        if presentation.is_on():
            # Two steps: half of a stage's height holds no more numbers in its size.
            figure = charts.enlarged(figure, height=charts.STAGE_HEIGHT // 2)
            figure.update_yaxes(dtick=50)
        widgets.chart(
            figure,
            key=f"video_timeline_{key}",
            alt=_("Lines: {model}'s confidence for each emotion in the video", model=key),
        )


def _doubtful(video: videos.AnalysedVideo) -> set[int]:
    """Return the numbers of what was doubtful as a face most of the time."""
    moments = Counter(moment.number for moment in video.moments)
    doubtful = Counter(moment.number for moment in video.moments if moment.is_doubtful)
    return {number for number, count in doubtful.items() if 2 * count > moments[number]}


def _draw_notes(video: videos.AnalysedVideo) -> None:
    """Draw a sentence on each thing that a visitor of the video would not expect."""
    if video.excerpt.begin > 0 or video.ending == "limit":
        st.caption(
            _(
                "Analysed from {begin} to {end} of the video; times are counted from {begin}.",
                begin=clock(video.excerpt.begin),
                end=clock(video.excerpt.begin + video.seconds),
            )
        )
    if video.ending == "cut":
        st.warning(
            _(
                "The file is cut off or damaged: it says {stated} seconds, and {seconds} could be "
                "read.",
                stated=_.number(video.stated, 1),
                seconds=_.number(video.excerpt.begin + video.seconds, 1),
            )
        )
    answers.tell_turn(video.turns)
    notes = []
    if video.shots > 1:
        n = _.number(video.shots)
        notes.append(_("Shots: {n}. A face gets a new number after every cut.", n=n))
    if video.glimpses:
        n = _.number(video.glimpses)
        notes.append(_("Left out, because they were seen for less than half a second: {n}.", n=n))
    if video.too_small:
        n = _.number(video.too_small)
        notes.append(_("At most {n} faces at once were too small to judge.", n=n))
    if _doubtful(video):
        notes.append(_("A question mark: it is doubtful that this is a face."))
    if notes:
        st.caption(" ".join(notes))
