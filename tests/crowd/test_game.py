"""The game: which faces are drawn, how answers are scored, what the page keeps of a visit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

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
from tests.support.asking import ON, ask, elements
from tests.support.making import ROOT, small_archive
from tests.support.pages import messages, open_home, open_mode
from tests.support.serving import running

HAPPY, SAD, NEUTRAL = (emotions.LABEL_OF[key] for key in ("happy", "sad", "neutral"))


@pytest.fixture(scope="module")
def sampled() -> Deck:
    return game.of_sample(sample.open_sample(ROOT / "data" / "samples"))


def voted(data: dataset.Dataset, counts: np.ndarray) -> Votes:
    names = np.array([source.split("/")[-1] for source in data.sources.tolist()])
    return Votes(names, data.labels, counts)


def test_the_number_alone_decides_the_faces(sampled: Deck) -> None:
    places = game.draw(sampled, 42)
    assert game.draw(sampled, 42) == places != game.draw(sampled, 43)
    assert len(set(places)) == game.FACES
    assert max(places) < len(sampled)


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
    assert not deck.is_training
    known = voted(small_data, counts)
    strangers = replace(known, names=np.char.add("x", known.names))
    assert game.of_private_test(small_data, strangers) is None, "no image has votes"


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
    lines = game.rows(deck, 7, (2, 0), {"you": [NEUTRAL, HAPPY]})
    assert [line["image"] for line in lines] == ["c", "a"]
    assert lines[0] | {"label": "sad", "people": "neutral", "you": "neutral"} == lines[0]
    assert (lines[0]["game"], lines[0]["votes_neutral"]) == (7, 8)


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
        app.button(key=f"play_happy_{at}").click().run()
        assert not app.exception
        assert [node.proto.text for node in app.get("progress")] == [f"Face {at + 1} of 10"]
        (line,) = (str(text.value) for text in app.markdown if "You: **" in str(text.value))
        assert f"Label: **{emotions.KEYS[sampled.labels[place]]}**" in line
        assert all(f"{key}: **" in line for key in loaders.models())
        button = app.button(key=f"play_next_{at}")
        assert button.label == ("To the scores" if at == 9 else "Next face")
        # A second press passes over no face.
        button.click().run()
        button.click().run()
    assert app.session_state[play.STATE].is_over
    assert app.metric[0].label == "You"


def test_a_game_of_the_sample_from_start_to_scores(elsewhere: Path, sampled: Deck) -> None:
    places = game.draw(sampled, 42)
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
    assert not app.exception
    assert len(app.session_state[play.VISIT]) == 10
    assert len(app.get("plotly_chart")) >= 2
    app.button(key="play_again").click().run()
    assert app.number_input(key="game").value == app.session_state[play.DRAWN]
    app.number_input(key="game").set_value(43)
    play_through(app.button(key="play_start").click().run(), [HAPPY] * 10)
    assert [line["game"] for line in app.session_state[play.VISIT]] == [42] * 10 + [43] * 10


def test_a_press_that_comes_twice_answers_one_face(elsewhere: Path) -> None:
    app = begin(5)
    button = app.button(key="play_sad_0")
    for _press in range(2):
        button.click()
        app.run()
    assert app.session_state[play.STATE].answers == (SAD,)


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


def test_stored_predictions_answer_where_the_data_is_theirs(
    monkeypatch: pytest.MonkeyPatch, sampled: Deck
) -> None:
    part = loaders.predictions("proposed").of(dataset.Split.PRIVATE_TEST)
    shared = {model.metrics["data_sha256"] for model in loaders.models().values() if model.metrics}
    assert len(shared) == 1
    deck = replace(
        sampled, names=part.sources[: len(sampled)], name=shared.pop(), is_training=False
    )

    def never() -> Any:
        raise AssertionError("a network was asked for what is stored")

    monkeypatch.setattr(loaders, "classifier", never)

    class Imported:
        digest = deck.name

    monkeypatch.setattr(loaders, "data", Imported)
    fifth, first = (answer["proposed"] for answer in play.answers(deck, (4, 0)))
    assert np.array_equal(fifth.probabilities, part.probabilities[4])
    assert np.array_equal(first.probabilities, part.probabilities[0])
    Imported.digest = "another"
    with pytest.raises(AssertionError, match="what is stored"):
        play.answers(deck, (4, 0))


@pytest.mark.parametrize("language", ["EN", "ID"])
def test_the_address_of_a_game_is_the_same_in_both_languages(
    language: str, elsewhere: Path
) -> None:
    app = open_home(language)
    app.query_params["mode"] = "play"
    app.query_params["game"] = "77"
    app.switch_page("pages/5_Realtime_Demo.py").run()
    assert not app.exception
    assert app.segmented_control(key="mode").value == "play"
    app.segmented_control(key="mode").set_value("batch").run()
    assert app.query_params["mode"] in ("batch", ["batch"])


CLASS = 3


@pytest.mark.parametrize("number", [None, 42], ids=["each their own", "one for all"])
def test_a_class_plays_at_once(number: int | None, tmp_path: Path) -> None:
    """Several visitors play their games in parallel, and each sees their own answers."""

    def visit(pupil: int) -> None:
        chosen = number or 1000 + pupil
        session = ask(server, page="Realtime_Demo", query_params={"lang": ["EN"]})["session_id"]
        ask(server, session_id=session, widget_state={"mode": "Play"})
        ask(server, session_id=session, widget_state={"game": chosen})
        ask(server, session_id=session, widget_state={play.AT_END: True})
        ask(server, session_id=session, trigger={"key": "play_start"})
        given = [emotions.KEYS[(pupil + at) % 7] for at in range(game.FACES)]
        for at, emotion in enumerate(given):
            page = ask(server, session_id=session, trigger={"key": f"play_{emotion}_{at}"})
        texts = "\n".join(str(e.get("props", {}).get("body")) for e in elements(page["tree"]))
        assert f"Face by face, game {chosen}" in texts
        assert re.findall(r"You: \*\*(\w+)\*\*", texts) == given

    with running(tmp_path, **ON) as server, ThreadPoolExecutor(CLASS) as pool:
        assert list(pool.map(visit, range(CLASS))) == [None] * CLASS
