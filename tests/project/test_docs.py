"""What the documents promise: a version, links that lead on, limits that agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from fer import __version__, logs
from tests.support.making import ROOT

DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)|src=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"```.*?```", re.DOTALL)


def anchors(path: Path) -> set[str]:
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }


def test_citation_has_the_version_of_the_package() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for pair in LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8"))):
        target, _, anchor = (pair[0] or pair[1]).partition("#")
        found = path.parent / target if target else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), anchor


def test_proxy_lets_through_what_the_server_takes() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    limit = settings["server"]["maxUploadSize"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"client_max_body_size {limit}m;" in readme
    for line in ("Upgrade $http_upgrade;", 'Connection "upgrade";', "X-Forwarded-Proto $scheme;"):
        assert f"proxy_set_header {line}" in readme


def test_every_event_of_the_log_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"`{logs.VARIABLE}=json`" in readme
    code = "\n".join(path.read_text() for path in (ROOT / "fer").rglob("*.py"))
    events = set(re.findall(r"logs\.(?:event|refusals)\(\s*\"([^\"]+)\"", code))
    assert {"start", "models loaded", "photo classified"} <= events
    assert [event for event in sorted(events) if f"`{event}`" not in readme] == []


def test_architecture_names_every_folder() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = {path.parent.name for path in (ROOT / "fer").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `fer/(\w+)/`", text, re.MULTILINE)) == folders


def test_changelog_has_the_version_that_is_coming() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{__version__}]" in text or f"What will be {__version__}." in text
