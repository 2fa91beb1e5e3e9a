"""Streamlit as its command starts it; on SIGUSR1 it writes its modules and threads to a file."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from streamlit.web import cli


def tell(signal_number: int, frame: object) -> None:
    path = Path(os.environ["FER_INSIDE_FILE"])
    whole = path.with_suffix(".whole")
    threads = [thread.name for thread in threading.enumerate()]
    whole.write_text(json.dumps({"modules": sorted(sys.modules), "threads": threads}))
    whole.replace(path)


signal.signal(signal.SIGUSR1, tell)
sys.argv = ["streamlit", "run", *sys.argv[1:]]
cli.main()
