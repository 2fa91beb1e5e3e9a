"""The gate for uploads: files and images from outside are checked before they are used.

The content decides what a file is; its name only appears in messages and is never used as a path.
Limits are checked before memory or time is spent: first bytes, then the pixels that the header
states, then the work of decoding. Pillow is given a short list of formats, so that its rarer
decoders are out of reach. `media.video_gate` and `data.formats.members` do the same for videos and
archives.
"""

from __future__ import annotations

import io
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from fer import FerError, files

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")
# Read by another library, which is loaded only if the content begins like such a file.
HEIC_FORMAT = "HEIF"
# The suffixes of these formats in file names.
IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif"),
)
IMAGE_BYTES = 40 * 2**20
# In an image, and in one frame of a video.
MOST_PIXELS = 50_000_000
# A JPEG is decoded at a half, a quarter or an eighth in a fraction of the time and memory: the
# 200 megapixels of a phone fit. A progressive one holds all its coefficients in memory first.
MOST_JPEG_PIXELS = 250_000_000
MOST_PROGRESSIVE_PIXELS = 100_000_000
# Pillow warns beyond its own limit and refuses beyond twice that; the limits here apply first.
Image.MAX_IMAGE_PIXELS = MOST_JPEG_PIXELS
# A progressive JPEG is decoded once for every scan, and a scan may be a few bytes long: the largest
# image in its usual ten scans is a quarter of this.
MOST_SCANNED = 2_000_000_000
# Each decoded image of the largest size takes several hundred megabytes for a moment.
AT_ONCE = 2
# A start-of-scan marker with its length and number of components: the decoder refuses any other
# length, and five fixed bytes hardly ever occur by chance.
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
_decoding = threading.BoundedSemaphore(AT_ONCE)


def content_of(path: Path, most: int, name: str | None = None) -> bytes:
    """Read a file; pipes, devices and files of more than `most` bytes are refused unread. Raises a
    FerError, which calls the file by its name or its path, if it is one of those, missing or
    unreadable."""
    name = name or str(path)
    try:
        # Checked before opening: opening a pipe would wait for its writer.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FerError("{name} is not a file (a folder, pipe or device); check it.", name=name)
        if status.st_size > most:
            raise files.too_large(name, most)
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FerError("There is no file {name}; check the path.", name=name) from None
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error


def unreadable(name: str, error: Exception) -> FerError:
    """Return the error for a file of a visitor's that cannot be read."""
    reason = getattr(error, "strerror", None) or one_line(error)
    return FerError("{name} cannot be read ({reason}); check it.", name=name, reason=reason)


@contextmanager
def opened_image(content: bytes, name: str) -> Iterator[Image.Image]:
    """Open the image in a file's content: its size is checked, its pixels are not yet decoded.

    A JPEG beyond `MOST_PIXELS` is set to be decoded at the largest fraction within the limit. Every
    error while the block decodes is reported as damage to the file.

    Raises:
        FerError: if the content is empty, too large in bytes or pixels, no image of these formats,
            truncated, or made to keep the decoder busy. It calls the image by `name`.
    """
    if not content:
        raise FerError("{name} is empty; choose a file that holds an image.", name=name)
    if len(content) > IMAGE_BYTES:
        raise FerError(
            "{name} is larger than {limit} MB; choose a smaller image.",
            name=name,
            limit=IMAGE_BYTES >> 20,
        )
    formats: tuple[str, ...] = IMAGE_FORMATS
    if content[4:8] == b"ftyp":
        from pi_heif import register_heif_opener

        register_heif_opener()
        formats = (*IMAGE_FORMATS, HEIC_FORMAT)
    try:
        with _decoding, Image.open(io.BytesIO(content), formats=formats) as image:
            _check_size(image, content, name)
            yield image
    except FerError:
        raise
    except UnidentifiedImageError:
        raise FerError(
            "{name} is not an image that can be read; use JPEG, PNG, WebP, AVIF or HEIC.", name=name
        ) from None
    except Image.DecompressionBombError:
        raise FerError(
            "{name} has too many pixels; at most {limit} megapixels are read.",
            name=name,
            limit=f"{MOST_PIXELS / 1e6:.0f}",
        ) from None
    except Exception as error:
        # A damaged header makes decoders raise errors of every kind.
        raise FerError(
            "{name} is damaged or cut off; export it again or choose another.", name=name
        ) from error


def _check_size(image: Image.Image, content: bytes, name: str) -> None:
    pixels = image.width * image.height
    most = MOST_PIXELS
    if isinstance(image, JpegImageFile):
        most = MOST_PROGRESSIVE_PIXELS if image.info.get("progressive") else MOST_JPEG_PIXELS
    if pixels > most:
        raise FerError(
            "{name} has {megapixels} megapixels; at most {limit} are read, make it smaller first.",
            name=name,
            megapixels=f"{pixels / 1e6:.0f}",
            limit=f"{most / 1e6:.0f}",
        )
    if pixels * sum(1 for _ in _SCAN.finditer(content)) > MOST_SCANNED:
        raise FerError(
            "{name} would take minutes to decode; export it again or choose another.", name=name
        )
    fraction = next(n for n in (1, 2, 4, 8) if pixels <= MOST_PIXELS * n**2)
    if fraction > 1:
        image.draft(None, (image.width // fraction, image.height // fraction))


def check_frame(width: int, height: int, name: str) -> None:
    """Raise FerError if a frame has more than `MOST_PIXELS`."""
    if width * height > MOST_PIXELS:
        raise FerError(
            "{name} has frames of more than {limit} megapixels; make it smaller first.",
            name=name,
            limit=MOST_PIXELS // 1_000_000,
        )


def one_line(error: Exception) -> str:
    """Return an error's message in one line."""
    return " ".join(str(error).split()) or type(error).__name__
