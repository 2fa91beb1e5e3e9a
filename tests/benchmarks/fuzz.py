"""Mutated files at the gate.

Small real files of every kind that comes in are changed at random, and each must be taken or be
refused with one sentence, within a time limit. The gate runs in a child process, so that a crash of
a native decoder is seen; what was found once lies in tests/regressions/.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from fer import FerError
from fer.data import dataset, importing
from fer.vision import preprocessing
from tests.support import films
from tests.support.making import csv_table, encoded, face_like, small_archive, video

REGRESSIONS = Path(__file__).resolve().parents[1] / "regressions"
HEIC = REGRESSIONS.parent / "vision" / "heic"
# Of a file: a hang of seconds is a hang, and a busy machine is slow.
SECONDS = 20.0
# Values that header fields are set to: empty, small, the ends of every width.
ENDS = (0, 1, 2, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)


@dataclass
class Report:
    """What came of the files: taken, refused, and findings (kind, what happened, content)."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, str, bytes]] = field(default_factory=list)


def heic(name: str) -> bytes:
    """A committed HEIC file, made with pillow-heif: pi-heif only reads them."""
    return (HEIC / f"{name}.heic").read_bytes()


@cache
def samples() -> tuple[tuple[str, bytes], ...]:
    """Small whole files with their kind: image, video or archive."""
    gray = Image.fromarray(face_like(1))
    colour = Image.merge("RGB", [Image.fromarray(face_like(seed)) for seed in (1, 2, 3)])
    clear = colour.convert("RGBA")
    clear.putalpha(gray)
    deep = Image.fromarray(face_like(4).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    images = [
        encoded(colour, "JPEG", exif=exif.tobytes()),
        encoded(colour, "JPEG", progressive=True),
        encoded(colour.convert("CMYK"), "JPEG"),
        encoded(clear, "PNG"),
        encoded(colour.quantize(16), "PNG", transparency=3),
        encoded(deep, "PNG"),
        encoded(gray, "PNG", save_all=True, append_images=[gray.rotate(90)]),
        encoded(colour, "WEBP"),
        encoded(clear, "WEBP", lossless=True),
        encoded(colour, "BMP"),
        encoded(gray, "GIF", save_all=True, append_images=[gray.rotate(90)]),
        encoded(clear, "TIFF", compression="tiff_lzw"),
        encoded(colour, "TIFF", compression="jpeg"),
        encoded(deep, "TIFF", compression="tiff_adobe_deflate"),
        encoded(gray.convert("1"), "TIFF", compression="group4"),
        encoded(colour, "AVIF", exif=exif.tobytes()),
        *map(heic, ("lying", "transparent", "two-pictures")),
    ]
    frames = [np.full((48, 64, 3), shade, np.uint8) for shade in (40, 90, 200, 120)]
    videos = [
        video(frames, 10),
        video(frames, 5, "mov", "mpeg4"),
        video(frames, 10, "webm", "libvpx"),
        video(frames, 10, "matroska"),
        video(frames, 10, "avi", "msmpeg4v3"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        archive = small_archive(Path(folder) / "archive.zip", 6).read_bytes()
    table = csv_table().encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("fer2013/fer2013.csv")
        member.size = len(table)
        tar.addfile(member, io.BytesIO(table))
    archives = [archive, table, packed.getvalue()]
    kinds = {"image": images, "video": videos, "archive": archives}
    return tuple((kind, content) for kind, contents in kinds.items() for content in contents)


def mutated(seed: int, number: int) -> tuple[str, bytes]:
    """A kind and a changed sample of it; the same arguments, the same file."""
    rng = np.random.default_rng([seed, number])
    pool = samples()
    # A video takes as long as twenty images: it has its share, not more.
    weights = np.array([{"image": 1.0, "video": 0.8, "archive": 1.5}[kind] for kind, _ in pool])
    kind, content = pool[int(rng.choice(len(pool), p=weights / weights.sum()))]
    other = pool[int(rng.integers(len(pool)))][1]
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        if changed:
            change(changed, other, rng)
    return kind, bytes(changed)


def change(content: bytearray, other: bytes, rng: np.random.Generator) -> None:
    """Change the content in place in one of six ways, of which the last comes twice as often."""
    at, length = int(rng.integers(len(content))), int(rng.integers(1, 256))
    match int(rng.integers(7)):
        case 0:  # Bits are turned.
            for place in rng.integers(len(content), size=int(rng.integers(1, 9))):
                content[place] ^= 1 << int(rng.integers(8))
        case 1:  # The end is missing.
            del content[at:]
        case 2:  # A part is replaced by one of another file.
            start, stop = sorted(rng.integers(len(other) + 1, size=2).tolist())
            content[at : at + length // 4] = other[start:stop]
        case 3:  # A part is missing.
            del content[at : at + length]
        case 4:  # A part is repeated.
            content[at:at] = content[at : at + length] * int(rng.integers(1, 16))
        case _:  # A field of the first bytes, or of the end, where zip and MP4 keep their tables.
            width = int(rng.choice([1, 2, 4]))
            near = int(rng.integers(min(len(content), 96)))
            at = near if rng.random() < 0.7 else len(content) - 1 - near
            value = ENDS[int(rng.integers(len(ENDS)))] % 2 ** (8 * width)
            order: Any = rng.choice(["little", "big"])
            content[at : at + width] = value.to_bytes(width, order)


def came_of(kind: str, content: bytes) -> str:
    """Put a file through the gate, in the child, and say what came of it."""
    try:
        GATES[kind](content)
    except FerError as error:
        return "refused" if "\n" not in str(error) else f"two lines: {error}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "taken"


def through_image(content: bytes) -> None:
    preprocessing.require_rgb(preprocessing.read_image(content, "photo"))


def through_video(content: bytes) -> None:
    assert 0 < films.watch(content, "video").seconds <= 122


def through_archive(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        importing.import_dataset(io.BytesIO(content), Path(folder) / "data", name="archive")
        assert len(dataset.open_dataset(Path(folder) / "data"))
        assert [path.name for path in Path(folder).iterdir()] == ["data"]


GATES: dict[str, Callable[[bytes], None]] = {
    "image": through_image,
    "video": through_video,
    "archive": through_archive,
}


def child() -> tuple[ProcessPoolExecutor, int]:
    """A process with the gate in it, and its id."""
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    # The process must not run the main module again, which may be a page of the dashboard.
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        # The first file of each kind also waits for imports.
        for kind in GATES:
            pool.submit(came_of, kind, b"nothing").result()
        return pool, pool.submit(os.getpid).result()
    finally:
        sys.modules["__main__"] = main


def put_through(files: Iterable[tuple[str, bytes]]) -> Report:
    """Put files through the gate, one after another."""
    report, (pool, pid) = Report(), child()
    for kind, content in files:
        # On a busy machine any file may have to wait; what hangs does so again.
        for _ in range(2):
            try:
                outcome = pool.submit(came_of, kind, content).result(SECONDS)
                break
            except TimeoutError:
                outcome = "hang"
                os.kill(pid, signal.SIGKILL)
                pool, pid = child()
            except BrokenProcessPool:
                outcome = "crash"
                pool, pid = child()
                break
        is_fine = outcome in ("taken", "refused")
        report.outcomes[f"{kind} {outcome if is_fine else 'finding'}"] += 1
        if not is_fine:
            report.findings.append((kind, outcome, content))
    pool.shutdown()
    return report


def kept() -> list[tuple[str, bytes]]:
    """The files that once got the better of the gate."""
    return [
        (path.name.split("-")[0], path.read_bytes())
        for path in sorted(REGRESSIONS.glob("*-*"))
        if path.name.split("-")[0] in GATES
    ]
