"""The frozen backbone's features of every image, computed once and kept on disk.

With the backbone frozen and no augmentation an image's feature map never changes; 40 epochs of head
training then cost seconds instead of a day.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from fer import FerError, files
from fer.data.dataset import Dataset
from fer.lab.networks import vgg16
from fer.progress import Progress
from fer.scenarios import Scenario
from fer.vision import preprocessing

BATCH = 32
# Images after which features are written to disk: a killed computation repeats at most so many.
STRIDE = 1024
# Zero bytes that are written at once where the system cannot reserve space.
ZEROS = 1 << 24


def cached(
    data: Dataset,
    scenario: Scenario,
    cache_dir: Path,
    backbone: keras.Model,
    progress: Progress | None = None,
) -> NDArray[np.float16]:
    """Return VGG16's last feature map of every image: (N, h, w, channels) float16, memory-mapped.

    Missing maps are computed, from where an earlier computation was cut off. The file's name holds
    size, data, backbone and precision, so features of one backbone are never taken for another's.
    Raise FerError if the cache cannot be written, or the disk has no room for it.
    """
    size = scenario.phases[-1].image_size
    digest = vgg16.backbone_digest(backbone)
    name = f"features-{size}-{data.digest[:12]}-{digest[:12]}-{scenario.compute_dtype}"
    path, state = cache_dir / f"{name}.npy", cache_dir / f"{name}.json"
    for layer in backbone.layers:
        layer.dtype_policy = vgg16.policy(scenario)
    try:
        done = files.read_json(state)["done"] if state.exists() and path.exists() else 0
        if done < len(data):
            _compute(path, state, backbone, data, size, done, progress)
        cache: NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise FerError(
            "The feature cache {path} cannot be written ({reason}); it needs {size} GB of "
            "free space.",
            path=path,
            reason=error.strerror or error,
            size=f"{np.prod(_shape(backbone, data, size)) * 2 / 2**30:.1f}",
        ) from error
    return cache


def _shape(backbone: keras.Model, data: Dataset, size: int) -> tuple[int, int, int, int]:
    return len(data), size // 32, size // 32, backbone.output_shape[-1]


def _compute(
    path: Path,
    state: Path,
    backbone: keras.Model,
    data: Dataset,
    size: int,
    done: int,
    progress: Progress | None,
) -> None:
    """Compute the features from image number `done` on and write them into the file."""
    if done == 0:
        _allocate(path, _shape(backbone, data, size))
    features = np.lib.format.open_memmap(path, mode="r+")
    while done < len(data):
        stop = min(done + STRIDE, len(data))
        for start in range(done, stop, BATCH):
            rows = slice(start, min(start + BATCH, stop))
            features[rows] = vgg16.run(backbone, preprocessing.batch(data.images[rows], size))
            if progress is not None:
                progress(rows.stop, len(data), stage="computing features")
        features.flush()
        files.write_json(state, {"done": stop})
        done = stop


def _allocate(path: Path, shape: tuple[int, ...]) -> None:
    """Create a file for an array of that shape, with space on the disk for every byte; raise
    OSError and leave none if there is no room.

    If the disk fills up, a memory map of a sparse file ends the process by a signal that nothing
    can catch.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
        with path.open("r+b") as stream:
            size = path.stat().st_size
            header = size - int(np.prod(shape)) * np.dtype(np.float16).itemsize
            if not _reserve(stream.fileno(), size):
                stream.seek(header)
                for start in range(header, size, ZEROS):
                    stream.write(bytes(min(ZEROS, size - start)))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _reserve(handle: int, size: int) -> bool:
    """Reserve that many bytes for a file; return False where the system (macOS, Windows) or the
    disk has no call for it. Raise OSError if there is no room."""
    system_call = getattr(os, "posix_fallocate", None)
    if system_call is None:
        return False
    try:
        system_call(handle, 0, size)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV):
            return False
        raise
    return True


def pooled(cache: NDArray[np.float16], scenario: Scenario) -> NDArray[np.float32]:
    """Pool the cached maps into the vectors for the scenario's head, (N, channels) float32."""
    inputs = keras.Input(cache.shape[1:])
    model = keras.Model(inputs, vgg16.pool(inputs, scenario))
    vectors = [
        vgg16.run(model, np.asarray(cache[start : start + STRIDE], dtype=np.float32))
        for start in range(0, len(cache), STRIDE)
    ]
    return np.concatenate(vectors)
