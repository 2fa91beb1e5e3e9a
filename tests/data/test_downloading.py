"""FER-2013 from a Kaggle on this machine: whole, cancelled, cut off, refused, without a cache."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer import FerError
from fer.artifacts import locations
from fer.data import dataset, downloading
from fer.data.downloading import Step
from fer.ui.dataset import import_offer
from fer.ui.shared import loaders, permissions
from tests.support import kaggle
from tests.support.command import fer, succeeded
from tests.support.making import ROOT, small_archive


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[kaggle.Kaggle]:
    archive = small_archive(tmp_path / "archive.zip", per_class=40)
    with kaggle.serving(archive, tmp_path / "home") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def steps(folder: Path) -> list[Step]:
    with closing(downloading.in_child(folder, ROOT)) as progress:
        return list(progress)


def test_a_child_downloads_imports_and_tells_how_far_it_is(
    served: kaggle.Kaggle, tmp_path: Path
) -> None:
    # Held back until progress was told once.
    served.go_on.clear()
    seen = []
    with closing(downloading.in_child(tmp_path / "data", ROOT)) as progress:
        for step in progress:
            seen.append(step)
            if step.total:
                served.go_on.set()
    fetched = [step for step in seen if step.name == "fetch"]
    assert {step.total for step in fetched} <= {0, len(served.archive)}
    assert any(step.total for step in fetched)
    assert seen[-1] == Step("import", 840, 840)
    assert len(dataset.open_dataset(tmp_path / "data")) == 840
    assert [path for path, _ in served.asked] == [
        "/api/v1/datasets.DatasetApiService/GetDataset",
        "/api/v1/datasets.DatasetApiService/DownloadDataset",
        kaggle.STORED,
    ]


def test_a_cancelled_download_changes_nothing_and_goes_on_where_it_was(
    served: kaggle.Kaggle, tmp_path: Path
) -> None:
    served.cut = 5 * kaggle.CHUNK
    served.go_on.clear()
    progress = downloading.in_child(tmp_path / "data", ROOT)
    assert next(progress).name == "fetch"
    progress.close()
    assert not (tmp_path / "data").exists()
    served.go_on.set()
    with pytest.raises(FerError, match="failed"):
        steps(tmp_path / "data")
    assert not (tmp_path / "data").exists()
    served.cut = None
    assert steps(tmp_path / "data")[-1] == Step("import", 840, 840)
    assert served.asked[-1][1].startswith("bytes="), "the part that was there is not fetched again"


def test_a_dead_connection_is_one_sentence_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer.ui.shared.text import _, in_language

    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(FerError, match="in a browser") as caught:
        steps(tmp_path / "data")
    assert "\n" not in str(caught.value)
    with in_language("id"):
        assert "peramban" in _.error(caught.value)
    assert not (tmp_path / "data").exists()


def test_a_killed_child_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda command, **rest: real([sys.executable, "-c", "print('noise')"], **rest),
    )
    with pytest.raises(FerError, match="was interrupted"):
        steps(tmp_path / "data")


def test_a_cache_that_cannot_be_written_is_done_without(
    served: kaggle.Kaggle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file stands where the cache would be: no folder can be made there, by nobody.
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "file" / "kagglehub"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    report = downloading.download(tmp_path / "data", lambda *_: None, lambda *_: None)
    assert report.images == 840
    assert list((tmp_path / "temporary").iterdir()) == [], "nothing is left behind"


def test_command_downloads(served: kaggle.Kaggle, tmp_path: Path) -> None:
    done = succeeded(fer("data", "download", "--data-dir", tmp_path / "data"))
    assert "Imported 840 images" in done.output


def test_where_the_repository_cannot_be_written_the_cache_holds_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert locations.data_folder(tmp_path) == tmp_path / dataset.FOLDER
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert locations.data_folder(tmp_path) == tmp_path / "cache" / "fer" / "fer2013"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(loaders, "ROOT", tmp_path / "root")
    monkeypatch.setattr(permissions, "may", lambda act: True)
    (tmp_path / "root").mkdir()
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120)
    app.query_params["lang"] = "EN"
    app.run()
    return app.switch_page("pages/1_Dataset.py").run()


def test_the_button_downloads_and_shows_the_images(
    served: kaggle.Kaggle, page: AppTest, tmp_path: Path
) -> None:
    page.button(key="kaggle").click().run()
    assert not page.exception
    assert not page.error
    assert len(dataset.open_dataset(tmp_path / "root" / dataset.FOLDER)) == 840
    assert "browse_seed" in [number.key for number in page.number_input]


def test_the_button_tells_what_failed_and_can_be_pressed_again(
    served: kaggle.Kaggle, page: AppTest, tmp_path: Path
) -> None:
    served.cut = 0
    page.button(key="kaggle").click().run()
    assert not page.exception
    assert ["download archive.zip in a browser" in str(e.value) for e in page.error] == [True]
    served.cut = None
    page.run()
    page.button(key="kaggle").click().run()
    assert not page.error
    assert dataset.is_imported(tmp_path / "root" / dataset.FOLDER)


def test_a_cancelled_download_is_told_once(page: AppTest) -> None:
    page.session_state[import_offer.DOWNLOAD_CANCELLED] = True
    page.run()
    assert any("was cancelled" in str(info.value) for info in page.info)
    page.run()
    assert not any("was cancelled" in str(info.value) for info in page.info)


def test_two_visitors_do_not_download_at_once(page: AppTest) -> None:
    with import_offer._download_lock():
        page.button(key="kaggle").click().run()
    assert any("Someone else" in str(info.value) for info in page.info)
