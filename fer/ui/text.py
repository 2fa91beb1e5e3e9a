"""What the user reads, in Bahasa Indonesia and English.

English sentences are the keys of `locale/id.json`, so a page reads like prose and a missing
translation is one that a test can find.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Literal, cast

import streamlit as st

from fer import FerError

Language = Literal["id", "en"]
LANGUAGES: dict[Language, str] = {"id": "Indonesia", "en": "English"}
LOCALE = Path(__file__).parent / "locale"


@cache
def _catalogue(language: Language) -> dict[str, str]:
    if language == "en":
        return {}
    return dict(json.loads((LOCALE / f"{language}.json").read_text(encoding="utf-8")))


class Translator:
    """Sentences and numbers in one language; call it with the English sentence."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, sentence: str, **values: object) -> str:
        """The sentence in this language with its `{name}` places filled."""
        found = _catalogue(self.language).get(sentence, sentence)
        return found.format(**values) if values else found

    def error(self, error: FerError) -> str:
        """The error's sentence in this language."""
        return self(error.template, **error.values)

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with the language's marks: 35,887 or 35.887."""
        text = f"{value:,.{decimals}f}"
        return text.translate(str.maketrans(",.", ".,")) if self.language == "id" else text

    def percent(self, share: float, decimals: int = 1) -> str:
        """A share of 1 as a percentage: 66.4 % or 66,4 %."""
        return f"{self.number(100 * share, decimals)} %"


def translator() -> Translator:
    """The translator for the visitor: their choice, else the address, else the browser's
    language, else English."""
    chosen = st.session_state.get("language") or st.query_params.get("lang")
    if chosen not in LANGUAGES:
        locale = (st.context.locale or "").lower()
        chosen = "id" if locale.startswith(("id", "in-")) else "en"
    return Translator(cast(Language, chosen))


def language_control(current: Translator) -> None:
    """Two buttons that switch the language; the choice stays in the address."""

    def remember() -> None:
        if st.session_state.get("language"):
            st.query_params["lang"] = st.session_state["language"]

    if "language" not in st.session_state:
        st.session_state["language"] = current.language
    st.segmented_control(
        "Bahasa / Language",
        list(LANGUAGES),
        format_func=lambda key: LANGUAGES[key],
        key="language",
        label_visibility="collapsed",
        on_change=remember,
        required=True,
    )
