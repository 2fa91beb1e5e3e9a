"""A server's log for its operator: one JSON object on each line if FER_LOG=json, else none.

Nothing about visitors is ever logged: no file names, no images, no addresses, no texts of errors,
which may quote any of these; an error is logged by its kind and its place in the code.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from fer import FerError

VARIABLE = "FER_LOG"
LOGGER = logging.getLogger("fer")
# The types of logged values: none that could hold a picture by mistake.
Value = str | int | float | bool | None | dict[str, str]


def event(name: str, **values: Value) -> None:
    """Log an event of the server, in a word or two that never change, with its figures; names of
    times in milliseconds end in `_ms`."""
    LOGGER.info(name, extra={"figures": values})


@contextmanager
def refusals(name: str, content: bytes) -> Iterator[None]:
    """Log that a visitor's file was refused if the block raises a `FerError`: the error's template
    without its values, and once, however often the page of that file is drawn."""
    try:
        yield
    except FerError as error:
        _log_refusal(name, error.template, hashlib.sha256(content).digest())
        raise


@lru_cache(maxsize=1024)
def _log_refusal(name: str, template: str, digest: bytes) -> None:
    LOGGER.warning(name, extra={"figures": {"reason": template}})


def sentence(text: str, kind: str) -> None:
    """Log a sentence that the command prints for its user."""
    levels = {"error": logging.ERROR, "warning": logging.WARNING}
    LOGGER.log(levels.get(kind, logging.INFO), kind, extra={"figures": {"sentence": text}})


def is_json() -> bool:
    """Return whether FER_LOG asks for JSON lines."""
    return os.environ.get(VARIABLE, "") == "json"


def begin() -> None:
    """Start to write JSON lines to stderr if FER_LOG is json, Streamlit's own among them. Raise
    FerError if it is anything else."""
    requested = os.environ.get(VARIABLE, "")
    if requested not in ("", "json"):
        raise FerError(
            "There is no log format {format}; set FER_LOG to json or leave it out.",
            format=f"{requested!r}",
        )
    if not requested:
        return
    if not LOGGER.handlers:
        LOGGER.addHandler(_json_handler())
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False
    # Records of loggers without a handler, Python's warnings and uncaught errors come here.
    if not any(isinstance(h.formatter, Line) for h in logging.root.handlers):
        logging.root.addHandler(_json_handler())
        logging.captureWarnings(True)
        sys.excepthook = lambda *error: LOGGER.critical("uncaught", exc_info=error)
    for name in list(logging.root.manager.loggerDict):
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(Line())


def _json_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    return handler


class Line(logging.Formatter):
    """A record as one line of JSON: time (UTC), level, logger, event, and the event's figures."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            # Arguments are left out: libraries' messages carry names and addresses in them.
            "event": str(record.msg),
            **getattr(record, "figures", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["stack"] = [
                f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(line, ensure_ascii=False)
