"""The dashboard as a process of its own, for tests that look at it from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from making import ROOT


@dataclass(frozen=True)
class Server:
    """A running dashboard: its address, its process, and the file it writes its modules to."""

    url: str
    pid: int
    modules: Path

    def loaded_modules(self) -> set[str]:
        """The names of the modules that the server has imported by now."""
        self.modules.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        for _ in range(100):
            if self.modules.exists():
                return set(self.modules.read_text().split())
            time.sleep(0.1)
        pytest.fail("The server did not tell its modules.")

    def resident_mb(self) -> float:
        """The server's resident memory in millions of bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kib) * 1024 / 1e6


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Server]:
    """A dashboard of its own, stopped at the end; its log lies in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    modules = folder / "modules"
    log = (folder / "log").open("w+")
    server = subprocess.Popen(
        [
            *(sys.executable, str(Path(__file__).with_name("served.py")), "Home.py"),
            *("--server.headless=true", "--server.address=localhost"),
            f"--server.port={port}",
        ],
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "FER_MODULES_FILE": str(modules), **environment},
    )
    url = f"http://localhost:{port}"
    try:
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.5)
        else:
            log.seek(0)
            pytest.fail(f"The dashboard did not start:\n{log.read()}")
        yield Server(url, server.pid, modules)
    finally:
        server.terminate()
        server.wait(20)
        log.close()
