"""Sentences and numbers in the visitor's language, Bahasa Indonesia or English.

English sentences are the keys of gettext's catalogues in `locale/id/LC_MESSAGES/`, one for each
page, so a page reads like prose and a missing translation is one that a test can find.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Literal

import streamlit as st
from babel.messages.pofile import read_po
from babel.numbers import NumberPattern, format_decimal, parse_pattern
from streamlit import runtime

from fer import FerError

Language = Literal["id", "en"]
# As the visitor sees them, and as they stand in the address: ?lang=ID.
CHOICES: dict[str, Language] = {"ID": "id", "EN": "en"}
LOCALE = Path(__file__).parents[1] / "locale"
_override: ContextVar[Language | None] = ContextVar("override", default=None)
# What Markdown and Streamlit's directives begin or end with: emphasis, code, links, LaTeX, `:red[`,
# `:material/`, tags, tables, bare addresses. Inside a word an underscore is no emphasis.
_MARKUP = re.compile(
    r"[\\`*\[\]$<>~#|@&!]|(?<![^\W_])_|_(?![^\W_])|:(?=[\w+/-])|(?<=www)\.", re.IGNORECASE
)
_LINE_START = re.compile(r"^(\d*)([-+]|[.)](?=\s))")


@cache
def _pattern(decimals: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "0" * decimals if decimals else ""))


@cache
def _catalogue(language: Language) -> dict[str, str]:
    if language == "en":
        return {}
    sentences: dict[str, str] = {}
    for path in sorted((LOCALE / language / "LC_MESSAGES").glob("*.po")):
        sentences |= read_catalogue(path)
    return sentences


def read_catalogue(path: Path) -> dict[str, str]:
    """Return the translations of a gettext catalogue (.po), by English sentence."""
    with path.open("rb") as stream:
        return {str(message.id): str(message.string) for message in read_po(stream) if message.id}


class Translator:
    """Sentences and numbers in the visitor's language; call it with the English sentence."""

    @property
    def language(self) -> Language:
        """The visitor's choice, else their browser's; inside `in_language`, that one; English where
        no page is drawn."""
        override = _override.get()
        if override is not None:
            return override
        if not runtime.exists():
            return "en"
        return CHOICES[st.session_state.get("lang") or browser_choice(st.context.locale)]

    def __call__(self, sentence: str, **values: object) -> str:
        """Return the sentence in this language with its `{name}` places filled."""
        translated = _catalogue(self.language).get(sentence, sentence)
        return translated.format(**values) if values else translated

    def error(self, error: FerError) -> str:
        """Return the error's sentence in this language, as Markdown; names in it are no markup."""
        return self(error.template, **{key: plain(value) for key, value in error.values.items()})

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number with the language's marks and a true minus: 35,887 or 35.887, −0.4."""
        # Adding zero makes nothing of the sign of -0.0.
        rounded = round(value, decimals) + 0.0
        shown = str(format_decimal(rounded, _pattern(decimals), locale=self.language))
        return shown.replace("-", "\N{MINUS SIGN}")

    def signed(self, value: float, decimals: int = 0) -> str:
        """Return a number with its sign, a plus included; what is shown as zero has none."""
        return ("+" if round(value, decimals) > 0 else "") + self.number(value, decimals)

    def scientific(self, value: float) -> str:
        """Return a small number as a power of ten with at most two digits before it: 1.5·10⁻⁵."""
        mantissa, exponent = f"{value:.1e}".split("e")
        digits = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"{self.number(float(mantissa), 0 if mantissa.endswith('.0') else 1)}·10{digits}"

    def difference(self, share: float, other: float, decimals: int = 1) -> str:
        """Return by how much a share of 1 exceeds another, in percentage points with its sign.

        It is the difference of both as `percent` shows them, so that 69.4%, 61.1% and +8.3 agree.
        Every difference of two shown shares is told by this; tables to download have the digits.
        """
        return self.signed(self.points(share, other, decimals), decimals)

    @staticmethod
    def points(share: float, other: float, decimals: int = 1) -> float:
        """Return the number that `difference` shows."""
        return round(round(100 * share, decimals) - round(100 * other, decimals), decimals)

    def p_value(self, value: float) -> str:
        """Return a test's probability with three decimals, "< 0.001" below."""
        return f"< {self.number(0.001, 3)}" if value < 0.001 else self.number(value, 3)

    def interval(self, ends: Sequence[float]) -> str:
        """Return two shares of 1 as a range in percent: 59.5–62.7%."""
        return f"{self.number(100 * ends[0], 1)}–{self.percent(ends[1])}"

    def gain_interval(self, ends: Sequence[float]) -> str:
        """Return two differences of shares of 1 as a range in points: −1.5 … +0.3."""
        return " … ".join(self.signed(100 * end, 1) for end in ends)

    def percent(self, share: float, decimals: int = 1) -> str:
        """Return a share of 1 as a percentage: 66.4% or 66,4%."""
        return f"{self.number(100 * share, decimals)}%"


# Imported by every page and view, as gettext's function is.
_ = Translator()


def duration(seconds: float) -> str:
    """Return seconds, minutes or hours, whichever reads best."""
    if seconds < 90:
        return _("{n} s", n=_.number(seconds))
    if seconds < 5400:
        return _("{n} min", n=_.number(seconds / 60))
    return _("{n} h", n=_.number(seconds / 3600, 1))


def plain(value: object) -> str:
    """Return Markdown that shows a value's characters, be they `[draft] *new*.jpg` or `$1.jpg`."""
    return _LINE_START.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", str(value).strip()))


@contextmanager
def in_language(language: Language) -> Iterator[None]:
    """Say everything inside in that language, whatever the visitor chose."""
    token = _override.set(language)
    try:
        yield
    finally:
        _override.reset(token)


def language_control() -> None:
    """Draw two buttons that switch the language; the choice stays in the address and on every page.
    Called before anything that is translated."""
    choice = st.query_params.get("lang", "")
    is_mended = choice not in CHOICES and choice.upper() in CHOICES
    if is_mended:
        # Streamlit binds an option as it is written only; the address is mended on the way.
        st.session_state["lang"] = choice.upper()
        st.query_params["lang"] = choice.upper()
    st.segmented_control(
        "Bahasa / Language",
        list(CHOICES),
        default=None if is_mended else browser_choice(st.context.locale),
        key="lang",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )


def browser_choice(locale: str | None) -> str:
    """Return the choice for a browser that prefers that locale: id-ID, en-GB,en;q=0.8."""
    return "ID" if (locale or "").lower().startswith(("id", "in-")) else "EN"
