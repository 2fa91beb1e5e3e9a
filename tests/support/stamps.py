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
    bits = [number >> bit & 1 for bit in range(BITS)]
    cells = np.array([[255 * half for bit in bits for half in (bit, 1 - bit)]], np.uint8)
    strip = region(rgb)
    wide = cv2.resize(cells, strip.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    strip[:] = wide[:, :, None]


def install() -> None:
    """Makes every stream of this process note what it analyses and stamp what it shows."""
    from fer.media.streaming import FrameAnalyser, FrameAnswers, StreamAnalyser

    analyse, hand_in = FrameAnalyser.analyse, StreamAnalyser.hand_in
    numbers: dict[float, np.ndarray] = {}

    def analyse_and_note(self: FrameAnalyser, rgb: np.ndarray, at: float) -> FrameAnswers:
        numbers[at] = region(rgb).copy()
        while len(numbers) > 32:
            del numbers[next(iter(numbers))]
        answers = analyse(self, rgb, at)
        analysed.append(time.monotonic())
        return answers

    def hand_in_and_stamp(
        self: StreamAnalyser, rgb: np.ndarray, *arguments: float, **options: bool
    ) -> FrameAnswers:
        latest = hand_in(self, rgb, *arguments, **options)
        number = numbers.get(latest.taken)
        # The socket's pictures are read only, and nobody looks at them again.
        if number is not None and rgb.flags.writeable:
            # A browser that is short of time sends smaller frames from one moment to the next.
            strip = region(rgb, lower=True)
            strip[:] = cv2.resize(number, strip.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        return latest

    FrameAnalyser.analyse = analyse_and_note  # type: ignore[method-assign]
    StreamAnalyser.hand_in = hand_in_and_stamp  # type: ignore[method-assign]


# Keeps the times of captured frames by number, and of every shown frame its own number and that of
# the frame whose answers are on it. Times are milliseconds of `performance.now`.
READER = """
(() => {
  const BITS = 8;
  const canvas = new OffscreenCanvas(2 * BITS, 3);
  const drawn = canvas.getContext('2d', { willReadFrequently: true });
  // The middle of each cell: codecs blur the edges.
  function number(video, y) {
    const [width, height] = [video.videoWidth, video.videoHeight];
    drawn.drawImage(video, 0, y * height, width / 2, height / 24, 0, 0, 2 * BITS, 3);
    const { data } = drawn.getImageData(0, 1, 2 * BITS, 1);
    let found = 0;
    for (let bit = 0; bit < BITS; bit++) {
      const difference = data[8 * bit] - data[8 * bit + 4];
      if (Math.abs(difference) < 60) return null;
      if (difference > 0) found |= 1 << bit;
    }
    return found;
  }
  function watch(video, note) {
    const step = (now, about) => {
      note(about.captureTime ?? now, about.presentationTime ?? now);
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
    watch(camera, (taken) => window.captured.push([taken, number(camera, 0)]));
    return stream;
  };
  const seen = new Set();
  setInterval(() => {
    for (const video of document.querySelectorAll('video:not(.camera)')) {
      if (seen.has(video)) continue;
      seen.add(video);
      watch(video, (_, at) =>
        window.shown.push([at, number(video, 0), number(video, 23 / 24)]));
    }
  }, 100);
})();
"""
