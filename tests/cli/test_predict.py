"""`fer predict` on folders, odd names, broken files, pipes, full devices and Ctrl+C."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from click.testing import Result

from fer import FerError, emotions
from fer.cli import predict
from fer.media import photo_files, photos, video_gate, videos
from tests.support.command import child, fer, refusal, succeeded
from tests.support.making import ROOT, interruptible, jpeg, video

MODELS = str(ROOT / "models")
GRAY = jpeg(np.full((90, 120), 128, np.uint8), "PNG")


@pytest.fixture
def photo(tmp_path: Path, portrait: np.ndarray) -> Path:
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / "portrait.jpg"
    path.write_bytes(jpeg(portrait))
    return path


def lines(text: str) -> list[dict[str, Any]]:
    """Return the objects of JSON lines, without those that a busy machine adds: how far it is."""
    records = [json.loads(line) for line in text.splitlines()]
    return [record for record in records if record.get("event") != "progress"]


def rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a table as CSV."""
    return list(csv.DictReader(io.StringIO(text)))


def predicted(*arguments: object) -> Result:
    """Run `fer predict` with the published models and return what it printed."""
    return fer("predict", *arguments, "--models-dir", MODELS)


def test_json_and_csv_agree_and_people_read_both_models(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    canvas = np.full((512, 800, 3), 120, np.uint8)
    canvas[100:356, :256] = portrait[::2, ::2] // 8
    canvas[:, 288:] = portrait
    photo = tmp_path / "two.png"
    photo.write_bytes(jpeg(canvas, "PNG"))
    (record,) = lines(predicted(photo, "--json").stdout)
    table = rows(predicted(photo, "--csv").stdout)
    printed = succeeded(predicted(photo)).stdout
    assert all(name in printed for name in ("baseline", "proposed", *emotions.KEYS))
    assert ", very dark" in " ".join(printed.split())
    assert record["problem"] is None
    # Faces are numbered from left to right; the smaller, dark one stands to the left.
    assert [face["flaws"] for face in record["faces"]] == [["dark"], []]
    assert [(row["face"], row["flaws"]) for row in table] == [("1", "dark")] * 2 + [("2", "")] * 2
    for row in table:
        face = record["faces"][int(row["face"]) - 1]
        confidence = face["models"][row["model"]]["confidence"]
        assert sum(confidence.values()) == pytest.approx(1, abs=1e-4)
        assert float(row["happy"]) == pytest.approx(confidence["happy"], abs=1e-6)
        assert row["top1"] == max(confidence, key=confidence.__getitem__)
        assert row["problem"] == ""


def test_a_photo_that_is_none_is_told_and_one_without_a_face_taken_whole(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    assert "There is no file" in refusal(predicted(photo))
    photo.write_bytes(b"just words")
    assert "is not an image" in refusal(predicted(photo))
    photo.write_bytes(GRAY)
    (record,) = lines(predicted(photo, "--json", "--whole").stdout)
    assert record["faces"][0]["box"] is None


def test_every_photo_has_a_row_whatever_it_is(photo: Path) -> None:
    (photo.parent / "broken.png").write_bytes(photo.read_bytes()[:2000])
    (photo.parent / "gray.png").write_bytes(GRAY)
    result = predicted(photo.parent, "--csv")
    assert result.exit_code == 1
    assert "1 of 3 photos could not be read" in result.stderr
    broken, gray, *faces = rows(result.stdout)
    assert (Path(broken["photo"]).name, Path(gray["photo"]).name) == ("broken.png", "gray.png")
    assert [row["photo"] for row in faces] == [str(photo)] * 2
    assert "is damaged" in broken["problem"]
    assert (gray["problem"], gray["face"]) == ("no face found", "")
    records = lines(predicted(photo.parent, "--json").stdout)
    assert [len(record["faces"]) for record in records] == [0, 0, 1]
    assert [record["problem"] is None for record in records] == [False, False, True]


@pytest.mark.skipif(sys.platform == "win32", reason="names are text in Windows")
@pytest.mark.parametrize("kind", [[], ["--csv"], ["--json"]], ids=str)
def test_names_are_never_markup_nor_letters_that_an_output_lacks(
    photo: Path, kind: list[str]
) -> None:
    folder = photo.parent / "x[" / ("long" * 50)
    folder.mkdir(parents=True)
    shutil.copy(photo, folder / "y].jpg")
    shutil.copy(photo, folder / "emoji\U0001f600.jpg")
    os.rename(photo, os.fsencode(folder) + b"/caf\xe9.jpg")  # noqa: PTH104
    (folder / "[draft] bad.jpg").write_bytes(b"no image")
    command = ("-m", "fer", "predict", folder, *kind, "--models-dir", MODELS)
    done = child(*command, PYTHONIOENCODING="cp1252")
    assert done.returncode == 1
    assert f"{folder / '[draft] bad.jpg'} is not an image" in done.stderr
    assert "Traceback" not in done.stderr
    assert str(folder / "y].jpg") in (done.stdout.splitlines() if not kind else done.stdout)
    assert "emoji\\U0001f600" in done.stdout or "emoji\\ud83d\\ude00" in done.stdout
    assert "caf\\udce9.jpg" in done.stdout


def test_hidden_and_other_files_are_left_out_and_counted(photo: Path) -> None:
    hidden = photo.parent / ".venv"
    hidden.mkdir()
    shutil.copy(photo, hidden / "icon.jpg")
    for name in ("._portrait.jpg", "film.mp4", "notes"):
        (photo.parent / name).touch()
    selection = photo_files.find([photo.parent])
    assert selection.paths == [photo]
    assert selection.left_out() == [
        "Left out 2 hidden files or folders.",
        "Left out 2 files that are no images: 1 .mp4, 1 without ending.",
    ]
    assert photo_files.find([hidden]).paths == [hidden / "icon.jpg"], "it was named"
    photo.unlink()
    with pytest.raises(FerError, match=r"holds no image.*Left out 2 hidden"):
        photo_files.find([photo.parent])


def test_a_path_that_is_empty_or_refused_by_the_system_is_told_in_a_sentence() -> None:
    name = "a" * 300
    sentence = refusal(fer("predict", name))
    assert f"{name} cannot be read or written (File name too long); check" in sentence
    assert "an empty path names no file or folder" in fer("predict", "").stderr
    (line,) = lines(child("-m", "fer", "predict", name, FER_LOG="json").stderr)
    assert (line["level"], line["event"]) == ("error", "error")
    assert line["sentence"] == sentence.removeprefix("Error: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device_is_told_in_a_sentence(photo: Path) -> None:
    command = [sys.executable, "-m", "fer", "predict", photo, "--csv", "--models-dir", MODELS]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "Error: The output cannot be written (No space left on device); what is there is cut off."
    )
    assert "Traceback" not in done.stderr


def test_a_video_gives_a_table_and_the_film_with_the_answers(
    portrait: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(video([portrait] * 6, 10))
    folder = tmp_path / "drawn"
    (record,) = lines(succeeded(predicted(path, "--json", "--annotated", folder)).stdout)
    assert record["moments"] == [
        {
            **{name: row[name] for name in ("model", "top1")},
            **{name: float(row[name]) for name in ("seconds", *emotions.KEYS)},
            "face": int(row["face"]),
            "doubtful": row["doubtful"] == "True",
        }
        for row in rows(succeeded(predicted(path, "--csv")).stdout)
    ]
    assert len(record["moments"]) == 12
    assert (record["analysed"], record["ending"], record["problem"]) == (6, "whole", None)
    assert "6 frames analysed, 1 faces." in " ".join(predicted(path).stdout.split())
    assert record["annotated"] == str(folder / "clip-annotated.mp4")
    with video_gate.opened_video(Path(record["annotated"]).read_bytes(), "drawn") as (_, stream):
        assert (stream.width, stream.height) == (512, 512)


def test_photos_and_videos_have_tables_of_their_own(photo: Path) -> None:
    film = photo.with_name("film.mp4")
    film.write_bytes(b"no film")
    assert "other columns than photos" in refusal(fer("predict", photo, film, "--csv"))
    assert "no video is named" in refusal(fer("predict", photo, "--annotated", photo.parent))
    assert "film.mp4 is not a video that can be read" in fer("predict", film).stderr


def test_the_documented_columns_are_those_that_are_written() -> None:
    text = (ROOT / "docs" / "OUTPUT.md").read_text(encoding="utf-8")
    watched = predict.WatchedVideo(Path(), videos.AnalysedVideo((), b"", 1.0, 1), None)
    for heading, columns in (
        ("Photos, `--csv`", predict.PHOTO_COLUMNS),
        ("Videos, `--csv`", predict.VIDEO_COLUMNS),
        ("Photos, `--json`", get_type_hints(photos.PrintedPhoto)),
        ("Videos, `--json`", watched.to_dict()),
    ):
        section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
        cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
        assert sorted(re.findall(r"`(\w+)`", " ".join(cells))) == sorted(columns)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_keeps_the_answers_that_are_there(photo: Path) -> None:
    for number in range(300):
        shutil.copy(photo, photo.with_name(f"{number}.jpg"))
    command = [sys.executable, "-m", "fer", "predict", photo.parent, "--json"]
    running = interruptible(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    first = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    rest, errors = running.communicate()
    assert running.returncode == 130
    records = lines(first + rest)
    assert 1 <= len(records) < 301
    assert all(len(record["faces"]) == 1 for record in records)
    assert "of 301 photos; what is printed is whole" in errors
    assert "Traceback" not in errors
