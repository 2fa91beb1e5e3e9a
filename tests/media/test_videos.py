"""An uploaded video in, moments and an annotated video of the same length out."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
import skimage.data
from av.stream import Disposition

from fer import FerError
from fer.media import video_gate, videos
from fer.vision import upload_gate
from fer.vision.faces import Detections
from tests.support.films import NAMES, Finder, frames, watch
from tests.support.making import video


def decoded(content: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(content)) as source:
        return [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]


NOISY = np.random.default_rng(5).integers(90, 256, (60, 96, 128, 3), dtype=np.uint8)


def with_sound(kind: str, codec: str, begin: int = 0) -> bytes:
    """Two seconds of picture, after `begin` seconds, or a song's cover, and six of sound."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=kind) as target:
        sink = target.add_stream(codec, rate=10, options={"g": "5"})
        sink.width, sink.height, sink.pix_fmt = 128, 96, "yuv420p"
        is_cover = codec == "mjpeg"
        if is_cover:
            sink.pix_fmt, sink.disposition = "yuvj420p", Disposition.attached_pic
        sound = target.add_stream("aac", rate=48000, layout="mono")
        for number, picture in enumerate(NOISY[: 1 if is_cover else 20]):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = number + 10 * begin
            target.mux(sink.encode(frame))
        target.mux(sink.encode(None))
        for number in range(300):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), "fltp", "mono")
            silence.sample_rate, silence.pts = 48000, 960 * number
            target.mux(sound.encode(silence))
        target.mux(sound.encode(None))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "codec"),
    [("mp4", "libx264"), ("webm", "libvpx"), ("matroska", "libx264"), ("avi", "msmpeg4")],
)
def test_every_container(kind: str, codec: str) -> None:
    shares: list[float] = []
    found = watch(
        video(frames(20), 10, kind, codec),
        progress=lambda done, total, **details: shares.append(done / total),
    )
    assert found.seconds == pytest.approx(2.0, abs=0.21)
    assert found.analysed == len(found.moments) == pytest.approx(20, abs=2)
    assert shares == sorted(shares)
    assert shares[-1] >= 0.9
    shown = decoded(found.video)
    assert len(shown) == pytest.approx(20, abs=2)
    assert np.abs(shown[0].astype(int) - 200).max() > 50, "nothing is drawn on it"


def test_expression_changes_when_the_face_does() -> None:
    found = watch(video(frames(10, 200) + frames(10, 90), 10))
    top = [int(moment.probabilities["baseline"].argmax()) for moment in found.moments]
    assert top == [3] * 10 + [4] * 10
    assert [moment.number for moment in found.moments] == [1] * 20
    assert found.moments[10].at == pytest.approx(1.0, abs=0.01)


def test_large_frames_are_scaled_square_pixels_shown_and_fast_ones_left_out() -> None:
    found = watch(video(frames(3, 0, (1080, 1922)), 10))
    assert found.moments == ()
    assert max(decoded(found.video)[0].shape) <= videos.LONGEST
    found = watch(video(frames(60, 200, (120, 80)), 60, ratio=2))
    assert found.seconds == pytest.approx(1.0, abs=0.05)
    assert found.analysed == pytest.approx(10, abs=1)
    shown = decoded(found.video)
    assert shown[0].shape == (120, 160, 3)
    assert len(shown) == pytest.approx(30, abs=1)


def test_what_is_no_video_is_told() -> None:
    for content, says in (
        (b"", "is empty"),
        (b"not a video at all", "not a video that can be read"),
        (video(frames(30), 10)[:1000], "is cut off: the index at its end is missing"),
        (with_sound("mp4", "mjpeg"), "holds sound or a still picture, but no video"),
    ):
        with pytest.raises(FerError, match=says):
            watch(content)


def test_a_video_that_is_cut_off_is_watched_up_to_the_cut(tmp_path: Path) -> None:
    # Its index lies in front, as downloads have it.
    options = {"movflags": "faststart"}
    whole = video(NOISY, encoder={"g": "5"}, muxer=options, file=tmp_path / "clip.mp4")
    found = watch(whole[: int(len(whole) * 0.4)])
    assert found.ending == "cut"
    assert found.stated == pytest.approx(6.0, abs=0.2)
    assert found.seconds == pytest.approx(6 * 0.4, abs=1.0)
    assert len(found.moments) == found.analysed > 10
    # A damaged spot is passed over.
    middle = len(whole) // 2
    found = watch(whole[:middle] + bytes(3000) + whole[middle + 3000 :])
    assert found.ending == "whole"
    assert found.seconds == pytest.approx(6.0, abs=0.3)


