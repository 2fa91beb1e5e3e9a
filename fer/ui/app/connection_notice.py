"""A sentence for visitors whose network blocks WebSockets, where Streamlit's page stays empty.

The sentence is in the page's HTML, which comes without a WebSocket; a style shows it after some
seconds, and `document.js`, which runs only over a WebSocket, takes it away.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fer.ui.shared import text
from fer.ui.shared.text import _

# A fresh server on a slow machine draws its first page within this time.
DELAY_SECONDS = 20
HTML = """<p id="no-connection" role="status">{sentence}</p>
<style>
  #no-connection {{
    animation: no-connection 0s {delay}s forwards; visibility: hidden; color-scheme: dark;
    position: fixed; top: 1rem; left: 1rem; right: 1rem; margin: 0; padding: 1rem; z-index: 9999999;
    background: Canvas; color: CanvasText; border: 1px solid; border-radius: 0.6rem;
    font: 1rem/1.5 sans-serif;
  }}
  @keyframes no-connection {{ to {{ visibility: visible; }} }}
</style>
"""
# Headers that would bring the page compressed, in part, or not at all; and those of the answer that
# are about the page without the sentence.
NOT_ASKED = (b"accept-encoding", b"range", b"if-none-match", b"if-modified-since")
NOT_ANSWERED = ("etag", "last-modified", "accept-ranges")


def notice(language: text.Language) -> str:
    """Return the sentence as HTML."""
    with text.in_language(language):
        sentence = _(
            "This page needs a WebSocket connection to its server, and none has come about. If "
            "this sentence stays, the network blocks WebSockets: try another network, or ask "
            "whoever runs it to allow them."
        )
    return HTML.format(sentence=sentence, delay=DELAY_SECONDS)


class ConnectionNotice:
    """Middleware: adds the notice to the HTML of the pages, in the visitor's language."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the answer to one for a page gets the notice."""
        if not _is_page(scope):
            await self._app(scope, receive, send)
            return
        added = notice(_language(scope)).encode()
        start: Message = {}
        page = b""

        async def add(message: Message) -> None:
            nonlocal start, page
            if message["type"] == "http.response.start":
                start = message
                return
            page += message.get("body", b"")
            if message.get("more_body"):
                return
            if start["status"] == 200:
                page = page.replace(b"</body>", added + b"</body>")
                headers = MutableHeaders(raw=list(start["headers"]))
                headers["content-length"] = str(len(page))
                for name in NOT_ANSWERED:
                    del headers[name]
                start = {**start, "headers": headers.raw}
            await send(start)
            await send({"type": "http.response.body", "body": page})

        headers = [header for header in scope["headers"] if header[0] not in NOT_ASKED]
        # Without extensions, so that no file is sent past this by its path.
        await self._app({**scope, "headers": headers, "extensions": {}}, receive, add)


def _is_page(scope: Scope) -> bool:
    """Return whether a request is for a page: no file, and none of Streamlit's own addresses."""
    if scope["type"] != "http" or scope["method"] != "GET" or "/_stcore/" in scope["path"]:
        return False
    is_file = "." in scope["path"].rpartition("/")[2]
    return not is_file and "text/html" in Headers(scope=scope).get("accept", "")


def _language(scope: Scope) -> text.Language:
    choice = QueryParams(scope["query_string"]).get("lang", "").upper()
    if choice not in text.CHOICES:
        choice = text.browser_choice(Headers(scope=scope).get("accept-language", ""))
    return text.CHOICES[choice]
