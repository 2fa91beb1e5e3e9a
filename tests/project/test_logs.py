"""Log lines: one JSON object each, with figures and without anything personal."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from fer import FerError, logs


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process' loggers, put back afterwards."""
    before = (list(logs.LOGGER.handlers), logs.LOGGER.level, logs.LOGGER.propagate)
    known = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
    formats = {handler: handler.formatter for one in known for handler in one.handlers}
    logs.LOGGER.handlers = []
    yield
    logs.LOGGER.handlers, level, logs.LOGGER.propagate = before
    logs.LOGGER.setLevel(level)
    for handler, formatter in formats.items():
        handler.setFormatter(formatter)


@pytest.mark.usefixtures("fresh")
def test_events_and_refusals_are_lines_of_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(logs.VARIABLE, "json")
    logs.begin()
    logs.begin()
    logs.event("photo classified", faces=2, prediction_ms=9.5)
    for _ in range(2):
        with pytest.raises(FerError), logs.refusals("photo refused", b"no image"):
            raise FerError("{name} is no image.", name="Siti di pantai.jpg")
    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert first.pop("time").endswith("+00:00")
    del second["time"]
    figures = {"event": "photo classified", "faces": 2, "prediction_ms": 9.5}
    assert first == {"level": "info", "logger": "fer", **figures}
    refusal = {"event": "photo refused", "reason": "{name} is no image."}
    assert second == {"level": "warning", "logger": "fer", **refusal}


@pytest.mark.usefixtures("fresh")
def test_nothing_new_is_written_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(logs.VARIABLE, raising=False)
    logs.begin()
    logs.event("photo classified", faces=2)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv(logs.VARIABLE, "xml")
    with pytest.raises(FerError, match="set FER_LOG to json"):
        logs.begin()


def test_exceptions_are_told_by_kind_and_place() -> None:
    def fail() -> None:
        raise ValueError("cannot read\n/home/siti/wajah.png")

    with pytest.raises(ValueError, match="cannot read") as raised:
        fail()
    about = (raised.type, raised.value, raised.tb)
    arguments = ("streamlit", logging.ERROR, "x.py", 1, "From %s", ("10.0.0.7",))
    text = logs.Line().format(logging.LogRecord(*arguments, about))
    assert "\n" not in text
    line = json.loads(text)
    assert (line["error"], line["event"]) == ("ValueError", "From %s")
    assert line["stack"][-1].split()[-1] == "fail"
    for personal in ("siti", "10.0.0.7"):
        assert personal not in text
