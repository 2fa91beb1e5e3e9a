"""Uploads are bounded before they are held, for each visit and for all together."""

from __future__ import annotations

import asyncio

import pytest
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from fer.ui import upload_limits
from fer.ui.upload_limits import LEAST_BYTES, NO_ROOM, TOO_LARGE, Intake, UploadLimits
from tests.support.asgi import request
from tests.support.making import in_a_loop

KB = 1024
MOST = 1000 * KB
HEAD = (
    b'--edge\r\nContent-Disposition: form-data; name="a"; filename="%s"\r\n'
    b"Content-Type: image/png\r\n\r\n"
)
TAIL = b"\r\n--edge--\r\n"
KIND = "multipart/form-data; boundary=edge"


class Bench:
    """The middleware before an application that keeps files as Streamlit's route does."""

    def __init__(self, wait: float = 0.0) -> None:
        self.files = MemoryUploadedFileManager("/_stcore/upload_file")
        self.intake = Intake(MOST, lambda: self.files)
        self.most_read = 0
        self.limits = UploadLimits(self.keep, self.intake, "none".__ne__, wait)

    async def keep(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            message = await receive()
            self.most_read += len(message.get("body", b""))
            return message

        self.most_read = 0
        asked = Request(scope, counted)
        upload = (await asked.form())["a"]
        assert isinstance(upload, UploadFile)
        assert int(asked.headers.get("content-length", self.most_read)) == self.most_read
        data, media_type = await upload.read(), upload.content_type or ""
        visit, file = scope["path"].split("/")[-2:]
        self.files.add_file(visit, UploadedFileRec(file, upload.filename or "", media_type, data))
        await Response(status_code=204)(scope, receive, send)

    async def put(self, visit: str, file: str, kb: int, *, stated: bool = True) -> str:
        """Send a request of that size; return what became of the file."""
        head = HEAD % file.encode()
        pieces = [head, *[bytes(10 * KB)] * (kb // 10 - 1)]
        pieces += [bytes(10 * KB - len(head) - len(TAIL)), TAIL]
        length = {"content_length": str(kb * KB)} if stated else {}
        path = f"/below/_stcore/upload_file/{visit}/{file}"
        status, *_ = await request(self.limits, "PUT", path, pieces, content_type=KIND, **length)
        if status != 204:
            return str(status)
        kept = next(f for v in (visit, "let go") for f in self.files.get_files(v, [file]))
        assert kept.name == file
        if kept.type == "image/png":
            return "kept"
        assert kept.data == b""
        return kept.type

    def fill(self, visit: str, file: str, kb: int, *, stated: bool = True) -> str:
        return in_a_loop(self.put(visit, file, kb, stated=stated))


def test_a_visit_may_hold_as_much_as_it_leaves_for_all_others() -> None:
    bench = Bench()
    assert [bench.fill("a", f"{n}", 100) for n in range(6)] == ["kept"] * 5 + [NO_ROOM]
    # Half of what is left, a quarter of all: and so on.
    assert [bench.fill("b", f"{n}", 40) for n in range(7)] == ["kept"] * 6 + [NO_ROOM]
    assert [bench.fill("c", f"{n}", 20) for n in range(7)] == ["kept"] * 6 + [NO_ROOM]
    assert bench.fill("d", "small", 10) == "kept"
    held = sum(len(f.data) for visit in bench.files.file_storage.values() for f in visit.values())
    assert held < MOST


@pytest.mark.parametrize("name", ["large.mp4", "emoji😀.jpg", "[draft] bad.jpg"])
def test_of_a_refused_file_the_page_gets_the_name_and_the_reason(name: str) -> None:
    bench = Bench()
    assert bench.fill("a", name, 510) == TOO_LARGE
    assert bench.most_read < KB
    assert bench.intake.held("a") == LEAST_BYTES


def test_the_names_of_a_visit_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_limits, "MOST_NAMES", 3)
    bench = Bench()
    assert [bench.fill("a", f"{n}", 510) for n in range(5)] == [TOO_LARGE] * 3 + ["413"] * 2
    assert bench.fill("b", "0", 510) == TOO_LARGE


def test_what_has_no_length_is_read_as_far_as_there_is_room() -> None:
    bench = Bench()
    assert bench.fill("a", "unstated", 600, stated=False) == "413"
    assert bench.most_read <= 500 * KB
    assert bench.intake.held("a") == 0
    assert bench.fill("a", "fits", 500, stated=False) == "kept"


def test_what_is_no_upload_is_left_to_streamlit() -> None:
    bench = Bench()
    path = "/_stcore/upload_file/a/b"
    with pytest.raises(KeyError):
        in_a_loop(request(bench.limits, "PUT", path, [bytes(600 * KB)], content_length="614400"))
    assert bench.most_read < KB


def test_a_refused_file_whose_visitor_leaves_is_dropped() -> None:
    bench = Bench()

    async def left(scope: Scope, receive: Receive, send: Send) -> None:
        async def gone() -> Message:
            return {"type": "http.disconnect"}

        await bench.limits(scope, gone, send)
        await Response(status_code=499)(scope, receive, send)

    path = "/_stcore/upload_file/a/file"
    assert in_a_loop(request(left, "PUT", path, content_length="9999999"))[0] == 499
    assert bench.intake.held("a") == 0


def test_room_comes_back_with_the_file_or_its_visit() -> None:
    bench = Bench()
    assert bench.fill("a", "first", 400) == "kept"
    assert bench.fill("a", "second", 400) == NO_ROOM
    bench.files.remove_file("a", "first")
    assert [file.name for file in bench.intake.arrived("a")] == ["second"]
    assert bench.fill("a", "second", 400) == "kept"
    bench.files.remove_session_files("a")
    assert bench.fill("b", "third", 500) == "kept"
    assert [file.name for file in bench.intake.arrived("b")] == ["third"]


def test_a_file_waits_for_room_that_the_page_makes() -> None:
    bench = Bench(wait=30.0)

    async def visit() -> list[str]:
        assert await bench.put("a", "0", 400) == "kept"
        coming = [asyncio.create_task(bench.put("a", f"{n}", 400)) for n in (1, 2)]
        for _ in coming:
            while not bench.intake.arrived("a"):
                await asyncio.sleep(0.01)
            for file in bench.intake.arrived("a"):
                bench.files.remove_file("a", file.file_id)
                bench.files.add_file("let go", file)
        return list(await asyncio.gather(*coming))

    assert in_a_loop(visit()) == ["kept", "kept"]


def test_small_files_count_for_what_they_cost() -> None:
    bench = Bench()
    assert bench.intake.claim("a", "empty", 0)
    assert bench.intake.held("a") == LEAST_BYTES


def test_an_upload_from_which_nothing_comes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_limits, "STALL_SECONDS", 0.01)
    bench = Bench()

    async def stalled(scope: Scope, receive: Receive, send: Send) -> None:
        async def nothing() -> Message:
            await asyncio.sleep(60)
            return {}

        await bench.limits(scope, nothing, send)

    path = "/_stcore/upload_file/a/file"
    assert (
        in_a_loop(request(stalled, "PUT", path, content_length="4000", content_type=KIND))[0] == 408
    )
    assert bench.intake.held("a") == 0


def test_other_requests_and_those_of_no_visit_pass() -> None:
    bench = Bench()
    assert bench.fill("none", "file", 900) == "kept"

    async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(status_code=204)(scope, receive, send)

    limits = UploadLimits(streamlit, bench.intake, "none".__ne__)
    assert in_a_loop(request(limits, "POST", "/_stcore/upload_file/a/b"))[0] == 204


def test_the_largest_file_fits_by_itself_and_larger_ones_reach_the_server() -> None:
    from streamlit import config

    assert upload_limits.intake.could_fit(upload_limits.LARGEST_FILE + KB)
    taken = int(config.get_option("server.maxUploadSize")) << 20
    assert not upload_limits.intake.could_fit(taken // 2)
