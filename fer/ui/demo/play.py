"""Page 5's mode "Play": ten faces, and after each of them, or after all, the answers of both
models, FER-2013's label and ten people."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from fer import emotions
from fer.crowd import game
from fer.crowd.game import Deck
from fer.data import sample
from fer.data.dataset import Dataset, Split
from fer.inference.classification import Prediction
from fer.ui.faces import announcer, explanations, named_faces, vote_bars
from fer.ui.faces.answers import confidences
from fer.ui.shared import address, charts, loaders, presentation, widgets
from fer.ui.shared.text import _

# Session state: the game that is played, the rows of finished games, the last one of these, and the
# face whose answers are explained.
STATE, VISIT, KEPT, CHOSEN = "play_game", "play_visit", "play_kept", "play_face"
AT_END = "play_at_end"
# The number that the visitor sees, and the one that was drawn for them.
NUMBER, DRAWN = "game", "play_drawn"
YOU = "you"
FACE_WIDTH = 240

# A class (0-6) for each face, by player.
Answers = dict[str, list[int]]


@dataclass(frozen=True)
class _Game:
    """A begun game: its number, the name of the deck it draws from, the faces' places in it, the
    answers so far (0-6), and to how many of these the visitor has seen the others' answers."""

    number: int
    deck: str
    places: tuple[int, ...]
    is_shown_at_end: bool
    answers: tuple[int, ...] = ()
    seen: int = 0

    @property
    def is_revealing(self) -> bool:
        return not self.is_shown_at_end and self.seen < len(self.answers)

    @property
    def is_over(self) -> bool:
        return len(self.answers) == len(self.places) and not self.is_revealing


def draw_game() -> None:
    """Draw the game from its first face to its scores.

    Raises:
        FerError: if votes, data set or sample are damaged, or no network answers.
    """
    data = loaders.data()
    deck = None
    if data is not None:
        deck = _private_test_deck(data.digest, loaders.votes().digest, data)
    if deck is None:
        deck = _sample_deck()
    begun: _Game | None = st.session_state.get(STATE)
    # Somebody may have imported FER-2013 meanwhile.
    if begun is None or begun.deck != deck.name:
        _draw_start(deck)
    elif begun.is_over:
        _draw_scores(deck, begun)
    else:
        _draw_face(deck, begun)


@st.cache_resource(show_spinner=False, max_entries=2)
def _private_test_deck(digest: str, votes_digest: str, _data: Dataset) -> Deck | None:
    return game.of_private_test(_data, loaders.votes())


@loaders.follows
def _sample_deck() -> Deck:
    return game.of_sample(sample.open_sample(loaders.DATA / sample.FOLDER.name))


def _draw_start(deck: Deck) -> None:
    st.write(
        _(
            "Ten faces, and for each you choose one of seven expressions. Then you see what both "
            "models answered, what FER-2013's label says, and what ten other people saw."
        )
    )
    if deck.is_training:
        st.caption(
            _(
                "FER-2013 is not imported here, so the faces come from the sample: Training "
                "images, which both models have learnt from."
            )
        )
    drawn = st.session_state.setdefault(DRAWN, random.randint(1, game.MOST_GAMES))
    label = _("Game number: the same number gives everybody the same faces")
    address.number(label, game.MOST_GAMES, NUMBER, first=drawn, width=260)
    # For the visit's next game, too.
    st.toggle(_("Show all answers at the end"), key=AT_END, persist_state="session")

    def begin() -> None:
        number = int(st.session_state[NUMBER])
        places = game.draw(deck, number)
        st.session_state[STATE] = _Game(number, deck.name, places, st.session_state[AT_END])

    st.button(
        _("Start"),
        icon=":material/play_arrow:",
        key="play_start",
        on_click=widgets.catch_errors(begin),
    )


