"""Averaging over views: the right views, averaged once each, and a record that names its making."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from fer.data.dataset import Dataset, Split
from fer.evaluation import literature
from fer.evaluation.protocols import CROP, Protocol
from fer.evaluation.records import PROTOCOL_SCORES, Protocols
from fer.lab.evaluation import protocols


class LeftOrRight:
    """A stand-in for the classifier: its first two logits are the brightness left and right."""

    compute_dtype = "float32"

    def __init__(self, key: str = "proposed") -> None:
        model = SimpleNamespace(key=key, digest="0" * 64, temperature=2.0, metrics=None)
        self.models = {key: model}
        self.shapes: list[tuple[int, ...]] = []

    def logits(self, faces: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self.shapes.append(np.shape(faces))
        middle = faces.shape[2] // 2
        logits = np.zeros((len(faces), 7), np.float32)
        logits[:, 0] = faces[:, :, :middle].mean(axis=(1, 2)) / 25
        logits[:, 1] = faces[:, :, -middle:].mean(axis=(1, 2)) / 25
        return dict.fromkeys(self.models, logits)


def test_views_of_each_protocol() -> None:
    images = (np.arange(48 * 48) % 251).astype(np.uint8).reshape(1, 48, 48)
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
    images = np.asarray(small_data.images[small_data.rows(Split.PRIVATE_TEST)])
    one, both = (
        protocols.probabilities(LeftOrRight(), images, protocol)["proposed"]
        for protocol in (Protocol.ONE_CROP, Protocol.MIRROR)
    )
    assert np.abs(one[:, 0] - one[:, 1]).max() > 0.01
    assert both[:, 0] == pytest.approx(both[:, 1])
    assert both.sum(axis=1) == pytest.approx(np.ones(len(images)))
    assert both[:, 0] == pytest.approx(one[:, :2].mean(axis=1))


def test_what_is_known_of_the_images_is_not_asked_for_again(small_data: Dataset) -> None:
    images = np.asarray(small_data.images[small_data.rows(Split.PRIVATE_TEST)])
    asked, spared = LeftOrRight(), LeftOrRight()
    one = protocols.probabilities(asked, images, Protocol.ONE_CROP)
    for protocol, of_all in ((Protocol.MIRROR, 2), (Protocol.TEN_CROPS, 10)):
        asked.shapes.clear()
        spared.shapes.clear()
        every = protocols.probabilities(asked, images, protocol)
        rest = protocols.probabilities(spared, images, protocol, known=one)
        assert rest["proposed"] == pytest.approx(every["proposed"])
        assert sum(shape[0] for shape in asked.shapes) == of_all * len(images)
        # A crop is never the image as it is.
        left = 1 if protocol is Protocol.MIRROR else of_all
        assert sum(shape[0] for shape in spared.shapes) == left * len(images)


def test_record_names_protocols_split_and_origin(small_data: Dataset, tmp_path: Path) -> None:
    reports: list[tuple[float, float, str]] = []
    kept: list[list[str]] = []
    record = protocols.evaluate(
        LeftOrRight(),
        small_data,
        progress=lambda done, total, /, protocol: reports.append((done, total, protocol)),
        on_protocol=lambda record: kept.append(list(record["models"]["proposed"])),
    )
    assert list(record["models"]["proposed"]) == ["mirror", "ten_crops"]
    assert kept == [["mirror"], ["mirror", "ten_crops"]]
    for row in record["models"]["proposed"].values():
        low, high = row["accuracy_interval"]
        assert low <= row["accuracy"] <= high
        assert row["images"] == len(small_data.rows(Split.PRIVATE_TEST))
        assert row["compute_dtype"] == "float32"
        assert row["commit"] == record["commit"]
    assert (record["split"], record["data_sha256"]) == ("PrivateTest", small_data.digest)
    assert record["weights_sha256"] == {"proposed": "0" * 64}
    views = 10 * len(small_data.rows(Split.PRIVATE_TEST))
    assert reports[-1] == (views, views, "ten_crops")
    PROTOCOL_SCORES.write(tmp_path, record)
    assert PROTOCOL_SCORES.read(tmp_path) == record


def test_differences_name_what_is_missed_and_what_is_not_stored(small_data: Dataset) -> None:
    record = protocols.evaluate(LeftOrRight(), small_data)
    assert protocols.differences(record, record, 0.0) == []
    other = protocols.evaluate(LeftOrRight(), small_data, protocols=(Protocol.MIRROR,))
    assert protocols.differences(record, other, 0.002) == []
    assert protocols.differences(other, record, 0.002) == [
        "proposed ten_crops accuracy is not stored"
    ]
    other["models"]["proposed"]["mirror"]["accuracy"] += 0.01
    (problem,) = protocols.differences(record, other, 0.002)
    assert problem.startswith("proposed mirror accuracy is")


def test_calls_add_up_as_long_as_weights_and_images_are_the_same(small_data: Dataset) -> None:
    def scores(key: str, protocol: Protocol) -> Protocols:
        return protocols.evaluate(LeftOrRight(key), small_data, protocols=(protocol,))

    digests = {"baseline": "0" * 64, "proposed": "0" * 64}
    first = scores("proposed", Protocol.MIRROR)
    assert protocols.merged(None, first, digests) == first
    second = protocols.merged(first, scores("proposed", Protocol.TEN_CROPS), digests)
    assert list(second["models"]["proposed"]) == ["mirror", "ten_crops"]
    third = protocols.merged(second, scores("baseline", Protocol.MIRROR), digests)
    assert {key: list(rows) for key, rows in third["models"].items()} == {
        "proposed": ["mirror", "ten_crops"],
        "baseline": ["mirror"],
    }
    assert third["weights_sha256"] == digests
    # One model's weights are others now: its figures go, the other model's stay.
    later = {"baseline": "0" * 64, "proposed": "1" * 64}
    again = protocols.merged(third, scores("baseline", Protocol.TEN_CROPS), later)
    assert {key: list(rows) for key, rows in again["models"].items()} == {
        "baseline": ["mirror", "ten_crops"]
    }
    assert again["weights_sha256"] == {"baseline": "0" * 64}
    elsewhere: Protocols = {**third, "data_sha256": "f" * 64}
    assert protocols.merged(elsewhere, first, digests) == first


def test_published_results_name_their_source() -> None:
    for result in literature.PUBLISHED:
        assert 0.5 < result.accuracy < 0.8
        assert 2013 <= result.year <= 2026
        assert result.source
        assert result.link.startswith("https://")
        caveats = ("protocol_not_stated", "ten_views", "validation_accuracy", "people")
        assert result.protocol is not None or result.caveat in caveats
        assert (result.caveat == "people") is (result.network == "")
