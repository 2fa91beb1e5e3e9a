"""A study's record on a page: read, or the command that makes it, and what it was made with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from fer.data import dataset
from fer.ui import loaders
from fer.ui.text import Translator


def record(study: str, _: Translator) -> dict[str, Any] | None:
    """A study's record; without one, a sentence that says which command makes it."""
    record = loaders.study(study)
    if record is None:
        st.caption(
            _(
                "Not made yet. Run `{command}`.",
                command="fer ablate" if study == "ablation" else f"fer analyse --only {study}",
            )
        )
    return record


def made_with(record: Mapping[str, Any], command: str, _: Translator) -> None:
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
