"""ICE servers by where the page is served and what the operator's secrets name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
import streamlit_webrtc
from streamlit import config

from fer import FerError
from fer.ui.demo import ice
from fer.ui.shared import permissions

ELSEWHERE = "https://a.example"
OWN = {"urls": ["turn:turn.example:3478"], "username": "u", "credential": "c"}


@pytest.mark.parametrize(
    ("url", "is_local", "is_secure"),
    [
        ("http://localhost:8501/Realtime_Demo", True, True),
        ("http://127.0.0.1:8501", True, True),
        ("http://[::1]:8501", True, True),
        ("http://192.168.1.20:8501", False, False),
        ("https://faces.example.org/?lang=ID", False, True),
        ("http://localhost.example.org", False, False),
        ("", False, False),
    ],
)
def test_where_the_page_is_served(url: str, is_local: bool, is_secure: bool) -> None:
    assert permissions.is_local(url) is is_local
    assert ice.is_secure(url) is is_secure


def given(monkeypatch: pytest.MonkeyPatch, secret: object) -> None:
    """As if the app's secrets had that in `ice`."""
    monkeypatch.setattr(permissions, "secret", lambda name: {"ice": secret}.get(name))


def test_none_here_public_stun_elsewhere_and_the_operators_servers_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given(monkeypatch, None)
    assert ice.servers(ELSEWHERE) == [{"urls": [ice.PUBLIC_STUN]}]
    assert not ice.has_turn(ice.servers(ELSEWHERE))
    given(monkeypatch, {"servers": [OWN]})
    assert ice.servers(ELSEWHERE) == [OWN]
    assert ice.has_turn(ice.servers(ELSEWHERE))
    assert ice.servers("http://localhost:8501") == []


@pytest.mark.parametrize(
    ("service", "account"),
    [
        ("get_twilio_ice_servers", {"twilio_sid": "s", "twilio_token": "t"}),
        ("get_cloudflare_ice_servers", {"cloudflare_key": "k", "cloudflare_token": "t"}),
        ("get_hf_ice_servers", {"hf_token": "t"}),
    ],
)
def test_a_service_names_servers_and_is_done_without_when_it_is_down(
    service: str, account: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def refuse(*secrets: str) -> None:
        asked.append(secrets)
        raise ValueError("Failed to get credentials")

    given(monkeypatch, account)
    st.cache_data.clear()
    monkeypatch.setattr(streamlit_webrtc, service, lambda *secrets: [OWN])
    assert ice.servers(ELSEWHERE) == [OWN]
    st.cache_data.clear()
    monkeypatch.setattr(streamlit_webrtc, service, refuse)
    # The second visitor does not wait for the service again.
    assert [ice.servers(ELSEWHERE), ice.servers(ELSEWHERE)] == [[{"urls": [ice.PUBLIC_STUN]}]] * 2
    assert asked == [tuple(account.values())]
    st.cache_data.clear()


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ('ice = ["turn:turn.example.org"]', "is no table"),
        ('[ice]\nservers = "turn:turn.example.org"', "no list of tables"),
        ('[ice]\nservers = [{ url = "turn:t", username = "u", credential = "p" }]', "has url;"),
        ('[ice]\nservers = [{ urls = ["https://turn.example.org"] }]', "begin with stun:"),
        ("[ice]\nservers = [{ urls = 7 }]", "begin with stun:"),
        ('[ice]\nservers = [{ urls = ["turn:t:3478"] }]', "turn:t:3478 .* needs a username"),
        ('[ice]\ntwilio_sid = "s"', "needs twilio_token"),
        ('[ice]\ncloudflare_key = "k"\ncloudflare_token = 7', "needs cloudflare_token"),
        ("[ice]\nserver = []", "has server;"),
    ],
)
def test_a_slip_is_one_sentence_and_leaves_stun(
    written: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, tomllib.loads(written)["ice"])
    with pytest.raises(FerError, match=sentence):
        ice.validate_setting()
    assert ice.servers(ELSEWHERE) == [{"urls": [ice.PUBLIC_STUN]}]
    assert ice.servers("http://localhost:8501") == []


@pytest.fixture
def secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that the app's secrets are read from in this test."""
    usual = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(tmp_path / "secrets.toml")])
    monkeypatch.setattr(st, "secrets", type(st.secrets)())
    yield tmp_path / "secrets.toml"
    config.set_option("secrets.files", usual)


def test_secrets_that_are_no_toml_are_said_and_allow_nothing(secrets_file: Path) -> None:
    secrets_file.write_text("[ice\nservers = [")
    with pytest.raises(FerError, match=r"cannot be read, .* line 1.* Correct the file"):
        ice.validate_setting()
    with pytest.raises(FerError, match="cannot be read"):
        permissions.validate_setting()
    assert not permissions.may("train")


def test_secrets_that_are_whole_are_read(secrets_file: Path) -> None:
    assert permissions.secret("visitors_may") is None
    secrets_file.write_text('visitors_may = "train"\n[ice]\nservers = []')
    ice.validate_setting()
    assert permissions.secret("visitors_may") == "train"
    assert permissions.secret("ice") == {"servers": []}
