"""Chromium with a fake camera that plays a clip, for tests and measurements of the webcam."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import BrowserType, Frame, Locator, Page, TimeoutError, expect

from tests.support.making import PATIENCE, until
from tests.support.serving import Server

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Threads that live as long as the server, or as what was made of an upload; all others belong to a
# stream.
LASTING = re.compile(
    r"MainThread|ThreadPool|asyncio_|AnyIO|load-models|QueueManager|Thread-|forget-uploads|camera_"
)
FAKE_UI = "--use-fake-ui-for-media-stream"
FAKE_DEVICE = "--use-fake-device-for-media-stream"
# A network that lets no video through: only a TURN server could connect it, and there is none.
FIREWALL = """
window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
  construct: (made, [wishes, ...rest]) =>
    new made({ ...wishes, iceTransportPolicy: 'relay' }, ...rest),
});
"""
# Video tracks that a page was given are `window.given`; a test's script goes first.
ASKED = """
(() => {
  const media = navigator.mediaDevices;
  if (!media) return;
  const ask = media.getUserMedia.bind(media);
  window.given = [];
  media.getUserMedia = async (wishes) => {
    BEFORE
    const stream = await ask(wishes);
    window.given.push(...stream.getVideoTracks());
    return stream;
  };
})();
"""


def when_asked(script: str = "") -> str:
    """JavaScript that runs this whenever a page asks for the camera, and keeps its tracks."""
    return ASKED.replace("BEFORE", script)


def write_clip(
    path: Path,
    rgb: np.ndarray,
    *,
    rate: int = 15,
    frames: int = 20,
    mark: Callable[[np.ndarray, int], None] | None = None,
) -> Path:
    """Write a YUV4MPEG2 clip of the image (640x480) that moves a little, as a person does. `mark`
    changes a frame (480, 640, 3) in place, given its number."""
    face = cv2.resize(rgb, (480, 480), interpolation=cv2.INTER_AREA)
    with path.open("wb") as clip:
        clip.write(f"YUV4MPEG2 W640 H480 F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(frames):
            left = 80 + round(6 * np.sin(2 * np.pi * number / 20))
            frame = np.full((480, 640, 3), 120, np.uint8)
            frame[:, left : left + 480] = face
            if mark is not None:
                mark(frame, number)
            clip.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


@contextmanager
def camera_page(
    chromium: BrowserType,
    flags: Sequence[str],
    *,
    permissions: Sequence[str] = ("camera",),
    locale: str = "en-GB",
    width: int = 1280,
    height: int = 1000,
    script: str = "",
) -> Iterator[Page]:
    """A page of a browser of its own, started with these flags about its camera; `script` is
    JavaScript that runs first in each of the page's frames."""
    browser = chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *flags])
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=locale, permissions=list(permissions)
    )
    if script:
        context.add_init_script(script)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    expect.set_options(timeout=1000 * PATIENCE)
    try:
        yield page
    finally:
        browser.close()


def playing(clip: Path) -> list[str]:
    """The flags of a camera that plays the clip and is allowed."""
    return [FAKE_UI, FAKE_DEVICE, f"--use-file-for-fake-video-capture={clip}"]


def start(page: Page, server: Server, way: str = "") -> None:
    """Open the demo's webcam and press Start; `way` is "webrtc", "socket" or the page's choice."""
    page.goto(f"{server.url}/Realtime_Demo" + (f"?way={way}" if way else ""))
    page.get_by_role("button", name="Start", exact=True).click()


def press(button: Locator, other: Locator) -> None:
    """Press a button until the other one stands in its place: a press that follows another within
    the time of a double click does not count."""

    def is_pressed() -> bool:
        if button.is_visible() and not other.is_visible():
            # It may go between the look and the press.
            with suppress(TimeoutError):
                button.click(timeout=2000)
        return other.is_visible()

    until(is_pressed, "the button does nothing", 0.3)


def component(page: Page, what: str = "video") -> Frame:
    """The frame of streamlit-webrtc's component once it holds such an element."""
    for _ in range(round(10 * PATIENCE)):
        for frame in page.frames:
            if "streamlit_webrtc" in frame.url and frame.locator(what).count():
                return frame
        page.wait_for_timeout(100)
    raise AssertionError("the component did not appear")


def of_streams(server: Server) -> list[str]:
    """The threads and open peer connections of streams."""
    return [
        *(name for name in server.tell("threads") if not LASTING.match(name)),
        *(state for state in server.tell("connections") if state != "closed"),
    ]
