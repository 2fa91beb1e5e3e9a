"""Programs as users: Streamlit's agent API, where an operator turns it on; and what that server
holds and logs."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator

import pytest
from streamlit import config

from fer import __version__
from fer.artifacts import model_store
from tests.support.asking import ON, sample_answers
from tests.support.making import ROOT
from tests.support.serving import Server, resident_mb, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("agents")
    with running(folder, FER_LOG="json", **ON) as started:
        yield started


def test_agents_are_off_unless_turned_on() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert "enableAgentApi" not in settings["server"]
    assert config._config_options_template["server.enableAgentApi"].value is False


def test_program_reads_both_models_answers_for_the_sample(server: Server) -> None:
    rows, said = sample_answers(server)
    assert [row["model"] for row in rows] == list(model_store.available(ROOT / "models"))
    for row in rows:
        assert f"{row['model']}: **{row['top1']}**" in said


def test_answers_come_without_tensorflow(server: Server) -> None:
    sample_answers(server)
    modules = set(server.tell("modules"))
    assert "openvino" in modules
    assert not {"tensorflow", "keras", "torch"} & modules
    assert resident_mb(server.pid) <= 500


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
