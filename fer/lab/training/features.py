"""The frozen backbone's features of every image, computed once and kept on disk.

With the backbone frozen and no augmentation an image's feature map never changes; 40 epochs of head
training then cost seconds instead of a day.
"""

from __future__ import annotations

import math
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
    shape = len(data), size // 32, size // 32, backbone.output_shape[-1]
    digest = vgg16.backbone_digest(backbone)
    name = f"features-{size}-{data.digest[:12]}-{digest[:12]}-{scenario.compute_dtype}"
    path, state = cache_dir / f"{name}.npy", cache_dir / f"{name}.json"
    for layer in backbone.layers:
        layer.dtype_policy = scenario.compute_dtype
    try:
        done = files.read_json(state)["done"] if state.exists() and path.exists() else 0
        if done == 0:
            _allocate(path, shape)
        features = np.lib.format.open_memmap(path, mode="r+" if done < len(data) else "r")
        for start in range(done, len(data), BATCH):
            rows = slice(start, min(start + BATCH, len(data)))
            features[rows] = vgg16.run(backbone, preprocessing.batch(data.images[rows], size))
            if progress is not None:
                progress(rows.stop, len(data), stage="computing features")
            if rows.stop % STRIDE == 0 or rows.stop == len(data):
                features.flush()
                files.write_json(state, {"done": rows.stop})
    except OSError as error:
        raise FerError(
            "The feature cache {path} cannot be written ({reason}); it needs {size} GB of "
            "free space.",
            path=path,
            reason=error.strerror or error,
            size=f"{math.prod(shape) * 2 / 2**30:.1f}",
        ) from error
    return features


def _allocate(path: Path, shape: tuple[int, ...]) -> None:
    """Create a file for a float16 array of that shape, with zeros for every number; raise OSError
    and leave none if there is no room.

    If the disk fills up, a memory map of a sparse file ends the process by a signal that nothing
    can catch.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"descr": "<f2", "fortran_order": False, "shape": shape}
    try:
        with path.open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, header)
            for _ in range(shape[0]):
                stream.write(bytes(2 * math.prod(shape[1:])))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def pooled(cache: NDArray[np.float16], scenario: Scenario) -> NDArray[np.float32]:
    """Pool the cached maps into the vectors for the scenario's head, (N, channels) float32."""
    inputs = keras.Input(cache.shape[1:])
    model = keras.Model(inputs, vgg16.pool(inputs, scenario))
    vectors = [
        vgg16.run(model, np.asarray(cache[start : start + STRIDE], dtype=np.float32))
        for start in range(0, len(cache), STRIDE)
    ]
    return np.concatenate(vectors)
