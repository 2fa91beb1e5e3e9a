"""The sentence for networks without WebSockets stands in every page's HTML and in nothing else."""

from __future__ import annotations

import gzip

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from fer.ui.app.connection_notice import ConnectionNotice
from tests.support.asgi import request
from tests.support.making import in_a_loop

PAGE = "<html><body><div id=root></div></body></html>"


async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers compressed where it may, as Streamlit does."""
    headers = {"ETag": "of the page", "Set-Cookie": "a=b"}
    content = PAGE.encode()
    if "gzip" in Request(scope).headers.get("accept-encoding", ""):
        content, headers = gzip.compress(content), {**headers, "Content-Encoding": "gzip"}
    await HTMLResponse(content, headers=headers)(scope, receive, send)


@pytest.mark.parametrize(
    ("path", "query", "language", "says"),
    [
        ("/", "", "en-GB,en;q=0.9", "needs a WebSocket"),
        ("/", "", "id-ID,id;q=0.9", "memerlukan sambungan"),
        ("/faces/Realtime_Demo", "lang=ID&mode=photo", "en-GB", "memerlukan sambungan"),
        ("/Dataset", "lang=en", "id-ID", "needs a WebSocket"),
    ],
)
def test_pages_have_it_in_the_visitors_language(
    path: str, query: str, language: str, says: str
) -> None:
    app = ConnectionNotice(streamlit)
    asked = {"accept": "text/html,*/*", "accept_encoding": "gzip", "accept_language": language}
    status, headers, text = in_a_loop(request(app, "GET", path, query=query, **asked))
    assert status == 200
    assert says in text
    assert text.endswith("</body></html>")
    assert headers["content-length"] == str(len(text.encode()))
    assert "etag" not in headers
    assert headers["set-cookie"] == "a=b"


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/component/streamlit_webrtc.webrtc_streamer/index.html", "text/html"),
        ("GET", "/_stcore/health", "text/html"),
        ("GET", "/", "application/json"),
        ("POST", "/", "text/html"),
    ],
)
def test_nothing_else_is_changed(method: str, path: str, accept: str) -> None:
    app = ConnectionNotice(streamlit)
    _, headers, text = in_a_loop(request(app, method, path, accept=accept))
    assert (text, headers["etag"]) == (PAGE, "of the page")
