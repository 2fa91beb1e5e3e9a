"""`fer predict` on folders, odd names, broken files, pipes, full devices and Ctrl+C."""

from __future__ import annotations

import csv
import errno
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

from fer import FerError, emotions, interface
from fer.cli import predict
from fer.media import photo_files, photos, streaming, video_gate, videos
from tests.support.command import child, fer, refusal, succeeded
from tests.support.making import ROOT, interruptible, jpeg, video

MODELS = str(ROOT / "models")
WATCHED = predict.WatchedVideo(Path("film.mp4"), videos.AnalysedVideo((), b"", 1.0, 1), None)
GRAY = jpeg(np.full((90, 120), 128, np.uint8), "PNG")


@pytest.fixture
def photo(tmp_path: Path, portrait: np.ndarray) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "portrait.jpg").write_bytes(jpeg(portrait))
    return folder / "portrait.jpg"


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


def test_json_and_csv_agree_and_people_read_both_models(photo: Path) -> None:
    (record,) = lines(predicted(photo, "--json").stdout)
    table = rows(predicted(photo, "--csv").stdout)
    face = record["faces"][0]
    printed = succeeded(predicted(photo)).stdout
    assert all(name in printed for name in ("baseline", "proposed", *emotions.KEYS))
    assert record["problem"] is None
    assert face["flaws"] == []
    assert len(table) == len(face["models"])
    for row in table:
        confidence = face["models"][row["model"]]["confidence"]
        assert sum(confidence.values()) == pytest.approx(1, abs=1e-4)
        assert float(row["happy"]) == pytest.approx(confidence["happy"], abs=1e-6)
        assert row["top1"] == max(confidence, key=confidence.__getitem__)
        assert row["problem"] == ""


def test_tensorflow_is_not_needed(photo: Path) -> None:
    command = f"main(['predict', {str(photo)!r}], standalone_mode=False)"
    checked = "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    done = child("-c", f"import sys; from fer.cli.main import main; {command}; {checked}")
    assert done.returncode == 0, done.stderr


def test_a_photo_without_a_face_is_taken_whole_where_asked_for(tmp_path: Path) -> None:
    (tmp_path / "gray.png").write_bytes(GRAY)
    (record,) = lines(predicted(tmp_path / "gray.png", "--json", "--whole").stdout)
    assert record["faces"][0]["box"] is None


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty"), (b"just words", "is not an image"), (None, "There is no file")],
)
def test_a_photo_that_is_none_is_told(content: bytes | None, says: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    assert says in refusal(predicted(tmp_path / "a.jpg"))


def test_what_makes_a_face_hard_to_read_is_told(photo: Path, portrait: np.ndarray) -> None:
    photo.write_bytes(jpeg((portrait * 0.12).astype(np.uint8), "PNG"))
    (record,) = lines(predicted(photo, "--json").stdout)
    (face,) = record["faces"]
    assert face["flaws"] == ["dark"]
    assert {row["flaws"] for row in rows(predicted(photo, "--csv").stdout)} == {"dark"}
    assert ", very dark" in " ".join(predicted(photo).stdout.split())


def test_faces_are_numbered_from_left_to_right(tmp_path: Path, portrait: np.ndarray) -> None:
    canvas = np.full((512, 800, 3), 120, np.uint8)
    canvas[100:356, :256] = portrait[::2, ::2]
    canvas[:, 288:] = portrait
    photo = tmp_path / "two.png"
    photo.write_bytes(jpeg(canvas, "PNG"))
    table = rows(predicted(photo, "--csv").stdout)
    lefts = {int(row["face"]): int(row["left"]) for row in table}
    widths = {int(row["face"]): int(row["width"]) for row in table}
    assert sorted(lefts) == [1, 2]
    assert lefts[1] < 256 < lefts[2]
    assert widths[1] < widths[2], "the larger face stands to the right"


def test_every_photo_has_a_row_whatever_it_is(photo: Path) -> None:
    (photo.parent / "broken.png").write_bytes(photo.read_bytes()[:2000])
    (photo.parent / "gray.png").write_bytes(GRAY)
    result = predicted(photo.parent, "--csv")
    assert result.exit_code == 1
    assert "broken.png is damaged" in result.stderr
    assert "1 of 3 photos could not be read" in result.stderr
    broken, gray, *faces_of_portrait = rows(result.stdout)
    assert (Path(broken["photo"]).name, Path(gray["photo"]).name) == ("broken.png", "gray.png")
    assert [row["photo"] for row in faces_of_portrait] == [str(photo)] * 2
    assert "is damaged" in broken["problem"]
    assert (gray["problem"], gray["face"]) == ("no face found", "")
    records = lines(predicted(photo.parent, "--json").stdout)
    assert [len(record["faces"]) for record in records] == [0, 0, 1]
    assert [record["problem"] is None for record in records] == [False, False, True]


def test_names_are_never_markup_and_long_ones_stay_in_one_line(photo: Path) -> None:
    folder = photo.parent / "x[" / ("long" * 50)
    folder.mkdir(parents=True)
    shutil.copy(photo, folder / "y].jpg")
    (folder / "[draft] bad.jpg").write_bytes(b"no image")
    done = child("-m", "fer", "predict", folder, "--models-dir", MODELS)
    assert str(folder / "y].jpg") in done.stdout.splitlines()
    assert f"{folder / '[draft] bad.jpg'} is not an image" in done.stderr
    assert "Traceback" not in done.stderr
    assert "WARN" not in done.stderr


def test_an_output_without_the_letters_of_a_name_keeps_the_answers(photo: Path) -> None:
    odd = photo.with_name("emoji\U0001f600.jpg")
    photo.rename(odd)
    for kind in ([], ["--csv"], ["--json"]):
        done = child(
            "-m", "fer", "predict", odd, *kind, "--models-dir", MODELS, PYTHONIOENCODING="cp1252"
        )
        assert done.returncode == 0, done.stderr
        assert "happy" in done.stdout
        assert "emoji\\U0001f600" in done.stdout or "emoji\\ud83d\\ude00" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="names are text in Windows")
