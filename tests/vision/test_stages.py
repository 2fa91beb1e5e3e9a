"""The stages of preprocessing, as module 2 shows them."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from fer.scenarios import PROPOSED, Augmentation
from fer.vision import faces, preprocessing, stages


@pytest.fixture(scope="module")
def found(portrait: np.ndarray) -> tuple[stages.Stage, ...]:
    return stages.record(portrait, None)


def test_stages_end_in_what_the_network_is_given(
    portrait: np.ndarray, found: tuple[stages.Stage, ...]
) -> None:
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
    assert found[-1].low < 0 < found[-1].high


def test_every_stage_has_a_picture_and_its_code(found: tuple[stages.Stage, ...]) -> None:
    for stage in found:
        assert stage.picture.dtype == np.uint8
        assert f"def {stage.function.__name__}" in stage.source
    # The input's picture is the face again.
    difference = found[-1].picture.astype(int)[..., 0] - found[4].picture.astype(int)
    assert np.abs(difference).max() <= 1


def test_channel_statistics_are_those_of_blue_green_red(found: tuple[stages.Stage, ...]) -> None:
    rows = stages.channel_statistics(found[-1].array)
    assert [row["channel"] for row in rows] == ["blue", "green", "red"]
    # The three channels are the same gray minus three means.
    assert rows[0]["mean"] - rows[2]["mean"] == pytest.approx(123.68 - 103.939, abs=1e-3)


def test_variants_repeat_with_the_seed(portrait: np.ndarray) -> None:
    gray = preprocessing.to_gray(portrait)
    assert PROPOSED.augmentation is not None
    first, again = (stages.variants(gray, PROPOSED.augmentation, 5, 4, 64) for _ in range(2))
    other = stages.variants(gray, PROPOSED.augmentation, 6, 4, 64)
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))
    assert not np.array_equal(first[0][0], other[0][0])
    (still, _), (as_still, _) = stages.variants(gray, Augmentation(), 5, 2, 64)
    assert np.array_equal(still, as_still)


def test_archive_holds_every_stage(found: tuple[stages.Stage, ...]) -> None:
    with zipfile.ZipFile(io.BytesIO(stages.archive(found))) as packed:
        names = packed.namelist()
        assert len([name for name in names if name.endswith(".png")]) == 7
        array = np.load(io.BytesIO(packed.read("network_input.npy")))
        table = packed.read("stages.csv").decode().splitlines()
    assert np.array_equal(array, found[-1].array)
    assert len(table) == 8
