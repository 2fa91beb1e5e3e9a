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
from fer.data import dataset
from fer.lab.training import distribution
from fer.lab.training.distribution import ADDRESSES, BACKEND, PROCESS_ID, PROCESSES, Share
from fer.scenarios import PROPOSED
from tests.support.training import training_batches

VARIABLES = (BACKEND, PROCESSES, PROCESS_ID, ADDRESSES)


@pytest.mark.parametrize(
    ("images", "processes", "devices", "places"),
    [
        (8, 1, 1, [[0, 1, 2, 3, 4, 5, 6, 7]]),
        (8, 2, 2, [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (5, 2, 4, [[0, 1, 2, 3], [4, 0, 1, 2]]),
        (1, 2, 2, [[0], [0]]),
    ],
)
def test_every_device_is_fed_equally_many_images_of_a_batch(
    images: int, processes: int, devices: int, places: list[list[int]]
) -> None:
    shares = [Share(number, processes, devices) for number in range(processes)]
    assert [share.positions(images).tolist() for share in shares] == places


def test_parts_of_a_batch_are_the_whole_batch(small_data: dataset.Dataset) -> None:
    whole, *parts = (
        training_batches(small_data, augmentation=PROPOSED.augmentation, seed=7, share=share)[1]
        for share in (distribution.ALONE, Share(0, 2, 2), Share(1, 2, 2))
    )
    for of_whole, of_parts in zip(whole, zip(*parts, strict=True), strict=True):
        assert np.array_equal(np.concatenate(of_parts), of_whole)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({PROCESSES: "2"}, "JAX backend"),
        ({BACKEND: "jax", PROCESSES: "2"}, "is missing"),
        ({BACKEND: "jax", PROCESSES: "2", PROCESS_ID: "2"}, "smaller than the first"),
    ],
)
def test_senseless_settings_are_one_sentence(
    settings: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(FerError, match=sentence):
        distribution.begin()


def test_only_the_chief_keeps_its_files(tmp_path: Path) -> None:
    (tmp_path / runs.RUN).write_text("{}")
    (tmp_path / runs.checkpoint(1)).write_text("weights")
    (tmp_path / "progress.json").write_text("{}")
    with distribution.folder(Share(0, 2, 2), tmp_path) as folder:
        assert folder == tmp_path
    with distribution.folder(Share(1, 2, 2), tmp_path) as folder:
        copied = sorted(path.name for path in folder.iterdir())
        (folder / runs.RUN).write_text("changed")
    assert copied == [runs.checkpoint(1), runs.RUN]
    assert (tmp_path / runs.RUN).read_text() == "{}"
    assert not folder.exists()


WORKER = """
import sys
from dataclasses import replace
from pathlib import Path
# Keras on JAX does without it, and its import costs seconds.
sys.modules["tensorflow"] = None
from fer.data import dataset
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
def test_two_processes_learn_the_same_curve_as_one(
    small_data: dataset.Dataset, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {PROCESSES: "2", ADDRESSES: address}
    workers = [_worker(small_data.folder, tmp_path / "one")] + [
        _worker(small_data.folder, tmp_path / "two", **settings, **{PROCESS_ID: number})
        for number in "01"
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
    names = {"best.safetensors", "checkpoint-0001.safetensors", "history.csv", "run.json"}
    for folder in ("one", "two"):
        assert {path.name for path in (tmp_path / folder).iterdir()} == names
    assert runs.read_history(tmp_path / "two")[0]["val_loss"] == pytest.approx(chief[-1])
