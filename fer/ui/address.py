"""A choice that stands in the page's address under keys that no language changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import streamlit as st


def choice(label: str, names: Mapping[str, str], key: str) -> str:
    """The key of what the visitor chose, or what the address asks for with `?key=…`; the first
    where it asks for nothing, or for what there is not.

    Streamlit's own binding writes what an option is called in the visitor's language: such an
    address opens something else for a visitor of the other.

    Args:
        names: what each option is called, by key.
        key: of the widget, of its value in the session and in the address.
    """
    first, seen = next(iter(names)), f"{key}_seen"
    asked = st.query_params.get(key, first)
    if asked not in names:
        asked = first
    if st.session_state.get(seen) != asked or key not in st.session_state:
        # Opened, edited or gone back to: the address is not what the buttons last wrote, or they
        # were forgotten while another page was shown.
        st.session_state[key] = asked
    chosen = cast(
        str,
        st.segmented_control(
            label,
            list(names),
            format_func=lambda option: names[option],
            required=True,
            key=key,
            label_visibility="collapsed",
        ),
    )
    st.session_state[seen] = chosen
    if chosen != st.query_params.get(key, first):
        st.query_params[key] = chosen
    return chosen
