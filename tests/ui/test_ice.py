"""ICE servers by where the page is served and what the operator's secrets name."""

from __future__ import annotations

import pytest
import streamlit_webrtc

from fer import FerError
from fer.ui import ice


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
    assert ice.is_local(url) is is_local
    assert ice.is_secure(url) is is_secure


def test_none_on_this_machine_whatever_the_secrets_say() -> None:
    assert ice.servers("http://localhost:8501", {"servers": [{"urls": "turn:t"}]}) == []


def test_public_stun_elsewhere_and_the_operators_servers_before_it() -> None:
    assert ice.servers("https://a.example", {}) == [{"urls": [ice.PUBLIC_STUN]}]
    own = {"urls": ["turn:turn.example:3478"], "username": "u", "credential": "c"}
    assert ice.servers("https://a.example", {"servers": [own]}) == [own]


def test_fetched_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [{"urls": "turn:x", "username": "u", "credential": "c"}]
    monkeypatch.setattr(streamlit_webrtc, "get_twilio_ice_servers", lambda sid, token: given)
    secrets = {"twilio_sid": "s", "twilio_token": "t"}
    assert ice.servers("https://a.example", secrets) == given


def test_refused_credentials_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(key: str, token: str) -> None:
        raise ValueError("Failed to get credentials")

    monkeypatch.setattr(streamlit_webrtc, "get_cloudflare_ice_servers", refuse)
    with pytest.raises(FerError, match=r"gives no credentials .* or use a photo"):
        ice.servers("https://a.example", {"cloudflare_key": "k", "cloudflare_token": "t"})
