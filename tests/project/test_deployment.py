"""What a stranger deploys: pins that are enough, a Dockerfile that fits, a start from nothing."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.asking import ON, sample_answers
from tests.support.making import ROOT
from tests.support.serving import running

RUN_BY_STREAMLIT = [ROOT / "Home.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "fer").rglob("*.py")]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def test_requirements_provide_every_import_and_nothing_else() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)==[0-9][^\s;]*", line) for line in lines]
    assert all(found), "every line of requirements.txt pins one package"
    pins = {normal(match[1]) for match in found if match}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {normal(re.split(r"[<>=]", line)[0]) for line in project["dependencies"]} == pins
    # What only a command needs and asks for in a sentence when it is missing.
    optional = {
        normal(re.split(r"[<>=\[]", line)[0])
        for kind in ("export", "distributed")
        for line in project["optional-dependencies"][kind]
    } | {"twilio"}
    distributions = packages_distributions()
    for path in RUN_BY_STREAMLIT:
        for name in imported(path) - set(sys.stdlib_module_names) - {"fer"}:
            providers = {normal(found) for found in distributions.get(name, [name])}
            assert providers & (pins | optional), f"{path.name}: {name}"


def values(name: str) -> list[str]:
    """What follows that instruction in the Dockerfile, for each time that it stands there."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.removeprefix(name).strip() for line in text.splitlines() if line.startswith(name)]


def ignored(path: str) -> bool:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    parts = path.split("/")
    heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return any(
        fnmatch(head, pattern) or (pattern.startswith("**/") and fnmatch(part, pattern[3:]))
        for pattern in patterns
        for head, part in zip(heads, parts, strict=True)
    )


def test_image_runs_without_root_on_the_same_pins_and_serves_the_port_it_checks() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert text.rindex("\nRUN") < text.index("\nUSER") < text.rindex("\nCMD")
    (user,) = values("USER")
    assert any(f"useradd --create-home --uid 10001 {user}" in run for run in values("RUN"))
    assert "pip install -r requirements.txt" in values("RUN")
    assert not any(re.search(r"pip install (?!-r|--no-deps)", run) for run in values("RUN"))
    assert values("EXPOSE") == ["8501"]
    assert "http://127.0.0.1:8501/_stcore/health" in values("HEALTHCHECK")[0]
    assert '"--server.port=8501"' in values("CMD")[0]


def test_image_holds_all_that_the_dashboard_reads_and_no_data_secrets_or_leftovers() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    files = listed.stdout.splitlines()
    if not files:
        pytest.skip("this is no git checkout")
    # The last word is where they are copied to.
    words = [word for rest in values("COPY") for word in shlex.split(rest)[:-1]]
    sources = [word for word in words if not word.startswith("--")]
    folders = ("fer/", "pages/", "models/", "data/", "Home.py", ".streamlit/config.toml")
    for name in files:
        if name.startswith(folders):
            assert any(name == s or name.startswith(f"{s}/") for s in sources), name
            assert not ignored(name)
    for name in (
        "data/fer2013/images.npy",
        ".streamlit/secrets.toml",
        ".git/config",
        "fer/__pycache__/cli.cpython-312.pyc",
        "runs/proposed/run.json",
    ):
        assert ignored(name)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_dashboard_starts_from_an_empty_environment(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "-r", clone / "requirements.txt"]
    subprocess.run(install, check=True)
    kept = {name: "" for name in ("PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
    with running(tmp_path, python=str(python), root=clone, **ON, **kept) as server:
        rows, _said = sample_answers(server)
        assert len(rows) >= 2
        assert "tensorflow" not in server.tell("modules")
