"""Training in several processes: who feeds what, and that the curve stays the same."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fer import FerError
from fer.artifacts import runs
from fer.data.dataset import Dataset
from fer.lab.training import distribution
from fer.lab.training.distribution import ADDRESSES, BACKEND, PROCESS_ID, PROCESSES, Share

VARIABLES = (BACKEND, PROCESSES, PROCESS_ID, ADDRESSES)


def test_every_device_is_fed_equally_many_images_of_a_batch() -> None:
    for images, devices, places in (
        (8, 2, [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (5, 4, [[0, 1, 2, 3], [4, 0, 1, 2]]),
    ):
        shares = [Share(number, 2, devices) for number in range(2)]
        assert [share.positions(images).tolist() for share in shares] == places


def test_senseless_settings_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(PROCESSES, "2")
    with pytest.raises(FerError, match="JAX backend"):
        distribution.begin()
    monkeypatch.setenv(BACKEND, "jax")
    monkeypatch.setenv(PROCESS_ID, "2")
    with pytest.raises(FerError, match="smaller than the first"):
        distribution.begin()


def test_only_the_chief_keeps_its_files(tmp_path: Path) -> None:
    (tmp_path / runs.RUN).write_text("{}")
    (tmp_path / runs.checkpoint(1)).write_text("weights")
    with distribution.folder(Share(0, 2, 2), tmp_path) as folder:
        assert folder == tmp_path
    with distribution.folder(Share(1, 2, 2), tmp_path) as folder:
        names = sorted(path.name for path in folder.iterdir())
        assert names == [runs.checkpoint(1), runs.RUN]
        (folder / runs.RUN).write_text("changed")
    assert (tmp_path / runs.RUN).read_text() == "{}"
    assert not folder.exists()


WORKER = """
import sys
from dataclasses import replace
from pathlib import Path
# Keras on JAX does without it, and its import costs seconds.
sys.modules["tensorflow"] = None
from fer.data import dataset
from fer.data.dataset import Dataset
from fer.scenarios import PROPOSED, Phase
from fer.lab.training import distribution, loop
share = distribution.begin()
tiny = replace(PROPOSED, input_size=32, compute_dtype="float32",
               phases=(Phase(32, 1, 1e-3, 8, images_per_epoch=24),))
def told(done, total, **details):
    # The end of an epoch tells what was measured after its steps, too.
    if "loss" in details and "val_loss" not in details:
        print("step", float(details["loss"]), flush=True)
with distribution.folder(share, Path(sys.argv[2])) as folder:
    history = loop.train(tiny, dataset.open_dataset(Path(sys.argv[1])), folder,
                         backbone_weights=None, progress=told, share=share)
print("epoch", history[0]["loss"], history[0]["val_loss"], flush=True)
"""


def _worker(data: Path, run: Path, **settings: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(data), str(run)],
        env={**kept, BACKEND: "jax", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_processes_learn_the_same_curve_as_one(small_data: Dataset, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    both = {PROCESSES: "2", ADDRESSES: address}
    workers = [
        _worker(small_data.folder, tmp_path / "one"),
        _worker(small_data.folder, tmp_path / "two", **both, **{PROCESS_ID: "0"}),
        _worker(small_data.folder, tmp_path / "two", **both, **{PROCESS_ID: "1"}),
    ]
    try:
        curves = []
        for worker in workers:
            out, err = worker.communicate(timeout=1100)
            assert worker.returncode == 0, err[-3000:]
            lines = [line.split() for line in out.splitlines()]
            curves.append([float(v) for line in lines if line[0] != "[Gloo]" for v in line[1:]])
    finally:
        for worker in workers:
            worker.kill()
    alone, chief, other = curves
    # Three steps, the epoch's loss, and the loss on PublicTest with averaged weights.
    assert len(alone) == 5
    assert np.allclose(chief, alone, rtol=0.01)
    assert other == chief
    assert runs.read_history(tmp_path / "two")[0]["val_loss"] == pytest.approx(chief[-1])
