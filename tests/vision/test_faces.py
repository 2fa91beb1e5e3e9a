"""Faces are found wherever they are, in pictures that lie on their side, too, are cut out the way
FER-2013 was, and their flaws told."""

from __future__ import annotations

from dataclasses import asdict, astuple, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from fer import FerError
from fer.artifacts import model_store
from fer.data import aggregates, dataset, sample
from fer.data.dataset import Split
from fer.vision import faces, framing, orientation, preprocessing, quality
from fer.vision.faces import Detections, Detector
from fer.vision.orientation import Upright
from tests.support.faces import face as face_at
from tests.support.making import ROOT

DETECTOR = ROOT / "models" / model_store.DETECTOR


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(DETECTOR)


def test_the_faces_of_a_photo_the_largest_first(detector: Detector, portrait: np.ndarray) -> None:
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
    canvas = np.zeros((512, 800, 3), np.uint8)
    canvas[:, :512] = portrait
    canvas[100:356, 530:786] = portrait[::2, ::2]
    large, small = detector.detect(canvas)
    assert large.box[2] > small.box[2]
    assert faces.largest([small, None, large]) == 2
    assert faces.largest([None]) == faces.largest([]) == 0


def test_crops_are_square_even_beyond_the_edge_and_corners_turned_with_the_head() -> None:
    image = np.arange(100 * 80 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 80, 3)
    cut = faces.crop(image, face_at(-10, -20, 80))
    assert cut.shape[0] == cut.shape[1] == round(80 * faces.FER_FRAMING.side)
    assert (cut[0] == cut[1]).all()
    assert np.array_equal(faces.centre_square(image), image[10:90])
    turned = replace(face_at(0), box=(10.0, 20.0, 40.0, 60.0), roll=90.0)
    ends = [end for axis in turned.corners.T for end in (axis.min(), axis.max())]
    assert ends == pytest.approx([0, 60, 30, 70])


