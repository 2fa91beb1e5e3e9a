"""Uploads are bounded before they are held, for each visit and for all together."""

from __future__ import annotations

import asyncio

import pytest
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from streamlit import config

from fer.ui.uploads import upload_limits
from fer.ui.uploads.upload_limits import KEPT, NO_ROOM, TOO_LARGE, Intake, UploadLimits
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
UPLOADS = "/below/_stcore/upload_file"


class Bench:
    """The middleware before an application that reads files as Streamlit's route does, and gives
    that status."""

    def __init__(self, wait: float = 0.0, status: int = 204) -> None:
        self.intake, self.status, self.most_read = Intake(MOST), status, 0
        self.limits = UploadLimits(self.keep, self.intake, "none".__ne__, wait)
        # What came through, by file.
        self.given: dict[str, UploadFile] = {}

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
        self.given[scope["path"].split("/")[-1]] = upload
        await Response(status_code=self.status)(scope, receive, send)

    async def put(self, visit: str, file: str, kb: int, *, stated: bool = True) -> str:
        """Send a request of that size; return what became of the file."""
        head = HEAD % file.encode()
        pieces = [head, *[bytes(10 * KB)] * (kb // 10 - 1)]
        pieces += [bytes(10 * KB - len(head) - len(TAIL)), TAIL]
        length = {"content_length": str(kb * KB)} if stated else {}
        path = f"{UPLOADS}/{visit}/{file}"
        status, *_ = await request(self.limits, "PUT", path, pieces, content_type=KIND, **length)
        if status != 204:
            return str(status)
        given = self.given[file]
        assert (given.filename, given.size) == (file, 0)
        whole = b"".join(pieces)[len(head) : -len(TAIL)]
        assert self.intake.content(file) == (whole if given.content_type == KEPT else None)
        return str(given.content_type)

    def fill(self, visit: str, file: str, kb: int, *, stated: bool = True) -> str:
        return in_a_loop(self.put(visit, file, kb, stated=stated))


def test_a_visit_may_hold_as_much_as_it_leaves_for_all_others() -> None:
    bench = Bench()
    assert [bench.fill("a", f"a{n}", 100) for n in range(6)] == [KEPT] * 5 + [NO_ROOM]
    # Half of what is left, a quarter of all: and so on.
    assert [bench.fill("b", f"b{n}", 50) for n in range(6)] == [KEPT] * 5 + [NO_ROOM]
    assert [bench.fill("c", f"c{n}", 20) for n in range(7)] == [KEPT] * 6 + [NO_ROOM]
    assert bench.fill("d", "small", 10) == KEPT
    assert sum(map(bench.intake.held, "abcd")) < MOST


def test_the_page_gets_a_files_name_and_what_became_of_it() -> None:
    bench, name = Bench(), "[draft] emoji😀.jpg"
    assert bench.fill("a", name, 510) == TOO_LARGE
    # Without a stated length, it is kept as far as there is room.
    assert bench.fill("a", "unstated", 600, stated=False) == NO_ROOM
    assert bench.intake.held("a") == 0
    assert bench.fill("b", "unstated", 490, stated=False) == KEPT
    bench.intake.forget_visit("b")
    assert bench.fill("a", name, 500) == KEPT
    assert bench.fill("a", "second.png", 100) == NO_ROOM
    assert bench.most_read < KB
    (upload,) = bench.intake.arrived("a")
    assert (upload.name, upload.file_id) == (name, name)
    # What Streamlit does not take is not kept.
    bench = Bench(status=403)
    assert bench.fill("a", "forged", 100) == "403"
    assert bench.intake.held("a") == 0


def test_the_names_of_a_visit_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_limits, "MOST_NAMES", 3)
    bench = Bench()
    assert [bench.fill("a", f"{n}", 510) for n in range(5)] == [TOO_LARGE] * 3 + ["413"] * 2
    assert bench.fill("b", "0", 510) == TOO_LARGE
    bench.intake.forget_visit("a")
    assert bench.fill("a", "0", 510) == TOO_LARGE


@pytest.mark.parametrize(("stall_seconds", "status"), [(60, 499), (0.01, 408)])
def test_a_file_whose_visitor_leaves_or_sends_nothing_more_is_dropped(
    stall_seconds: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_limits, "STALL_SECONDS", stall_seconds)
    bench = Bench()

    async def gone() -> Message:
        assert bench.intake.held("a") == 300_000
        await asyncio.sleep(60 if status == 408 else 0)
        return {"type": "http.disconnect"}

    async def left(scope: Scope, receive: Receive, send: Send) -> None:
        await bench.limits(scope, gone, send)
        await Response(status_code=499)(scope, receive, send)

    sent = request(left, "PUT", f"{UPLOADS}/a/file", content_length="300000", content_type=KIND)
    assert in_a_loop(sent)[0] == status
    assert bench.intake.held("a") == 0


def test_room_comes_back_with_the_file_or_its_visit() -> None:
    bench = Bench()
    assert bench.fill("a", "first", 400) == KEPT
    assert bench.fill("a", "second", 400) == NO_ROOM
    # As the uploader's button does that takes a file away.
    deleted = UploadLimits(Response(status_code=204), bench.intake, "none".__ne__)
    assert in_a_loop(request(deleted, "DELETE", f"{UPLOADS}/a/first"))[0] == 204
    assert bench.intake.arrived("a") == []
    assert bench.fill("a", "second", 400) == KEPT
    bench.intake.forget_visit("a")
    assert bench.fill("b", "third", 500) == KEPT
    assert [file.name for file in bench.intake.arrived("b")] == ["third"]


def test_a_file_waits_for_room_that_the_page_makes() -> None:
    bench = Bench(wait=30.0)

    async def visit() -> str:
        assert await bench.put("a", "0", 400) == KEPT
        coming = asyncio.create_task(bench.put("a", "1", 400))
        await asyncio.sleep(0.05)
        assert not coming.done()
        bench.intake.forget("0")
        return await coming

    assert in_a_loop(visit()) == KEPT


def test_other_requests_and_what_is_no_upload_are_left_to_streamlit() -> None:
    passed: list[bytes] = []

    async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(await Request(scope, receive).body())
        await Response(status_code=204)(scope, receive, send)

    limits = UploadLimits(streamlit, Intake(MOST), "none".__ne__)
    for method, visit in (("PUT", "none"), ("POST", "a"), ("DELETE", "none")):
        in_a_loop(request(limits, method, f"{UPLOADS}/{visit}/file", [b"as it is"]))
    assert passed == [b"as it is"] * 3
    # A body that holds no file is never held whole.
    pieces, length = [b"face" * KB] * 150, str(600 * KB)
    in_a_loop(request(limits, "PUT", f"{UPLOADS}/a/b", pieces, content_length=length))
    assert len(passed[-1]) < 3 * upload_limits.HEAD_BYTES


def test_the_largest_file_fits_by_itself_and_larger_ones_reach_the_server() -> None:
    assert upload_limits.intake.could_fit(upload_limits.LARGEST_FILE + KB)
    taken = int(config.get_option("server.maxUploadSize")) << 20
    assert not upload_limits.intake.could_fit(taken // 2)
