"""The map of the test images on page 3: its colours, one image, several, and what it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer import FerError, emotions
from fer.data.dataset import Split
from fer.studies.records import FEATURE_MAP, FeatureMap
from fer.ui.results import feature_map
from fer.ui.shared import loaders
from fer.ui.shared.text import Language, _
from tests.support.making import ROOT
from tests.support.pages import ShowStudy, assert_no_error, messages, open_results, texts, walk_alts

PAGE = "3_Classification_Results.py"


@pytest.fixture(scope="module")
def record() -> FeatureMap:
    return FEATURE_MAP.require(ROOT / "models")


def test_the_committed_map_is_small_and_says_how_far_it_can_be_trusted(record: FeatureMap) -> None:
    assert (ROOT / "models" / FEATURE_MAP.name).stat().st_size < 60_000
    assert record["images"] == 3589
    app = open_results("map")
    for found in record["models"].values():
        # Half of it would be a map that was drawn by lot.
        assert found["trustworthiness"] > 0.6
        assert f"Trustworthiness {_.number(found['trustworthiness'], 3)}" in texts(app)
    is_doubtful = any(m["trustworthiness"] < feature_map.TRUSTED for m in record["models"].values())
    assert ("Read it with care." in texts(app)) == is_doubtful


@pytest.mark.parametrize("language", ["en", "id"], indirect=True)
def test_every_colour_one_image_and_several(language: Language) -> None:
    app = open_results("map", language.upper())
    for colour in ("label", "answer", "crowd", "right"):
        app.segmented_control(key="map_colour").set_value(colour).run()
        assert_no_error(app)
        # Both maps, and the chosen image's votes and answers.
        assert len(app.get("plotly_chart")) == 4, colour
    app.number_input(key="map_image").set_value(7).run()
    part = loaders.predictions("proposed").of(Split.PRIVATE_TEST)
    assert str(part.sources[6]) in texts(app)
    assert len(app.metric) == 0
    app.slider(key="map_across").set_value((-100, 100)).run()
    app.slider(key="map_up").set_value((-100, 100)).run()
    app.button(key="map_rectangle").click().run()
    # All of them: the published accuracies.
    shown = [metric.value for metric in app.metric]
    stored = [m.metrics["splits"]["PrivateTest"]["accuracy"] for m in loaders.models().values()]
    assert shown == [_.percent(share) for share in stored]
    walk_alts(app, PAGE)
    app.button(key="map_clear").click().run()
    assert len(app.metric) == 0


def test_without_images_labels_answers_and_votes_are_told(without_data: Path) -> None:
    app = open_results("map")
    assert not app.exception
    assert "FER-2013's label: **" in texts(app)
    assert "proposed: **" in texts(app)
    assert any("What people saw" in node.proto.alt for node in app.get("plotly_chart"))
    assert len(app.get("imgs")) == 0


def test_each_point_is_drawn_once() -> None:
    images = feature_map.map_images()
    for colour in ("label", "answer", "crowd", "right"):
        drawn = feature_map.chart("proposed", images, colour)
        assert {trace.type for trace in drawn.data} == {"scattergl"}
        rows = np.concatenate([np.ravel(trace.customdata) for trace in drawn.data])
        assert sorted(rows.tolist()) == list(range(len(images.labels))), colour
    right = feature_map.chart("proposed", images, "right")
    assert len(right.data[0].x) == images.is_right("proposed").sum()


def test_a_rectangle_holds_what_lies_within_it() -> None:
    places = np.array([[-0.5, 0.5], [0.0, 0.0], [0.9, 0.9]])
    assert feature_map.within(places, [(-60, 10), (-10, 60)]) == [0, 1]


def test_a_table_has_every_image() -> None:
    table = feature_map.image_table(feature_map.map_images())
    assert len(table) == 3589
    assert set(table["True"]) == set(emotions.KEYS)
    assert "no majority" in set(table["People's majority"])


def test_a_map_of_other_weights_or_images_says_so(
    record: FeatureMap, show_study: ShowStudy
) -> None:
    weights = {**record["weights_sha256"], "proposed": "0" * 64}
    show_study(FEATURE_MAP, {**record, "weights_sha256": weights})
    app = open_results("map")
    assert "Made with other weights of proposed" in texts(app)
    show_study(FEATURE_MAP, {**record, "sources_sha256": "0" * 64})
    with pytest.raises(FerError, match="of other images"):
        feature_map.map_images()
    app = open_results("map")
    assert any("of other images" in message for message in messages(app))
