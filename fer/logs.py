"""What a server tells its operator: one JSON object a line where FER_LOG=json, else nothing new.

Nothing about visitors is ever told: no file names, no images, no addresses, no texts of errors,
which may quote any of these; an error is told by its kind and its place in the code.
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
from types import TracebackType

from fer import FerError

VARIABLE = "FER_LOG"
LOGGER = logging.getLogger("fer")
# What a caller's values may be: nothing that could hold a name or a picture by mistake.
Value = str | int | float | bool | None | dict[str, str]


def tell(event: str, **values: Value) -> None:
    """Records an event of the server with its figures.

    Args:
        event: what happened, in a word or two that never change.
        values: times in milliseconds end in `_ms`.
    """
    LOGGER.info(event, extra={"figures": values})


@contextmanager
def refusals(event: str, content: bytes) -> Iterator[None]:
    """Records that a visitor's file was refused, where the block raises a `FerError`: by its
    sentence without its values, and once, however often the page of that file is drawn."""
    try:
        yield
    except FerError as error:
        _refused(event, error.template, hashlib.sha256(content).digest())
        raise


@lru_cache(maxsize=1024)
def _refused(event: str, template: str, digest: bytes) -> None:
    LOGGER.warning(event, extra={"figures": {"reason": template}})


def said(sentence: str, kind: str) -> None:
    """Records a sentence that the command says to the person who called it."""
    levels = {"error": logging.ERROR, "warning": logging.WARNING}
    LOGGER.log(levels.get(kind, logging.INFO), kind, extra={"figures": {"sentence": sentence}})


def is_json() -> bool:
    """Whether FER_LOG asks for JSON lines."""
    return os.environ.get(VARIABLE, "") == "json"


def begin() -> None:
    """Starts to write JSON lines to stderr if FER_LOG asks for it, Streamlit's own among them.

    Raises:
        FerError: if FER_LOG asks for something else.
    """
    wished = os.environ.get(VARIABLE, "")
    if wished not in ("", "json"):
        raise FerError(
            "There is no log format {format}; set FER_LOG to json or leave it out.",
            format=f"{wished!r}",
        )
    if not wished:
        return
    if not LOGGER.handlers:
        LOGGER.addHandler(_handler())
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False
    # What has no handler of its own, Python's warnings and errors that nobody caught come here.
    if not any(isinstance(h.formatter, Line) for h in logging.root.handlers):
        logging.root.addHandler(_handler())
        logging.captureWarnings(True)
        sys.excepthook = _uncaught
    for name in list(logging.root.manager.loggerDict):
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(Line())


def _handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    return handler


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    LOGGER.critical("uncaught", exc_info=(kind, error, trace))


class Line(logging.Formatter):
    """A record as one line of JSON: time (UTC), level, logger, event, and the event's figures."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            # Arguments are left out: they are where others' messages carry names and addresses.
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
