"""Photos over HTTP for programs: off by default, the command's own record, else a sentence."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from fer import FerError
from fer.media.live import predict_route
from fer.media.photos import PhotoRecord
from tests.support.sockets import serving

RECORD: PhotoRecord = {"photo": "a", "size": [2, 3], "turned": 0, "too_small": 0, "faces": []}


def predict(content: bytes, name: str) -> PhotoRecord:
    if content != b"a photo":
        raise FerError("{name} is no image.", name=name)
    return {**RECORD, "photo": name}


def ask(address: str, content: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    url = address.replace("ws:", "http:") + "/faces/api/predict?name=me.jpg"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content, headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture(autouse=True)
def turned_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(predict_route.VARIABLE, "on")
    monkeypatch.setattr(predict_route, "FASTEST", 1e9)


def test_a_photo_is_answered_with_the_commands_record() -> None:
    with serving(predict_route.routes(predict, 20)) as (address, _):
        assert ask(address, b"a photo") == (200, {**RECORD, "photo": "me.jpg"})
        host = address.removeprefix("ws://")
        assert ask(address, b"a photo", Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize(
    ("content", "headers", "status", "sentence"),
    [
        (b"no photo", {}, 422, "me.jpg is no image."),
        (b"", {}, 422, "me.jpg is no image."),
        (b"far too large" * 2, {}, 413, "at most"),
        (b"a photo", {"Origin": "https://evil.example"}, 403, "Only programs"),
    ],
)
def test_what_is_refused_is_one_sentence(
    content: bytes, headers: dict[str, str], status: int, sentence: str
) -> None:
    with serving(predict_route.routes(predict, 20)) as (address, _):
        code, said = ask(address, content, **headers)
    assert code == status
    assert sentence in said["error"]


def test_so_many_photos_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    # One an hour: the second one comes too early on any machine.
    monkeypatch.setattr(predict_route, "FASTEST", 1 / 3600)
    with serving(predict_route.routes(predict, 20)) as (address, _):
        assert [ask(address, b"a photo")[0] for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("wish", [None, "off", "yes"])
def test_it_is_off_unless_the_operator_turns_it_on(
    wish: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(predict_route.VARIABLE)
    if wish is not None:
        monkeypatch.setenv(predict_route.VARIABLE, wish)
    assert predict_route.routes(predict, 20) == []
    if wish == "yes":
        with pytest.raises(FerError, match="set it to on or off"):
            predict_route.is_on()
    else:
        assert not predict_route.is_on()
