"""Streamlit as its command starts it; on SIGUSR1 it writes to a file what is in it.

modules, threads: their names. connections: the states of peer connections. uploads: the bytes of
each in memory. rolled_over: the bytes of each that became a temporary file. analysed: when frames
were analysed, `time.monotonic` seconds, if FER_STAMPS is set, which stamps frames.
Under FER_SHORT_VISITS a visit is over that many seconds after its connection ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any
from weakref import WeakSet

from starlette import formparsers
from streamlit import runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.uploaded_file_manager import UploadedFile
from streamlit.web import cli

from tests.support import stamps

rolled_over: list[int] = []
uploads: WeakSet[UploadedFile] = WeakSet()


class Watched(SpooledTemporaryFile):  # type: ignore[type-arg]
    """Tells when it becomes a file."""

    def rollover(self) -> None:
        rolled_over.append(self.tell())
        super().rollover()


def noted(self: UploadedFile, *args: Any, **options: Any) -> None:
    """Every upload that a page is given is known as long as it is in memory."""
    whole(self, *args, **options)
    uploads.add(self)


def held() -> list[int]:
    """The sizes of all uploads, as the server took them and as pages were given them."""
    from fer.ui.uploads.upload_limits import intake

    files = runtime.get_instance().uploaded_file_mgr.file_storage if runtime.exists() else {}
    taken = [len(file.data) for of_visit in files.values() for file in of_visit.values()]
    kept = [len(file.content or b"") for file in intake.arrived()]
    # Streamlit has names alone.
    return kept + [size for size in (*taken, *(file.size for file in uploads)) if size]


def tell(signal_number: int, frame: object) -> None:
    path = Path(os.environ["FER_INSIDE_FILE"])
    streams = sys.modules.get("streamlit_webrtc.webrtc")
    workers = list(streams._live_workers) if streams else []
    found = {
        "modules": sorted(sys.modules),
        "threads": [thread.name for thread in threading.enumerate()],
        "connections": [worker.pc.connectionState for worker in workers],
        "rolled_over": rolled_over,
        "uploads": held(),
        "analysed": stamps.analysed,
    }
    path.with_suffix(".whole").write_text(json.dumps(found))
    path.with_suffix(".whole").replace(path)


signal.signal(signal.SIGUSR1, tell)
whole, UploadedFile.__init__ = UploadedFile.__init__, noted  # type: ignore[method-assign]
if wish := os.environ.get("FER_SHORT_VISITS"):
    from fer.ui.uploads import visits

    visits.OVER_SECONDS, visits.LOOK_SECONDS = float(wish), float(wish) / 4
    MemorySessionStorage.__init__.__defaults__ = (128, float(wish) / 2)
formparsers.SpooledTemporaryFile = Watched
if os.environ.get("FER_STAMPS"):
    stamps.install()
sys.argv = ["streamlit", "run", *sys.argv[1:]]
cli.main()
