"""Every sentence a user can meet exists in both languages, with the same places to fill."""

from __future__ import annotations

import ast
import string
from pathlib import Path

from fer import FerError, emotions
from fer.ui.shared import text
from fer.ui.shared.text import _, in_language
from tests.support.making import ROOT

UI = [
    ROOT / "Home.py",
    *sorted((ROOT / "pages").glob("*.py")),
    *sorted((ROOT / "fer/ui").rglob("*.py")),
]
# Folders and modules whose errors only the command meets, which speaks English.
ENGLISH = (
    *("cli/", "lab/evaluation/", "lab/export/", "lab/keras_backend", "lab/overwriting"),
    *("lab/studies/", "lab/training/distribution", "data/aggregates", "media/photo_files"),
    "vision/regions",
)
SHOWN = [
    path
    for path in sorted((ROOT / "fer").rglob("*.py"))
    if not path.relative_to(ROOT / "fer").as_posix().startswith(ENGLISH)
]
FILES = {
    path.name: text.read_catalogue(path)
    for path in sorted((ROOT / "fer/ui/locale/id/LC_MESSAGES").glob("*.po"))
}
CATALOGUE = {key: value for catalogue in FILES.values() for key, value in catalogue.items()}


def calls(path: Path, name: str) -> list[ast.expr]:
    found = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)]
    return [n.args[0] for n in found if isinstance(n.func, ast.Name) and n.func.id == name]


def test_every_sentence_is_translated_and_none_is_left_over() -> None:
    found = set(emotions.KEYS)
    for path in UI:
        found |= {one.value for one in calls(path, "_") if isinstance(one, ast.Constant)}
    for path in SHOWN:
        for argument in calls(path, "FerError"):
            assert isinstance(argument, ast.Constant), f"{path.name}: {ast.unparse(argument)}"
            found.add(argument.value)
    assert found == set(CATALOGUE)


def test_places_agree_and_no_sentence_is_translated_twice() -> None:
    def places(sentence: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    assert sum(map(len, FILES.values())) == len(CATALOGUE)
    for sentence, translated in CATALOGUE.items():
        assert translated.strip(), sentence
        assert places(sentence) == places(translated), sentence


def test_numbers_and_errors_follow_the_language() -> None:
    error = FerError("There is no file {path}.", path="x.json")
    assert str(error) == _.error(error) == "There is no file x.json."
    assert (_.number(35887), _.percent(0.6643)) == ("35,887", "66.4%")
    with in_language("id"):
        assert _.error(error) == "Tidak ada berkas x.json."
        assert (_.number(35887), _.percent(0.6643)) == ("35.887", "66,4%")
        signed = [_.signed(value, 1) for value in (0.06, 0.04, -0.04, -0.06)]
    assert signed == ["+0,1", "0,0", "0,0", "−0,1"]


def test_names_in_errors_are_no_markup() -> None:
    for name, shown in {
        "[draft] bad.jpg": r"\[draft\] bad.jpg",
        "*new* _1_.jpg": r"\*new\* \_1\_.jpg",
        ":red[x].jpg": r"\:red\[x\].jpg",
        "$1$.jpg": r"\$1\$.jpg",
        "<b>`a`": r"\<b\>\`a\`",
        "models/vgg16_trunk.jpg": "models/vgg16_trunk.jpg",
    }.items():
        assert _.error(FerError("{name} is empty.", name=name)) == f"{shown} is empty."
