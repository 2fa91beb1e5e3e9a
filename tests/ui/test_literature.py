"""Ours beside published results: what is measured is shown, what is not is named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fer.artifacts import model_store
from fer.artifacts.records import MadeWith
from fer.evaluation.literature import PUBLISHED
from fer.evaluation.protocols import Protocol
from fer.evaluation.records import PROTOCOL_SCORES, Protocols, ProtocolScores
from fer.inference.records import FAST_EXPORT
from fer.ui.results import literature
from fer.ui.shared import loaders
from fer.ui.shared.text import _, in_language
from tests.support.making import ROOT
from tests.support.pages import open_results


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder of its own that the pages show."""
    target = tmp_path / "models"
    shutil.copytree(ROOT / "models", target, copy_function=os.link)
    monkeypatch.setattr(loaders, "MODELS", target)
    return target


def scores(accuracy: float, compute_dtype: str) -> ProtocolScores:
    return {
        "images": 3589,
        "accuracy": accuracy,
        "accuracy_interval": [accuracy - 0.015, accuracy + 0.015],
        "macro_f1": accuracy - 0.02,
        "compute_dtype": compute_dtype,
        "commit": "0123456789abcdef",
    }


def record(**models: dict[str, ProtocolScores]) -> Protocols:
    made: MadeWith = {
        "commit": "fedcba9876543210",
        "seed": 0,
        "data_sha256": "a" * 64,
        "weights_sha256": dict.fromkeys(models, "b" * 64),
        "versions": {},
    }
    return {**made, "split": "PrivateTest", "crop": 44, "models": models}


def ours(found: list[literature.Row]) -> dict[tuple[str | None, Protocol | None], float]:
    return {(row.model, row.protocol): row.accuracy for row in found if row.model is not None}


def test_nothing_measured_yet_leaves_one_crop_and_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loaders, "protocols", lambda: None)
    assert set(ours(literature.rows())) == {
        ("baseline", Protocol.ONE_CROP),
        ("proposed", Protocol.ONE_CROP),
    }
    (line,) = literature.precisions()
    assert line.startswith("Not computed yet: ")
    assert all(name in line for name in ("baseline, ten crops", "proposed, with the mirrored"))


def test_what_is_measured_stands_beside_the_published(monkeypatch: pytest.MonkeyPatch) -> None:
    half = record(
        proposed={"mirror": scores(0.98, "float32"), "ten_crops": scores(0.99, "int8")},
        baseline={"mirror": scores(0.97, "float32")},
    )
    monkeypatch.setattr(loaders, "protocols", lambda: half)
    found = literature.rows()
    shown = ours(found)
    assert len(shown) == 5
    assert shown["proposed", Protocol.TEN_CROPS] == 0.99
    assert len(found) == len(shown) + len(PUBLISHED)
    assert [row.accuracy for row in found[:3]] == [0.99, 0.98, 0.97]
    figure = literature.chart(found)
    with_interval, others = figure.data
    assert with_interval.error_x.array == pytest.approx([1.5] * 3 + [1.6, 1.6], abs=0.11)
    assert others.error_x.array is None
    assert len(others.x) == len(PUBLISHED)
    # The most accurate stands first, whichever trace it is of.
    assert figure.layout.yaxis.categoryarray[0].startswith("proposed 99.0%<br>ten crops")
    assert len(figure.layout.yaxis.categoryarray) == len(found)
    float32, int8, one_crop, missing = literature.precisions()
    assert "baseline, with the mirrored image; proposed, with the mirrored image" in float32
    assert "float32" in float32
    assert "(proposed, ten crops): int8." in int8
    assert any("at commit 0123456789ab." in line for line in literature.commits())
    # What was averaged in int8 is compared with one crop in int8.
    shares = loaders.record(FAST_EXPORT)["fidelity"]["proposed"]["PrivateTest"]
    assert one_crop.endswith(f"proposed {_.percent(shares['accuracy'])}.")
    assert missing.endswith("baseline, ten crops.")
    with in_language("id"):
        first, *_rest, last = literature.precisions()
    assert first.startswith("Angka kami untuk beberapa versi gambar (baseline, ")
    assert last.startswith("Belum dihitung: baseline, ")


def test_sources_of_published_figures_can_be_followed() -> None:
    found = literature.rows()
    lines = literature.sources(found)
    assert len(lines) == len(PUBLISHED)
    for result in PUBLISHED:
        assert any(f"[{result.source}]({result.link})" in line for line in lines)
    chosen = next(line for line in lines if "Khaireddin" in line)
    assert chosen.startswith("**Khaireddin & Chen, 2021**: [")
    assert "picks the epoch on PrivateTest" in chosen
    resemotenet = next(line for line in lines if "ResEmoteNet" in line)
    assert resemotenet.endswith(
        "Others measured [71.6%](https://github.com/ArnabKumarRoy02/ResEmoteNet/issues/13)."
    )
    masking = next(line for line in lines if line.startswith("**Residual Masking Network"))
    assert "Others measured [65.7% to 73.6%](" in masking
    app = open_results("literature")
    assert not app.exception
    assert any(chosen in element.value for element in app.markdown)
    # The table leaves them out, its download does not.
    shown = next(iter(app.table)).value.columns
    assert "Source" not in shown
    assert "Accuracy (%)" in shown
    frame = literature.table(found).set_index("Name")
    assert {"Note", "Source"} < set(frame)
    assert frame.loc["ResEmoteNet", "Reproduced by others, highest (%)"] == 71.57
    assert frame["Reproduced by others, lowest (%)"].isna().sum() == len(found) - 2


@pytest.mark.parametrize(
    ("weights", "data", "is_shown"),
    [(None, None, True), ("0" * 64, None, False), (None, "0" * 64, False)],
    ids=["as published", "other weights", "other images"],
)
def test_figures_of_other_weights_or_images_are_not_shown(
    weights: str | None,
    data: str | None,
    is_shown: bool,
    folder: Path,
) -> None:
    model = loaders.models()["proposed"]
    assert model.metrics is not None
    # Those of the other model, which was published anew, are not.
    stored = record(
        proposed={"mirror": scores(0.7, "float32")}, baseline={"mirror": scores(0.6, "float32")}
    )
    stored["weights_sha256"]["proposed"] = weights or model.digest
    stored["data_sha256"] = data or model.metrics["data_sha256"]
    PROTOCOL_SCORES.write(folder, stored)
    model_store.write_manifest(folder)
    shown: Protocols = {
        **stored,
        "models": {"proposed": stored["models"]["proposed"]},
        "weights_sha256": {"proposed": model.digest},
    }
    assert loaders.protocols() == (shown if is_shown else None)