def _draw_face(deck: Deck, begun: _Game) -> None:
    index, count = begun.seen if begun.is_revealing else len(begun.answers), len(begun.places)

    def go_on(next_state: _Game) -> None:
        # A second press on the way to the server must neither answer nor pass over the next face.
        if st.session_state[STATE] == begun:
            st.session_state[STATE] = next_state

    picture, side = st.columns([1, 1] if presentation.is_on() else [1, 2])
    with picture.container(key="stage_face"):
        st.image(
            vote_bars.png(deck.face(begun.places[index])),
            width=FACE_WIDTH,
            alt=_("Face {n}: which expression is it?", n=index + 1),
        )
    if begun.is_revealing:
        with side.container(key="stage_side"):
            predictions = answers(deck, begun.places)[index]
            given = {YOU: [begun.answers[index]]}
            for key, prediction in predictions.items():
                given[key] = [int(prediction.probabilities.argmax())]
            st.markdown(_answers_in_words(deck, begun.places[index], 0, given))
        with st.container(key="stage_buttons"):
            st.button(
                _("To the scores") if index + 1 == count else _("Next face"),
                key=f"play_next_{index}",
                shortcut="Enter",
                width="stretch",
                on_click=go_on,
                args=(replace(begun, seen=index + 1),),
            )
    else:
        with (
            st.container(key="stage_buttons"),
            st.grid(emotions.COUNT, min_column_width=116, gap="xsmall"),
        ):
            for emotion in emotions.EMOTIONS:
                st.button(
                    _(emotion.key),
                    key=f"play_{emotion.key}_{index}",
                    shortcut=str(emotion.label + 1),
                    width="stretch",
                    on_click=go_on,
                    args=(replace(begun, answers=(*begun.answers, emotion.label)),),
                )
        question = _("Which expression do you see? Press a button, or a key from 1 to 7.")
        if presentation.is_on():
            side.container(key="stage_side").markdown(question)
        else:
            st.caption(question)
    # Not above the face, whose full-screen button would lie over the bar.
    with st.container(key="stage_note"):
        st.progress(index / count, _("Face {n} of {all}", n=index + 1, all=count))


def _draw_scores(deck: Deck, begun: _Game) -> None:
    with st.spinner(_("Asking both models…")):
        predictions = answers(deck, begun.places)
    given: Answers = {YOU: list(begun.answers)}
    for key in loaders.models():
        given[key] = [int(by_model[key].probabilities.argmax()) for by_model in predictions]
    visit: list[dict[str, str | int]] = st.session_state.setdefault(VISIT, [])
    # A rerun does not keep the same game twice.
    if st.session_state.get(KEPT) is not begun:
        visit.extend(game.rows(deck, begun.number, begun.places, given))
        st.session_state[KEPT] = begun

    def out_of_all(value: float) -> str:
        # Words between them would be cut off on a phone.
        return f"{_.number(value, 0 if value == int(value) else 1)} / {len(begun.places)}"

    scores = game.scores(deck, begun.places, given)
    metrics: dict[str, tuple[str, str | None]] = {}
    for player, score in scores.items():
        by_label, by_people = out_of_all(score.by_label), out_of_all(score.by_people)
        if player == game.PEOPLE:
            metrics[_("Most people")] = (by_label, _("by the label"))
        elif player == game.LABEL:
            metrics[_("FER-2013's label")] = (by_people, _("as most people"))
        else:
            name = _("You") if player == YOU else player
            metrics[name] = (by_people, _("as most people; {n} by the label", n=by_label))
    widgets.metrics(metrics, "play_scores")
    verdict = _verdict(scores[YOU])
    st.write(verdict)
    announcer.announce(verdict, "play_over")

    def play_again() -> None:
        st.session_state.pop(STATE)
        st.session_state.pop(CHOSEN, None)
        # The address may still ask for the last game's number.
        st.session_state[DRAWN] = st.session_state[NUMBER] = random.randint(1, game.MOST_GAMES)

    with st.container(horizontal=True):
        st.button(_("Play again"), icon=":material/replay:", key="play_again", on_click=play_again)
        widgets.download(pd.DataFrame(visit), "fer2013_game")
    st.subheader(_("Face by face, game {n}", n=begun.number))
    with st.grid("auto", min_column_width=168, gap="small"):
        for index, place in enumerate(begun.places):
            with st.container(border=True):
                name = _("Face {n}", n=index + 1)
                vote_bars.image(deck.face(place), deck.counts[place], name, name)
                st.markdown(_answers_in_words(deck, place, index, given))
    _draw_explanation(deck, begun, predictions)


