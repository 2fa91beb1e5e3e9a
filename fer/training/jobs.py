"""Short trainings in processes of their own, which outlive the page that started them.

One runs at a time; the others wait for their turn, first come, first served. The queue is kept in
the run directories, so it outlives the server, and a killed run leaves it by its silence.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fer import FerError
from fer.artifacts import runs
from fer.data import dataset
from fer.training import monitor
from fer.training.monitor import RunState

LOG = "log.txt"
MOST_WAITING = 3

_queue_lock = threading.Lock()


def start(
    root: Path,
    scenario: str,
    *,
    fraction: float,
    epochs: int,
    image_size: int,
    data_dir: Path | None = None,
    models_dir: Path | None = None,
    is_watched_only: bool = False,
) -> Path:
    """Start `fer train` on a share of the data and return its run directory under `root/runs`.

    Training begins from the convolutions of the installed baseline, so it needs no download. While
    another training goes on, it waits for that one's end; one that `is_watched_only` ends when
    nobody has called `monitor.watch` for ten minutes. Raise FerError if the data set is not
    imported or `MOST_WAITING` trainings are waiting already.
    """
    data_dir = data_dir or root / dataset.FOLDER
    if not dataset.is_imported(data_dir):
        raise FerError(
            "FER-2013 is not imported; import it on the page Dataset or run: fer data download"
        )
    with _queue_lock:
        others = active(root / "runs", time.time())
        if len(others) > MOST_WAITING:
            raise FerError(
                "{n} trainings are waiting here already; wait for one to end, or stop one.",
                n=MOST_WAITING,
            )
        now = datetime.now(UTC)
        run_dir = _new_folder(root / "runs" / f"{scenario}-{now:%Y%m%d-%H%M%S}")
        if is_watched_only:
            monitor.watch(run_dir)
        ordered = now.timestamp()
        state: monitor.State = "waiting" if others else "starting"
        monitor.write(run_dir, RunState(state, ordered, ordered, 0, 0, epochs, {}))
    command = [
        *(sys.executable, "-m", "fer", "train", scenario),
        *("--run-dir", str(run_dir), "--data-dir", str(data_dir)),
        *("--fraction", str(fraction), "--epochs", str(epochs), "--image-size", str(image_size)),
        *("--backbone-from", str(models_dir or root / "models"), "--queue"),
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
    # Without somebody who waits for it, an ended process stays behind as a zombie.
    threading.Thread(target=_record_end, args=(process, run_dir), daemon=True).start()
    return run_dir


def _new_folder(wanted: Path) -> Path:
    """Create a folder of that name, or with the first free number after it, and return its path."""
    folder, number = wanted, 1
    while True:
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1
            folder = wanted.with_name(f"{wanted.name}-{number}")


def is_next(run_dir: Path) -> bool:
    """Return whether a waiting run may begin: no other goes on, and none has waited longer."""
    now = time.time()
    own_state = monitor.read(run_dir, now)
    place = (0.0 if own_state is None else own_state.started, run_dir.name)
    return not any(
        run.state != "waiting" or (run.started, other.name) < place
        for other, run in active(run_dir.parent, now)
        if other.resolve() != run_dir.resolve()
    )


def _record_end(process: subprocess.Popen[bytes], run_dir: Path) -> None:
    process.wait()
    state = monitor.read(run_dir, time.time())
    if state is None or not state.is_active:
        return
    if monitor.is_stopping(run_dir):
        monitor.write(run_dir, replace(state, state="stopped", updated=time.time()))
        return
    log_lines = (run_dir / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    reason = log_lines[-1] if log_lines else f"exit code {process.returncode}"
    monitor.write(run_dir, replace(state, state="failed", updated=time.time(), reason=reason))


def active(folder: Path, now: float) -> list[tuple[Path, RunState]]:
    """Return the runs under the folder that go on or wait, with their state."""
    paths = (path.parent for path in sorted(folder.rglob(monitor.PROGRESS)))
    runs_there = ((path, monitor.read(path, now)) for path in paths)
    return [(path, run) for path, run in runs_there if run is not None and run.is_active]


def recorded(folder: Path) -> list[Path]:
    """Return the run directories under the folder that hold a history, newest first."""
    paths = [
        path.parent for path in folder.rglob(runs.HISTORY) if (path.parent / runs.RUN).exists()
    ]
    return sorted(paths, key=lambda path: -(path / runs.HISTORY).stat().st_mtime)
