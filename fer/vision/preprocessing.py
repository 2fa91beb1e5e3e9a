"""From an image to VGG16's input, one function for each stage.

Training, evaluation, uploads and the webcam all go through `resize` and `network_input`, so that a
network always gets the kind of input it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from fer import FerError
from fer.scenarios import Augmentation
from fer.vision import upload_gate

FER_SIZE = 48
NETWORK_SIZE = 224
# Mean blue, green and red of ImageNet that Caffe's VGG16 subtracts (Simonyan & Zisserman 2015);
# Keras' vgg16.preprocess_input has the same three numbers, and a test compares the two.
CAFFE_MEANS_BGR = np.array([103.939, 116.779, 123.68], dtype=np.float32)
# Files of these formats may hold several frames and begin with a fade from black: the first of
# MOST_FRAMES is taken whose brightest hundredth is VISIBLE_FROM.
ANIMATED = ("GIF", "WEBP", "PNG", "TIFF", "AVIF")
VISIBLE_FROM = 96.0
MOST_FRAMES = 100
# Rows of a deep image that are scaled at once, in double precision.
STRIP = 256

Gray: TypeAlias = NDArray[np.uint8]
Rgb: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]


def read_image(source: str | Path | bytes, name: str | None = None) -> Rgb:
    """Read an image, upright, in RGB, (H, W, 3) uint8.

    Reads JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF and HEIC in any mode: palettes are resolved,
    transparent parts lie on white, 16-bit and float images are scaled to their own range, CMYK is
    converted. EXIF orientation is applied unless EXIF is damaged, and nothing else of it is kept.
    Of several frames or pages, the first that is not black. A JPEG of more than
    `upload_gate.MOST_PIXELS` is decoded at a half, a quarter or an eighth of its size.

    Args:
        source: a file's path, or its content; for anything else a FerError is raised, or as
            `upload_gate.content_of` and `upload_gate.opened_image`.
        name: what to call it in error messages.
    """
    if isinstance(source, str | Path):
        name = name or str(source)
        source = upload_gate.content_of(Path(source), upload_gate.IMAGE_BYTES, name)
    if not isinstance(source, bytes):
        raise FerError(
            "An image is read from a path or from the bytes of a file; this is {kind}.",
            kind=type(source).__name__,
        )
    with upload_gate.opened_image(source, name or "the image") as image:
        rgb = from_pillow(image)
        if image.format in ANIMATED and getattr(image, "is_animated", False):
            return _first_visible(image, rgb)
        return rgb


def from_pillow(image: Image.Image) -> Rgb:
    """Return a Pillow image as `read_image` does: upright, on white, in RGB, (H, W, 3) uint8."""
    image.load()
    # Damaged EXIF makes Pillow raise errors of every kind; the pixels are intact.
    with suppress(Exception):
        image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F", "I;16", "I;16B", "I;16L", "I;16N"):
        return np.repeat(_scaled(np.asarray(image), image.mode == "F")[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(background, image)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _first_visible(image: Image.Image, rgb: Rgb) -> Rgb:
    """Return the first of an image's frames, of which the very first is given, that is not black;
    the brightest if all are."""
    brightest, pixels = _brightness(rgb), rgb.shape[0] * rgb.shape[1]
    for number in range(1, MOST_FRAMES):
        pixels += image.width * image.height
        if brightest >= VISIBLE_FROM or pixels > upload_gate.MOST_PIXELS:
            break
        try:
            image.seek(number)
            upload_gate.check_frame(image.width, image.height, "the image")
            frame = from_pillow(image)
        except EOFError:
            break
        if _brightness(frame) > brightest:
            rgb, brightest = frame, _brightness(frame)
    return rgb


def _brightness(rgb: Rgb) -> float:
    """Return the gray value that the brightest hundredth of an image reaches, 0-255."""
    return float(np.percentile(rgb.max(axis=2), 99))


def _scaled(values: NDArray[np.generic], is_float: bool) -> Gray:
    # A 16-bit file uses the whole 16-bit range by convention; a float one has no convention.
    if is_float:
        is_finite = np.isfinite(values)
        if not is_finite.any():
            return np.zeros(values.shape, np.uint8)
        low = float(values.min(where=is_finite, initial=np.inf))
        high = float(values.max(where=is_finite, initial=-np.inf))
    else:
        low, high = 0.0, 65535.0 if values.max() > 255 else 255.0
    gray = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), STRIP):
        rows = values[top : top + STRIP].astype(np.float64)
        rows = np.nan_to_num(rows, nan=low, posinf=high, neginf=low)
        scaled = (rows - low) / max(high - low, 1e-12) * 255.0
        gray[top : top + STRIP] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return gray


def require_rgb(rgb: object) -> None:
    """Raise FerError unless this is an RGB image: an array (H, W, 3) uint8 with pixels."""
    if not (
        isinstance(rgb, np.ndarray)
        and rgb.dtype == np.uint8
        and rgb.ndim == 3
        and rgb.shape[2] == 3
        and rgb.size > 0
    ):
        raise FerError(
            "An RGB image is a NumPy array (H, W, 3) of type uint8, 0-255; this is {given}.",
            given=_described(rgb),
        )


def require_faces(faces: object) -> None:
    """Raise FerError unless these are gray faces: an array (n, H, W) uint8, or a list of arrays
    (H, W) uint8; an empty list is fine."""
    items = faces if isinstance(faces, list | tuple) else [faces]
    dimensions = 3 if items is not faces else 2
    for face in items:
        if not (
            isinstance(face, np.ndarray)
            and face.dtype == np.uint8
            and face.ndim == dimensions
            and 0 not in face.shape[-2:]
        ):
            raise FerError(
                "Gray faces are a NumPy array (n, H, W) or a list of arrays (H, W), of type uint8, "
                "0-255; this is {given}.",
                given=_described(face),
            )


def _described(given: object) -> str:
    """Return an array's shape and dtype, the type's name of anything else."""
    return f"{given.shape} {given.dtype}" if isinstance(given, np.ndarray) else type(given).__name__


def to_gray(rgb: Rgb) -> Gray:
    """Return the luma of an RGB image (ITU-R BT.601), (H, W) uint8. A gray image keeps its values.
    Raises as `require_rgb`."""
    require_rgb(rgb)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def to_fer_resolution(gray: Gray) -> Gray:
    """Resize the image to FER-2013's own 48x48, (48, 48) uint8.

    The networks have only ever seen enlarged 48x48 faces, so a sharper crop is first reduced by
    area averaging. An image of 48x48 is returned as it is.
    """
    if gray.shape == (FER_SIZE, FER_SIZE):
        return gray
    shrinks = min(gray.shape) >= FER_SIZE
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray, (FER_SIZE, FER_SIZE), interpolation=method), dtype=np.uint8)


def resize(gray: Gray, size: int = NETWORK_SIZE) -> Floats:
    """Resize the image bilinearly (pixel centres aligned), (size, size) float32 on 0-255."""
    return np.asarray(
        cv2.resize(gray.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR),
        dtype=np.float32,
    )


def to_three_channels(gray: Floats) -> Floats:
    """Repeat the gray values in three equal channels: (..., H, W) to (..., H, W, 3)."""
    return np.repeat(gray[..., None], 3, axis=-1)


def network_input(channels: Floats) -> Floats:
    """Return VGG16's input: (..., H, W, 3) RGB on 0-255 to BGR with ImageNet's means subtracted.

    Equals `keras.applications.vgg16.preprocess_input` without importing Keras.
    """
    return channels[..., ::-1] - CAFFE_MEANS_BGR


def batch(faces: Sequence[Gray] | NDArray[np.uint8], size: int = NETWORK_SIZE) -> Floats:
    """Return the network's input for gray faces of any size: (n, size, size, 3) float32, BGR minus
    means. Raises as `require_faces`."""
    require_faces(faces)
    resized = np.empty((len(faces), size, size), np.float32)
    for image, face in zip(resized, faces, strict=True):
        image[:] = resize(to_fer_resolution(face), size)
    return network_input(to_three_channels(resized))


@dataclass(frozen=True)
class Rectangle:
    """A covered part of an image: place and size as fractions of the side, gray on 0-255."""

    left: float
    top: float
    width: float
    height: float
    gray: float


@dataclass(frozen=True)
class Change:
    """One drawn augmentation: degrees, mirrored or not, shift in fractions of the side, factors."""

    rotation: float
    is_flipped: bool
    shift_x: float
    shift_y: float
    zoom: float
    contrast: float
    brightness: float
    gamma: float = 1.0
    erased: Rectangle | None = None


def draw_change(augmentation: Augmentation, rng: np.random.Generator) -> Change:
    """Draw a change uniformly within the augmentation's bounds; the same generator state gives the
    same change."""
    rotation, shift_x, shift_y, zoom, contrast, brightness, gamma = rng.uniform(-1.0, 1.0, size=7)
    is_flipped = bool(rng.random() < augmentation.flip)
    is_erased = bool(rng.random() < augmentation.erasing)
    # Drawn even without erasing, so that a seed's other changes do not depend on it: 0.1 to 1 of
    # the largest area, at most 1:3 or 3:1, anywhere in the image.
    area = augmentation.erased_area * rng.uniform(0.1, 1.0)
    aspect = np.exp(rng.uniform(-1.0, 1.0) * np.log(3.0))
    width, height = min(np.sqrt(area * aspect), 1.0), min(np.sqrt(area / aspect), 1.0)
    left, top, gray = rng.random(3)
    rectangle = Rectangle(
        left=float(left * (1.0 - width)),
        top=float(top * (1.0 - height)),
        width=float(width),
        height=float(height),
        gray=float(255.0 * gray),
    )
    return Change(
        rotation=rotation * augmentation.rotation,
        is_flipped=is_flipped,
        shift_x=shift_x * augmentation.shift,
        shift_y=shift_y * augmentation.shift,
        zoom=1.0 + zoom * augmentation.zoom,
        contrast=1.0 + contrast * augmentation.contrast,
        brightness=brightness * augmentation.brightness,
        gamma=float(np.exp(gamma * augmentation.gamma)),
        erased=rectangle if is_erased else None,
    )


def apply_change(image: Floats, change: Change) -> Floats:
    """Apply a change to an image, (S, S) float32 on 0-255; uncovered corners are mirrored."""
    side = image.shape[0]
    centre = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), change.rotation, change.zoom)
    matrix[:, 2] += (change.shift_x * side, change.shift_y * side)
    if change.is_flipped:
        mirror = np.array([[-1.0, 0.0, side - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        matrix = matrix @ mirror
    moved: Floats = np.asarray(
        cv2.warpAffine(
            image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        ),
        dtype=np.float32,
    )
    mean = np.float32(moved.mean())
    adjusted = np.clip((moved - mean) * change.contrast + mean + change.brightness, 0.0, 255.0)
    if change.gamma != 1.0:
        adjusted = 255.0 * (adjusted / 255.0) ** change.gamma
    changed = np.asarray(adjusted, dtype=np.float32)
    if change.erased is not None:
        cover = change.erased
        top, left = round(cover.top * side), round(cover.left * side)
        bottom = max(round((cover.top + cover.height) * side), top + 1)
        right = max(round((cover.left + cover.width) * side), left + 1)
        changed[top:bottom, left:right] = cover.gray
    return changed
