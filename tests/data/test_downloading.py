"""FER-2013 from a Kaggle on this machine: cancelled, cut off, refused, without a cache."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
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


def test_a_download_tells_how_far_it_is_and_goes_on_where_it_was_cancelled(
    served: kaggle.Kaggle, tmp_path: Path
) -> None:
    served.cut = 5 * kaggle.CHUNK
    served.go_on.clear()
    progress = downloading.in_child(tmp_path / "data", ROOT)
    (step,) = itertools.islice((step for step in progress if step.total), 1)
    assert (step.name, step.total) == ("fetch", len(served.archive))
    progress.close()
    served.go_on.set()
    with pytest.raises(FerError, match="failed"):
        list(downloading.in_child(tmp_path / "data", ROOT))
    assert not (tmp_path / "data").exists()
    served.cut = None
    assert list(downloading.in_child(tmp_path / "data", ROOT))[-1] == Step("import", 840, 840)
    assert len(dataset.open_dataset(tmp_path / "data")) == 840
    assert served.asked[-1][1].startswith("bytes="), "the part that was there is not fetched again"


def test_a_killed_child_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = partial(subprocess.Popen, [sys.executable, "-c", "print('noise')"])
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: noise(**options))
    with pytest.raises(FerError, match="was interrupted"):
        list(downloading.in_child(tmp_path / "data", ROOT))


def test_a_cache_that_cannot_be_written_is_done_without(
    served: kaggle.Kaggle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file stands where the cache would be: no folder can be made there, by nobody.
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "file" / "kagglehub"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    done = succeeded(fer("data", "download", "--data-dir", tmp_path / "data"))
    assert "Imported 840 images" in done.output
    assert list((tmp_path / "temporary").iterdir()) == [], "nothing is left behind"


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
    return app.run().switch_page("pages/1_Dataset.py").run()


def test_the_button_tells_what_failed_and_downloads_when_pressed_again(
    served: kaggle.Kaggle, page: AppTest, tmp_path: Path
) -> None:
    served.cut = 0
    page.button(key="kaggle").click().run()
    (error,) = page.error
    assert "download archive.zip in a browser" in str(error.value)
    served.cut = None
    page.run()
    page.button(key="kaggle").click().run()
    assert not page.exception
    assert not page.error
    assert len(dataset.open_dataset(tmp_path / "root" / dataset.FOLDER)) == 840
    assert "browse_seed" in [number.key for number in page.number_input]


def test_a_cancelled_download_is_told_once_and_two_visitors_do_not_download_at_once(
    page: AppTest,
) -> None:
    page.session_state[import_offer.DOWNLOAD_CANCELLED] = True
    page.run()
    assert any("was cancelled" in str(info.value) for info in page.info)
    page.run()
    assert not any("was cancelled" in str(info.value) for info in page.info)
    with import_offer._download_lock():
        page.button(key="kaggle").click().run()
    assert any("Someone else" in str(info.value) for info in page.info)
