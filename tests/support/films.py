"""Stand-ins for detector and classifier, and frames of one shade, for tests of videos."""

from __future__ import annotations

import numpy as np

from fer import emotions
from fer.inference.classification import Prediction
from fer.media import videos
from fer.media.streaming import FrameAnalyser
from fer.vision import orientation
from fer.vision.faces import Detections
from tests.support.faces import face

NAMES = {key: key for key in emotions.KEYS}


class Finder(orientation.Finder):
    def search(self, rgb: np.ndarray) -> Detections:
        return Detections((face(10, 20, 30),) if rgb.mean() >= 10 else ())


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


def watch(
    content: bytes, name: str = "clip.mp4", finder: Finder | None = None, **options: object
) -> videos.AnalysedVideo:
    return videos.analyse(
        content,
        name,
        FrameAnalyser(finder or Finder(), Classifier(), half_life=0),  # type: ignore[arg-type]
        NAMES,
        **options,  # type: ignore[arg-type]
    )


def frames(count: int, shade: int = 200, shape: tuple[int, int] = (96, 128)) -> list[np.ndarray]:
    return [np.full((*shape, 3), shade, np.uint8)] * count
