"""Faces are found wherever they are, and cut out the way FER-2013 was."""

from __future__ import annotations

from dataclasses import asdict, astuple, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer import FerError
from fer.artifacts import model_store
from fer.data import aggregates, dataset
from fer.data.dataset import Split
from fer.vision import faces, framing, orientation, preprocessing
from tests.support.faces import face as face_at
from tests.support.making import ROOT

DETECTOR = ROOT / "models" / model_store.DETECTOR


@pytest.fixture(scope="module")
def detector() -> faces.Detector:
    return faces.Detector(DETECTOR)


def test_the_face_of_a_portrait(detector: faces.Detector, portrait: np.ndarray) -> None:
    (face,) = detector.detect(portrait)
    left, top, width, height = face.box
    assert 170 < left + width / 2 < 270
    assert 60 < top + height / 2 < 160
    right_eye, left_eye, nose = face.landmarks[:3]
    assert right_eye[0] < nose[0] < left_eye[0]
    # A large photo gives its box in its own pixels.
    (large,) = detector.detect(np.repeat(np.repeat(portrait, 6, axis=0), 6, axis=1))
    assert np.array(large.box) / 6 == pytest.approx(face.box, abs=6)
    assert detector.detect(np.full((200, 300, 3), 127, np.uint8)) == []


def test_all_faces_the_largest_first(detector: faces.Detector, portrait: np.ndarray) -> None:
    canvas = np.zeros((512, 800, 3), np.uint8)
    canvas[:, :512] = portrait
    canvas[100:356, 530:786] = portrait[::2, ::2]
    large, small = detector.detect(canvas)
    assert large.box[2] > small.box[2]
    assert faces.largest([small, None, large]) == 2
    assert faces.largest([None]) == faces.largest([]) == 0


def test_crop_is_square_even_beyond_the_edge() -> None:
    image = np.arange(100 * 80 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 80, 3)
    cut = faces.crop(image, face_at(-10, -20, 80))
    assert cut.shape[0] == cut.shape[1] == round(80 * faces.FER_FRAMING.side)
    assert (cut[0] == cut[1]).all()


def test_whole_is_the_centre_square() -> None:
    image = np.zeros((10, 20, 3), np.uint8)
    image[:, 5:15] = 9
    assert np.array_equal(faces.centre_square(image), np.full((10, 10, 3), 9, np.uint8))


