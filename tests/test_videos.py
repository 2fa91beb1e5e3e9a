"""An uploaded video in, moments and an annotated video of the same length out."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from making import video

from fer import FerError, emotions, intake, videos
from fer.faces import Face
from fer.inference import Prediction
from fer.watching import Observer

NAMES = {key: key for key in emotions.KEYS}


class Finder:
    def detect(self, rgb: np.ndarray) -> list[Face]:
        if rgb.mean() < 10:
            return []
        return [Face((10, 20, 30, 30), np.zeros((5, 2), np.float32), 0.9)]


class Classifier:
    """Happy for a bright frame, sad for a darker one."""

    def predict(self, crops: list[np.ndarray]) -> list[dict[str, Prediction]]:
        return [
            {
                key: Prediction(key, np.eye(7)[3 if crop.mean() > 128 else 4])
                for key in ("baseline", "proposed")
            }
            for crop in crops
        ]


def watch(content: bytes, name: str = "clip.mp4", **options: object) -> videos.Watching:
    return videos.analyse(
        content,
        name,
        Observer(Finder(), Classifier(), half_life=0),  # type: ignore[arg-type]
        NAMES,
        **options,  # type: ignore[arg-type]
    )


def frames(count: int, shade: int = 200, shape: tuple[int, int] = (96, 128)) -> list[np.ndarray]:
    return [np.full((*shape, 3), shade, np.uint8)] * count


def decoded(content: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(content)) as source:
        return [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]


@pytest.mark.parametrize(
    ("kind", "codec"), [("mp4", "libx264"), ("webm", "libvpx"), ("mov", "libx264")]
)
def test_the_three_formats(kind: str, codec: str) -> None:
    shares: list[float] = []
    found = watch(video(frames(20), 10, kind, codec), progress=shares.append)
    assert found.seconds == pytest.approx(2.0, abs=0.11)
    assert found.analysed == 20
    assert len(found.moments) == 20
    assert shares == sorted(shares)
    assert shares[-1] >= 0.9
    shown = decoded(found.video)
    assert len(shown) == 20
    assert np.abs(shown[0].astype(int) - 200).max() > 50, "nothing is drawn on it"


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


def test_long_video_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "VIDEO_SECONDS", 1.0)
    assert watch(video(frames(40), 10)).seconds == pytest.approx(1.1, abs=0.11)


def test_large_frames_are_scaled_and_no_face_is_no_moment() -> None:
    found = watch(video(frames(3, 0, (1080, 1922)), 10))
    assert found.moments == ()
    assert max(decoded(found.video)[0].shape) <= videos.LONGEST


def truncated() -> bytes:
    whole = video(frames(30), 10)
    return whole[: len(whole) // 3]


def sound_only() -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as target:
        sink = target.add_stream("aac", rate=44100, layout="mono")
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
        (truncated(), "not a video that can be read"),
        (sound_only(), "holds no video"),
    ],
)
def test_what_is_no_video_is_told(content: bytes, says: str) -> None:
    with pytest.raises(FerError, match=says):
        watch(content)


def test_too_many_bytes_and_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    content = video(frames(3), 10)
    monkeypatch.setattr(intake, "MOST_PIXELS", 100)
    with pytest.raises(FerError, match="megapixels"):
        watch(content)
    monkeypatch.setattr(intake, "VIDEO_BYTES", 10)
    with pytest.raises(FerError, match="larger than"):
        watch(content)
