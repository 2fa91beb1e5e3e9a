"""The sentence for networks without WebSockets stands in every page's HTML and in nothing else."""

from __future__ import annotations

import gzip

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


def test_pages_have_it_in_the_visitors_language() -> None:
    for path, query, language, says in (
        ("/", "", "id-ID,id;q=0.9", "memerlukan sambungan"),
        ("/faces/Realtime_Demo", "lang=ID&mode=photo", "en-GB", "memerlukan sambungan"),
        ("/Dataset", "lang=en", "id-ID", "needs a WebSocket"),
    ):
        asked = {"accept": "text/html,*/*", "accept_encoding": "gzip", "accept_language": language}
        sent = request(ConnectionNotice(streamlit), "GET", path, query=query, **asked)
        status, headers, text = in_a_loop(sent)
        assert status == 200
        assert says in text
        assert text.endswith("</body></html>")
        assert headers["content-length"] == str(len(text.encode()))
        assert "etag" not in headers
        assert headers["set-cookie"] == "a=b"


def test_nothing_else_is_changed() -> None:
    for method, path in (
        ("GET", "/component/streamlit_webrtc.webrtc_streamer/index.html"),
        ("GET", "/_stcore/health"),
        ("POST", "/"),
    ):
        sent = request(ConnectionNotice(streamlit), method, path, accept="text/html")
        _, headers, text = in_a_loop(sent)
        assert (text, headers["etag"]) == (PAGE, "of the page")
