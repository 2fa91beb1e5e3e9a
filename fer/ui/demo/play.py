"""Page 5's mode "Play": ten faces, and after each of them, or after all, what both models, the
label and ten people say."""

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
from fer.ui import (
    address,
    announcer,
    charts,
    explanations,
    loaders,
    presentation,
    vote_bars,
    widgets,
)
from fer.ui.answers import confidences
from fer.ui.text import _

STATE, VISIT, CHOSEN = "play_game", "play_visit", "play_face"
AT_END = "play_at_end"
# The number that the visitor sees, and the one that was drawn for them.
NUMBER, DRAWN = "game", "play_drawn"
YOU = "you"
FACE_WIDTH = 240


@dataclass(frozen=True)
class _Game:
    """A begun game: its number, the deck it draws from, the faces' places in it, the answers so
    far (0-6), and of how many of these the visitor has seen what others say; where all is shown
    at the end, that counts as seen."""

    number: int
    deck: str
    places: tuple[int, ...]
    is_shown_at_end: bool = False
    answers: tuple[int, ...] = ()
    seen: int = 0

    @property
    def is_revealing(self) -> bool:
        return not self.is_shown_at_end and self.seen < len(self.answers)

    @property
    def is_over(self) -> bool:
        return len(self.answers) == len(self.places) and not self.is_revealing


def show() -> None:
    """The game from its first face to its scores.

    Raises:
        FerError: if votes, data set or sample are damaged, or no network answers.
    """
    found = deck()
    begun: _Game | None = st.session_state.get(STATE)
    # Somebody may have imported FER-2013 meanwhile.
    if begun is None or begun.deck != found.name:
        _start(found)
    elif begun.is_over:
        _finish(found, begun)
    else:
        _show_face(found, begun)


def deck() -> Deck:
    """PrivateTest where FER-2013 is imported, else the committed sample."""
    data = loaders.data()
    found = None if data is None else _of_private_test(data.digest, loaders.votes().digest, data)
    return found or _of_sample()


@st.cache_resource(show_spinner=False, max_entries=2)
def _of_private_test(digest: str, of_votes: str, _data: Dataset) -> Deck | None:
    return game.of_private_test(_data, loaders.votes())


@loaders.follows
def _of_sample() -> Deck:
    return game.of_sample(sample.open_sample(loaders.DATA / sample.FOLDER.name))


def _start(found: Deck) -> None:
    st.write(
        _(
            "Ten faces, and for each you choose one of seven expressions. Then you see what both "
            "models answered, what FER-2013's label says, and what ten other people saw."
        )
    )
    if found.is_training:
        st.caption(
            _(
                "FER-2013 is not imported here, so the faces come from the sample: Training "
                "images, which both models have learnt from."
            )
        )
    drawn = st.session_state.setdefault(DRAWN, random.randint(1, game.MOST_GAMES))
    address.number(
        _("Game number: the same number gives everybody the same faces"),
        game.MOST_GAMES,
        NUMBER,
        first=drawn,
        width=260,
    )

    # For the visit's next game, too.
    st.toggle(_("Show all answers at the end"), key=AT_END, persist_state="session")

    def begin() -> None:
        number = int(st.session_state[NUMBER])
        places = game.draw(found, number)
        st.session_state[STATE] = _Game(number, found.name, places, st.session_state[AT_END])

    st.button(
        _("Start"),
        icon=":material/play_arrow:",
        key="play_start",
        on_click=widgets.catch_errors(begin),
    )


def _show_face(found: Deck, begun: _Game) -> None:
    """A face with the seven answers to choose from, or with what others say of it."""
    at = begun.seen if begun.is_revealing else len(begun.answers)
    picture, side = st.columns([1, 1] if presentation.is_on() else [1, 2])
    with picture.container(key="stage_face"):
        st.image(
            vote_bars.png(found.face(begun.places[at])),
            width=FACE_WIDTH,
            alt=_("Face {n}: which expression is it?", n=at + 1),
        )
    if begun.is_revealing:
        with side.container(key="stage_side"):
            _reveal(found, begun, at)
        with st.container(key="stage_buttons"):
            _go_on(at, len(begun.places))
    else:
        with (
            st.container(key="stage_buttons"),
            st.grid(emotions.COUNT, min_column_width=116, gap="xsmall"),
        ):
            _ask(begun, at)
        question = _("Which expression do you see? Press a button, or a key from 1 to 7.")
        if presentation.is_on():
            side.container(key="stage_side").markdown(question)
        else:
            st.caption(question)
    # Not above the face, whose full-screen button would lie over the bar.
    with st.container(key="stage_note"):
        st.progress(at / len(begun.places), _("Face {n} of {all}", n=at + 1, all=len(begun.places)))


