"""Who may train and import on a server: whoever sits at it, and whom its operator lets."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from fer import FerError
from fer.ui.shared import permissions
from fer.ui.shared.permissions import ACTS, VARIABLE
from tests.support.pages import messages, open_home, open_page, texts


def test_who_sits_at_the_server() -> None:
    for url, address, headers, is_own in (
        ("http://localhost:8501/Training", None, {}, True),
        ("http://127.0.0.1:8501", "127.0.0.1", {"Host": "127.0.0.1:8501"}, True),
        ("http://192.168.1.20:8501", "192.168.1.33", {}, False),
        ("https://faces.example.org", None, {}, False),
        # A container sees its host's gateway, a proxy's visitors seem to come from this machine,
        # and an address is what the browser claims.
        ("http://localhost:8501", "172.17.0.1", {}, False),
        ("http://localhost:8501", None, {"X-Forwarded-For": "203.0.113.7"}, False),
        ("http://localhost:8501", "203.0.113.7", {}, False),
        ("", None, {}, False),
    ):
        assert permissions.is_own_machine(url, address, headers) is is_own, (url, address)


def test_the_operator_decides() -> None:
    for wish, here, elsewhere in (
        (None, ACTS, frozenset()),
        ("nothing", frozenset(), frozenset()),
        ("import, train", ACTS, ACTS),
    ):
        assert permissions.allowed(wish, True) == here
        assert permissions.allowed(wish, False) == elsewhere


def test_an_unknown_wish_allows_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FerError, match="set it to train, import"):
        permissions.allowed("everything", True)
    monkeypatch.setenv(VARIABLE, "everything")
    st.cache_resource.clear()
    home = open_home()
    st.cache_resource.clear()
    assert not home.exception
    assert any("set it to train, import" in message for message in messages(home))
    app = open_page("4_Training.py")
    assert not [button for button in app.button if button.key == "start"]


def test_a_secret_is_read_and_the_environment_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("streamlit.secrets", {"visitors_may": "import"})
    assert (permissions.may("import"), permissions.may("train")) == (True, False)
    monkeypatch.setenv(VARIABLE, "train")
    assert (permissions.may("import"), permissions.may("train")) == (False, True)


@pytest.mark.parametrize(
    ("page", "act", "key"),
    [("4_Training.py", "train", "start"), ("1_Dataset.py", "import", "archive")],
)
def test_a_visitor_from_elsewhere_is_offered_it_only_if_allowed(
    page: str, act: str, key: str, without_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    app = open_page(page)
    for is_allowed in (False, True):
        assert not app.exception
        assert messages(app) == []
        keys = [widget.key for widget in [*app.button, *app.file_uploader]]
        assert (key in keys) == is_allowed
        assert ("Visitors may not" in texts(app)) != is_allowed
        monkeypatch.setenv(VARIABLE, act)
        app.run()
