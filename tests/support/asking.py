"""A running dashboard asked as a program asks it: through Streamlit's agent API."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from fer import emotions
from tests.support.making import PATIENCE
from tests.support.serving import Server

# What turns the API on for `serving.running`.
ON = {"STREAMLIT_SERVER_ENABLE_AGENT_API": "true"}


def ask(server: Server, **request: Any) -> dict[str, Any]:
    """The finished page; a run that takes longer than the server waits is waited for."""
    url, kind = f"{server.url}/_stcore/agent/interact", {"Content-Type": "application/json"}
    asked = urllib.request.Request(url, json.dumps(request).encode(), kind)
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        found = dict(json.load(answer))
    if "tree" not in found:
        return ask(server, session_id=found["session_id"])
    assert found["status"] == "ready", found
    return found


def elements(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("children", []):
        yield from elements(child)


def sample_answers(server: Server) -> tuple[list[dict[str, Any]], str]:
    """Each model's row of the table below the sample photo, and all that the page says."""
    session = ask(server, page="Realtime_Demo", query_params={"lang": ["EN"]})["session_id"]
    ask(server, session_id=session, widget_state={"mode": "Photo"})
    found = ask(server, session_id=session, widget_state={"demo_source": "Sample"})
    held = next(e for e in elements(found["tree"]) if e.get("key") == "demo_confidences")
    table = next(e for e in elements(held) if e.get("type") == "table")["data"]
    columns = [column["name"] for column in table["columns"]]
    rows = [dict(zip(columns, row, strict=True)) for row in table["preview"]["rows"]]
    for row in rows:
        assert row["top1"] == max(emotions.KEYS, key=row.__getitem__)
        assert sum(row[key] for key in emotions.KEYS) == pytest.approx(1, abs=1e-5)
    said = "\n".join(str(e.get("props", {}).get("body")) for e in elements(found["tree"]))
    return rows, said
