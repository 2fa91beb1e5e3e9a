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
# the frame whose answers are on it. Times are milliseconds of `performance.now`. Only the numbers
# are copied out of a frame: drawing whole frames to a canvas would take a tenth of a core, which
# the page would lack.
READER = """
(() => {
  const BITS = 8;
  async function numbers(video, ...edges) {
    const frame = new VideoFrame(video);
    try {
      const width = frame.visibleRect.width, height = frame.visibleRect.height;
      // Planes of colour are half as wide and high, so that copies begin and end on even pixels.
      const strip = {width: 2 * Math.floor(width / 4), height: 2 * Math.floor(height / 48)};
      const found = [];
      for (const edge of edges) {
        const y = edge === 'upper' ? 0 : 2 * Math.floor((height - height / 24) / 2);
        const rect = {x: 0, y, ...strip};
        const bytes = new Uint8Array(frame.allocationSize({rect}));
        const [luma] = await frame.copyTo(bytes, {rect});
        const step = /^(I4|NV)/.test(frame.format) ? 1 : 4;
        found.push(decode(bytes, luma, step, strip));
      }
      return found;
    } finally {
      frame.close();
    }
  }
  function decode(bytes, luma, step, strip) {
    const cell = strip.width / (2 * BITS);
    // The middle third of each cell: codecs blur the edges.
    const brightness = (position) => {
      let sum = 0, count = 0;
      for (let y = Math.ceil(strip.height / 3); y < 2 * strip.height / 3; y++)
        for (let x = Math.ceil((position + 1 / 3) * cell); x < (position + 2 / 3) * cell; x++) {
          // Green where a frame comes as RGB.
          sum += bytes[luma.offset + y * luma.stride + x * step + (step > 1 ? 1 : 0)];
          count++;
        }
      return sum / count;
    };
    let found = 0;
    for (let bit = 0; bit < BITS; bit++) {
      const difference = brightness(2 * bit) - brightness(2 * bit + 1);
      if (!(Math.abs(difference) >= 60)) return null;
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
    watch(camera, async (taken, at, video) =>
      window.captured.push([taken, ...await numbers(video, 'upper')]));
    return stream;
  };
  const seen = new Set();
  setInterval(() => {
    for (const video of document.querySelectorAll('video:not(.camera)')) {
      if (seen.has(video)) continue;
      seen.add(video);
      watch(video, async (taken, at, video) =>
        window.shown.push([at, ...await numbers(video, 'upper', 'lower')]));
    }
  }, 100);
})();
"""
