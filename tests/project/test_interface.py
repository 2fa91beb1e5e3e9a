"""Both models from Python, as README shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fer
from fer import FerError, emotions
from fer.interface import FaceClassifier
from tests.support import command
from tests.support.making import ROOT, jpeg


@pytest.fixture(scope="module")
def classifier() -> FaceClassifier:
    return fer.load(str(ROOT / "models"))


def test_readme_example_runs_from_any_directory(portrait: np.ndarray, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(import fer\n.*?)```", readme, re.DOTALL)
    (tmp_path / "photo.jpg").write_bytes(jpeg(portrait))
    lines = command.child("-c", example, cwd=tmp_path).stdout.splitlines()
    assert [line.split()[4] for line in lines] == ["baseline", "proposed"]
    assert all("happy" in line for line in lines)


def test_importing_fer_is_cheap_and_turns_onednn_on() -> None:
    program = "import os, sys; os.environ.pop('TF_ENABLE_ONEDNN_OPTS', 0); import fer"
    show = "print(os.environ['TF_ENABLE_ONEDNN_OPTS'], *sys.modules)"
    onednn, *loaded = command.child("-c", f"{program}; {show}").stdout.split()
    assert onednn == "1"
    assert "fer" in loaded
    assert not {"numpy", "cv2", "PIL", "openvino", "keras"} & set(loaded)


def test_every_kind_of_image_gives_what_the_command_prints(
    classifier: FaceClassifier, portrait: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(jpeg(portrait, "PNG"))
    printed = command.fer("predict", path, "--json", "--models-dir", ROOT / "models").stdout
    expected = json.loads(printed)
    assert classifier.photo(str(path)).to_dict() == expected
    for image in (path, path.read_bytes(), Image.fromarray(portrait), portrait):
        assert classifier.photo(image, name=str(path)).to_dict() == expected


def test_faces_are_answered_as_in_the_photo(
    classifier: FaceClassifier, portrait: np.ndarray
) -> None:
    (answer,) = classifier.photo(portrait).answers
    found = classifier.faces(np.stack([answer.crop] * 3))
    assert list(found) == ["baseline", "proposed"]
    for key, probabilities in found.items():
        assert probabilities.shape == (3, emotions.COUNT)
        assert probabilities[2] == pytest.approx(answer.predictions[key].probabilities, abs=1e-6)
    assert {values.shape for values in classifier.faces([]).values()} == {(0, emotions.COUNT)}


def test_what_cannot_be_answered_is_told(classifier: FaceClassifier, tmp_path: Path) -> None:
    with pytest.raises(FerError, match=r"There is no file nowhere\.jpg"):
        classifier.photo("nowhere.jpg")
    with pytest.raises(FerError, match="An RGB image is a NumPy array"):
        classifier.photo(np.zeros((480, 480)))  # type: ignore[arg-type]
    with pytest.raises(FerError, match="Gray faces are a NumPy array"):
        classifier.faces(np.zeros((48, 48), np.uint8))
    with pytest.raises(FerError, match="There is no trained model"):
        fer.load(tmp_path)
