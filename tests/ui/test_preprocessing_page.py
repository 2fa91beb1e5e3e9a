"""Page 2's views: what turns an answer, and what each layer makes of a face."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fer import emotions
from fer.inference.classification import Prediction
from fer.inference.feature_maps import FeatureMaps
from fer.studies.records import ROBUSTNESS
from fer.ui.preprocessing import layer_maps
from fer.ui.shared import loaders
from fer.ui.shared.text import _
from tests.support.pages import open_page, open_view, texts

PAGE = "2_Preprocessing.py"
MODELS = ("baseline", "proposed")


class Answers:
    """A classifier that is happy with bright faces; `proposed` is sad about dark ones."""

    asked = 0

    def predict(
        self, faces: Sequence[np.ndarray], keys: Sequence[str] = MODELS
    ) -> list[dict[str, Prediction]]:
        self.asked += len(faces)
        found = []
        for face in faces:
            tops = {"baseline": "happy", "proposed": "sad" if face.mean() < 60 else "happy"}
            sure = {m: 0.05 + 0.65 * np.eye(7)[emotions.LABEL_OF[tops[m]]] for m in keys}
            found.append({m: Prediction(m, shares) for m, shares in sure.items()})
        return found


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch, without_data: Path) -> Answers:
    known = Answers()
    monkeypatch.setattr(loaders, "classifier", lambda: known)
    # Answers of other tests' classifiers are no answers of this one.
    monkeypatch.setattr(loaders, "state", lambda: known)
    return known


def test_a_change_is_told_with_its_cost_taken_back_and_searched(answers: Answers) -> None:
    app = open_view(open_page(PAGE), "what_if")
    app.select_slider(key="what_if_rotation").set_value(-12.5).run()
    record = loaders.record(ROBUSTNESS)
    assert record is not None
    at_ten = record["corruptions"]["rotation"]["results"][0]["models"]
    falls = ", ".join(
        f"{m} {_.difference(row['accuracy'], record['clean'][m]['accuracy'])}"
        for m, row in at_ten.items()
    )
    assert f"- Rotation (°) −12.5; measured at 10.0: {falls} points" in texts(app)
    assert "turned; before" not in texts(app)
    app.select_slider(key="what_if_brightness").set_value(-110.0).run()
    assert "proposed: **sad** 70.0%" in texts(app)
    assert "turned; before: happy 70.0%" in texts(app)
    asked = answers.asked
    app.run()
    assert answers.asked == asked, "a rerun asks the networks again"
    app.button(key="what_if_reset").click().run()
    assert app.select_slider(key="what_if_brightness").value == 0
    assert "turned; before" not in texts(app)
    app.button(key="what_if_search").click().run()
    assert "baseline: none of these changes alone turns its answer." in texts(app)
    (found,) = re.findall(r"proposed: \*\*Brightness[^*]*\*\* −(\d+) turns happy", texts(app))
    asked = answers.asked
    app.button(key="what_if_show_proposed").click().run()
    assert app.select_slider(key="what_if_brightness").value == -float(found)
    assert "turned; before: happy" in texts(app)
    assert answers.asked - asked <= 1, "what was searched is searched again"


def test_a_layer_and_a_channel_are_shown_large(
    without_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_view(open_page(PAGE), "layers")
    # Layers are asked once for a face.
    monkeypatch.setattr(FeatureMaps, "of", None)

    def show(layer: str, channel: int | None) -> str:
        app.session_state[layer_maps.CHOSEN] = (layer, channel)
        app.run()
        assert not app.exception
        return texts(app)

    first = show("block1_conv1", None)
    assert "Block 1 · convolution 1 · 64 channels" in first
    assert "The network that answers has the same value there." in first
    (row,) = (box for box in app.number_input if str(box.key).endswith("_row"))
    row.set_value(1).run()
    assert not app.exception
    assert texts(app) != first
    # Beyond the upper edge lies nothing: the first of the kernel's nine places has no share.
    (table,) = app.table
    assert str(table.value.iloc[0, 1]).startswith(("0.0 ×", "−0.0 ×"))
    assert "(the other 61 channels)" in show("block1_conv2", 5)
    last = show("block5_conv3", 100)
    assert all(f"{model}: channel 100, mean" in last for model in MODELS)
    assert "kernel at work" not in last
    assert "Block 3 · pooling · 256 channels" in show("block3_pool", None)
