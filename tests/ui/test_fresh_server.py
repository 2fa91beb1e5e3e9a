"""What is used of Streamlit's and streamlit-webrtc's own parts is still there."""

from __future__ import annotations

import inspect

import pytest
from aiortc.contrib.media import MediaRelay
from streamlit.runtime.pages_manager import PagesManager
from streamlit_webrtc import relay as of_webrtc

from fer.ui import fresh_server
from fer.ui.demo import relay


def test_streamlit_still_asks_whether_pages_are_a_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PagesManager, "uses_pages_directory", True)
    fresh_server.run_home_first()
    assert PagesManager.uses_pages_directory is False
    assert "uses_pages_directory" in inspect.getsource(PagesManager.__init__)


def test_streams_still_go_through_the_relay_that_is_put_in_its_place() -> None:
    relay.install()
    assert "MediaRelay(" in inspect.getsource(of_webrtc)
    assert "buffered" in inspect.signature(MediaRelay.subscribe).parameters
