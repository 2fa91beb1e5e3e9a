"""Short trainings in processes of their own, which outlive the page that started them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fer import FerError, dataset, live, runs
from fer.live import Progress

LOG = "log.txt"


def start(
    root: Path,
    scenario: str,
    *,
    fraction: float,
    epochs: int,
    image_size: int,
    data_dir: Path | None = None,
    models_dir: Path | None = None,
    extra: Sequence[str] = (),
) -> Path:
    """Starts `fer train` on a share of the data and returns its run directory under `root/runs`.

    It starts from the convolutions of the installed baseline, so it needs no network.

    Raises:
        FerError: if the data set is not imported or another training is running here.
    """
    data_dir = data_dir or root / dataset.FOLDER
    if not dataset.is_imported(data_dir):
        raise FerError(
            "FER-2013 is not imported; import it on the page Dataset or run: fer data download"
        )
    running = active(root / "runs", time.time())
    if running:
        raise FerError(
            "A training is running already ({name}); wait for it or stop it first.",
            name=running[0][0].name,
        )
    now = datetime.now(UTC)
    run_dir = root / "runs" / f"{scenario}-{now:%Y%m%d-%H%M%S}"
    run_dir.mkdir(parents=True)
    live.write(run_dir, Progress("starting", now.timestamp(), now.timestamp(), 0, 0, epochs, {}))
    command = [
        *(sys.executable, "-m", "fer", "train", scenario),
        *("--run-dir", str(run_dir), "--data-dir", str(data_dir)),
        *("--fraction", str(fraction), "--epochs", str(epochs), "--image-size", str(image_size)),
        *("--backbone-from", str(models_dir or root / "models")),
        *extra,
    ]
    with (run_dir / LOG).open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Someone has to take note of its end, or it stays behind as a zombie.
    threading.Thread(target=_see_off, args=(process, run_dir), daemon=True).start()
    return run_dir


def _see_off(process: subprocess.Popen[bytes], run_dir: Path) -> None:
    process.wait()
    found = live.read(run_dir, time.time())
    if found is not None and found.is_active:
        last = (run_dir / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        live.write(
            run_dir,
            Progress(
                "failed",
                found.started,
                time.time(),
                found.step,
                found.steps,
                found.epochs,
                found.values,
                last[-1] if last else f"exit code {process.returncode}",
            ),
        )


def active(folder: Path, now: float) -> list[tuple[Path, Progress]]:
    """The runs under the folder that go on, with their progress."""
    found = []
    for path in sorted(folder.rglob(live.PROGRESS)):
        progress = live.read(path.parent, now)
        if progress is not None and progress.is_active:
            found.append((path.parent, progress))
    return found


def recorded(folder: Path) -> list[Path]:
    """The run directories under the folder that hold a history, newest first."""
    paths = [
        path.parent for path in folder.rglob(runs.HISTORY) if (path.parent / runs.RUN).exists()
    ]
    return sorted(paths, key=lambda path: -(path / runs.HISTORY).stat().st_mtime)