def test_a_name_that_is_no_text(photo: Path) -> None:
    os.rename(os.fsencode(photo), os.fsencode(photo.parent) + b"/caf\xe9.jpg")  # noqa: PTH104
    done = child("-m", "fer", "predict", photo.parent, "--csv", "--models-dir", MODELS)
    assert done.returncode == 0, done.stderr
    assert "caf\\udce9.jpg" in done.stdout


def test_hidden_and_other_files_are_left_out_and_counted(photo: Path) -> None:
    (photo.parent / "._portrait.jpg").write_bytes(b"\0\5\x16\7")
    hidden = photo.parent / ".venv" / "lib"
    hidden.mkdir(parents=True)
    shutil.copy(photo, hidden / "icon.jpg")
    (photo.parent / "film.mp4").touch()
    (photo.parent / "notes").touch()
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


def test_a_name_that_the_system_refuses_is_told_in_a_sentence() -> None:
    name = "a" * 300
    assert refusal(fer("predict", name)) == (
        f"Error: {name} cannot be read or written (File name too long); check the path and who may "
        "use it."
    )


def test_a_folder_of_another_user_is_told_in_a_sentence(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_dir(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    # Who runs the tests may be root, to whom nothing is denied.
    monkeypatch.setattr(Path, "is_dir", is_dir)
    assert f"{photo} cannot be read or written (Permission denied)" in refusal(
        fer("predict", photo)
    )


@pytest.mark.parametrize(
    "command", [("predict", ""), ("data", "import", ""), ("evaluate", "--models-dir", "")]
)
def test_the_empty_path_is_refused(command: tuple[str, ...]) -> None:
    result = fer(*command)
    assert result.exit_code == 2
    assert "an empty path names no file or folder" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("kind", ["--csv", "--json"])
def test_a_full_device_is_told_in_a_sentence(photo: Path, kind: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fer", "predict", photo, kind, "--models-dir", MODELS],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "Error: The output cannot be written (No space left on device); what is there is cut off."
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command", [("predict", "missing.jpg"), ("predict", "--nope"), ("data", "import", "missing")]
)
def test_every_line_on_stderr_is_json_where_asked_for(command: tuple[str, ...]) -> None:
    done = child("-m", "fer", *command, FER_LOG="json")
    assert done.returncode in (1, 2)
    (line,) = lines(done.stderr)
    assert line["level"] == line["event"] == "error"
    assert line["sentence"]


def test_notes_beside_answers_are_json_where_asked_for(photo: Path) -> None:
    (photo.parent / "film.mp4").touch()
    (photo.parent / "broken.png").write_bytes(b"no image")
    done = child(
        "-m", "fer", "predict", photo.parent, "--json", "--models-dir", MODELS, FER_LOG="json"
    )
    notes = lines(done.stderr)
    assert [line["event"] for line in notes] == ["note", "error", "error"]
    assert len(lines(done.stdout)) == 2


def test_a_video_gives_the_pages_table_and_the_film_with_the_answers(
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
    models = interface.load(MODELS)
    analyser = streaming.FrameAnalyser(models.detector, models.classifier)
    names = {key: key for key in emotions.KEYS}
    seen = videos.analyse(path.read_bytes(), "clip.mp4", analyser, names)
    assert record["moments"] == streaming.rows(seen.moments)
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


@pytest.mark.parametrize(
    ("heading", "columns"),
    [
        ("Photos, `--csv`", predict.PHOTO_COLUMNS),
        ("Videos, `--csv`", predict.VIDEO_COLUMNS),
        ("Photos, `--json`", tuple(get_type_hints(photos.PrintedPhoto))),
        ("Videos, `--json`", tuple(WATCHED.to_dict())),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_documented_columns_are_those_that_are_written(
    heading: str, columns: tuple[str, ...]
) -> None:
    text = (ROOT / "docs" / "OUTPUT.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    first = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    documented = [name for cell in first for name in re.findall(r"`(\w+)`", cell)]
    assert len(documented) == len(set(documented))
    assert set(documented) == set(columns)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_keeps_the_answers_that_are_there(photo: Path) -> None:
    for number in range(300):
        shutil.copy(photo, photo.with_name(f"{number}.jpg"))
    running = interruptible(
        [sys.executable, "-m", "fer", "predict", photo.parent, "--json", "--models-dir", MODELS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert running.stdout is not None
    first = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    rest, errors = running.communicate()
    assert running.returncode == 130
    records = lines(first + rest)
    assert 1 <= len(records) < 301
    assert all(len(record["faces"]) == 1 for record in records)
    assert "of 301 photos; what is printed is whole" in errors
    assert "Traceback" not in errors
