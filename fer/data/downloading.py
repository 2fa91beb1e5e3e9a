"""FER-2013 from Kaggle: fetched by kagglehub and imported, with progress, or in a child process.

kagglehub keeps a partly fetched archive and resumes it. A child process can be ended at any moment,
and gives its memory back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from fer import FerError
from fer.data import importing
from fer.data.importing import Report
from fer.progress import Progress, calling
from fer.vision import upload_gate

KAGGLE_DATASET = "msambare/fer2013"
# Between two reports of progress: a child that nobody listens to ends at its next report.
INTERVAL_SECONDS = 0.25
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Step:
    """The progress of a download: bytes fetched or faces imported, of `total`; 0 where unknown."""

    name: Literal["fetch", "import"]
    done: int
    total: int


def download(folder: Path, fetching: Progress, importing_: Progress) -> Report:
    """Fetch Kaggle's `msambare/fer2013` and import it into `folder`.

    kagglehub fetches into its own cache, or into a temporary folder where that cannot be written.

    Args:
        fetching: called with the bytes fetched and the archive's bytes, from another thread.
        importing_: called as `importing.import_dataset` calls it, which raises, too.

    Raises:
        FerError: if kagglehub is not installed or the download fails.
    """
    try:
        import kagglehub
        from kagglehub.config import get_cache_folder
        from tqdm import tqdm
    except ImportError:
        raise FerError(
            "kagglehub is not installed; run: pip install kagglehub, or download the data "
            "set {KAGGLE_DATASET} from Kaggle yourself and run: fer data import archive.zip",
            KAGGLE_DATASET=KAGGLE_DATASET,
        ) from None
    total = 0

    # kagglehub tells its progress by bars alone.
    def report() -> None:
        nonlocal total
        bars = [bar for bar in list(getattr(tqdm, "_instances", ())) if bar.total]
        # The bar disappears when everything is fetched; unpacking follows.
        done, total = (int(bars[0].n), int(bars[0].total)) if bars else (total, total)
        fetching(done, total)

    target_folder: AbstractContextManager[str | None] = nullcontext()
    if not _is_writable(Path(get_cache_folder())):
        target_folder = tempfile.TemporaryDirectory(prefix="fer2013-")
    with target_folder as target:
        try:
            with calling(report, INTERVAL_SECONDS):
                fetched = kagglehub.dataset_download(KAGGLE_DATASET, output_dir=target)
        except Exception as error:
            raise FerError(
                "The download of {KAGGLE_DATASET} failed ({reason}); check the connection, or "
                "download archive.zip in a browser and run: fer data import archive.zip",
                KAGGLE_DATASET=KAGGLE_DATASET,
                reason=upload_gate.one_line(error),
            ) from error
        return importing.import_dataset(Path(fetched), folder, importing_)


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def serve(folder: Path, out: IO[str]) -> None:
    """Run `download` and write JSON lines for the process that started this one: steps, then the
    number of images or the error."""
    write_lock = threading.Lock()

    def write(**record: object) -> None:
        with write_lock:
            out.write(json.dumps(record) + "\n")
            out.flush()

    def progress_of(name: str) -> Progress:
        return lambda done, total, /, **details: write(step=name, done=done, total=total)

    # Otherwise kagglehub writes between the JSON lines.
    os.environ["KAGGLEHUB_VERBOSITY"] = "critical"
    try:
        report = download(folder, progress_of("fetch"), progress_of("import"))
    except FerError as error:
        write(error=error.to_record())
    else:
        write(images=report.images)


def in_child(folder: Path, root: Path) -> Generator[Step, None, None]:
    """Download and import in a child process; yield the progress several times a second.

    Closing the iterator ends the child: the data set that was there before stays, and the next
    download resumes this one. `root` is the child's working directory. Raises a FerError if the
    download or the import fails.
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
        # Ended by a signal, it removes its unfinished files.
        child.terminate()
        try:
            child.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if not is_done:
        raise FerError(
            "The download of {KAGGLE_DATASET} was interrupted; start it again. "
            "Nothing was changed.",
            KAGGLE_DATASET=KAGGLE_DATASET,
        )
