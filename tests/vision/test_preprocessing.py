"""Every kind of image file; every stage; training and serving see the same numbers."""

from __future__ import annotations

import os
import struct
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fer import FerError
from fer.artifacts import model_store
from fer.data import dataset
from fer.media import photos
from fer.scenarios import PROPOSED, Augmentation
from fer.vision import preprocessing, stages, upload_gate
from fer.vision.faces import Detector
from tests.benchmarks import fuzz
from tests.support.making import ROOT, encoded, face_like, jpeg


@pytest.mark.parametrize(
    ("kind", "mode", "tolerance"),
    [("JPEG", "RGB", 5), ("JPEG", "CMYK", 8), ("WEBP", "RGB", 5), ("AVIF", "RGB", 6)],
)
def test_lossy_formats(portrait: np.ndarray, kind: str, mode: str, tolerance: float) -> None:
    read = preprocessing.read_image(encoded(Image.fromarray(portrait).convert(mode), kind))
    assert (read.shape, read.dtype) == (portrait.shape, np.uint8)
    assert np.abs(read.astype(int) - portrait).mean() < tolerance


def test_exif_orientation_is_applied() -> None:
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    read = preprocessing.read_image(encoded(Image.fromarray(pixels), "JPEG", exif=exif.tobytes()))
    assert read.shape == (40, 20, 3)
    assert read[-15:].mean() < 15 < 240 < read[:15].mean()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"Exif\0\0junkjunkjunk", b"Exif\0\0II"])
def test_an_image_with_damaged_exif_is_read_as_it_is(kind: str, exif: bytes) -> None:
    image = Image.new("RGB", (40, 20), "white")
    read = preprocessing.read_image(encoded(image, kind, exif=exif))
    assert read.shape == (20, 40, 3)
    assert read.min() > 240


# A picture of one pixel, whose header states more than can be decoded.
HUGE = bytearray(jpeg(np.zeros((1, 1), np.uint8), "BMP"))
HUGE[18:26] = struct.pack("<ii", 60_000, 60_000)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"I am not a photo.", "not an image"),
        (jpeg(np.zeros((200, 200), np.uint8))[:300], "damaged or cut off|not an image"),
        (jpeg(face_like(3))[:-200], "damaged or cut off"),
        (bytes(HUGE), "megapixels"),
    ],
    ids=["empty", "text", "header only", "truncated", "huge"],
)
def test_bad_files_are_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(FerError, match=message) as caught:
        preprocessing.read_image(path)
    assert "photo.jpg" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    path = tmp_path / "gray.png"
    path.write_bytes(jpeg(np.full((30, 20), 90, np.uint8), "PNG"))
    assert preprocessing.read_image(str(path)).shape == (30, 20, 3)


def test_what_is_no_file_or_too_large_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "film.jpg").open("wb") as stream:
        stream.truncate(3 * 2**30)
    os.mkfifo(tmp_path / "pipe.jpg")
    for source, message in (
        (tmp_path / "film.jpg", r"film\.jpg is larger than 40 MB"),
        (tmp_path, "is not a file"),
        (tmp_path / "pipe.jpg", "is not a file"),
        (Path("/dev/zero"), "is not a file"),
        ("a.jpg", r"There is no file a\.jpg"),
        ("a\0.jpg", "cannot be read"),
        (np.zeros((3, 3, 3), np.uint8), "from a path or from the bytes of a file; this is ndarray"),
    ):
        with pytest.raises(FerError, match=message):
            preprocessing.read_image(source)


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((60, 60), np.uint8),
        np.zeros((48, 48), np.uint8),
        np.zeros((60, 60, 4), np.uint8),
        np.zeros((60, 60, 3)),
        np.zeros((0, 60, 3), np.uint8),
        "a.jpg",
    ],
    ids=lambda given: str(getattr(given, "shape", given)),
)
def test_what_is_no_rgb_image_is_refused(given: object) -> None:
    detector = Detector(ROOT / "models" / model_store.DETECTOR)
    for door in (
        preprocessing.to_gray,
        detector.search,
        lambda rgb: photos.search(rgb, detector),
        lambda rgb: stages.record(rgb, None),
    ):
        with pytest.raises(FerError, match="An RGB image is a NumPy array"):
            door(given)


def test_a_batch_takes_gray_faces_alone() -> None:
    assert preprocessing.batch([], 64).shape == (0, 64, 64, 3)
    with pytest.raises(FerError, match=r"Gray faces are .* this is \(48, 48, 3\) uint8"):
        preprocessing.batch([np.zeros((48, 48, 3), np.uint8)])


def test_gray_of_gray_is_unchanged() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(preprocessing.to_gray(np.repeat(gray[:, :, None], 3, axis=2)), gray)


def test_resize_is_bilinear_with_aligned_pixel_centres() -> None:
    ramp = np.tile(np.arange(48, dtype=np.uint8) * 5, (48, 1))
    large = preprocessing.resize(ramp, 224)
    centres = (np.arange(224) + 0.5) * 48 / 224 - 0.5
    assert large.dtype == np.float32
    assert np.allclose(large[100], 5 * np.clip(centres, 0, 47), atol=1e-3)


def test_network_input_equals_keras() -> None:
    import keras

    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    expected = keras.applications.vgg16.preprocess_input(images.copy())
    assert np.abs(preprocessing.network_input(images) - expected).max() <= 1e-3


