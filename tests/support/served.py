"""Streamlit as its command starts it; on SIGUSR1 it writes what is in it to a file.

Its modules, threads and peer connections, the sizes of what went into temporary files that should
have stayed in memory, and when it analysed frames if FER_STAMPS is set.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from tempfile import SpooledTemporaryFile

from starlette import formparsers
from streamlit.web import cli

from tests.support import stamps

rolled_over: list[int] = []


class Watched(SpooledTemporaryFile):  # type: ignore[type-arg]
    """Tells when it becomes a file."""

    def rollover(self) -> None:
        rolled_over.append(self.tell())
        super().rollover()


def tell(signal_number: int, frame: object) -> None:
    path = Path(os.environ["FER_INSIDE_FILE"])
    whole = path.with_suffix(".whole")
    threads = [thread.name for thread in threading.enumerate()]
    streams = sys.modules.get("streamlit_webrtc.webrtc")
    workers = list(streams._live_workers) if streams else []
    connections = [worker.pc.connectionState for worker in workers]
    found = {
        "modules": sorted(sys.modules),
        "threads": threads,
        "connections": connections,
        "rolled_over": rolled_over,
        "analysed": stamps.analysed,
    }
    whole.write_text(json.dumps(found))
    whole.replace(path)


signal.signal(signal.SIGUSR1, tell)
formparsers.SpooledTemporaryFile = Watched
if os.environ.get("FER_STAMPS"):
    stamps.install()
sys.argv = ["streamlit", "run", *sys.argv[1:]]
cli.main()