def test_missing_and_damaged_detector(tmp_path: Path) -> None:
    with pytest.raises(FerError, match="is missing"):
        faces.Detector(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    with pytest.raises(FerError, match="is damaged"):
        faces.Detector(tmp_path / "bad.onnx")


def test_framing_is_the_stored_measurement() -> None:
    stored = aggregates.read_summary(ROOT / "data")["framing"]
    for name, value in asdict(faces.FER_FRAMING).items():
        assert stored[name] == pytest.approx(value, abs=0.02), name
    assert stored["share_with_one_face"] > 0.8


@pytest.mark.fer2013
def test_framing_matches_fer2013(detector: faces.Detector, real_data: dataset.Dataset) -> None:
    rows = real_data.rows(Split.TRAINING)[:: 28_709 // 400]
    measured, share = framing.measure_framing(real_data.images[rows], detector)
    assert astuple(measured) == pytest.approx(astuple(faces.FER_FRAMING), abs=0.04)
    assert share > 0.8


def tilted(rgb: np.ndarray, degrees: float) -> np.ndarray:
    """The picture at twice its size, turned clockwise around the astronaut's face."""
    matrix = cv2.getRotationMatrix2D((223, 120), -degrees, 2.0)
    matrix[:, 2] += (223, 120)
    return np.asarray(cv2.warpAffine(rgb, matrix, (1024, 1024), borderMode=cv2.BORDER_REPLICATE))


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_a_face_that_fills_a_large_picture(
    detector: faces.Detector, portrait: np.ndarray, margin: float
) -> None:
    (face,) = detector.detect(portrait)
    left, top, width, height = face.box
    wider = (left - margin * width, top - margin * height)
    box = (*wider, (1 + 2 * margin) * width, (1 + 2 * margin) * height)
    cut = faces.crop(portrait, replace(face, box=box))
    (found,) = detector.detect(cv2.resize(cut, (1800, 1800), interpolation=cv2.INTER_CUBIC))
    assert found.box[3] > 1200
    assert not found.is_doubtful


def test_small_faces_of_a_large_picture_are_found_or_counted(
    detector: faces.Detector, portrait: np.ndarray
) -> None:
    canvas = np.full((1800, 2600, 3), 127, np.uint8)
    small = cv2.resize(portrait, (160, 160), interpolation=cv2.INTER_AREA)
    tiny = cv2.resize(portrait, (64, 64), interpolation=cv2.INTER_AREA)
    for number in range(12):
        top, left = 100 + 560 * (number // 4), 120 + 620 * (number % 4)
        canvas[top : top + 160, left : left + 160] = small
        canvas[top + 200 : top + 264, left : left + 64] = tiny
    found = detector.search(canvas)
    assert sum(face.box[3] > 25 for face in found.faces) == 12
    assert found.too_small >= 6
    assert all(min(face.box[2:]) >= faces.SMALLEST_FACE for face in found.faces)


def test_a_long_screenshot(detector: faces.Detector, portrait: np.ndarray) -> None:
    canvas = np.full((9000, 540, 3), 240, np.uint8)
    canvas[7000:7180, 200:380] = cv2.resize(portrait, (180, 180), interpolation=cv2.INTER_AREA)
    (face,) = detector.detect(canvas)
    assert face.box[:2] == pytest.approx((270, 7030), abs=30)


@pytest.mark.parametrize("degrees", [-45, 20, 30, 40, 45])
def test_a_tilted_head_is_levelled(
    detector: faces.Detector, portrait: np.ndarray, degrees: int
) -> None:
    picture = tilted(portrait, degrees)
    (upright,), (face,) = detector.detect(portrait), detector.detect(picture)
    assert face.roll == pytest.approx(degrees, abs=12)
    assert faces.roll(face.landmarks) == pytest.approx(face.roll, abs=3)
    before, level, lying = (
        preprocessing.to_fer_resolution(faces.gray_crop(image, seen)).ravel()
        for image, seen in (
            (portrait, upright),
            (picture, face),
            (picture, replace(face, roll=0.0)),
        )
    )
    likeness, when_lying = np.corrcoef([before, level, lying])[0, 1:]
    assert likeness > (0.8 if abs(face.roll) > faces.KEEP_BOX_MAX_DEG else 0.55)
    assert likeness > when_lying + 0.2


def test_a_small_tilted_head_is_levelled(detector: faces.Detector, portrait: np.ndarray) -> None:
    small = cv2.resize(tilted(portrait, 30), (400, 400), interpolation=cv2.INTER_AREA)
    (face,) = detector.detect(small)
    assert max(face.box[2:]) < faces.ROLL_READ_FROM_PX
    assert face.roll == pytest.approx(30, abs=12)


class Readings(faces.Detector):
    """A detector whose landmarks say what they are told to, one look after another."""

    def __init__(self, tilts: list[float], score: float = 0.9) -> None:
        super().__init__(DETECTOR)
        self.tilts, self.score, self.looks = tilts, score, 0

    def _run_yunet(self, rgb: np.ndarray, scale: float, *_: object) -> list[faces.Face]:
        tilt, side = np.radians(self.tilts[min(self.looks, len(self.tilts) - 1)]), 200 / scale
        self.looks += 1
        landmarks = np.zeros((5, 2), np.float32)
        landmarks[1] = np.cos(tilt), np.sin(tilt)
        left, top = rgb.shape[1] / scale / 2 - side / 2, rgb.shape[0] / scale / 2 - side / 2
        # Each look is surer than the one before.
        score = self.score + self.looks / 1000
        return [faces.Face((left, top, side, side), landmarks, score)]


@pytest.mark.parametrize(
    ("tilts", "roll"),
    [
        ([24.0, 22.0, 2.0], 24.0),
        ([-24.0, -22.0, -2.0], -24.0),
        ([10.0, 30.0, 2.0], 0.0),
        ([24.0, 10.0, 2.0], 0.0),
        ([24.0, 22.0, -6.0], 0.0),
        ([24.0, -22.0, -6.0], 0.0),
        ([18.0, 17.0, 5.0], 0.0),
        ([18.0, 17.0, 15.0], 32.0),
        ([30.0, 25.0, 15.0, 5.0], 45.0),
    ],
)
def test_a_head_is_levelled_where_three_readings_agree(tilts: list[float], roll: float) -> None:
    (face,) = Readings(tilts).detect(np.zeros((400, 400, 3), np.uint8))
    assert face.roll == pytest.approx(roll)


@pytest.mark.parametrize("degrees", [-15, 0, 8])
def test_upright_heads_are_cut_as_they_are(
    detector: faces.Detector, portrait: np.ndarray, degrees: int
) -> None:
    picture = tilted(portrait, degrees)
    (face,) = detector.detect(picture)
    assert face.roll == 0.0
    crop = faces.crop(picture, face)
    _, _, (left, top), _ = cv2.minMaxLoc(cv2.matchTemplate(picture, crop, cv2.TM_SQDIFF))
    assert np.array_equal(crop, picture[top : top + len(crop), left : left + len(crop)])


def test_corners_are_turned_with_the_head() -> None:
    upright = replace(face_at(0), box=(10.0, 20.0, 40.0, 60.0))
    for face, ends in ((upright, [10, 50, 20, 80]), (replace(upright, roll=90.0), [0, 60, 30, 70])):
        assert [end for axis in face.corners.T for end in (axis.min(), axis.max())] == (
            pytest.approx(ends)
        )


class Counting(faces.Detector):
    """Counts the pixels that are looked at, which is what detection costs."""

    def __init__(self, longest: int = faces.LONGEST_SIDE) -> None:
        super().__init__(DETECTOR, longest)
        self.pixels = 0

    def _run_yunet(self, rgb: np.ndarray, *rest: object) -> list[faces.Face]:
        self.pixels += rgb.shape[0] * rgb.shape[1]
        return super()._run_yunet(rgb, *rest)  # type: ignore[arg-type]


@pytest.mark.parametrize("side", [512, 1024, 2048])
@pytest.mark.parametrize("people", [1, 3])
def test_an_ordinary_photo_costs_at_most_half_as_much_again(
    portrait: np.ndarray, side: int, people: int
) -> None:
    photo = np.hstack([portrait[:300, 80:380]] * people)
    photo = cv2.resize(photo, (side, side // people), interpolation=cv2.INTER_AREA)
    detector = Counting()
    _, found = orientation.set_upright(photo, detector)
    assert len(found.faces) == people
    once = min(side, faces.LONGEST_SIDE)
    assert detector.pixels <= 1.5 * once * (once // people)


def test_a_sure_face_costs_a_stream_one_look(portrait: np.ndarray) -> None:
    detector, stream = Counting(384), orientation.Upright()
    assert all(stream.search(portrait, detector, float(n))[1].faces for n in range(5))
    assert detector.pixels == 5 * 384**2
