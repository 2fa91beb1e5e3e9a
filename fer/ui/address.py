"""Choices that stand in the page's address, in words that no language changes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import cast

import streamlit as st


def keep(names: Collection[str]) -> None:
    """Take every parameter but these out of the address."""
    for name in set(st.query_params) - set(names):
        del st.query_params[name]


def choice(
    label: str,
    names: Mapping[str, str],
    key: str,
    *,
    is_labelled: bool = False,
    help: str | None = None,
) -> str:
    """Return the key of what the visitor chose, or what the address asks for with `?key=…`; the
    first where it asks for nothing, or for what there is not.

    Streamlit's own binding writes what an option is called in the visitor's language: such an
    address opens something else for a visitor of the other.

    Args:
        names: what each option is called, by key.
        key: of the widget, of its value in the session and in the address.
        is_labelled: whether the label is shown, or told to screen readers only.
    """
    first = next(iter(names))
    asked = st.query_params.get(key, first)
    _follow(key, asked if asked in names else first)
    chosen = cast(
        str,
        st.segmented_control(
            label,
            list(names),
            format_func=lambda option: names[option],
            required=True,
            key=key,
            label_visibility="visible" if is_labelled else "collapsed",
            # In one row a phone would have to be scrolled sideways to reach the last ones.
            wrap=True,
            help=help,
        ),
    )
    _write(key, chosen, first)
    return chosen


def number(label: str, most: int, key: str, *, first: int = 1, width: int) -> int:
    """Return the whole number from 1 to `most` that the visitor entered, or what the address asks
    for with `?key=…`: `most` where that is more, `first` where it is no such number.

    Streamlit's own binding ends in an error for `inf`.
    """
    asked = st.query_params.get(key, "")
    _follow(key, min(int(asked) if re.fullmatch(r"[1-9][0-9]{0,17}", asked) else first, most))
    chosen = int(st.number_input(label, 1, most, key=key, width=width))
    _write(key, chosen, first)
    return chosen


def _follow(key: str, asked: object) -> None:
    """Set a widget to what the address asks for, if that is not what the widget last wrote there
    (the address was opened, edited or gone back to), or if the widget is new on the page."""
    if st.session_state.get(f"{key}_seen") != asked or key not in st.session_state:
        st.session_state[key] = asked


def _write(key: str, chosen: object, first: object) -> None:
    """Put a choice into the address; the first one need not stand there."""
    st.session_state[f"{key}_seen"] = chosen
    if str(chosen) != st.query_params.get(key, str(first)):
        st.query_params[key] = str(chosen)
