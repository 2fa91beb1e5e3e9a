"""Faces are found wherever they are, and cut out the way FER-2013 was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from making import ROOT

from fer import FerError, aggregates, artifacts, dataset, faces
from fer.dataset import Split

DETECTOR = ROOT / "models" / artifacts.DETECTOR


@pytest.fixture(scope="module")
def detector() -> faces.Detector:
    return faces.Detector(DETECTOR)


def test_the_face_of_a_portrait(detector: faces.Detector, portrait: np.ndarray) -> None:
    found = detector.detect(portrait)
    assert len(found) == 1
    left, top, width, height = found[0].box
    assert 170 < left + width / 2 < 270
    assert 60 < top + height / 2 < 160
    right_eye, left_eye, nose = found[0].landmarks[:3]
    assert right_eye[0] < nose[0] < left_eye[0]


def test_all_faces_the_largest_first(detector: faces.Detector, portrait: np.ndarray) -> None:
    canvas = np.zeros((512, 800, 3), np.uint8)
    canvas[:, :512] = portrait
    canvas[100:356, 530:786] = portrait[::2, ::2]
    found = detector.detect(canvas)
    assert len(found) == 2
    assert found[0].box[2] > found[1].box[2]


def test_large_photos_give_boxes_in_their_own_pixels(
    detector: faces.Detector, portrait: np.ndarray
) -> None:
    large = np.repeat(np.repeat(portrait, 6, axis=0), 6, axis=1)
    small_box = np.array(detector.detect(portrait)[0].box)
    assert np.abs(np.array(detector.detect(large)[0].box) / 6 - small_box).max() < 6


def test_no_face(detector: faces.Detector) -> None:
    assert detector.detect(np.full((200, 300, 3), 127, np.uint8)) == []


def test_crop_is_square_even_beyond_the_edge() -> None:
    image = np.arange(100 * 80 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 80, 3)
    face = faces.Face((-10.0, -20.0, 60.0, 80.0), np.zeros((5, 2), np.float32), 0.9)
    cut = faces.crop(image, face)
    assert cut.shape[0] == cut.shape[1] == round(80 * faces.FER_FRAMING.side)
    assert (cut[0] == cut[1]).all()


def test_whole_is_the_centre_square() -> None:
    image = np.zeros((10, 20, 3), np.uint8)
    image[:, 5:15] = 9
    assert (faces.whole(image) == 9).all()
    assert faces.whole(image).shape == (10, 10, 3)


def test_missing_and_damaged_detector(tmp_path: Path) -> None:
    with pytest.raises(FerError, match="is missing"):
        faces.Detector(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    with pytest.raises(FerError, match="is damaged"):
        faces.Detector(tmp_path / "bad.onnx")


def test_framing_is_the_stored_measurement() -> None:
    stored = aggregates.read_summary(ROOT / "data")["framing"]
    assert faces.FER_FRAMING.side == pytest.approx(stored["side"], abs=0.02)
    assert faces.FER_FRAMING.dx == pytest.approx(stored["dx"], abs=0.02)
    assert faces.FER_FRAMING.dy == pytest.approx(stored["dy"], abs=0.02)
    assert stored["share_with_one_face"] > 0.8


@pytest.mark.fer2013
def test_framing_matches_fer2013(detector: faces.Detector, real_data: dataset.Dataset) -> None:
    rows = real_data.rows(Split.TRAINING)[:: 28_709 // 400]
    framing, share = faces.measure_framing(real_data.images[rows], detector)
    assert framing.side == pytest.approx(faces.FER_FRAMING.side, rel=0.05)
    assert framing.dx == pytest.approx(faces.FER_FRAMING.dx, abs=0.04)
    assert framing.dy == pytest.approx(faces.FER_FRAMING.dy, abs=0.04)
    assert share > 0.8
