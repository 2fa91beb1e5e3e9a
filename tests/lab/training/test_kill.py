"""The server or a job is killed at the worst moment: nothing is lost, corrupt or left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from fer import scenarios
from fer.artifacts import runs
from fer.data import dataset, importing
from fer.training import jobs, monitor
from tests.benchmarks import load
from tests.support import visitors
from tests.support.making import PATIENCE, ROOT, in_a_loop, jpeg, small_archive, until
from tests.support.serving import running
from tests.support.training import state_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL"),
]

# Dies before or after the n-th file is put in its place; each time in a process of its own.
DYING = """
import os, signal, sys
from pathlib import Path
from fer.data import importing
archive, points = Path(sys.argv[1]), sys.argv[2:]
real = Path.replace
for point in points:
    if os.fork():
        assert os.waitstatus_to_exitcode(os.wait()[1]) == -signal.SIGKILL
        continue
    when, number = Path(point).name.split("-")
    done = 0
    def replace(self, target):
        global done
        done += 1
        if (when, done) == ("before", int(number)):
            os.kill(os.getpid(), signal.SIGKILL)
        found = real(self, target)
        if (when, done) == ("after", int(number)):
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    Path.replace = replace
    importing.import_dataset(archive, Path(point))
    os._exit(0)
"""


def test_import_killed_between_any_two_files_keeps_old_data_or_has_new(
    archive: Path, tmp_path: Path
) -> None:
    importing.import_dataset(archive, tmp_path / "old")
    before = dataset.open_dataset(tmp_path / "old").digest
    other = small_archive(tmp_path / "other.zip", per_class=5)
    points = [tmp_path / f"{when}-{n}" for n in (1, 2, 3) for when in ("before", "after")]
    for point in points:
        shutil.copytree(tmp_path / "old", point)
    subprocess.run([sys.executable, "-c", DYING, other, *points], check=True)
    for point in points:
        data = dataset.open_dataset(point)
        assert data.digest == data.manifest["digest"]
        # The manifest comes last: before it is in its place, the old data are what is imported.
        assert len(data) == (105 if point.name == "after-3" else 84)
        assert (data.digest == before) == (point.name != "after-3")
        assert dataset.content_digest(data.images, data.labels, data.splits) == data.digest
        # What was half written goes with the next import.
        importing.import_dataset(other, point)
        assert len([p for p in point.iterdir() if p.name != importing.LOCK]) == 3
        assert len(dataset.open_dataset(point)) == 105


SERVER = """
import sys, time
from pathlib import Path
from fer.training import jobs
print(jobs.start(Path(sys.argv[1]), "proposed", fraction=0.5, epochs=4, image_size=32,
                 models_dir=Path(sys.argv[2])), flush=True)
time.sleep(600)
"""


def of_run(run_dir: Path) -> list[int]:
    """The processes whose command names the run."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(run_dir).encode() in path.read_bytes():
                pids.append(int(path.parent.name))
        except OSError:
            continue
    return pids


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_training_outlives_the_server_and_is_resumed_when_killed_itself(tmp_path: Path) -> None:
    data_dir = tmp_path / dataset.FOLDER
    importing.import_dataset(small_archive(tmp_path / "archive.zip"), data_dir)
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, tmp_path, ROOT / "models"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    run_dir = Path(server.stdout.readline().strip())
    server.kill()
    server.wait()

    # A new server finds it going on.
    assert [path for path, _ in jobs.active(tmp_path / "runs", time.time())] == [run_dir]
    until(lambda: runs.finished_epochs(run_dir), (run_dir / jobs.LOG).read_text)
    for pid in of_run(run_dir):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not of_run(run_dir), "a killed training goes on")
    before = runs.read_history(run_dir)
    done = runs.finished_epochs(run_dir)
    assert 1 <= done < 4

    # After its silence it counts as stopped, and another may be started.
    later = time.time() + monitor.SILENCE_SECONDS + 1
    assert state_of(run_dir, later).state == "stopped"
    assert jobs.active(tmp_path / "runs", later) == []

    from fer.lab.training import loop

    scenario = scenarios.with_overrides(
        scenarios.PROPOSED, epochs=4, image_size=32, compute_dtype=runs.compute_dtype(run_dir)
    )
    data = dataset.subset(dataset.open_dataset(data_dir), 0.5, scenario.seed)
    history = loop.train(scenario, data, run_dir, resume=True)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[:done] == before[:done]


def kept() -> dict[Path, int]:
    """The files that the dashboard could write, with the time of their last change."""
    return {
        path: path.stat().st_mtime_ns
        for folder in ("data", "models", "runs", ".streamlit")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }


def half_an_upload(visitor: visitors.Visitor, path: str) -> socket.socket:
    """A connection over which half of a large photo has come."""
    address = urlsplit(visitor.url)
    connection = socket.create_connection((address.hostname, address.port or 80), PATIENCE)
    connection.sendall(
        (
            f"PUT {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 16000000\r\n"
            "Content-Type: multipart/form-data; boundary=line\r\n"
            f"Cookie: {visitors.XSRF}={visitor.token}\r\nX-Xsrftoken: {visitor.token}\r\n\r\n"
            '--line\r\nContent-Disposition: form-data; name="a"; filename="../../a.jpg"\r\n\r\n'
        ).encode()
        + bytes(8_000_000)
    )
    return connection


def test_server_killed_during_an_upload_leaves_nothing_and_comes_up_again(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    before = kept()

    async def begin(url: str) -> socket.socket:
        visitor = await visitors.visit(url)
        whole = await visitor.upload("../../whole.jpg", jpeg(portrait))
        assert len(whole.answers) == 2
        return half_an_upload(visitor, (await visitor.place("half.jpg")).upload_url)

    (tmp_path / "first").mkdir()
    with running(tmp_path / "first", TMPDIR=str(temporary)) as server:
        connection = in_a_loop(begin(server.url))
        # What was sent is more than sockets hold: the server has taken it in, or most of it.
        os.kill(server.pid, signal.SIGKILL)
        connection.close()
    assert list(temporary.rglob("*")) == []
    assert kept() == before

    (tmp_path / "second").mkdir()
    with running(tmp_path / "second", TMPDIR=str(temporary)) as server:
        seen = in_a_loop(load.load(server, sessions=3, active=2, seconds=2))
    assert seen.problems(p95=float("inf"), memory_mb=4000) == [], seen