def test_missing_and_damaged_detector(tmp_path: Path) -> None:
    with pytest.raises(FerError, match="is missing"):
        Detector(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    with pytest.raises(FerError, match="is damaged"):
        Detector(tmp_path / "bad.onnx")


def test_framing_is_the_stored_measurement() -> None:
    stored = aggregates.read_summary(ROOT / "data")["framing"]
    for name, value in asdict(faces.FER_FRAMING).items():
        assert stored[name] == pytest.approx(value, abs=0.02), name


@pytest.mark.fer2013
def test_framing_matches_fer2013(detector: Detector, real_data: dataset.Dataset) -> None:
    rows = real_data.rows(Split.TRAINING)[:: 28_709 // 400]
    measured, share = framing.measure_framing(real_data.images[rows], detector)
    assert astuple(measured) == pytest.approx(astuple(faces.FER_FRAMING), abs=0.04)
    assert share > 0.8


def tilted(rgb: np.ndarray, degrees: float) -> np.ndarray:
    """The picture at twice its size, turned clockwise around the astronaut's face."""
    matrix = cv2.getRotationMatrix2D((223, 120), -degrees, 2.0)
    matrix[:, 2] += (223, 120)
    return np.asarray(cv2.warpAffine(rgb, matrix, (1024, 1024), borderMode=cv2.BORDER_REPLICATE))


def test_a_face_that_fills_a_large_picture(detector: Detector, portrait: np.ndarray) -> None:
    cut = faces.crop(portrait, detector.detect(portrait)[0])
    (found,) = detector.detect(cv2.resize(cut, (1800, 1800), interpolation=cv2.INTER_CUBIC))
    assert found.box[3] > 1200
    assert not found.is_doubtful


def test_small_faces_of_a_large_picture_are_found_or_counted(
    detector: Detector, portrait: np.ndarray
) -> None:
    canvas = np.full((1200, 2600, 3), 127, np.uint8)
    for number in range(8):
        top, left = 100 + 560 * (number // 4), 120 + 620 * (number % 4)
        for above, side in ((0, 160), (200, 64)):
            canvas[top + above : top + above + side, left : left + side] = cv2.resize(
                portrait, (side, side), interpolation=cv2.INTER_AREA
            )
    found = detector.search(canvas)
    assert sum(face.box[3] > 25 for face in found.faces) == 8
    assert found.too_small >= 4
    assert all(min(face.box[2:]) >= faces.SMALLEST_FACE for face in found.faces)


@pytest.mark.parametrize(("degrees", "least"), [(45, 0.8), (-45, 0.55)])
def test_a_tilted_head_is_levelled(
    detector: Detector, portrait: np.ndarray, degrees: int, least: float
) -> None:
    picture = tilted(portrait, degrees)
    (upright,), (face,) = detector.detect(portrait), detector.detect(picture)
    assert face.roll == pytest.approx(degrees, abs=12)
    assert faces.roll(face.landmarks) == pytest.approx(face.roll, abs=3)
    crops = [
        faces.gray_crop(portrait, upright),
        faces.gray_crop(picture, face),
        faces.gray_crop(picture, replace(face, roll=0.0)),
    ]
    pixels = [preprocessing.to_fer_resolution(crop).ravel() for crop in crops]
    likeness, when_lying = np.corrcoef(pixels)[0, 1:]
    assert likeness > max(least, when_lying + 0.2)


def test_a_small_tilted_head_is_levelled(detector: Detector, portrait: np.ndarray) -> None:
    small = cv2.resize(tilted(portrait, 30), (400, 400), interpolation=cv2.INTER_AREA)
    (face,) = detector.detect(small)
    assert max(face.box[2:]) < faces.ROLL_READ_FROM_PX
    assert face.roll == pytest.approx(30, abs=12)


def test_what_makes_a_face_hard_to_read_is_told(detector: Detector, portrait: np.ndarray) -> None:
    crop = faces.gray_crop(portrait, detector.detect(portrait)[0])
    assert quality.flaws((crop * 0.12).astype(np.uint8)) == ("dark",)
    assert quality.flaws(cv2.GaussianBlur(crop, (0, 0), len(crop) / 24)) == ("blurred",)
    # A drawing has areas of few shades.
    assert quality.flaws(cv2.medianBlur(crop, 9) // 64 * 64) == ("drawn",)
    masked = crop.copy()
    masked[int(0.52 * len(crop)) :] = 225
    assert quality.flaws(masked) == ("covered",)
    bright = np.clip(crop.astype(int) + 100, 0, 255).astype(np.uint8)
    pale = np.rint(120 + 0.3 * (crop.astype(float) - crop.mean())).astype(np.uint8)
    assert quality.flaws(crop) == quality.flaws(bright) == quality.flaws(pale) == ()
    images = sample.open_sample(ROOT / sample.FOLDER).images
    assert sum(bool(quality.flaws(image)) for image in images) <= 1


def test_upright_heads_are_cut_as_they_are(detector: Detector, portrait: np.ndarray) -> None:
    picture = tilted(portrait, -15)
    (face,) = detector.detect(picture)
    assert face.roll == 0.0
    crop = faces.crop(picture, face)
    _, _, (left, top), _ = cv2.minMaxLoc(cv2.matchTemplate(picture, crop, cv2.TM_SQDIFF))
    assert np.array_equal(crop, picture[top : top + len(crop), left : left + len(crop)])


def test_a_portrait_is_set_upright(detector: Detector, portrait: np.ndarray) -> None:
    for turns in range(3):
        lying = np.ascontiguousarray(np.rot90(portrait, turns))
        back, found = orientation.set_upright(lying, detector)
        assert (back + turns) % 4 == 0
        assert np.array_equal(orientation.turned(lying, back), portrait)
        assert found.faces[0].box == pytest.approx(detector.detect(portrait)[0].box)


def test_a_cat_is_not_turned_until_it_is_a_face(detector: Detector) -> None:
    cat = np.asarray(skimage.data.chelsea())
    turns, found = orientation.set_upright(cat, detector)
    assert turns == 0
    assert all(face.is_doubtful for face in found.faces)
    # Upside down it has a sure face, which is gone when it is cut out.
    (face, *_) = detector.detect(orientation.turned(cat, 2))
    assert face.score > 0.8
    assert not face.is_steady
    assert face.is_doubtful


class Marked(orientation.Finder):
    """Scores a picture by the shade of its upper left pixel, and counts the pictures."""

    def __init__(self, scores: dict[int, float]) -> None:
        self.scores, self.asked = scores, 0

    def search(self, rgb: np.ndarray) -> Detections:
        self.asked += 1
        score = self.scores.get(int(rgb[0, 0, 0]), 0.0)
        return Detections((face_at(10, 10, 20, score),) if score else ())


def corners() -> np.ndarray:
    """A picture that has n + 1 in its upper left corner after n quarter turns anticlockwise."""
    rgb = np.zeros((60, 80, 3), np.uint8)
    rgb[0, 0], rgb[0, -1], rgb[-1, -1], rgb[-1, 0] = 1, 2, 3, 4
    return rgb


def test_only_where_faces_are_clearly_surer() -> None:
    for scores, turns in (
        ({3: 0.93}, 2),
        ({1: 0.7, 4: 0.9}, 3),
        ({1: 0.72, 4: 0.76}, 0),
        ({2: 0.7}, 0),
    ):
        assert orientation.set_upright(corners(), Marked(scores))[0] == turns


def test_a_stream_is_turned_once_and_looked_at_again_now_and_then() -> None:
    finder, stream = Marked({2: 0.95}), Upright()
    for at in (10.0, 10.3):
        _, found = stream.search(corners(), finder, at)
        assert (stream.turns, found) == (0, Detections(())), "nothing is said while it is in doubt"
    upright, found = stream.search(corners(), finder, 10.6)
    assert stream.turns == 1
    assert upright.shape == (80, 60, 3)
    assert found.faces
    asked = finder.asked
    for number in range(20):
        stream.search(corners(), finder, 10.7 + number)
    assert finder.asked == asked + 20, "a decided stream pays for one look a frame"


def test_odd_frames_and_many_of_one_moment_turn_no_stream() -> None:
    # A face that is not sure, and frames in which it seems to lie on its side.
    finder, stream = Marked({}), Upright()
    for number in range(30):
        is_odd = number % 10 < 2
        finder.scores = {4: 0.95} if is_odd else {1: 0.7}
        _, found = stream.search(corners(), finder, number / 10)
        assert (stream.turns, len(found.faces)) == (0, not is_odd)
    finder.scores = {4: 0.95}
    for number in range(12):
        stream.search(corners(), finder, 10 + number / 25)
    assert stream.turns == 0


def test_a_stream_without_a_face_is_tried_every_few_seconds() -> None:
    finder, stream = Marked({}), Upright()
    for number in range(41):
        stream.search(corners(), finder, number / 10)
    assert finder.asked == 41 + 3 * 3
    finder.scores = {4: 0.95}
    for at in (6.0, 6.3, 6.6):
        stream.search(corners(), finder, at)
    assert stream.turns == 3
