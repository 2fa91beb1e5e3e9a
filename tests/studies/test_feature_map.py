"""The map of the test images: quick to make anew, whole, and read only for the images it is of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer import FerError
from fer.data import dataset
from fer.data.dataset import Split
from fer.inference import gradcam
from fer.lab.studies import feature_map as making
from fer.studies import feature_map
from tests.support.making import in_keras


def test_places_are_packed_within_a_step() -> None:
    places = np.random.default_rng(0).normal(5, 20, (300, 2))
    unpacked = feature_map.unpacked(feature_map.packed(places), 300)
    assert np.abs(unpacked).max() == pytest.approx(1)
    centred = places - (places.max(axis=0) + places.min(axis=0)) / 2
    assert unpacked == pytest.approx(centred / np.abs(centred).max(), abs=1 / feature_map.SCALE)
    # 3,589 images of both models take less than 60 kB.
    assert 2 * 3589 * len(feature_map.packed(places)) / 300 < 60_000


@pytest.mark.parametrize(
    ("coordinates", "images"), [("not base64!", 1), ("AAAA", 1), (feature_map.packed(np.eye(2)), 3)]
)
def test_a_damaged_map_is_refused(coordinates: str, images: int) -> None:
    with pytest.raises(FerError, match="fer analyse --only map"):
        feature_map.unpacked(coordinates, images)


def test_every_image_has_a_place(small_models: Path, small_data: dataset.Dataset) -> None:
    explainer = gradcam.Explainer(in_keras(small_models))
    record = making.study(small_data, explainer, seed=1)
    rows = small_data.rows(Split.PRIVATE_TEST)
    assert record["images"] == len(rows)
    assert record["sources_sha256"] == feature_map.digest_of(small_data.sources[rows])
    assert record["sources_sha256"] != feature_map.digest_of(small_data.sources[rows][::-1])
    for model in record["models"].values():
        assert feature_map.unpacked(model["coordinates"], len(rows)).shape == (len(rows), 2)
        assert 0 <= model["trustworthiness"] <= 1
        assert 0 < model["variance_kept"] <= 1 + 1e-9
    assert making.study(small_data, explainer, seed=1) == record
