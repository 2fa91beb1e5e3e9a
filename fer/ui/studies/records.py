"""A study's record on a page, and the command, commit, data and weights it was made with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

from fer.artifacts.records import MadeWith
from fer.artifacts.stored import Stored
from fer.data import dataset
from fer.ui.shared import loaders, widgets
from fer.ui.shared.text import _

T = TypeVar("T")


def record(study: Stored[T]) -> T | None:
    """Return a study's record; without one, draw a sentence that says so."""
    record = loaders.record(study)
    if record is None:
        missing()
    return record


def missing() -> None:
    """Say that a figure was not made here, and where those who run the server read how to."""
    st.caption(_("Not computed here yet: see the README."))


def made_with(record: MadeWith, command: str) -> None:
    """Note a record's command, commit, seed and data among the page's sources; warn if it is of
    other images or weights."""
    widgets.note_source(
        _(
            "Made with `{command}` at commit {commit}, seed {seed}, data {data}.",
            command=command,
            commit=record["commit"][:12],
            seed=record["seed"],
            data=record["data_sha256"][:12],
        )
    )
    if not dataset.is_official(record["data_sha256"]):
        st.caption(_("Made of other images than FER-2013's, so it is not FER-2013's result."))
    warn_of_other_weights(record["weights_sha256"])


def warn_of_other_weights(digests: Mapping[str, str]) -> None:
    """Draw a warning where a record was made with other weights than the models have here."""
    warning = of_other_weights(digests)
    if warning:
        st.warning(warning)


def of_other_weights(digests: Mapping[str, str]) -> str:
    """Return of which models' weights a record was made that are not here; empty if of none.

    Args:
        digests: the SHA-256 of the weights that it was made with, by model key.
    """
    here = {key: model.digest for key, model in loaders.models().items()}
    stale = [key for key, digest in digests.items() if here.get(key) != digest]
    if not stale:
        return ""
    return _("Made with other weights of {models}; run it again.", models=", ".join(stale))
