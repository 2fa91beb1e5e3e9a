"""Choices that stand in the page's address, in words that no language changes.

Streamlit's own binding writes what an option is called in the visitor's language: such an address
opens something else for a visitor of the other. It also ends in an error for the number `inf`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias, TypeVar, cast

import streamlit as st

from fer.ui.shared.text import _

T = TypeVar("T")
Named: TypeAlias = tuple[str, T]
# Names the view of a page that has several.
VIEW = "view"
# In pixels, or all that there is.
ListWidth: TypeAlias = int | Literal["stretch"]


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
    list_width: ListWidth | None = None,
    help: str | None = None,
) -> str:
    """Return the key of what the visitor chose, or what the address asks for with `?key=…`; the
    first where it asks for nothing, or for what there is not.

    Args:
        names: what each option is called, by key.
        key: of the widget, of its value in the session and in the address.
        is_labelled: whether the label is shown, or told to screen readers only.
        list_width: how wide a list is that opens; buttons in a row if None.
    """
    first = next(iter(names))
    requested = st.query_params.get(key, first)
    _follow(key, requested if requested in names else first)
    visibility: Literal["visible", "collapsed"] = "visible" if is_labelled else "collapsed"
    if list_width is None:
        chosen = _buttons(label, names, key, visibility, help)
    else:
        chosen = st.selectbox(
            label,
            list(names),
            format_func=names.__getitem__,
            key=key,
            label_visibility=visibility,
            # The keyboard of a phone would cover the list.
            filter_mode=None,
            width=list_width,
            help=help,
        )
    _write(key, chosen, first)
    return chosen


def grouped_choice(
    names: Mapping[str, str],
    groups: Mapping[str, Mapping[str, Named[T]]],
    *,
    as_list: bool = False,
) -> T:
    """Return what belongs to the view that the visitor chose, a group first and then a view of it,
    or that the address asks for with `?view=…`; the first one's as in `choice`.

    Args:
        names: what each group is called.
        groups: for each group, in the same order, its views by key: what each is called, and what
            belongs to it.
        as_list: all views stand in one list that opens.
    """
    if as_list:
        views = {view: named for of_group in groups.values() for view, named in of_group.items()}
        chosen = choice(_("View"), _names(views), VIEW, list_width="stretch")
        return views[chosen][1]
    group_of = {view: group for group, views in groups.items() for view in views}
    first = next(iter(group_of))
    requested = st.query_params.get(VIEW, first)
    if requested not in group_of:
        requested = first
    if st.session_state.get(f"{VIEW}_seen") != requested or "view_group" not in st.session_state:
        st.session_state["view_group"] = group_of[requested]
        st.session_state[f"view_of_{group_of[requested]}"] = requested
    with st.container(horizontal=True, gap="small"):
        group = _buttons(_("Group of views"), names, "view_group")
        key = f"view_of_{group}"
        # A default would be a second say beside the session's.
        st.session_state.setdefault(key, next(iter(groups[group])))
        view = _buttons(_("View"), _names(groups[group]), key)
    _write(VIEW, view, first)
    return groups[group][view][1]


def number(label: str, most: int, key: str, *, first: int = 1, width: int) -> int:
    """Return the whole number from 1 to `most` that the visitor entered, or what the address asks
    for with `?key=…`: `most` where that is more, `first` where it is no such number."""
    requested = st.query_params.get(key, "")
    _follow(
        key, min(int(requested) if re.fullmatch(r"[1-9][0-9]{0,17}", requested) else first, most)
    )
    chosen = int(st.number_input(label, 1, most, key=key, width=width))
    _write(key, chosen, first)
    return chosen


def _names(views: Mapping[str, Named[T]]) -> dict[str, str]:
    return {view: named[0] for view, named in views.items()}


def _buttons(
    label: str,
    names: Mapping[str, str],
    key: str,
    visibility: Literal["visible", "collapsed"] = "collapsed",
    help: str | None = None,
) -> str:
    chosen = st.segmented_control(
        label,
        list(names),
        format_func=names.__getitem__,
        required=True,
        key=key,
        label_visibility=visibility,
        # In one row a phone would have to be scrolled sideways to reach the last ones.
        wrap=True,
        help=help,
    )
    return cast(str, chosen)


def _follow(key: str, requested: object) -> None:
    """Set a widget to what the address asks for, if that is not what the widget last wrote there
    (the address was opened, edited or gone back to), or if the widget is new on the page."""
    if st.session_state.get(f"{key}_seen") != requested or key not in st.session_state:
        st.session_state[key] = requested


def _write(key: str, chosen: object, first: object) -> None:
    """Put a choice into the address; the first one need not stand there."""
    st.session_state[f"{key}_seen"] = chosen
    if str(chosen) != st.query_params.get(key, str(first)):
        st.query_params[key] = str(chosen)
