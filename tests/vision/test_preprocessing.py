"""Every kind of image file; every stage; training and serving see the same numbers; and spoilt
faces as the study of robustness measured them."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer import FerError
from fer.data import dataset
from fer.lab.studies import robustness
from fer.scenarios import PROPOSED, Augmentation
from fer.vision import corruptions, faces, preprocessing, regions, stages, upload_gate
from fer.vision.corruptions import CORRUPTIONS
from tests.benchmarks import fuzz
from tests.support.making import encoded, face_like, jpeg


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "CMYK"), ("MPO", "RGB"), ("WEBP", "RGB"), ("AVIF", "RGB")],
)
def test_lossy_formats(portrait: np.ndarray, kind: str, mode: str) -> None:
    image = Image.fromarray(portrait).convert(mode)
    # Phones put several pictures into a file.
    more = {"save_all": True, "append_images": [image.rotate(90)]} if kind == "MPO" else {}
    read = preprocessing.read_image(encoded(image, kind, **more))
    assert (read.shape, read.dtype) == (portrait.shape, np.uint8)
    assert np.abs(read.astype(int) - portrait).mean() < 8


def test_what_is_marked_as_lying_is_set_upright_and_damaged_marks_are_passed_over(
    portrait: np.ndarray,
) -> None:
    upright = portrait[:, :400]
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = encoded(Image.fromarray(np.rot90(upright)), "JPEG", exif=exif.tobytes())
    damaged = encoded(Image.fromarray(upright), "JPEG", exif=b"Exif\0\0II")
    for content in (lying, damaged, fuzz.heic("lying")):
        read = preprocessing.read_image(content)
        assert read.shape == upright.shape
        assert np.abs(read.astype(int) - upright).mean() < 8


HUGE = bytearray(jpeg(np.zeros((1, 1), np.uint8), "BMP"))
HUGE[18:26] = struct.pack("<ii", 60_000, 60_000)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"I am not a photo.", "not an image"),
        (jpeg(face_like(3))[:-200], "damaged or cut off"),
        (bytes(HUGE), "megapixels"),
    ],
    ids=["empty", "text", "truncated", "huge"],
)
def test_bad_files_are_refused_by_name(content: bytes, message: str) -> None:
    with pytest.raises(FerError, match=f"^photo.jpg .*{message}.*$"):
        preprocessing.read_image(content, "photo.jpg")


def test_what_is_no_file_or_too_large_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "film.jpg").open("wb") as stream:
        stream.truncate(3 * 2**30)
    os.mkfifo(tmp_path / "pipe.jpg")
    for source, message in (
        (tmp_path / "film.jpg", r"film\.jpg is larger than 40 MB"),
        (tmp_path / "pipe.jpg", "is not a file"),
        (Path("/dev/zero"), "is not a file"),
        ("a.jpg", r"There is no file a\.jpg"),
        ("a\0.jpg", "cannot be read"),
        (np.zeros((3, 3, 3), np.uint8), "from a path or from the bytes of a file; this is ndarray"),
    ):
        with pytest.raises(FerError, match=message):
            preprocessing.read_image(source)


def test_what_is_no_rgb_image_or_no_gray_face_is_refused() -> None:
    for given in (np.zeros((60, 60), np.uint8), np.zeros((0, 60, 3)), "a.jpg"):
        for door in (preprocessing.to_gray, lambda rgb: stages.record(rgb, None)):
            with pytest.raises(FerError, match="An RGB image is a NumPy array"):
                door(given)
    assert preprocessing.batch([], 64).shape == (0, 64, 64, 3)
    with pytest.raises(FerError, match=r"Gray faces are .* this is \(48, 48, 3\) uint8"):
        preprocessing.batch([np.zeros((48, 48, 3), np.uint8)])


def test_resize_is_bilinear_with_aligned_pixel_centres() -> None:
    ramp = np.tile(np.arange(48, dtype=np.uint8) * 5, (48, 1))
    large = preprocessing.resize(ramp, 224)
    centres = (np.arange(224) + 0.5) * 48 / 224 - 0.5
    assert large.dtype == np.float32
    assert np.allclose(large[100], 5 * np.clip(centres, 0, 47), atol=1e-3)


def test_network_input_is_blue_green_red_minus_imagenets_means() -> None:
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    expected = images[..., ::-1] - np.array([103.939, 116.779, 123.68])
    assert np.abs(preprocessing.network_input(images) - expected).max() <= 1e-3


def test_training_feeds_what_the_app_feeds(small_data: dataset.Dataset) -> None:
    from fer.lab.training import batching

    given = {"rows": np.arange(6), "size": 224, "batch_size": 6}
    batches = partial(batching.FaceBatches, small_data.images, small_data.labels, **given)
    fed, labels = batches()[0]
    shuffled = batches(augmentation=Augmentation(), seed=1)
    files = [jpeg(np.asarray(image), "PNG") for image in small_data.images[:6]]
    uploads = [preprocessing.to_gray(preprocessing.read_image(content)) for content in files]
    served = preprocessing.batch(uploads)
    assert np.abs(fed - served).max() <= 1e-3
    assert np.array_equal(labels.argmax(axis=1), small_data.labels[:6])
    assert np.abs(shuffled[0][0] - served[shuffled.epoch_rows()]).max() <= 1e-3


def test_each_change_alone() -> None:
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
    assert all(0.02 < cover.width * cover.height < 0.2 + 1e-9 for cover in covers)
    assert all(max(c.left + c.width, c.top + c.height) < 1 + 1e-9 for c in covers)


def test_jpeg_beyond_the_limit_is_decoded_at_a_fraction(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_gate, "MOST_PIXELS", 10_000)
    read = preprocessing.read_image(jpeg(portrait))
    assert read.shape == (64, 64, 3)
    small = np.asarray(Image.fromarray(portrait).resize((64, 64), Image.Resampling.BOX))
    assert np.abs(read.astype(int) - small).mean() < 6
    monkeypatch.setattr(upload_gate, "MOST_JPEG_PIXELS", 200_000)
    for kind in ("JPEG", "PNG"):
        with pytest.raises(FerError, match="megapixels; at most 0 are read"):
            preprocessing.read_image(jpeg(portrait, kind))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_the_first_frame_that_is_not_black_or_the_brightest(kind: str) -> None:
    for shades, chosen in (((0, 10, 200, 140), 200), ((3, 20, 9), 20)):
        first, *others = (Image.new("RGB", (40, 30), (shade,) * 3) for shade in shades)
        read = preprocessing.read_image(encoded(first, kind, save_all=True, append_images=others))
        assert read.mean() == pytest.approx(chosen, abs=3)


def test_stages_end_in_what_the_network_is_given_and_are_archived(portrait: np.ndarray) -> None:
    found = stages.record(portrait, None)
    gray = preprocessing.to_gray(faces.centre_square(portrait))
    assert np.array_equal(found[-1].array, preprocessing.batch([gray])[0])
    assert {stage.key: stage.shape for stage in found} == {
        "original": "512×512×3",
        "face": "512×512×3",
        "grayscale": "512×512",
        "fer_resolution": "48×48",
        "resized": "224×224",
        "three_channels": "224×224×3",
        "network_input": "224×224×3",
    }
    for stage in found:
        assert stage.picture.dtype == np.uint8
        assert f"def {stage.function.__name__}" in stage.source
    # The input's picture is the face again.
    difference = found[-1].picture.astype(int)[..., 0] - found[4].picture.astype(int)
    assert np.abs(difference).max() <= 1
    with zipfile.ZipFile(io.BytesIO(stages.archive(found))) as packed:
        assert len([name for name in packed.namelist() if name.endswith(".png")]) == 7
        array = np.load(io.BytesIO(packed.read("network_input.npy")))
        assert len(packed.read("stages.csv").decode().splitlines()) == 8
    assert np.array_equal(array, found[-1].array)
    rows = stages.channel_statistics(array)
    assert [row["channel"] for row in rows] == ["blue", "green", "red"]
    # The three channels are the same gray minus three means.
    assert rows[0]["mean"] - rows[2]["mean"] == pytest.approx(123.68 - 103.939, abs=1e-3)


def test_variants_repeat_with_the_seed(portrait: np.ndarray) -> None:
    gray = preprocessing.to_gray(portrait)
    first, again, other = (
        [image for image, _ in stages.variants(gray, PROPOSED.augmentation, seed, 4, 64)]
        for seed in (5, 5, 6)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], other[0])
    (still, _), (as_still, _) = stages.variants(gray, Augmentation(), 5, 2, 64)
    assert np.array_equal(still, as_still)


LANDMARKS = np.array([[15, 20], [33, 20], [24, 28], [17, 37], [31, 37]], np.float32)


@pytest.mark.parametrize("key", list(CORRUPTIONS))
def test_a_visitor_sees_exactly_the_studys_pixels(key: str) -> None:
    face = face_like(5)
    for strength in CORRUPTIONS[key].strengths:
        rngs = (np.random.default_rng(corruptions.NOISE_SEED) for _ in range(2))
        studied = robustness.CORRUPTIONS[key].spoil(face, LANDMARKS, strength, next(rngs))
        is_other_way = CORRUPTIONS[key].is_signed and next(rngs).random() >= 0.5
        tried = {key: -strength if is_other_way else strength}
        assert (corruptions.combine(face, tried, LANDMARKS) == studied).all()


def test_the_covered_mouth_is_the_studys_region() -> None:
    face = face_like(6)
    covered = corruptions.combine(face, {"mouth_covered": 1.0}, LANDMARKS)
    mouth = regions.masks(LANDMARKS)["mouth"]
    assert (covered[mouth] == round(float(face.mean()))).all()
    assert (covered[~mouth] == face[~mouth]).all()
    with pytest.raises(FerError, match="nothing can be covered"):
        corruptions.combine(face, {"mouth_covered": 0.2}, None)


def test_neutral_strengths_change_nothing_and_several_are_made_one_after_the_other() -> None:
    face = face_like(7)
    neutral = {key: corruption.neutral for key, corruption in CORRUPTIONS.items()}
    assert (corruptions.combine(face, neutral, None) == face).all()
    both = corruptions.combine(face, {"brightness": -40, "eyes_covered": 1.0}, LANDMARKS)
    covered = corruptions.combine(face, {"eyes_covered": 1.0}, LANDMARKS)
    assert (both == corruptions.combine(covered, {"brightness": -40}, None)).all()
