"""Uploads are bounded before they are held, for each visit and for all together."""

from __future__ import annotations

import asyncio

import pytest
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from fer.ui.uploads import upload_limits
from fer.ui.uploads.upload_limits import KEPT, LEAST_BYTES, NO_ROOM, TOO_LARGE, Intake, UploadLimits
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
    """The middleware before an application that reads files as Streamlit's route does, and gives
    that status."""

    def __init__(self, wait: float = 0.0, status: int = 204) -> None:
        self.intake = Intake(MOST)
        # Name, media type and size of what came through, by file.
        self.given: dict[str, tuple[str | None, str | None, int | None]] = {}
        self.most_read, self.status = 0, status
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
        file = scope["path"].split("/")[-1]
        self.given[file] = upload.filename, upload.content_type, upload.size
        await Response(status_code=self.status)(scope, receive, send)

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
        name, became, size = self.given[file]
        assert (name, size) == (file, 0)
        content = self.intake.content(file)
        if became == KEPT:
            assert content == b"".join(pieces)[len(head) : -len(TAIL)]
        else:
            assert content is None
        return str(became)

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


@pytest.mark.parametrize("name", ["large.mp4", "emoji😀.jpg", "[draft] bad.jpg"])
def test_the_page_gets_a_files_name_and_what_became_of_it(name: str) -> None:
    bench = Bench()
    assert bench.fill("a", name, 510) == TOO_LARGE
    assert bench.intake.held("a") == 0
    assert bench.fill("a", name, 500) == KEPT
    assert bench.fill("a", "second.png", 100) == NO_ROOM
    assert bench.most_read < KB
    (upload,) = bench.intake.arrived("a")
    assert (upload.name, upload.file_id) == (name, name)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_the_smallest_files_arrive_whole(size: int) -> None:
    bench = Bench()
    body = HEAD % b"small" + b"\r\n--"[:size] + TAIL
    path = "/_stcore/upload_file/a/small"
    sent = request(
        bench.limits, "PUT", path, [body], content_type=KIND, content_length=str(len(body))
    )
    assert in_a_loop(sent)[0] == 204
    assert bench.intake.content("small") == b"\r\n--"[:size]
    assert bench.intake.held("a") == LEAST_BYTES


def test_what_streamlit_does_not_take_is_not_kept() -> None:
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


def test_what_has_no_length_is_kept_as_far_as_there_is_room() -> None:
    bench = Bench()
    assert bench.fill("a", "unstated", 600, stated=False) == NO_ROOM
    assert bench.intake.held("a") == 0
    assert bench.fill("a", "fits", 490, stated=False) == KEPT


def test_what_is_no_upload_is_left_to_streamlit() -> None:
    bench = Bench(status=400)

    async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
        assert len(await Request(scope, receive).body()) < 3 * upload_limits.HEAD_BYTES
        await Response(status_code=400)(scope, receive, send)

    limits = UploadLimits(streamlit, bench.intake, "none".__ne__)
    path = "/_stcore/upload_file/a/b"
    for kb in (4, 600):
        pieces, length = [b"face" * KB] * (kb // 4), str(kb * KB)
        assert in_a_loop(request(limits, "PUT", path, pieces, content_length=length))[0] == 400
        assert bench.intake.held("a") == 0


def test_a_file_whose_visitor_leaves_is_dropped() -> None:
    bench = Bench()

    async def left(scope: Scope, receive: Receive, send: Send) -> None:
        async def gone() -> Message:
            assert bench.intake.held("a") == 300_000
            return {"type": "http.disconnect"}

        await bench.limits(scope, gone, send)
        await Response(status_code=499)(scope, receive, send)

    path = "/_stcore/upload_file/a/file"
    assert in_a_loop(request(left, "PUT", path, content_length="300000"))[0] == 499
    assert bench.intake.held("a") == 0


def test_room_comes_back_with_the_file_or_its_visit() -> None:
    bench = Bench()
    assert bench.fill("a", "first", 400) == KEPT
    assert bench.fill("a", "second", 400) == NO_ROOM
    # As the uploader's button does that takes a file away.
    path = "/below/_stcore/upload_file/a/first"
    deleted = UploadLimits(Response(status_code=204), bench.intake, "none".__ne__)
    assert in_a_loop(request(deleted, "DELETE", path))[0] == 204
    assert bench.intake.arrived("a") == []
    assert bench.fill("a", "second", 400) == KEPT
    bench.intake.forget_visit("a")
    assert bench.fill("b", "third", 500) == KEPT
    assert [file.name for file in bench.intake.arrived("b")] == ["third"]


def test_a_file_waits_for_room_that_the_page_makes() -> None:
    bench = Bench(wait=30.0)

    async def visit() -> list[str]:
        assert await bench.put("a", "0", 400) == KEPT
        coming = [asyncio.create_task(bench.put("a", f"{n}", 400)) for n in (1, 2)]
        for number in range(2):
            while len(bench.given) <= number:
                await asyncio.sleep(0.01)
            for file in bench.intake.arrived("a"):
                bench.intake.forget(file.file_id)
        await asyncio.gather(*coming, return_exceptions=True)
        return [str(bench.given[file][1]) for file in "12"]

    assert in_a_loop(visit()) == [KEPT, KEPT]


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
    passed: list[bytes] = []

    async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(await Request(scope, receive).body())
        await Response(status_code=204)(scope, receive, send)

    limits = UploadLimits(streamlit, Intake(MOST), "none".__ne__)
    for method, visit in (("PUT", "none"), ("POST", "a"), ("DELETE", "none")):
        path = f"/_stcore/upload_file/{visit}/file"
        assert in_a_loop(request(limits, method, path, [b"as it is"]))[0] == 204
    assert passed == [b"as it is"] * 3


def test_the_largest_file_fits_by_itself_and_larger_ones_reach_the_server() -> None:
    from streamlit import config

    assert upload_limits.intake.could_fit(upload_limits.LARGEST_FILE + KB)
    taken = int(config.get_option("server.maxUploadSize")) << 20
    assert not upload_limits.intake.could_fit(taken // 2)
