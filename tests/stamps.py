"""Numbers drawn into frames that survive the video codec, to time a frame from camera to screen.

The clip carries each frame's number along its upper edge. The server copies the number of the frame
whose answers it draws to the lower edge. A script in the browser reads both on every frame shown:
which frame it is, and whose answers are on it.
"""

from __future__ import annotations

import time

import cv2
import numpy as np

# Each bit is two cells, one of them black, so that a spoilt number is noticed.
BITS = 8
COUNT = 2**BITS
# When frames were analysed, `time.monotonic` seconds.
analysed: list[float] = []


def region(rgb: np.ndarray, *, lower: bool = False) -> np.ndarray:
    """The view of a frame (H, W, 3) that holds a number: half as wide, a 24th as high."""
    height, width = rgb.shape[0] // 24, rgb.shape[1] // 2
    return rgb[-height:, :width] if lower else rgb[:height, :width]


def write(rgb: np.ndarray, number: int) -> None:
    """Draws a number below `COUNT` along the frame's upper edge."""
    strip = region(rgb)
    cell = strip.shape[1] // (2 * BITS)
    for bit in range(BITS):
        first = number >> bit & 1
        strip[:, 2 * bit * cell : (2 * bit + 1) * cell] = 255 * first
        strip[:, (2 * bit + 1) * cell : (2 * bit + 2) * cell] = 255 * (1 - first)


def install() -> None:
    """Makes every `Watcher` of this process note what it analyses and stamp what it shows."""
    from fer.watching import Observer, Sight, Watched, Watcher

    look, show = Observer.look, Watcher.show
    numbers: dict[float, np.ndarray] = {}

    def look_and_note(self: Observer, rgb: np.ndarray, at: float) -> tuple[Watched, ...]:
        numbers[at] = region(rgb).copy()
        while len(numbers) > 32:
            del numbers[next(iter(numbers))]
        people = look(self, rgb, at)
        analysed.append(time.monotonic())
        return people

    def show_and_stamp(
        self: Watcher, rgb: np.ndarray, now: float | None = None, patience: float = 0.0
    ) -> Sight:
        sight = show(self, rgb, now, patience)
        number = numbers.get(sight.taken)
        if number is not None:
            # A browser that is short of time sends smaller frames from one moment to the next.
            strip = region(rgb, lower=True)
            strip[:] = cv2.resize(number, strip.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        return sight

    Observer.look, Watcher.show = look_and_note, show_and_stamp  # type: ignore[method-assign]


# Keeps the times of captured frames by number, and of every shown frame its own number and that of
# the frame whose answers are on it. Times are milliseconds of `performance.now`.
READER = """
(() => {
  const BITS = 8;
  const canvas = document.createElement('canvas');
  canvas.width = 2 * BITS; canvas.height = 1;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  function number(video, lower) {
    const w = video.videoWidth / 2, h = Math.floor(video.videoHeight / 24);
    const top = lower ? video.videoHeight - h : 0;
    // The middle third of each cell: codecs blur the edges.
    pen.drawImage(video, 0, top + h / 3, w, h / 3, 0, 0, 2 * BITS, 1);
    const cells = pen.getImageData(0, 0, 2 * BITS, 1).data;
    let found = 0;
    for (let bit = 0; bit < BITS; bit++) {
      const difference = cells[8 * bit] - cells[8 * bit + 4];
      if (Math.abs(difference) < 60) return null;
      if (difference > 0) found |= 1 << bit;
    }
    return found;
  }
  function watch(video, note) {
    const step = (now, about) => {
      note(about.captureTime ?? now, about.presentationTime ?? now, video);
      video.requestVideoFrameCallback(step);
    };
    video.requestVideoFrameCallback(step);
  }
  window.captured = [];
  window.shown = [];
  const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
  if (!ask) return;
  navigator.mediaDevices.getUserMedia = async (wishes) => {
    const stream = await ask(wishes);
    const camera = document.createElement('video');
    Object.assign(camera, {srcObject: stream, muted: true, playsInline: true, className: 'camera'});
    camera.style = 'position:fixed;width:2px;height:2px;opacity:0.01';
    document.body.append(camera);
    camera.play();
    watch(camera, (taken, at, video) => window.captured.push([taken, number(video, false)]));
    return stream;
  };
  const seen = new Set();
  setInterval(() => {
    for (const video of document.querySelectorAll('video:not(.camera)')) {
      if (seen.has(video)) continue;
      seen.add(video);
      watch(video, (taken, at) =>
        window.shown.push([at, number(video, false), number(video, true)]));
    }
  }, 100);
})();
"""
