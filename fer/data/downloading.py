"""FER-2013 from Kaggle: fetched by kagglehub and imported, with progress, or in a child process.

kagglehub keeps a cut-off archive and goes on where it ended. A child process can be ended at any
moment, and gives its memory back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from fer import FerError
from fer.data import importing
from fer.data.importing import Report
from fer.progress import Progress
from fer.vision import upload_gate

KAGGLE_DATASET = "msambare/fer2013"
# How often progress is told; as long as this, at most, a child lives on when nobody listens.
INTERVAL_SECONDS = 0.25
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Step:
    """How far a download is: bytes fetched or faces imported, of how many; 0 where unknown."""

    name: Literal["fetch", "import"]
    done: int
    total: int


def download(folder: Path, fetching: Progress, importing_: Progress) -> Report:
    """Fetches Kaggle's `msambare/fer2013` and imports it into `folder`.

    Args:
        fetching: called with the bytes fetched, of those of the archive, from another thread.
        importing_: called with the faces read, of those expected.

    Raises:
        FerError: if kagglehub is not installed or the download fails; as
            `importing.import_dataset`.
    """
    with ExitStack() as scratch:
        return importing.import_dataset(fetch(scratch, fetching), folder, importing_)


def fetch(scratch: ExitStack, progress: Progress) -> Path:
    """The folder that holds the data set's files; it lasts at least as long as `scratch`.

    It is kagglehub's own cache, or a temporary folder where that cannot be written.

    Raises:
        FerError: if kagglehub is not installed or the download fails.
    """
    try:
        import kagglehub
    except ImportError:
        raise FerError(
            "kagglehub is not installed; run: pip install kagglehub, or download the data "
            "set {KAGGLE_DATASET} from Kaggle yourself and run: fer data import archive.zip",
            KAGGLE_DATASET=KAGGLE_DATASET,
        ) from None
    target = None
    if not _is_writable(_cache()):
        target = scratch.enter_context(tempfile.TemporaryDirectory(prefix="fer2013-"))
    try:
        with _told(progress):
            return Path(kagglehub.dataset_download(KAGGLE_DATASET, output_dir=target))
    except Exception as error:
        raise FerError(
            "The download of {KAGGLE_DATASET} failed ({reason}); check the connection, or "
            "download archive.zip in a browser and run: fer data import archive.zip",
            KAGGLE_DATASET=KAGGLE_DATASET,
            reason=upload_gate.one_line(error),
        ) from error


def _cache() -> Path:
    """Where kagglehub keeps what it fetched."""
    named = os.environ.get("KAGGLEHUB_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "kagglehub"


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@contextmanager
def _told(progress: Progress) -> Iterator[None]:
    """Tells how far kagglehub is while the block runs: its progress bars know."""
    from tqdm import tqdm

    ended = threading.Event()

    def tell() -> None:
        done, total = 0, 0
        while not ended.wait(INTERVAL_SECONDS):
            bars = [bar for bar in list(getattr(tqdm, "_instances", ())) if bar.total]
            # A bar goes when all is fetched; what follows is unpacking.
            done, total = (int(bars[0].n), int(bars[0].total)) if bars else (total, total)
            progress(done, total)

    teller = threading.Thread(target=tell, name="download-progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def serve(folder: Path, out: IO[str]) -> None:
    """`download` as JSON lines for the process that started this one: steps, then the report or
    the error."""
    writing = threading.Lock()

    def put(record: Mapping[str, object]) -> None:
        with writing:
            out.write(json.dumps(record) + "\n")
            out.flush()

    def step(name: str) -> Progress:
        return lambda done, total, /, **details: put({"step": name, "done": done, "total": total})

    # Else it writes among the lines.
    os.environ["KAGGLEHUB_VERBOSITY"] = "critical"
    try:
        report = download(folder, step("fetch"), step("import"))
    except FerError as error:
        put({"error": error.to_record()})
        return
    put({"images": report.images})


def in_child(folder: Path, root: Path) -> Generator[Step, None, None]:
    """Downloads and imports in a child process; yields how far it is, several times a second.

    Closing the iterator ends the child: what was there before stays, and the next download goes on
    with what is fetched.

    Args:
        root: the working directory of the child.

    Raises:
        FerError: if the download or the import fails.
    """
    command = [sys.executable, "-m", "fer", "data", "download", "--json", "--data-dir", str(folder)]
    child = subprocess.Popen(
        command,
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert child.stdout is not None
    is_done = False
    try:
        for line in child.stdout:
            record = json.loads(line) if line.startswith("{") else {}
            if "error" in record:
                raise FerError.from_record(record["error"])
            if "step" in record:
                yield Step(record["step"], record["done"], record["total"])
            is_done = is_done or "images" in record
    finally:
        child.stdout.close()
        _end(child)
    if not is_done:
        raise FerError(
            "The download of {KAGGLE_DATASET} was interrupted; start it again. "
            "Nothing was changed.",
            KAGGLE_DATASET=KAGGLE_DATASET,
        )


def _end(child: subprocess.Popen[str]) -> None:
    """Ends the child, gently first: it then removes what it wrote half."""
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
