"""Streamlit as its command starts it, but told by SIGUSR1 it writes its modules to a file."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from streamlit.web import cli


def tell(signal_number: int, frame: object) -> None:
    path = Path(os.environ["FER_MODULES_FILE"])
    whole = path.with_suffix(".whole")
    whole.write_text("\n".join(sorted(sys.modules)))
    whole.replace(path)


signal.signal(signal.SIGUSR1, tell)
sys.argv = ["streamlit", "run", *sys.argv[1:]]
cli.main()
