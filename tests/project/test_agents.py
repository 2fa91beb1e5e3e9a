"""Programs as users: Streamlit's agent API and MCP server, where an operator turns them on."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit import config

from fer import __version__
from fer.artifacts import model_store
from tests.support.asking import ON, ask, elements, post, sample_answers
from tests.support.making import ROOT
from tests.support.pages import VIEWS
from tests.support.serving import Server, running

MEDIA = {"plotly_chart", "image", "dataframe", "table"}
PAGES = ("", "Dataset", "Preprocessing", "Classification_Results", "Training", "Realtime_Demo")
# What hides behind a choice: page, key, values.
CHOICES = (
    ("Classification_Results", "view_group", ("Emotions", "Reliability")),
    ("Classification_Results", "view_of_trust", ("Errors", "Robustness")),
    ("Realtime_Demo", "mode", ("Photo", "Many photos", "Video", "Play")),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("agents")
    with running(folder, FER_LOG="json", **ON) as started:
        yield started


def illegible(page: dict[str, Any]) -> list[str]:
    """What a program cannot address or make out: keys made up by Streamlit, media without words."""
    problems = []
    for element in elements(page["tree"]):
        name = f"{page['page']} {element['type']} {element.get('key')}"
        if str(element.get("key") or "").startswith("$$"):
            problems.append(f"{name} has no key")
        if element["type"] in MEDIA and not element.get("props", {}).get("alt"):
            problems.append(f"{name} has no alt")
    return problems


def test_agents_are_off_unless_turned_on() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert "enableAgentApi" not in settings["server"]
    assert config._config_options_template["server.enableAgentApi"].value is False


def test_program_reads_both_models_answers_for_the_sample(server: Server) -> None:
    rows, said = sample_answers(server)
    assert [row["model"] for row in rows] == list(model_store.available(ROOT / "models"))
    for row in rows:
        assert f"{row['model']}: **{row['top1']}**" in said


def test_every_page_is_legible_to_a_program(server: Server) -> None:
    home = ask(server, query_params={"lang": ["EN"]})
    assert [page["url_path"] for page in home["pages"]] == list(PAGES)
    assert all(page["help"] for page in home["pages"])
    session = home["session_id"]
    problems = illegible(home)
    for page in PAGES[1:]:
        problems += illegible(ask(server, session_id=session, page=page))
    for view in VIEWS:
        # What a person finds behind buttons has an address, too.
        page = "Classification_Results"
        query = {"lang": ["EN"], "view": [view]}
        problems += illegible(ask(server, session_id=session, page=page, query_params=query))
    for page, key, choices in CHOICES:
        ask(server, session_id=session, page=page)
        for choice in choices:
            problems += illegible(ask(server, session_id=session, widget_state={key: choice}))
    assert problems == []


def test_model_context_protocol_reaches_the_same_pages(server: Server) -> None:
    def call(method: str, **parameters: Any) -> dict[str, Any]:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        return dict(post(server, "mcp", message)["result"])

    assert {tool["name"] for tool in call("tools/list")["tools"]} == {"interact", "get_data"}
    answer = call("tools/call", name="interact", arguments={})
    assert not answer.get("isError")
    assert "Facial Expression Analysis System" in json.dumps(answer)


def test_operator_reads_figures_and_nothing_about_visitors(server: Server) -> None:
    sample_answers(server)
    text = (server.inside.parent / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    told = {line["event"]: line for line in lines}
    models = model_store.available(ROOT / "models")
    assert told["start"]["version"] == __version__
    assert told["start"]["models"] == {key: model.digest for key, model in models.items()}
    assert told["models loaded"]["load_ms"] > 0
    assert told["photo classified"]["faces"] == 1
    assert told["photo classified"]["prediction_ms"] > 0
    assert "astronaut" not in text
