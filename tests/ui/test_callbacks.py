"""Buttons' callbacks run before the page does, outside of what it catches."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.making import ROOT

SOURCES = [ROOT / "Home.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "fer" / "ui").rglob("*.py")]
HANDLERS = {"on_click", "on_change", "on_press", "on_pressed_change"}


def untold(source: str) -> Iterator[str]:
    """The callbacks that call what is neither this module's, Python's nor Streamlit's, so that it
    may raise, and are not wrapped in `widgets.telling`."""
    tree = ast.parse(source)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    harmless = {*dir(builtins), *functions}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) or (
            isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("fer")
        ):
            harmless |= {name.asname or name.name for name in node.names}
    for node in ast.walk(tree):
        if not isinstance(node, ast.keyword) or node.arg not in HANDLERS:
            continue
        given = node.value
        if isinstance(given, ast.Name) and given.id in functions:
            given = functions[given.id]
        if isinstance(given, ast.FunctionDef | ast.Lambda):
            called = [one.func for one in ast.walk(given) if isinstance(one, ast.Call)]
            # What begins with a capital letter is a record that is made.
            if all(root(f) in harmless or root(f)[:1].isupper() for f in called):
                continue
        # A word of Streamlit's, a parameter handed on, or one that is told.
        elif isinstance(given, ast.Constant | ast.Name) or (
            isinstance(given, ast.Call) and ast.unparse(given.func) == "widgets.telling"
        ):
            continue
        yield ast.unparse(node)


def root(function: ast.expr) -> str:
    """`st` of `st.session_state.pop`."""
    while isinstance(function, ast.Attribute | ast.Call | ast.Subscript):
        function = function.func if isinstance(function, ast.Call) else function.value
    return function.id if isinstance(function, ast.Name) else ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_callback_that_may_fail_is_told(path: Path) -> None:
    assert list(untold(path.read_text(encoding="utf-8"))) == []


def test_callbacks_that_may_fail_are_recognised() -> None:
    source = """
import streamlit as st
from fer.evaluation import reviews

def keep():
    reviews.write(st.session_state["done"])

def choose(row):
    st.session_state["row"] = max(row, 0)

st.button("a", on_click=keep)
st.button("b", on_click=choose)
st.button("c", on_click=lambda: stream.still())
st.button("d", on_click=stream.clear)
st.button("e", on_click=widgets.telling(keep))
st.button("f", on_click="ignore")
"""
    assert list(untold(source)) == [
        "on_click=keep",
        "on_click=lambda: stream.still()",
        "on_click=stream.clear",
    ]
