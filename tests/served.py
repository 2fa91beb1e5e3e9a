"""Streamlit as its command starts it; on SIGUSR1 it writes what is in it to a file.

Its modules, threads and peer connections, and when it analysed frames if FER_STAMPS is set.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
from pathlib import Path

import stamps
from streamlit.web import cli


def tell(signal_number: int, frame: object) -> None:
    path = Path(os.environ["FER_INSIDE_FILE"])
    whole = path.with_suffix(".whole")
    threads = [thread.name for thread in threading.enumerate()]
    connections = [
        kept.connectionState
        for kept in gc.get_objects()
        if type(kept).__name__ == "RTCPeerConnection"
    ]
    found = {
        "modules": sorted(sys.modules),
        "threads": threads,
        "connections": connections,
        "analysed": stamps.analysed,
    }
    whole.write_text(json.dumps(found))
    whole.replace(path)


signal.signal(signal.SIGUSR1, tell)
if os.environ.get("FER_STAMPS"):
    stamps.install()
sys.argv = ["streamlit", "run", *sys.argv[1:]]
cli.main()
