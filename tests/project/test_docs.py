"""What the documents promise: a version, links that lead on, limits that agree."""

from __future__ import annotations

import re
import tomllib

from fer import __version__, logs
from tests.support.making import ROOT

DOCUMENTS = {
    path: re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
}
README = (ROOT / "README.md").read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


def test_citation_and_changelog_have_the_version_of_the_package() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    text = DOCUMENTS[ROOT / "CHANGELOG.md"]
    assert f"## [{__version__}]" in text or f"What will be {__version__}." in text


def test_links_lead_somewhere() -> None:
    for path, text in DOCUMENTS.items():
        for pair in re.findall(r"\]\((?!https?:)([^)\s]*)\)|src=\"([^\"]+)\"", text):
            target, _, anchor = (pair[0] or pair[1]).partition("#")
            found = path.parent / target if target else path
            assert found.exists(), (path.name, target)
            assert not anchor or anchor in anchors(DOCUMENTS[found.resolve()]), anchor


def test_proxy_lets_through_what_the_server_takes() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert f"client_max_body_size {settings['server']['maxUploadSize']}m;" in README
    for line in ("Upgrade $http_upgrade;", 'Connection "upgrade";', "X-Forwarded-Proto $scheme;"):
        assert f"proxy_set_header {line}" in README


def test_every_event_of_the_log_is_documented() -> None:
    assert f"`{logs.VARIABLE}=json`" in README
    code = "\n".join(path.read_text() for path in (ROOT / "fer").rglob("*.py"))
    events = set(re.findall(r"logs\.(?:event|refusals)\(\s*\"([^\"]+)\"", code))
    assert {"start", "models loaded", "photo classified"} <= events
    assert [event for event in sorted(events) if f"`{event}`" not in README] == []


def test_architecture_names_every_folder() -> None:
    text = DOCUMENTS[ROOT / "docs" / "ARCHITECTURE.md"]
    folders = {path.parent.name for path in (ROOT / "fer").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `fer/(\w+)/`", text, re.MULTILINE)) == folders
