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


def test_streams_still_go_through_the_relay_that_is_put_in_its_place() -> None:
    assert of_webrtc.MediaRelay is NewestRelay
    assert "MediaRelay(" in inspect.getsource(of_webrtc)
    assert "buffered" in inspect.signature(MediaRelay.subscribe).parameters


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGUSR1")
def test_the_first_upload_of_a_server_stays_in_memory_however_large(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    large = jpeg(portrait).ljust(12 << 20, b"\0")

    async def look(url: str) -> Page:
        visitor = await visit(url)
        return await visitor.upload("large.jpg", large)

    with running(tmp_path) as server:
        page = in_a_loop(look(server.url))
        assert (len(page.answers), page.troubles) == (2, [])
        assert server.tell("rolled_over") == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGUSR1")
def test_a_visit_is_forgotten_with_its_photo_though_nobody_else_comes(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    photo = jpeg(portrait)

    async def look(server: Server) -> Page:
        visitor = await visit(server.url)
        page = await visitor.upload("face.jpg", photo)
        # As long as the visitor is there, far beyond the time after which others are gone.
        for _ in range(3):
            await asyncio.sleep(1)
            assert set(server.tell("uploads")) == {len(photo)}
        await visitor.socket.close()
        return page

    with running(tmp_path, FER_SHORT_VISITS="1") as server:
        page = in_a_loop(look(server))
        assert (len(page.answers), page.troubles) == (2, [])
        until(lambda: server.tell("uploads") == [], "The photo is still held.")


def test_streamlit_still_keeps_what_fragments_hold_in_the_session() -> None:
    assert "self._fragment_storage" in inspect.getsource(AppSession.__init__)
    assert callable(FragmentStorage.clear)


def test_charts_are_drawn_while_another_visit_imports_pandas() -> None:
    subprocess.run([sys.executable, "-c", DRAW_DURING_IMPORT], check=True, timeout=PATIENCE)


# As two first visitors of a server that has just started.
DRAW_DURING_IMPORT = """
import sys, threading
import streamlit

importing = threading.Thread(target=__import__, args=("pandas",))
importing.start()
while "pandas" not in sys.modules:
    pass
from fer.ui.faces import confidence_bars
from fer.ui.shared import charts

confidence_bars.confidence_bars({})
importing.join()
"""
