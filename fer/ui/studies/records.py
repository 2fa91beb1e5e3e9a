"""A study's record on a page: read, or the command that makes it, and what it was made with."""

from __future__ import annotations

from typing import TypeVar

import streamlit as st

from fer.artifacts.records import MadeWith
from fer.artifacts.stored import Stored
from fer.data import dataset
from fer.ui import loaders
from fer.ui.text import Translator

T = TypeVar("T")


def record(study: Stored[T], _: Translator) -> T | None:
    """A study's record; without one, a sentence that says which command makes it."""
    record = loaders.study(study)
    if record is None:
        st.caption(_("Not made yet. Run `{command}`.", command=study.command))
    return record


def made_with(record: MadeWith, command: str, _: Translator) -> None:
    """Which command made a record, from which commit, seed, data and weights."""
    stale = [
        key
        for key, digest in record["weights_sha256"].items()
        if key not in loaders.models() or loaders.models()[key].digest != digest
    ]
    st.caption(
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
    if stale:
        st.warning(_("Made with other weights of {models}; run it again.", models=", ".join(stale)))
