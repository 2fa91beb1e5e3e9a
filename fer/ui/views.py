"""The choice among a page's many views: a group, then a view of it; it stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import streamlit as st

from fer.ui.text import _

PARAMETER = "view"
_SEEN = "view_seen"


def chosen(groups: Mapping[str, Mapping[str, str]], names: Mapping[str, str]) -> str:
    """The key of the view that the visitor chose, or that the address asks for with `?view=`.

    The first view is shown where the address asks for none, or for one that there is not.

    Args:
        groups: for each group's key, its views: what each is called, by key.
        names: what each group is called.
    """
    group_of = {view: group for group, views in groups.items() for view in views}
    first = next(iter(group_of))
    asked = st.query_params.get(PARAMETER, first)
    if asked not in group_of:
        asked = first
    if st.session_state.get(_SEEN) != asked or "view_group" not in st.session_state:
        # The address says another view than the buttons: it was opened, edited, or gone back to.
        # Buttons are forgotten when another page is shown.
        st.session_state["view_group"] = group_of[asked]
        st.session_state[_key(group_of[asked])] = asked
    with st.container(horizontal=True, gap="small"):
        group = _buttons(_("Group of views"), names, list(groups), "view_group")
        # A default would be a second say beside the session's.
        st.session_state.setdefault(_key(group), next(iter(groups[group])))
        view = _buttons(_("View"), groups[group], list(groups[group]), _key(group))
    st.session_state[_SEEN] = view
    if view != st.query_params.get(PARAMETER, first):
        st.query_params[PARAMETER] = view
    return view


def _buttons(label: str, names: Mapping[str, str], keys: list[str], key: str) -> str:
    chosen = st.segmented_control(
        label,
        keys,
        format_func=lambda option: names[option],
        required=True,
        key=key,
        # Beside another one it would be scrolled sideways on a phone.
        wrap=True,
        label_visibility="collapsed",
    )
    return cast(str, chosen)


def _key(group: str) -> str:
    return f"view_of_{group}"
