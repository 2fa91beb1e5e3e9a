"""What is used of Streamlit's and streamlit-webrtc's own parts is still there."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from aiortc.contrib.media import MediaRelay
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.fragment import FragmentStorage
from streamlit_webrtc import relay as of_webrtc

from fer.ui.demo.webrtc import NewestRelay
from tests.support.making import PATIENCE, in_a_loop, jpeg, until
from tests.support.serving import Server, running
from tests.support.visitors import Page, visit


def test_what_is_put_in_place_of_library_parts_is_still_used() -> None:
    assert of_webrtc.MediaRelay is NewestRelay
    assert "MediaRelay(" in inspect.getsource(of_webrtc)
    assert "buffered" in inspect.signature(MediaRelay.subscribe).parameters
    assert "self._fragment_storage" in inspect.getsource(AppSession.__init__)
    assert callable(FragmentStorage.clear)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGUSR1")
def test_a_photo_stays_in_memory_however_large_and_is_forgotten_with_its_visit(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    large = jpeg(portrait).ljust(12 << 20, b"\0")

    async def look(server: Server) -> Page:
        visitor = await visit(server.url)
        page = await visitor.upload("large.jpg", large)
        # As long as the visitor is there, far beyond the time after which others are gone.
        for _ in range(3):
            await asyncio.sleep(1)
            assert set(server.tell("uploads")) == {len(large)}
        await visitor.socket.close()
        return page

    with running(tmp_path, FER_SHORT_VISITS="1") as server:
        page = in_a_loop(look(server))
        assert (len(page.answers), page.troubles) == (2, [])
        assert server.tell("rolled_over") == []
        until(lambda: server.tell("uploads") == [], "The photo is still held.")


def test_charts_are_drawn_while_another_visit_imports_pandas() -> None:
    # As two first visitors of a server that has just started.
    code = """
import sys, threading
import streamlit

threading.Thread(target=__import__, args=("pandas",)).start()
while "pandas" not in sys.modules:
    pass
from fer.ui.faces import confidence_bars

confidence_bars.confidence_bars({})
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE)
