"""The game: which faces are drawn, how answers are scored, what the page keeps of a visit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer import emotions
from fer.crowd import game
from fer.crowd.game import Deck
from fer.data import dataset, importing, sample, votes
from fer.data.votes import CHOICES, Votes
from fer.ui.demo import play
from fer.ui.shared import loaders
from tests.support.making import ROOT, small_archive
from tests.support.pages import messages, open_home, open_mode

HAPPY, SAD, NEUTRAL = (emotions.LABEL_OF[key] for key in ("happy", "sad", "neutral"))


@pytest.fixture(scope="module")
def sampled() -> Deck:
    return game.of_sample(sample.open_sample(ROOT / "data" / "samples"))


def voted(data: dataset.Dataset, counts: np.ndarray) -> Votes:
    names = np.array([source.split("/")[-1] for source in data.sources.tolist()])
    return Votes(names, data.labels, counts)


def test_only_private_test_with_an_emotion_is_played(small_data: dataset.Dataset) -> None:
    counts = np.zeros((len(small_data), len(CHOICES)), np.uint8)
    counts[:, HAPPY] = 10
    no_face = small_data.rows(dataset.Split.PRIVATE_TEST)[:5]
    counts[no_face] = 0
    counts[no_face, -1] = 10
    deck = game.of_private_test(small_data, voted(small_data, counts))
    assert deck is not None
    assert len(deck) == 23
    assert all("PrivateTest" in name for name in deck.names)
    assert not set(deck.rows) & set(no_face)
    assert np.array_equal(deck.face(3), small_data.images[deck.rows[3]])


def test_scores_by_label_by_people_and_by_voters() -> None:
    counts = np.zeros((3, len(CHOICES)), np.uint8)
    counts[0, HAPPY] = 10
    counts[1, [SAD, NEUTRAL]] = 5
    counts[2, [SAD, NEUTRAL]] = 2, 8
    labels, names = np.array([HAPPY, SAD, SAD]), np.array(list("abc"))
    deck = Deck(np.zeros((3, 48, 48), np.uint8), np.arange(3), labels, names, counts, "", True)
    answers = {"you": [HAPPY, NEUTRAL, NEUTRAL], "proposed": [SAD] * 3}
    scores = game.scores(deck, (0, 1, 2), answers)
    assert {player: (score.by_label, score.by_people) for player, score in scores.items()} == {
        "you": (1, 2.5),
        "proposed": (2, 0.5),
        game.PEOPLE: (1.5, 3),
        game.LABEL: (3, 1.5),
    }
    assert list(scores) == ["you", "proposed", game.PEOPLE, game.LABEL]
    assert scores["you"].voters == pytest.approx((1 + 0.5 + 0.8) / 3)
    line = game.rows(deck, 7, (2, 0), {"you": [NEUTRAL, HAPPY]})[0]
    expected = {"game": 7, "image": "c", "label": "sad", "people": "neutral", "you": "neutral"}
    assert line | expected == line


@pytest.fixture(scope="module", autouse=True)
def loaded() -> Iterator[None]:
    yield
    # The thread that loads the models must not be compiling them when the process ends.
    loaders.classifier()


def play_through(app: AppTest, labels: list[int]) -> AppTest:
    for at, label in enumerate(labels):
        assert [node.proto.text for node in app.get("progress")] == [f"Face {at + 1} of 10"]
        app.button(key=f"play_{emotions.KEYS[label]}_{at}").click().run()
        assert not app.exception
    return app


def begin(number: int, *, at_end: bool = True) -> AppTest:
    app = open_mode("play")
    app.number_input(key="game").set_value(number)
    app.toggle(key=play.AT_END).set_value(at_end)
    return app.button(key="play_start").click().run()


def test_after_each_face_others_answers_are_shown(elsewhere: Path, sampled: Deck) -> None:
    app = begin(42, at_end=False)
    for at, place in enumerate(game.draw(sampled, 42)):
        # A second press answers and passes over no face.
        button = app.button(key=f"play_happy_{at}")
        button.click().run()
        button.click().run()
        assert not app.exception
        (line,) = (str(text.value) for text in app.markdown if "You: **" in str(text.value))
        assert f"Label: **{emotions.KEYS[sampled.labels[place]]}**" in line
        assert all(f"{key}: **" in line for key in loaders.models())
        button = app.button(key=f"play_next_{at}")
        button.click().run()
        button.click().run()
    assert app.session_state[play.STATE].answers == (HAPPY,) * 10
    assert app.metric[0].label == "You"


def test_a_game_of_the_sample_from_start_to_scores(elsewhere: Path, sampled: Deck) -> None:
    places = game.draw(sampled, 42)
    assert len(set(places)) == game.FACES
    given = [int(sampled.labels[place]) for place in places]
    app = play_through(begin(42), given)
    assert messages(app) == []
    assert app.metric[0].label == "You"
    assert any("10 / 10 by the label" in str(caption.value) for caption in app.caption)
    assert [metric.label for metric in app.metric][1:3] == ["baseline", "proposed"]
    kept = app.session_state[play.VISIT]
    assert [line["image"] for line in kept] == [str(sampled.names[place]) for place in places]
    assert all(line["you"] == line["label"] for line in kept)
    # A rerun does not keep the game twice; another game is kept beside it.
    app.pills(key="play_face").set_value(3).run()
    assert len(app.session_state[play.VISIT]) == 10
    app.button(key="play_again").click().run()
    assert app.number_input(key="game").value == app.session_state[play.DRAWN]
    app.number_input(key="game").set_value(43)
    play_through(app.button(key="play_start").click().run(), [HAPPY] * 10)
    assert [line["game"] for line in app.session_state[play.VISIT]] == [42] * 10 + [43] * 10


def test_an_imported_data_set_is_played(elsewhere: Path) -> None:
    importing.import_dataset(small_archive(elsewhere / "archive.zip"), elsewhere / dataset.FOLDER)
    data = dataset.open_dataset(elsewhere / dataset.FOLDER)
    counts = np.zeros((len(data), len(CHOICES)), np.uint8)
    counts[np.arange(len(data)), data.labels] = 10
    votes.write(voted(data, counts), loaders.DATA)
    app = play_through(begin(3), [HAPPY] * 10)
    images = [str(line["image"]) for line in app.session_state[play.VISIT]]
    assert len(set(images)) == 10
    assert all("PrivateTest" in image for image in images)


def test_the_address_of_a_game_is_the_same_in_both_languages(elsewhere: Path) -> None:
    app = open_home("ID")
    app.query_params["mode"] = "play"
    app.query_params["game"] = "77"
    app.switch_page("pages/5_Realtime_Demo.py").run()
    assert not app.exception
    assert app.segmented_control(key="mode").value == "play"
    app.segmented_control(key="mode").set_value("batch").run()
    assert app.query_params["mode"] in ("batch", ["batch"])
