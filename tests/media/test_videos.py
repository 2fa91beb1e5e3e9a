"""An uploaded video in, moments and an annotated video of the same length out."""

from __future__ import annotations

import io
from fractions import Fraction
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
from tests.support.faces import face
from tests.support.films import NAMES, Finder, frames, watch
from tests.support.making import video


def decoded(content: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(content)) as source:
        return [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]


@pytest.mark.parametrize(
    ("kind", "codec"),
    [
        *(("mp4", "libx264"), ("mov", "libx264"), ("webm", "libvpx"), ("matroska", "libx264")),
        *(("avi", "mpeg4"), ("avi", "msmpeg4")),
    ],
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


def test_redrawn_with_other_words_it_says_the_same_of_the_same_length() -> None:
    content = video(frames(20), 10)
    found = watch(content)
    names = dict.fromkeys(NAMES, "senyum lebar sekali")
    other = videos.redrawn(found, content, "clip.mp4", names)
    assert other.moments is found.moments
    before, after = decoded(found.video), decoded(other.video)
    assert len(before) == len(after) == 20
    assert np.abs(before[0].astype(int) - after[0]).max() > 50
    assert videos.redrawn(found, content, "clip.mp4", NAMES).video == found.video


def test_expression_changes_when_the_face_does() -> None:
    found = watch(video(frames(10, 200) + frames(10, 90), 10))
    top = [int(moment.probabilities["baseline"].argmax()) for moment in found.moments]
    assert top == [3] * 10 + [4] * 10
    assert [moment.number for moment in found.moments] == [1] * 20
    assert found.moments[10].at == pytest.approx(1.0, abs=0.01)


def test_fast_video_is_analysed_ten_times_a_second() -> None:
    found = watch(video(frames(60), 60))
    assert found.seconds == pytest.approx(1.0, abs=0.05)
    assert found.analysed == pytest.approx(10, abs=1)
    assert len(decoded(found.video)) == pytest.approx(30, abs=1)


def test_large_frames_are_scaled_and_no_face_is_no_moment() -> None:
    found = watch(video(frames(3, 0, (1080, 1922)), 10))
    assert found.moments == ()
    assert max(decoded(found.video)[0].shape) <= videos.LONGEST


def truncated() -> bytes:
    whole = video(frames(30), 10)
    return whole[: len(whole) // 3]


def sound_only(with_cover: bool = False) -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as target:
        sink = target.add_stream("aac", rate=44100, layout="mono")
        if with_cover:
            cover = target.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
            cover.disposition = Disposition.attached_pic
            target.mux(
                cover.encode(av.VideoFrame.from_ndarray(frames(1, 90, (48, 64))[0], "rgb24"))
            )
            target.mux(cover.encode(None))
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 44100
        target.mux(sink.encode(silence))
        target.mux(sink.encode(None))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"not a video at all", "not a video that can be read"),
        (truncated(), "is cut off: the index at its end is missing"),
        (sound_only(), "holds sound or a still picture, but no video"),
        (sound_only(with_cover=True), "holds sound or a still picture, but no video"),
    ],
)
def test_what_is_no_video_is_told(content: bytes, says: str) -> None:
    with pytest.raises(FerError, match=says):
        watch(content)


def test_too_many_bytes_and_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    content = video(frames(3), 10)
    monkeypatch.setattr(upload_gate, "MOST_PIXELS", 100)
    with pytest.raises(FerError, match="megapixels"):
        watch(content)
    monkeypatch.setattr(video_gate, "VIDEO_BYTES", 10)
    with pytest.raises(FerError, match="larger than"):
        watch(content)


def noisy(count: int, shape: tuple[int, int] = (96, 128)) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.integers(90, 256, (*shape, 3), dtype=np.uint8) for _ in range(count)]


def streamable(folder: Path) -> bytes:
    """An MP4 with its index in front, as downloads have it."""
    options = {"movflags": "faststart"}
    return video(noisy(60), encoder={"g": "5"}, muxer=options, file=folder / "clip.mp4")


