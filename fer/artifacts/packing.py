"""Weights as `models/` holds them: large kernels in half precision, all else in single."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from fer import FerError

# Variables by `layer/variable`, as networks take them and as files hold them.
Tensors = dict[str, NDArray[np.float32]]
Packed = dict[str, NDArray[np.float16] | NDArray[np.float32]]


def pack(tensors: Tensors) -> Packed:
    """Return the tensors with kernels of convolutions and wide layers in half precision: nearly
    all bytes are theirs, and their values lie far from the ends of its range."""

    def is_large(value: NDArray[np.float32]) -> bool:
        return value.ndim == 4 or (value.ndim == 2 and value.size > 2**16)

    return {
        name: np.ascontiguousarray(value, np.float16)
        if is_large(value)
        else np.ascontiguousarray(value, np.float32)
        for name, value in tensors.items()
    }


def read(path: Path) -> Packed:
    """Return the tensors of a weights file. Raise FerError if it is missing or damaged."""
    try:
        return dict(load_file(path))
    except FileNotFoundError:
        raise FerError("{path} is missing; restore it from the repository.", path=path) from None
    except (OSError, SafetensorError) as error:
        raise FerError(
            "{path} is damaged ({reason}); restore it from the repository.", path=path, reason=error
        ) from error