def test_training_feeds_what_the_app_feeds(small_data: dataset.Dataset) -> None:
    from fer.lab.training import batching

    rows = np.arange(6)

    def batches(**options: Any) -> batching.FaceBatches:
        images, labels = small_data.images, small_data.labels
        return batching.FaceBatches(images, labels, rows, size=224, batch_size=6, **options)

    fed, labels = batches()[0]
    changed, _ = batches(augmentation=Augmentation(), seed=1)[0]
    uploads = [
        preprocessing.read_image(jpeg(np.asarray(small_data.images[row]), "PNG")) for row in rows
    ]
    served = preprocessing.batch([preprocessing.to_gray(rgb) for rgb in uploads])
    assert np.abs(fed - served).max() <= 1e-3
    assert np.array_equal(labels.argmax(axis=1), small_data.labels[rows])
    order = batches(seed=1).epoch_rows()
    assert np.abs(changed - served[order]).max() <= 1e-3


def test_augmentation_repeats_with_its_seed_and_stays_in_range() -> None:
    assert PROPOSED.augmentation is not None
    image = preprocessing.resize(face_like(5), 64)
    rngs = [np.random.default_rng(seed) for seed in (1, 1, 2)]
    changes = [preprocessing.draw_change(PROPOSED.augmentation, rng) for rng in rngs]
    first, again, other = (preprocessing.apply_change(image, change) for change in changes)
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 1
    assert first.shape == image.shape
    assert 0 <= first.min() < first.max() <= 255


def test_each_change_alone() -> None:
    """A flip mirrors exactly; gamma darkens the middle and keeps the ends; one rectangle of the
    drawn size is erased."""
    image = preprocessing.resize(face_like(5), 64)
    image[0, :2] = 0.0, 255.0
    cover = preprocessing.Rectangle(left=0.25, top=0.5, width=0.5, height=0.25, gray=300.0)
    none = preprocessing.Change(0.0, False, 0.0, 0.0, 1.0, 1.0, 0.0)
    flipped, darker, erased = (
        preprocessing.apply_change(image, replace(none, **change))
        for change in ({"is_flipped": True}, {"gamma": 1.4}, {"erased": cover})
    )
    assert np.abs(flipped - image[:, ::-1]).max() < 1e-2
    assert darker[0, :2] == pytest.approx([0.0, 255.0], abs=0.01)
    middle = (image > 50) & (image < 200)
    assert (darker[middle] < image[middle]).all()
    assert (erased == 300.0).sum() == (erased[32:48, 16:48] == 300.0).sum() == 32 * 16


def test_erased_share_and_size_follow_the_augmentation() -> None:
    augmentation = Augmentation(erasing=0.5, erased_area=0.2)
    rng = np.random.default_rng(3)
    drawn = [preprocessing.draw_change(augmentation, rng).erased for _ in range(2000)]
    covers = [cover for cover in drawn if cover is not None]
    assert 0.45 < len(covers) / len(drawn) < 0.55
    left, top, width, height, _ = np.array([astuple(cover) for cover in covers]).T
    assert ((width * height > 0.02 - 1e-9) & (width * height < 0.2 + 1e-9)).all()
    assert ((left >= 0) & (left + width < 1 + 1e-9) & (top >= 0) & (top + height < 1 + 1e-9)).all()
    assert all(preprocessing.draw_change(Augmentation(), rng).erased is None for _ in range(50))


def test_heic_stands_upright(portrait: np.ndarray) -> None:
    for name, expected in (("upright", portrait), ("lying", portrait[:, :400])):
        read = preprocessing.read_image(fuzz.heic(name))
        assert read.shape == expected.shape
        assert np.abs(read.astype(int) - expected).mean() < 6


@pytest.mark.parametrize(("most", "side"), [(512 * 512, 512), (100_000, 256), (10_000, 64)])
def test_jpeg_beyond_the_limit_is_decoded_at_a_fraction(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch, most: int, side: int
) -> None:
    monkeypatch.setattr(upload_gate, "MOST_PIXELS", most)
    read = preprocessing.read_image(jpeg(portrait))
    assert read.shape == (side, side, 3)
    small = np.asarray(Image.fromarray(portrait).resize((side, side), Image.Resampling.BOX))
    assert np.abs(read.astype(int) - small).mean() < 6
    if most < 512 * 512:
        with pytest.raises(FerError, match="megapixels"):
            preprocessing.read_image(jpeg(portrait, "PNG"))


def test_jpeg_of_a_phone_s_200_megapixels_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    content = jpeg(np.full((6400, 8000), 90, np.uint8))
    assert preprocessing.read_image(content).shape == (3200, 4000, 3)
    monkeypatch.setattr(upload_gate, "MOST_JPEG_PIXELS", 51_000_000)
    with pytest.raises(FerError, match="51 megapixels; at most 51 are read"):
        preprocessing.read_image(content)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_the_first_frame_that_is_not_black(portrait: np.ndarray, kind: str) -> None:
    shown = Image.fromarray(portrait)
    frames = [shown.point(lambda v, part=part: v * part // 100) for part in (0, 6, 100, 70)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    read = preprocessing.read_image(content)
    assert np.abs(read.astype(int) - portrait).mean() < 8


def test_of_black_frames_the_brightest() -> None:
    frames = [Image.new("L", (40, 30), shade) for shade in (3, 20, 9)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert set(preprocessing.read_image(content).ravel().tolist()) == {20}
