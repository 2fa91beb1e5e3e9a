"""A file that is made by a press stays until the browser has fetched it, however busy the page."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from fer.ui import kept_files

MIME, NAME = "text/csv", "session.csv"


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> MemoryMediaFileStorage:
    """That of a server with one visitor, whose page is running."""
    storage = MemoryMediaFileStorage("/media")
    server = SimpleNamespace(media_file_mgr=MediaFileManager(storage))
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: server)
    monkeypatch.setattr(
        kept_files, "get_script_run_ctx", lambda **_: SimpleNamespace(session_id="visit")
    )
    return storage


def press(make: object) -> str:
    """What Streamlit does at a press; returns the file's address, for which the browser asks."""
    manager = runtime.get_instance().media_file_mgr
    return manager.execute_deferred(manager.add_deferred(make, MIME, "button", NAME))


def others_run() -> None:
    for _ in range(3):
        runtime.get_instance().media_file_mgr.remove_orphaned_files()


def test_a_file_outlives_what_others_run(storage: MemoryMediaFileStorage) -> None:
    address = press(kept_files.kept(lambda: b"a,b\n", MIME, NAME))
    others_run()
    assert storage.get_file(address.rsplit("/", 1)[-1]).content == b"a,b\n"


def test_the_next_press_and_the_next_run_let_it_go(storage: MemoryMediaFileStorage) -> None:
    first = press(kept_files.kept(lambda: b"1", MIME, NAME))
    second = press(kept_files.kept(lambda: b"2", MIME, NAME))
    others_run()
    assert storage.get_file(second.rsplit("/", 1)[-1]).content == b"2"
    with pytest.raises(MediaFileStorageError):
        storage.get_file(first.rsplit("/", 1)[-1])
    runtime.get_instance().media_file_mgr.clear_session_refs("visit")
    others_run()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(second.rsplit("/", 1)[-1])


def test_streamlit_still_forgets_what_is_not_kept(storage: MemoryMediaFileStorage) -> None:
    """Where this fails, `kept_files` is no longer needed."""
    address = press(lambda: b"a,b\n")
    others_run()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(address.rsplit("/", 1)[-1])
