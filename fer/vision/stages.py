"""The steps from a photo to the network's input, recorded one by one."""

from __future__ import annotations

import inspect
import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer.scenarios import Augmentation
from fer.vision import faces, preprocessing
from fer.vision.faces import Face
from fer.vision.preprocessing import NETWORK_SIZE, Change, Floats, Gray, Rgb

Channel = Literal["blue", "green", "red"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)


@dataclass(frozen=True)
class Stage:
    """One stage: its key, its result, the milliseconds it took, and the function that ran."""

    key: str
    array: NDArray[Any]
    milliseconds: float
    function: Callable[..., Any]

    @property
    def shape(self) -> str:
        """The array's shape, like "224×224×3"."""
        return "×".join(map(str, self.array.shape))

    @property
    def low(self) -> float:
        """The smallest value."""
        return float(self.array.min())

    @property
    def high(self) -> float:
        """The largest value."""
        return float(self.array.max())

    @property
    def picture(self) -> NDArray[np.uint8]:
        """The array as a picture, uint8. The network's input is brought back to 0-255 by adding
        each channel's ImageNet mean, its channels shown in their order: blue, green, red."""
        means = preprocessing.CAFFE_MEANS_BGR if self.key == "network_input" else 0
        return np.clip(np.rint(self.array + means), 0, 255).astype(np.uint8)

    @property
    def source(self) -> str:
        """The source code of the stage's function."""
        return inspect.getsource(self.function)


def record(rgb: Rgb, face: Face | None, size: int = NETWORK_SIZE) -> tuple[Stage, ...]:
    """Run every stage from an RGB image (H, W, 3) uint8 to VGG16's input (size, size, 3) and record
    its result; without a face, of the image's centre square. Raises as
    `preprocessing.require_rgb`."""
    preprocessing.require_rgb(rgb)
    stages = [Stage("original", rgb, 0.0, preprocessing.read_image)]

    def add(key: str, function: Callable[..., Any], *arguments: Any) -> Any:
        started = time.perf_counter()
        array = function(*arguments)
        stages.append(Stage(key, array, 1000 * (time.perf_counter() - started), function))
        return array

    cut = (faces.centre_square, rgb) if face is None else (faces.crop, rgb, face)
    crop = add("face", *cut)
    gray = add("grayscale", preprocessing.to_gray, crop)
    small = add("fer_resolution", preprocessing.to_fer_resolution, gray)
    large = add("resized", preprocessing.resize, small, size)
    channels = add("three_channels", preprocessing.to_three_channels, large)
    add("network_input", preprocessing.network_input, channels)
    return tuple(stages)


class ChannelStatistics(TypedDict):
    """The smallest, mean and largest value of a channel, about -124 to 151."""

    channel: Channel
    minimum: float
    mean: float
    maximum: float


def channel_statistics(network_input: Floats) -> list[ChannelStatistics]:
    """Return minimum, mean and maximum of each channel of (H, W, 3) network input, blue first."""
    channels = zip(CHANNELS, np.moveaxis(network_input, -1, 0), strict=True)
    return [
        {
            "channel": name,
            "minimum": float(values.min()),
            "mean": float(values.mean()),
            "maximum": float(values.max()),
        }
        for name, values in channels
    ]


def variants(
    gray: Gray, augmentation: Augmentation, seed: int, count: int, size: int = NETWORK_SIZE
) -> list[tuple[Gray, Change]]:
    """Draw random variants of a gray face of any size as training does, (size, size) uint8, each
    with the change that made it; the same seed gives the same variants."""
    image = preprocessing.resize(preprocessing.to_fer_resolution(gray), size)
    rng = np.random.default_rng(seed)
    changes = [preprocessing.draw_change(augmentation, rng) for _ in range(count)]
    return [
        (np.rint(preprocessing.apply_change(image, change)).astype(np.uint8), change)
        for change in changes
    ]


def archive(stages: tuple[Stage, ...]) -> bytes:
    """Pack a zip with a PNG of each stage, `stages.csv` and the network's input as `.npy`.

    The same arrays give the same bytes, except for the times in `stages.csv`.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zip_file:

        def add_file(name: str, content: bytes) -> None:
            zip_file.writestr(zipfile.ZipInfo(name, (2013, 1, 1, 0, 0, 0)), content)

        lines = ["stage,shape,dtype,minimum,maximum,milliseconds"]
        for number, stage in enumerate(stages, start=1):
            image = io.BytesIO()
            Image.fromarray(stage.picture).save(image, "PNG")
            add_file(f"{number}_{stage.key}.png", image.getvalue())
            lines.append(
                f"{stage.key},{stage.shape},{stage.array.dtype},{stage.low:.3f},{stage.high:.3f},"
                f"{stage.milliseconds:.3f}"
            )
        add_file("stages.csv", ("\n".join(lines) + "\n").encode())
        array = io.BytesIO()
        np.save(array, stages[-1].array, allow_pickle=False)
        add_file("network_input.npy", array.getvalue())
    return stream.getvalue()
