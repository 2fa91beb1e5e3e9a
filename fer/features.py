"""The frozen backbone's features of every image, computed once and kept on disk.

With the backbone frozen and no augmentation an image's feature map never changes; 40 epochs of head
training then cost seconds instead of a day.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from fer import FerError, files, models, preprocessing
from fer.dataset import Dataset
from fer.scenarios import Scenario

BATCH = 32
# Written to disk this often; a killed computation repeats at most this many images.
STRIDE = 1024

Progress = Callable[[int, int, dict[str, float]], None]


def cached(
    data: Dataset,
    scenario: Scenario,
    cache_dir: Path,
    backbone_weights: models.Weights,
    progress: Progress | None = None,
) -> NDArray[np.float16]:
    """The last feature map of VGG16 for every image: (N, h, w, 512) float16, memory-mapped.

    Computed where missing, and resumed where a computation was cut off.

    Raises:
        FerError: if the cache cannot be written or the backbone's weights are missing.
    """
    size = scenario.phases[-1].image_size
    name = f"features-{size}-{data.digest[:12]}"
    path, state = cache_dir / f"{name}.npy", cache_dir / f"{name}.json"
    side = size // 32
    shape = (len(data), side, side, 512)
    done = files.read_json(state)["done"] if state.exists() and path.exists() else 0
    try:
        if done == 0:
            cache_dir.mkdir(parents=True, exist_ok=True)
            store = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
        else:
            store = np.lib.format.open_memmap(path, mode="r+")
        if done < len(data):
            model = models.backbone(backbone_weights)
            for layer in model.layers:
                layer.dtype_policy = models.policy(scenario)
            while done < len(data):
                stop = min(done + STRIDE, len(data))
                for start in range(done, stop, BATCH):
                    rows = slice(start, min(start + BATCH, stop))
                    inputs = preprocessing.batch(data.images[rows], size)
                    store[rows] = models.run(model, inputs).astype(np.float16)
                    if progress is not None:
                        progress(rows.stop, len(data), {})
                store.flush()
                files.write_json(state, {"done": stop})
                done = stop
    except OSError as error:
        raise FerError(
            "The feature cache {path} cannot be written ({reason}); it needs {size} GB of "
            "free space.",
            path=path,
            reason=error.strerror or error,
            size=f"{np.prod(shape) * 2 / 2**30:.1f}",
        ) from error
    cache: NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
    return cache


def pooled(cache: NDArray[np.float16], scenario: Scenario) -> NDArray[np.float32]:
    """The cached maps as the vectors the scenario's head is given, (N, channels) float32."""
    inputs = keras.Input(cache.shape[1:])
    model = keras.Model(inputs, models.pool(inputs, scenario))
    parts = [
        models.run(model, np.asarray(cache[start : start + STRIDE], dtype=np.float32))
        for start in range(0, len(cache), STRIDE)
    ]
    return np.concatenate(parts)