@pytest.mark.parametrize("kind", ["matroska", "mp4"])
def test_sound_that_outlasts_the_picture_is_no_cut(kind: str) -> None:
    found = watch(with_sound(kind, "libx264", begin=3))
    assert found.ending == "whole"
    assert found.stated == pytest.approx(2.0, abs=0.2)
    assert found.seconds == pytest.approx(2.0, abs=0.2)


def test_matroska_without_its_length_is_no_cut_and_one_that_is_cut_off_says_so() -> None:
    content = with_sound("matroska", "libx264")
    assert watch(content[: len(content) // 3]).ending == "cut"
    tag = b"00:00:02.000000000"
    assert tag in content
    found = watch(content.replace(tag, b"7 o'clock".ljust(len(tag))))
    assert (found.ending, found.stated) == ("whole", 0.0)


def test_a_video_longer_than_a_limit_says_so_and_a_larger_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = video(frames(40), 10)
    assert watch(content).ending == "whole"
    for name, limit, seconds in (
        ("VIDEO_SECONDS", 1.0, 1.1),
        ("VIDEO_PIXELS", 96 * 128 * 8, 0.8),
        ("VIDEO_FRAMES", 5, 0.5),
    ):
        monkeypatch.setattr(video_gate, name, limit)
        found = watch(content)
        assert found.ending == "limit"
        assert found.seconds == pytest.approx(seconds, abs=0.11)
    monkeypatch.setattr(upload_gate, "MOST_PIXELS", 100)
    with pytest.raises(FerError, match="megapixels"):
        watch(content)
    monkeypatch.setattr(video_gate, "VIDEO_BYTES", 10)
    with pytest.raises(FerError, match="larger than"):
        watch(content)


@pytest.mark.parametrize(("kind", "codec"), [("mp4", "libx264"), ("avi", "mpeg4")])
def test_an_excerpt_begins_where_it_is_said_to_and_is_redrawn(kind: str, codec: str) -> None:
    # Twelve seconds that grow darker, 20 gray levels a second, a key frame every two seconds.
    pictures = [frames(1, 250 - 2 * number)[0] for number in range(120)]
    content = video(pictures, 10, kind, codec, encoder={"g": "20"})
    assert videos.length(content, "clip") == pytest.approx(12.0, abs=0.2)
    found = watch(content, excerpt=video_gate.Excerpt(5.3, 2.0))
    assert found.seconds == pytest.approx(2.0, abs=0.21)
    assert found.ending == "limit"
    assert [found.moments[0].at, found.moments[-1].at] == pytest.approx([0.0, 2.0], abs=0.11)
    drawn = decoded(found.video)
    # A corner on which nothing is drawn.
    assert int(drawn[0][-1, -1, 0]) == pytest.approx(250 - 2 * 53, abs=5)
    assert videos.redrawn(found, content, "clip", NAMES).video == found.video
    other = videos.redrawn(found, content, "clip", dict.fromkeys(NAMES, "senyum lebar"))
    assert np.abs(decoded(other.video)[0].astype(int) - drawn[0]).max() > 50
    assert watch(content, excerpt=video_gate.Excerpt(10.0, 5.0)).ending == "whole"
    with pytest.raises(FerError, match=r"no whole frame from 30 s on; choose an earlier start"):
        watch(content, excerpt=video_gate.Excerpt(30.0))


def test_a_length_that_is_not_stated_is_read_off_the_packets() -> None:
    """What browsers record has no length: Matroska written as it comes."""

    class Pipe(io.BytesIO):
        seek = None  # type: ignore[assignment]

    content = video(frames(25), 10, "webm", "libvpx", muxer={"live": "1"}, file=Pipe())
    with av.open(io.BytesIO(content)) as source:
        assert source.duration is None
    assert videos.length(content, "recorded.webm") == pytest.approx(2.4, abs=0.2)


def test_a_cut_in_the_film_ends_tracks() -> None:
    shots = [skimage.data.astronaut()[:288, :384], skimage.data.coffee()[:288, :384]]
    found = watch(video([shot for shot in shots for _ in range(12)], 10))
    assert found.shots == 2
    assert [moment.number for moment in found.moments] == [1] * 12 + [2] * 12


class Sideways(Finder):
    """Finds a face in pictures that are higher than wide only."""

    def search(self, rgb: np.ndarray) -> Detections:
        return super().search(rgb) if rgb.shape[0] > rgb.shape[1] else Detections(())


def test_a_video_on_its_side_is_turned_from_its_first_frame() -> None:
    found = watch(video(frames(4, 0) + frames(30), 10), finder=Sideways())
    assert found.turns in (1, 3)
    assert decoded(found.video)[0].shape == (128, 96, 3)
