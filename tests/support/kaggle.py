"""Kaggle on this machine: the three requests that kagglehub makes for a data set.

It stands as a proxy before a host that kagglehub knows, so that it needs no fixed port.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

STORED = "/storage/archive.zip"
CHUNK = 16 << 10


@dataclass
class Kaggle:
    """What it serves and how: it waits before each chunk for `go_on`, cuts off after `cut` bytes.

    asked: path and Range header of every request.
    """

    archive: bytes
    environment: dict[str, str]
    go_on: threading.Event = field(default_factory=threading.Event)
    cut: int | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serving(archive: Path, home: Path) -> Iterator[Kaggle]:
    """A Kaggle that has that archive; its `environment` leads kagglehub there, cache in `home`."""
    kaggle = Kaggle(archive.read_bytes(), {})
    kaggle.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def begin(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def do_POST(self) -> None:
            path = urlsplit(self.path).path
            kaggle.asked.append((path, ""))
            self.rfile.read(int(self.headers["Content-Length"]))
            if path.endswith("/GetDataset"):
                content = json.dumps({"currentVersionNumber": 1}).encode()
                self.begin(200, content, {"Content-Type": "application/json"})
                self.wfile.write(content)
            else:
                self.begin(302, b"", {"Location": f"http://localhost{STORED}"})

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            kaggle.asked.append((urlsplit(self.path).path, asked))
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            content = kaggle.archive[start:]
            headers = {"Content-Type": "application/zip", "Accept-Ranges": "bytes"}
            self.begin(206 if asked else 200, content, headers)
            for at in range(0, len(content), CHUNK):
                kaggle.go_on.wait(60)
                if kaggle.cut is not None and start + at >= kaggle.cut:
                    return
                try:
                    self.wfile.write(content[at : at + CHUNK])
                except OSError:
                    return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = f"http://127.0.0.1:{server.server_port}"
    kaggle.environment |= {
        **{"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "HOME": str(home)},
        **{"http_proxy": proxy, "HTTP_PROXY": proxy, "no_proxy": "", "NO_PROXY": ""},
        "KAGGLEHUB_CACHE": str(home / "kagglehub"),
    }
    try:
        yield kaggle
    finally:
        kaggle.go_on.set()
        server.shutdown()
        server.server_close()
