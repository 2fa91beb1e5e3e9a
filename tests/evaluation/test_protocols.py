"""Averaging over views: the right views, averaged once each, and a record that names its making."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from fer.data.dataset import Dataset, Split
from fer.evaluation import literature, protocols
from fer.evaluation.protocols import CROP, PROTOCOLS, Protocol
from fer.evaluation.records import PROTOCOL_SCORES


class LeftOrRight:
    """A stand-in for the classifier: its first two logits are the brightness left and right."""

    compute_dtype = "float32"

    def __init__(self) -> None:
        self.models = {
            "proposed": SimpleNamespace(key="proposed", digest="0" * 64, temperature=2.0)
        }
        self.shapes: list[tuple[int, ...]] = []

    def logits(self, faces: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self.shapes.append(np.shape(faces))
        middle = faces.shape[2] // 2
        found = np.zeros((len(faces), 7), np.float32)
        found[:, 0] = faces[:, :, :middle].mean(axis=(1, 2)) / 25
        found[:, 1] = faces[:, :, -middle:].mean(axis=(1, 2)) / 25
        return {"proposed": found}


def test_views_of_each_protocol() -> None:
    image = np.arange(48 * 48, dtype=np.int64).reshape(1, 48, 48) % 251
    images = image.astype(np.uint8)
    assert [v.shape for v in protocols.views(images, Protocol.ONE_CROP)] == [(1, 48, 48)]
    first, mirrored = protocols.views(images, Protocol.MIRROR)
    assert np.array_equal(first, images)
    assert np.array_equal(mirrored, images[:, :, ::-1])
    crops = protocols.views(images, Protocol.TEN_CROPS)
    assert [crop.shape for crop in crops] == [(1, CROP, CROP)] * 10
    assert np.array_equal(crops[0], images[:, :CROP, :CROP])
    assert np.array_equal(crops[3], images[:, -CROP:, -CROP:])
    assert np.array_equal(crops[4], images[:, 2:-2, 2:-2])
    for plain, flipped in zip(crops[:5], crops[5:], strict=True):
        assert np.array_equal(flipped, plain[:, :, ::-1])


def test_mirror_averages_what_a_side_decides(small_data: Dataset) -> None:
    classifier = LeftOrRight()
    rows = small_data.rows(Split.PRIVATE_TEST)
    one, both = (
        protocols.probabilities(classifier, small_data, rows, protocol, batch_size=5)["proposed"]
        for protocol in (Protocol.ONE_CROP, Protocol.MIRROR)
    )
    assert np.abs(one[:, 0] - one[:, 1]).max() > 0.01
    assert both[:, 0] == pytest.approx(both[:, 1])
    assert both.sum(axis=1) == pytest.approx(np.ones(len(rows)))
    assert both[:, 0] == pytest.approx(one[:, :2].mean(axis=1))


def test_record_names_protocols_splits_and_origin(small_data: Dataset, tmp_path: Path) -> None:
    told: list[tuple[float, float, str]] = []
    record = protocols.evaluate(
        LeftOrRight(),
        small_data,
        progress=lambda done, total, protocol: told.append((done, total, protocol)),
    )
    assert list(record["models"]["proposed"]) == [p.value for p in PROTOCOLS]
    for by_split in record["models"]["proposed"].values():
        assert set(by_split) == {"PublicTest", "PrivateTest"}
        for row in by_split.values():
            low, high = row["accuracy_interval"]
            assert low <= row["accuracy"] <= high
            assert row["images"] > 0
    assert record["data_sha256"] == small_data.digest
    assert record["weights_sha256"] == {"proposed": "0" * 64}
    views = 10 * len(small_data.rows(Split.PRIVATE_TEST))
    assert told[-1] == (views, views, "ten_crops PrivateTest")
    assert protocols.differences(record, record, 0.0) == []
    PROTOCOL_SCORES.write(tmp_path, record)
    assert PROTOCOL_SCORES.read(tmp_path) == record
    other = protocols.evaluate(LeftOrRight(), small_data, protocols=(Protocol.ONE_CROP,))
    other["models"]["proposed"]["one_crop"]["PrivateTest"]["accuracy"] += 0.01
    (problem,) = protocols.differences(record, other, 0.002)
    assert "proposed one_crop PrivateTest accuracy" in problem


def test_published_results_name_their_source() -> None:
    for result in literature.PUBLISHED:
        assert 0.5 < result.accuracy < 0.8
        assert 2013 <= result.year <= 2026
        assert result.source
        assert result.link.startswith("https://")
        assert result.protocol is not None or result.caveat in (
            "protocol_not_stated",
            "validation_accuracy",
            "people",
        )
        assert (result.caveat == "people") is (result.network == "")
