"""The dashboard as a process of its own, for tests that look at it from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.making import ROOT, until


@dataclass(frozen=True)
class Server:
    """A running dashboard: its address, its process, and the file it writes about itself to."""

    url: str
    pid: int
    inside: Path

    def tell(self, what: str) -> list[Any]:
        """Return what `served` writes of itself under that name by now."""
        self.inside.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        until(self.inside.exists, "The server did not tell.")
        return list(json.loads(self.inside.read_text())[what])


def stop(server: subprocess.Popen[Any]) -> None:
    """End the server as `docker stop` does: it is killed if it does not go. uvicorn waits for ever
    for connections that come in at that very moment, as a browser opens ahead of need."""
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def resident_mb(pid: int) -> float:
    """The resident memory of a process in millions of bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kib) * 1024 / 1e6


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=10):
            return True
    except OSError:
        return False


WAY = (
    *("-m", "tests.support.served", "{page}", "--server.headless=true"),
    *("--server.address=localhost", "--server.port={port}"),
)


@contextmanager
def running(
    folder: Path,
    page: str = "Home.py",
    *,
    python: str = sys.executable,
    root: Path = ROOT,
    way: Sequence[str] = WAY,
    **environment: str,
) -> Iterator[Server]:
    """A dashboard of its own, stopped at the end; its log lies in `folder`.

    python: whose packages are used. root: the repository, in which `page` is. way: what Python is
    started with. environment: see `served`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inside = folder / "inside"
    log = (folder / "log").open("w+")
    server = subprocess.Popen(
        [python, *(argument.format(page=page, port=port) for argument in way)],
        cwd=root,
        stdout=log,
        stderr=subprocess.STDOUT,
        # Behind the folder that is served: a site of its own has no tests.
        env=os.environ | {"PYTHONPATH": str(ROOT), "FER_INSIDE_FILE": str(inside)} | environment,
    )
    url = f"http://localhost:{port}"
    try:
        until(
            lambda: server.poll() is not None or _answers(url),
            lambda: f"The dashboard did not start:\n{(folder / 'log').read_text()}",
            0.2,
        )
        assert server.poll() is None, (folder / "log").read_text()
        yield Server(url, server.pid, inside)
    finally:
        stop(server)
        log.close()
