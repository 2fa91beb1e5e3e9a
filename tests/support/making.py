"""Small real data made on the spot, and where the real FER-2013 lies if it is at hand."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
from PIL import Image

from fer import emotions
from fer.data import sample
from fer.inference.classification import Classifier

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("FER_SHARED", ROOT.parent / "shared"))
ARCHIVE = SHARED / "fer2013" / "archive.zip"
T = TypeVar("T")

# Nothing is expected to take this long on any machine, however busy; what has not happened by then
# never will.
PATIENCE = 300.0


def until(condition: Callable[[], object], what: object = "", pause: float = 0.01) -> None:
    """Wait for an event that other threads or processes bring about; `what` is said, or called to
    say, where it never comes."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(what() if callable(what) else what or "it never came true")
        time.sleep(pause)


def interruptible(command: Sequence[str | Path], **options: Any) -> subprocess.Popen[str]:
    """A child with text pipes that SIGINT interrupts, whatever this process does with the signal.

    A signal that is handled here takes its default action in a child, one that is ignored does not.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, text=True, **options)
    finally:
        signal.signal(signal.SIGINT, before)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def jpeg(pixels: np.ndarray, kind: str = "JPEG") -> bytes:
    return encoded(Image.fromarray(pixels), kind)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below the folder by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns, run in a thread: Playwright keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def video(
    frames: Sequence[np.ndarray],
    rate: int = 10,
    kind: str = "mp4",
    codec: str = "libx264",
    *,
    ratio: int = 1,
    comment: str = "",
    encoder: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    file: Path | io.BytesIO | None = None,
) -> bytes:
    """Return a video of RGB frames of one even-sided size, also written to `file`.

    ratio: of a pixel's width to its height. encoder, muxer: FFmpeg's options.
    """
    file = file or io.BytesIO()
    name = str(file) if isinstance(file, Path) else file
    with av.open(name, "w", format=kind, options=muxer) as target:
        target.metadata["comment"] = comment
        sink = target.add_stream(codec, rate=rate, options=encoder)
        sink.height, sink.width = frames[0].shape[:2]
        sink.pix_fmt, sink.sample_aspect_ratio = "yuv420p", Fraction(ratio)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            target.mux(sink.encode(frame))
        target.mux(sink.encode(None))
    return file.read_bytes() if isinstance(file, Path) else file.getvalue()


def face_like(seed: int) -> np.ndarray:
    """A smooth random 48x48 image: JPEG keeps it nearly as it is."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8))
    return np.array(small.resize((48, 48), Image.Resampling.BICUBIC))


def in_keras(folder: Path) -> Classifier:
    """Return the folder's models in Keras, which is imported only now: it takes seconds."""
    from fer.lab import keras_backend

    return keras_backend.load(folder)


USAGES = ("Training", "PublicTest", "PrivateTest")
# In which folder of Kaggle's archive a split lies.
FOLDERS = {"Training": "train", "PublicTest": "test", "PrivateTest": "test"}


def csv_table(header: str = "emotion,pixels,Usage", rows: int = 21, pixels: int = 2304) -> str:
    """A table like fer2013.csv; 21 rows have every emotion in every split."""
    lines = [header]
    for number in range(rows):
        values = face_like(number).ravel()[:pixels]
        columns = {
            "emotion": str(number % 7),
            "pixels": " ".join(map(str, values)),
            "usage": USAGES[number % 3],
        }
        lines.append(",".join(columns[name.strip().lower()] for name in header.split(",")))
    return "\n".join(lines) + "\n"


def small_archive(path: Path, per_class: int = 4) -> Path:
    """A zip laid out like Kaggle's, with `per_class` faces in each class of each split."""
    places = product(USAGES, emotions.KEYS, range(per_class))
    with zipfile.ZipFile(path, "w") as archive:
        for number, (split, key, _) in enumerate(places, 1):
            name = f"{FOLDERS[split]}/{key}/{split}_{number}.jpg"
            archive.writestr(name, jpeg(face_like(number)))
    return path


def sample_archive(path: Path) -> Path:
    """A zip laid out like Kaggle's with the committed sample's 70 real faces, all in it."""
    found = sample.open_sample(ROOT / sample.FOLDER)
    with zipfile.ZipFile(path, "w") as archive:
        for key in emotions.KEYS:
            # Of an emotion's ten faces four go to Training, and three to either test split.
            for split, rows in zip(USAGES, np.split(found.rows(key), [4, 7]), strict=True):
                for row in rows:
                    name = f"{FOLDERS[split]}/{key}/{split}_{row}.jpg"
                    archive.writestr(name, jpeg(found.images[row]))
    return path