def _ask(begun: _Game, at: int) -> None:
    """The seven answers."""

    def answer(label: int) -> None:
        # A second press on the way to the server must not answer the next face.
        if len(st.session_state[STATE].answers) == at:
            st.session_state[STATE] = replace(begun, answers=(*begun.answers, label))

    for emotion in emotions.EMOTIONS:
        st.button(
            _(emotion.key),
            key=f"play_{emotion.key}_{at}",
            shortcut=str(emotion.label + 1),
            width="stretch",
            on_click=answer,
            args=(emotion.label,),
        )


def _reveal(found: Deck, begun: _Game, at: int) -> None:
    """What the visitor, both models, the label and ten people say of a face."""
    place = begun.places[at]
    predictions = answers(found, begun.places)[at]
    given = {key: [int(p.probabilities.argmax())] for key, p in predictions.items()}
    lines = _told(found, place, 0, {YOU: [begun.answers[at]], **given})
    st.markdown("  \n".join(lines))


def _go_on(at: int, faces: int) -> None:
    """The button to the next face, or to the scores."""

    def go_on() -> None:
        begun: _Game = st.session_state[STATE]
        # A second press on the way to the server must not pass over the next face.
        if begun.seen == at:
            st.session_state[STATE] = replace(begun, seen=at + 1)

    st.button(
        _("To the scores") if at + 1 == faces else _("Next face"),
        key=f"play_next_{at}",
        shortcut="Enter",
        width="stretch",
        on_click=go_on,
    )


def _finish(found: Deck, begun: _Game) -> None:
    with st.spinner(_("Asking both models…")):
        predictions = answers(found, begun.places)
    given: dict[str, list[int]] = {YOU: list(begun.answers)}
    for key in loaders.models():
        given[key] = [int(by_model[key].probabilities.argmax()) for by_model in predictions]
    _remember(found, begun, given)
    total = game.scores(found, begun.places, given)
    widgets.metrics(_metrics(total, len(begun.places)), "play_scores")
    verdict = _verdict(total)
    st.write(verdict)
    announcer.announce(verdict, "play_over")
    with st.container(horizontal=True):
        st.button(
            _("Play again"),
            icon=":material/replay:",
            key="play_again",
            on_click=_again,
        )
        # The file is made later, where the session is out of reach.
        visit = list(st.session_state[VISIT])
        widgets.download(pd.DataFrame(visit), "fer2013_game")
    st.subheader(_("Face by face, game {n}", n=begun.number))
    with st.grid("auto", min_column_width=168, gap="small"):
        for at, place in enumerate(begun.places):
            with st.container(border=True):
                _card(found, place, at, given)
    _explain(found, begun, predictions)


def _again() -> None:
    st.session_state.pop(STATE)
    st.session_state.pop(CHOSEN, None)
    st.session_state[DRAWN] = random.randint(1, game.MOST_GAMES)
    # The address may still ask for the last game's.
    st.session_state[NUMBER] = st.session_state[DRAWN]


def _remember(found: Deck, begun: _Game, given: dict[str, list[int]]) -> None:
    """Keeps the finished game for the visit's CSV file; the same game only once."""
    lines = game.rows(found, begun.number, begun.places, given)
    visit: list[dict[str, str | int]] = st.session_state.setdefault(VISIT, [])
    if st.session_state.get("play_kept") is not begun:
        visit.extend(lines)
        st.session_state["play_kept"] = begun


def answers(found: Deck, places: tuple[int, ...]) -> list[dict[str, Prediction]]:
    """Each model's answer for some faces of a deck: as stored by `fer evaluate` for the imported
    data set, else computed now.

    Raises:
        FerError: if no network answers.
    """
    stored = _stored(found, places)
    if stored is not None:
        return stored
    faces = np.stack([found.face(place) for place in places])
    return _computed(faces, tuple(model.digest for model in loaders.models().values()))


