"""Mutated files at the gate: `python -m tests.benchmarks.fuzz --count 20000 --seed 1`.

Small real files of every kind that comes in are changed at random, and each must be taken or be
refused with one sentence, within a time limit. The gate runs in a child process, so that a crash of
a native decoder is seen; what was found is written to tests/regressions/.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import multiprocessing
import os
import resource
import struct
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

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
    slowest: tuple[float, str] = (0.0, "")
    memory_mb: float = 0.0


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
    real = Image.fromarray(face_like(5).astype(np.float32))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    images = [
        encoded(colour, "JPEG", exif=exif.tobytes()),
        encoded(colour, "JPEG", progressive=True),
        encoded(gray, "JPEG"),
        encoded(colour.convert("CMYK"), "JPEG"),
        encoded(colour, "PNG"),
        encoded(clear, "PNG"),
        encoded(colour.quantize(16), "PNG", transparency=3),
        encoded(gray.convert("1"), "PNG"),
        encoded(deep, "PNG"),
        encoded(gray, "PNG", save_all=True, append_images=[gray.rotate(90)]),
        encoded(colour, "WEBP"),
        encoded(clear, "WEBP", lossless=True),
        encoded(colour, "WEBP", save_all=True, append_images=[clear]),
        encoded(colour, "BMP"),
        encoded(gray, "BMP"),
        encoded(gray.convert("1"), "BMP"),
        run_length_bmp(),
        encoded(gray, "GIF", save_all=True, append_images=[gray.rotate(90)]),
        encoded(colour.quantize(8), "GIF", transparency=2),
        encoded(colour, "TIFF"),
        encoded(clear, "TIFF", compression="tiff_lzw"),
        encoded(colour, "TIFF", compression="jpeg"),
        encoded(deep, "TIFF", compression="tiff_adobe_deflate"),
        encoded(real, "TIFF"),
        encoded(gray.convert("1"), "TIFF", compression="group4"),
        encoded(colour, "AVIF", exif=exif.tobytes()),
        encoded(clear, "AVIF"),
        encoded(colour, "AVIF", save_all=True, append_images=[colour.rotate(90)]),
        heic("lying"),
        heic("transparent"),
        heic("two-pictures"),
    ]
    frames = [np.full((48, 64, 3), shade, np.uint8) for shade in (40, 90, 200, 120)]
    videos = [
        video(frames, 10),
        video(frames, 5, "mov", "mpeg4"),
        video(frames, 10, "webm", "libvpx"),
        video(frames, 10, "webm", "libvpx-vp9"),
        video(frames, 10, "matroska"),
        video(frames, 10, "ipod"),
        video(frames, 10, "avi", "mpeg4"),
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
    return tuple(
        (kind, content)
        for kind, contents in (("image", images), ("video", videos), ("archive", archives))
        for content in contents
    )


def run_length_bmp() -> bytes:
    """An 8-bit BMP in run-length encoding, which Pillow reads but does not write."""
    rows = (
        b"".join(bytes([4, shade, 4, 255 - shade, 0, 0]) for shade in range(0, 240, 30)) + b"\0\1"
    )
    palette = b"".join(bytes([shade, shade, shade, 0]) for shade in range(256))
    start = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 8, 1, len(rows), 2835, 2835, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + info + palette + rows


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
            content[at : at + width] = value.to_bytes(
                width, "little" if rng.random() < 0.5 else "big"
            )


def attend(pipe: Connection) -> None:
    """The child: puts each file that comes through the gate and says what came of it."""
    from fer import FerError

    while True:
        kind, content = pipe.recv()
        try:
            GATES[kind](content)
            outcome = "taken"
        except FerError as error:
            outcome = "refused" if "\n" not in str(error) else f"two lines: {error}"
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        pipe.send((outcome, peak))


def through_image(content: bytes) -> None:
    from fer.vision import preprocessing

    preprocessing.require_rgb(preprocessing.read_image(content, "photo"))


def through_video(content: bytes) -> None:
    from tests.support import films

    assert 0 < films.watch(content, "video").seconds <= 122


def through_archive(content: bytes) -> None:
    from fer.data import dataset, importing

    with tempfile.TemporaryDirectory() as folder:
        importing.import_dataset(io.BytesIO(content), Path(folder) / "data", name="archive")
        assert len(dataset.open_dataset(Path(folder) / "data"))
        assert [path.name for path in Path(folder).iterdir()] == ["data"]


def through_trial(content: bytes) -> None:
    """Dies, hangs or fails as the content says: a run that sees none of it is worth nothing."""
    if content == b"die":
        os.abort()
    if content.startswith(b"wait once "):
        waited = Path(content.removeprefix(b"wait once ").decode())
        if waited.exists():
            return
        waited.touch()
        time.sleep(3600)
    if content == b"hang":
        time.sleep(3600)
    raise LookupError(content)


GATES: dict[str, Callable[[bytes], None]] = {
    "image": through_image,
    "video": through_video,
    "archive": through_archive,
    "trial": through_trial,
}


class Child:
    """A process with the gate in it, begun again whenever it has died or hung."""

    def __init__(self) -> None:
        self.process: multiprocessing.process.BaseProcess | None = None

    def begin(self) -> None:
        """Begin the process if there is none."""
        if self.process is not None:
            return
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=attend, args=(theirs,), daemon=True)
        # The process must not run the main module again, which in a test may be a page of the
        # dashboard; where this file is the main module, the process needs it.
        main = sys.modules["__main__"]
        if attend.__module__ != "__main__":
            sys.modules["__main__"] = ModuleType("__main__")
        try:
            self.process.start()
        finally:
            sys.modules["__main__"] = main
        theirs.close()
        # The first file of each kind also waits for imports.
        for kind in ("image", "video", "archive"):
            self.pipe.send((kind, b"nothing"))
            self.pipe.recv()

    def ask(self, kind: str, content: bytes) -> tuple[str, float]:
        """What came of a file, and the process' largest memory so far, in millions of bytes."""
        assert self.process is not None
        self.pipe.send((kind, content))
        try:
            if not self.pipe.poll(SECONDS):
                self.end()
                return "hang", 0.0
            outcome, peak = self.pipe.recv()
        except EOFError:
            self.process.join()
            code = self.process.exitcode
            self.process = None
            return f"crash {code}", 0.0
        return str(outcome), float(peak)

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def put_through(files: Iterator[tuple[str, bytes]]) -> Report:
    """Put files through the gate, one after another."""
    report, child = Report(), Child()
    for kind, content in files:
        child.begin()
        started = time.perf_counter()
        outcome, peak = child.ask(kind, content)
        if outcome == "hang":
            # On a busy machine any file may have to wait; what hangs does so again.
            child.begin()
            outcome, peak = child.ask(kind, content)
        name = f"{kind}-{hashlib.sha256(content).hexdigest()[:8]}"
        report.slowest = max(report.slowest, (time.perf_counter() - started, name))
        report.memory_mb = max(report.memory_mb, peak)
        is_fine = outcome in ("taken", "refused")
        report.outcomes[f"{kind} {outcome if is_fine else 'finding'}"] += 1
        if not is_fine:
            report.findings.append((kind, outcome, content))
    child.end()
    return report


def kept() -> list[tuple[str, bytes]]:
    """The files that once got the better of the gate."""
    return [
        (path.name.split("-")[0], path.read_bytes())
        for path in sorted(REGRESSIONS.glob("*-*"))
        if path.name.split("-")[0] in GATES
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = put_through(mutated(arguments.seed, number) for number in range(arguments.count))
    REGRESSIONS.mkdir(exist_ok=True)
    for kind, outcome, content in report.findings:
        name = f"{kind}-{hashlib.sha256(content).hexdigest()[:8]}"
        print(f"{name}: {outcome}", file=sys.stderr)
        (REGRESSIONS / name).write_bytes(content)
    print(
        json.dumps(
            {
                "files": sum(report.outcomes.values()),
                "seed": arguments.seed,
                "outcomes": dict(sorted(report.outcomes.items())),
                "findings": len(report.findings),
                "slowest_seconds": round(report.slowest[0], 3),
                "slowest": report.slowest[1],
                "largest_memory_mb": round(report.memory_mb),
            },
            indent=2,
        )
    )
    sys.exit(bool(report.findings))


if __name__ == "__main__":
    main()