def answers(deck: Deck, places: tuple[int, ...]) -> list[dict[str, Prediction]]:
    """Return each model's answer for some faces of a deck: as stored by `fer evaluate` for the
    imported data set, else computed now.

    Raises:
        FerError: if no network answers.
    """
    models, data = loaders.models(), loaders.data()
    is_stored = not deck.is_training and all(
        model.metrics is not None
        and data is not None
        and model.metrics["data_sha256"] == data.digest
        for model in models.values()
    )
    if is_stored:
        stored = [named_faces.answers(str(deck.names[place])) for place in places]
        if all(by_model.keys() == models.keys() for by_model in stored):
            return stored
    faces = np.stack([deck.face(place) for place in places])
    return _computed(faces, tuple(model.digest for model in models.values()))


# A class that plays the same faces asks for them once.
@st.cache_data(show_spinner=False, max_entries=256)
def _computed(faces: NDArray[np.uint8], weights: tuple[str, ...]) -> list[dict[str, Prediction]]:
    return loaders.classifier().predict(list(faces))


def _verdict(yours: game.Score) -> str:
    """Return the visitor's agreement with the voters in words, beside that of labels and models on
    PrivateTest's images with a majority."""
    sentence = _(
        "Of ten voters, {n} would agree with you on average.", n=_.number(10 * yours.voters, 1)
    )
    private = loaders.crowd(Split.PRIVATE_TEST)
    if private is None:
        return sentence
    return f"{sentence} " + _(
        "On the {n} PrivateTest images where at least five of ten people agree, one person "
        "agrees with the nine others on {human}, FER-2013's label with the majority on {label}, "
        "{models}.",
        n=_.number(private["images_with_majority"]),
        human=_.percent(private["human"]["others"]["share"], 0),
        label=_.percent(private["fer2013_label"]["majority"]["share"], 0),
        models=", ".join(
            _("`{model}` on {share}", model=key, share=_.percent(m["majority"]["share"], 0))
            for key, m in private["models"].items()
        ),
    )


def _answers_in_words(deck: Deck, place: int, index: int, given: Answers) -> str:
    """Return everybody's answer for a face, of each player's the one at `index`, as Markdown, a
    line each, marked where most people gave it, too."""
    counts = deck.counts[place]
    most_frequent = game.most_frequent(counts)

    def in_words(label: int) -> str:
        mark = " ✓" if emotions.KEYS[label] in most_frequent else ""
        return f"**{_(emotions.KEYS[label])}**{mark}"

    lines = [
        f"{_('You') if key == YOU else f'{charts.swatch(key)} {key}'}: {in_words(labels[index])}"
        for key, labels in given.items()
    ]
    lines.append(f"{_('Label')}: {in_words(int(deck.labels[place]))}")
    lines.append(f"{_('Voters')}: {vote_bars.words(counts)}")
    return "  \n".join(lines)


def _draw_explanation(deck: Deck, begun: _Game, predictions: list[dict[str, Prediction]]) -> None:
    st.caption(
        _(
            "✓: as most people see it. Where their answers tie, each counts its share. The squares "
            "are the votes of ten people (FER+, Barsoum et al. 2016)."
        )
    )
    st.subheader(_("Why did the models answer that?"))
    indices = list(range(len(begun.places)))
    chosen = st.pills(_("Face"), indices, format_func=lambda index: str(index + 1), key=CHOSEN)
    if chosen is None:
        return
    face, counts = deck.face(begun.places[chosen]), deck.counts[begun.places[chosen]]
    picture, side = st.columns([1, 2])
    with picture:
        vote_bars.image(face, counts, None, _("Face {n}", n=chosen + 1))
        vote_bars.chart(counts, "play_votes")
    with side:
        confidences(predictions[chosen], "play")
    explanations.show_grad_cam(face, predictions[chosen], "play")
