"""Uploads are bounded before they are held, for each visit and for all together."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from fer.ui import upload_limits
from fer.ui.upload_limits import LEAST_BYTES, Intake, UploadLimits
from tests.support.asgi import request
from tests.support.making import in_a_loop

KB = 1024
MOST = 1000 * KB


class Bench:
    """The middleware before an application that keeps files as Streamlit's route does."""

    def __init__(self, wait: float = 0.0) -> None:
        self.files = MemoryUploadedFileManager("/_stcore/upload_file")
        self.intake = Intake(MOST, lambda: self.files)
        self.most_read = 0
        self.limits = UploadLimits(self.keep, self.intake, "none".__ne__, wait)

    async def keep(self, scope: Scope, receive: Receive, send: Send) -> None:
        data = b""
        async for piece in Request(scope, receive).stream():
            data += piece
            self.most_read = max(self.most_read, len(data))
        visit, file = scope["path"].split("/")[-2:]
        self.files.add_file(visit, UploadedFileRec(file, file, "", data))
        await Response(status_code=204)(scope, receive, send)

    async def put(self, visit: str, file: str, kb: int, *, stated: bool = True) -> int:
        length = {"content_length": str(kb * KB)} if stated else {}
        pieces = [bytes(10 * KB)] * (kb // 10)
        path = f"/below/_stcore/upload_file/{visit}/{file}"
        return (await request(self.limits, "PUT", path, pieces, **length))[0]

    def fill(self, visit: str, file: str, kb: int, *, stated: bool = True) -> int:
        return in_a_loop(self.put(visit, file, kb, stated=stated))


def test_a_visit_may_hold_as_much_as_it_leaves_for_all_others() -> None:
    bench = Bench()
    assert [bench.fill("a", f"{n}", 100) for n in range(6)] == [204] * 5 + [413]
    # Half of what is left, a quarter of all: and so on.
    assert [bench.fill("b", f"{n}", 50) for n in range(6)] == [204] * 5 + [413]
    assert [bench.fill("c", f"{n}", 20) for n in range(7)] == [204] * 6 + [413]
    assert bench.fill("d", "small", 10) == 204
    held = sum(len(f.data) for visit in bench.files.file_storage.values() for f in visit.values())
    assert held < MOST
    assert (bench.intake.refused("a"), bench.intake.refused("d")) == (1, 0)
    bench.intake.forget_refused("a")
    assert bench.intake.refused("a") == 0


def test_what_is_refused_is_not_read() -> None:
    bench = Bench()
    assert bench.fill("a", "large", 510) == 413
    assert bench.most_read == 0
    # Without a length it is read as far as there is room, and not kept.
    assert bench.fill("a", "unstated", 600, stated=False) == 413
    assert bench.most_read == 500 * KB
    assert bench.intake.held("a") == 0
    assert bench.fill("a", "fits", 500, stated=False) == 204


def test_room_comes_back_with_the_file_or_its_visit() -> None:
    bench = Bench()
    assert bench.fill("a", "first", 400) == 204
    assert bench.fill("a", "second", 400) == 413
    bench.files.remove_file("a", "first")
    assert bench.intake.arrived("a") == []
    assert bench.fill("a", "second", 400) == 204
    bench.files.remove_session_files("a")
    assert bench.fill("b", "third", 500) == 204
    assert [file.name for file in bench.intake.arrived("b")] == ["third"]


def test_a_file_waits_for_room_that_the_page_makes() -> None:
    bench = Bench(wait=30.0)

    async def visit() -> list[int]:
        assert await bench.put("a", "0", 400) == 204
        coming = [asyncio.create_task(bench.put("a", f"{n}", 400)) for n in (1, 2)]
        for _ in coming:
            while not bench.intake.arrived("a"):
                await asyncio.sleep(0.01)
            for file in bench.intake.arrived("a"):
                bench.files.remove_file("a", file.file_id)
        return list(await asyncio.gather(*coming))

    assert in_a_loop(visit()) == [204, 204]


def test_small_files_count_for_what_they_cost() -> None:
    bench = Bench()
    assert bench.intake.claim("a", "empty", 0)
    assert bench.intake.held("a") == LEAST_BYTES


def test_an_upload_from_which_nothing_comes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_limits, "STALL_SECONDS", 0.01)
    bench = Bench()

    async def stalled(scope: Scope, receive: Receive, send: Send) -> None:
        async def nothing() -> dict[str, object]:
            await asyncio.sleep(60)
            return {}

        await bench.limits(scope, nothing, send)

    path = "/_stcore/upload_file/a/file"
    assert in_a_loop(request(stalled, "PUT", path, content_length="4000"))[0] == 408
    assert bench.intake.held("a") == 0


def test_other_requests_and_those_of_no_visit_pass() -> None:
    bench = Bench()
    assert bench.fill("none", "file", 900) == 204
    assert in_a_loop(request(bench.limits, "POST", "/_stcore/upload_file/a/b"))[0] == 204


def test_the_largest_file_that_streamlit_takes_fits_by_itself() -> None:
    from streamlit import config

    most = (int(config.get_option("server.maxUploadSize")) << 20) + KB
    assert upload_limits.intake.could_fit(most)