# A class that plays the same faces asks for them once.
@st.cache_data(show_spinner=False, max_entries=256)
def _computed(faces: NDArray[np.uint8], weights: tuple[str, ...]) -> list[dict[str, Prediction]]:
    return loaders.classifier().predict(list(faces))


def _stored(found: Deck, places: tuple[int, ...]) -> list[dict[str, Prediction]] | None:
    data = loaders.data()
    if found.is_training or data is None:
        return None
    sources = [str(found.names[place]) for place in places]
    for model in loaders.models().values():
        if model.metrics is None or model.metrics["data_sha256"] != data.digest:
            return None
        if any(source not in loaders.predictions(model.key).row_of for source in sources):
            return None
    stored = {key: loaders.predictions(key) for key in loaders.models()}
    return [
        {key: Prediction(key, of.probabilities[of.row_of[source]]) for key, of in stored.items()}
        for source in sources
    ]


def _metrics(total: dict[str, game.Score], faces: int) -> dict[str, tuple[str, str | None]]:
    def of(value: float) -> str:
        # Words between them would be cut off on a phone.
        return f"{_.number(value, 0 if value == int(value) else 1)} / {faces}"

    called = {YOU: _("You"), game.PEOPLE: _("Most people"), game.LABEL: _("FER-2013's label")}
    row: dict[str, tuple[str, str | None]] = {}
    for player, score in total.items():
        if player == game.PEOPLE:
            row[called[player]] = (of(score.by_label), _("by the label"))
        elif player == game.LABEL:
            row[called[player]] = (of(score.by_people), _("as most people"))
        else:
            name = called.get(player, player)
            row[name] = (
                of(score.by_people),
                _("as most people; {n} by the label", n=of(score.by_label)),
            )
    return row


def _verdict(total: dict[str, game.Score]) -> str:
    """The game's figure in words, beside those of PrivateTest's images with a majority."""
    sentence = _(
        "Of ten voters, {n} would agree with you on average.",
        n=_.number(10 * total[YOU].voters, 1),
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


def _card(found: Deck, place: int, at: int, given: dict[str, list[int]]) -> None:
    name = _("Face {n}", n=at + 1)
    vote_bars.image(found.face(place), found.counts[place], name, name)

    st.markdown("  \n".join(_told(found, place, at, given)))


def _told(found: Deck, place: int, at: int, given: dict[str, list[int]]) -> list[str]:
    """What everybody says of a face, a line each; marked where most people say so, too.

    Args:
        at: which of each player's answers is the face's.
    """
    counts, label = found.counts[place], int(found.labels[place])
    top = game.most_frequent(counts)

    def told(answer: int) -> str:
        mark = " ✓" if emotions.KEYS[answer] in top else ""
        return f"**{_(emotions.KEYS[answer])}**{mark}"

    return [
        f"{_('You')}: {told(given[YOU][at])}",
        *(
            f"{charts.swatch(key)} {key}: {told(answers[at])}"
            for key, answers in given.items()
            if key != YOU
        ),
        f"{_('Label')}: {told(label)}",
        f"{_('Voters')}: {vote_bars.words(counts)}",
    ]


def _explain(found: Deck, begun: _Game, predictions: list[dict[str, Prediction]]) -> None:
    """Confidences and Grad-CAM of one of the faces, on request."""
    st.caption(
        _(
            "✓: as most people see it. Where their answers tie, each counts its share. The squares "
            "are the votes of ten people (FER+, Barsoum et al. 2016)."
        )
    )
    st.subheader(_("Why did the models answer that?"))
    chosen = st.pills(
        _("Face"),
        list(range(len(begun.places))),
        format_func=lambda at: str(at + 1),
        key=CHOSEN,
    )
    if chosen is None:
        return
    face, counts = found.face(begun.places[chosen]), found.counts[begun.places[chosen]]
    picture, side = st.columns([1, 2])
    with picture:
        vote_bars.image(face, counts, None, _("Face {n}", n=chosen + 1))
        vote_bars.chart(counts, "play_votes")
    with side:
        confidences(predictions[chosen], "play")
    explanations.show_grad_cam(face, predictions[chosen], "play")