@pytest.mark.parametrize("share", [0.4, 0.7])
def test_a_video_that_is_cut_off_is_watched_up_to_the_cut(share: float, tmp_path: Path) -> None:
    whole = streamable(tmp_path)
    found = watch(whole[: int(len(whole) * share)])
    assert found.ending == "cut"
    assert found.stated == pytest.approx(6.0, abs=0.2)
    assert found.seconds == pytest.approx(6 * share, abs=1.0)
    assert len(found.moments) == found.analysed > 10
    assert watch(whole).ending == "whole"


def with_sound(kind: str, codecs: tuple[str, str], seconds: int, begin: int = 0) -> bytes:
    """Two seconds of picture, after `begin` seconds, and sound of any length."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=kind) as target:
        sink = target.add_stream(codecs[0], rate=10, options={"g": "5"})
        sink.width, sink.height, sink.pix_fmt = 128, 96, "yuv420p"
        sound = target.add_stream(codecs[1], rate=48000, layout="mono")
        for number, picture in enumerate(noisy(20)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = number + 10 * begin
            target.mux(sink.encode(frame))
        target.mux(sink.encode(None))
        for number in range(50 * seconds):
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 960), np.float32), format="fltp", layout="mono"
            )
            silence.sample_rate, silence.pts = 48000, 960 * number
            target.mux(sound.encode(silence))
        target.mux(sound.encode(None))
    return stream.getvalue()


@pytest.mark.parametrize("begin", [0, 3])
@pytest.mark.parametrize(
    ("kind", "codecs"),
    [
        ("matroska", ("libx264", "aac")),
        ("webm", ("libvpx", "libopus")),
        ("mp4", ("libx264", "aac")),
    ],
)
def test_sound_that_outlasts_the_picture_is_no_cut(
    kind: str, codecs: tuple[str, str], begin: int
) -> None:
    found = watch(with_sound(kind, codecs, 6, begin))
    assert found.ending == "whole"
    assert found.stated == pytest.approx(2.0, abs=0.2)
    assert found.seconds == pytest.approx(2.0, abs=0.2)


def test_matroska_that_is_cut_off_says_so() -> None:
    whole = with_sound("matroska", ("libx264", "aac"), 2)
    found = watch(whole[: len(whole) // 3])
    assert found.ending == "cut"
    assert found.stated == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("length", [b"7 o'clock", b"\xff" * 9, b"99999:00:00"])
def test_the_length_of_the_whole_alone_is_no_cut(length: bytes) -> None:
    content = with_sound("matroska", ("libx264", "aac"), 6)
    tag = b"00:00:02.000000000"
    assert tag in content
    found = watch(content.replace(tag, length.ljust(len(tag))))
    assert found.ending == "whole"
    assert found.stated == 0.0
    assert found.seconds == pytest.approx(2.0, abs=0.2)


def test_a_damaged_spot_is_passed_over(tmp_path: Path) -> None:
    whole = bytearray(streamable(tmp_path))
    middle = len(whole) // 2
    whole[middle : middle + 3000] = bytes(3000)
    found = watch(bytes(whole))
    assert found.seconds == pytest.approx(6.0, abs=0.3)


def test_a_video_longer_than_the_limit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_gate, "VIDEO_SECONDS", 1.0)
    found = watch(video(frames(40), 10))
    assert found.ending == "limit"
    assert found.seconds == pytest.approx(1.1, abs=0.11)
    assert watch(video(frames(8), 10)).ending == "whole"


def shaded(kind: str = "mp4", codec: str = "libx264") -> bytes:
    """Twelve seconds that grow darker, 20 gray levels a second, a key frame every two seconds."""
    pictures = [frames(1, 250 - 2 * number)[0] for number in range(120)]
    return video(pictures, 10, kind, codec, encoder={"g": "20"})


@pytest.mark.parametrize(
    ("kind", "codec"),
    [("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx"), ("avi", "mpeg4")],
)
def test_an_excerpt_begins_where_it_is_said_to(kind: str, codec: str) -> None:
    content = shaded(kind, codec)
    assert videos.length(content, "clip") == pytest.approx(12.0, abs=0.2)
    shares: list[float] = []
    found = watch(
        content,
        excerpt=video_gate.Excerpt(5.3, 2.0),
        progress=lambda done, total, **details: shares.append(done / total),
    )
    assert found.seconds == pytest.approx(2.0, abs=0.21)
    assert found.ending == "limit"
    assert [found.moments[0].at, found.moments[-1].at] == pytest.approx([0.0, 2.0], abs=0.11)
    assert shares[-1] == pytest.approx(1.0, abs=0.06)
    # A corner on which nothing is drawn.
    assert int(decoded(found.video)[0][-1, -1, 0]) == pytest.approx(250 - 2 * 53, abs=5)
    assert videos.redrawn(found, content, "clip", NAMES).video == found.video
    assert watch(content, excerpt=video_gate.Excerpt(10.0, 5.0)).ending == "whole"


def test_an_excerpt_beyond_the_end_is_told() -> None:
    with pytest.raises(FerError, match=r"no whole frame from 30 s on; choose an earlier start"):
        watch(shaded(), excerpt=video_gate.Excerpt(30.0))


def test_a_length_that_is_not_stated_is_read_off_the_packets() -> None:
    """What browsers record has no length: Matroska written as it comes."""

    class Pipe(io.BytesIO):
        seek = None  # type: ignore[assignment]

    content = video(frames(25), 10, "webm", "libvpx", muxer={"live": "1"}, file=Pipe())
    with av.open(io.BytesIO(content)) as source:
        assert source.duration is None
    assert videos.length(content, "recorded.webm") == pytest.approx(2.4, abs=0.2)


def test_pixels_that_are_not_square() -> None:
    found = watch(video(frames(5, 200, (120, 80)), ratio=2))
    assert decoded(found.video)[0].shape == (120, 160, 3)


def test_a_size_that_changes_midway() -> None:
    sizes = ((96, 128), (128, 96))
    # A stream of H.264 that carries both sizes, its frames in the order in which they are shown,
    # put into a container.
    options = {"bf": "0"}
    content = b"".join(video(frames(10, 200, s), kind="h264", encoder=options) for s in sizes)
    packed = io.BytesIO()
    with (
        av.open(io.BytesIO(content), format="h264") as source,
        av.open(packed, "w", format="matroska") as target,
    ):
        sink = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux() if p.size):
            packet.stream, packet.time_base = sink, Fraction(1, 10)
            packet.pts = packet.dts = number
            target.mux(packet)
    found = watch(packed.getvalue())
    assert found.analysed >= 18
    shown = decoded(found.video)
    assert {picture.shape for picture in shown} == {(96, 128, 3)}
    assert shown[-1][:, :20].max() < 40, "the upright picture lies between black bars"


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
    pictures = frames(4, 0) + frames(30)
    found = watch(video(pictures, 10), finder=Sideways())
    assert found.turns in (1, 3)
    assert decoded(found.video)[0].shape == (128, 96, 3)


class Flicker(Finder):
    """A face that stays, and one that appears in single frames anywhere."""

    def __init__(self) -> None:
        self.looks = 0

    def search(self, rgb: np.ndarray) -> Detections:
        self.looks += 1
        stays, glimpse = face(10, 20, 30), face(40.0 + 3 * self.looks, 60, 12, 0.62)
        return Detections((stays, glimpse) if self.looks % 5 == 3 else (stays,), 2)


def test_glimpses_are_left_out_and_counted() -> None:
    found = watch(video(frames(30), 10), finder=Flicker())
    assert {moment.number for moment in found.moments} == {1}
    assert found.glimpses >= 5
    assert found.too_small == 2
