"""The gate: what comes in from outside is checked here before anything is made of it.

What a file is, its content says; its name only says what to call it in a message, and is never
used as a path. Limits hold before memory or time is spent: bytes, then pixels as the header tells
them, then the work of decoding. Pillow and FFmpeg are given a short list of formats, so that their
rarer decoders, and playlists that open other files, are out of reach.
"""

from __future__ import annotations

import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from fer import FerError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
IMAGE_BYTES = 40 * 2**20
# Of an image, and of one frame of a video.
MOST_PIXELS = 50_000_000
# A progressive JPEG is decoded once for every scan, and a scan may be a few bytes long: the largest
# image in its usual ten scans is a quarter of this.
MOST_SCANNED = 2_000_000_000
# Each decoded image of the largest size takes several hundred megabytes for a moment.
AT_ONCE = 2

VIDEO_CONTAINERS = "mov,matroska"
VIDEO_CODECS = {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores", "h263"}
VIDEO_BYTES = 200 * 2**20
VIDEO_SECONDS = 120.0
# Frames without a time, or thousands for one moment, never come to an end by their seconds. This
# is a slow-motion video of 240 frames a second; and 4K at 60, or 8K at 15, for the whole length.
VIDEO_FRAMES = int(240 * VIDEO_SECONDS)
VIDEO_PIXELS = int(60 * VIDEO_SECONDS) * 3840 * 2160

UNPACKED_BYTES = 2 * 2**30
MEMBERS = 200_000
# JPEG, PNG and text never shrink this far; repeated bytes, the stuff of zip bombs, do.
MOST_RATIO = 200

# A start-of-scan marker with its length and number of components: what has another length is
# refused by the decoder, and five fixed bytes hardly ever occur by chance.
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
_decoding = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def opened_image(content: bytes, name: str) -> Iterator[Image.Image]:
    """The image in a file's content, its size checked and its pixels not yet decoded.

    Whatever goes wrong while the block decodes it is told as damage to the file.

    Args:
        name: how to call it in error messages.

    Raises:
        FerError: if it is empty, too large in bytes or pixels, not an image of `IMAGE_FORMATS`,
            truncated, or made to keep the decoder busy.
    """
    if not content:
        raise FerError("{name} is empty; choose a file that holds an image.", name=name)
    if len(content) > IMAGE_BYTES:
        raise FerError(
            "{name} is larger than {limit} MB; choose a smaller image.",
            name=name,
            limit=IMAGE_BYTES >> 20,
        )
    try:
        with _decoding, Image.open(io.BytesIO(content), formats=IMAGE_FORMATS) as image:
            _check_size(image, content, name)
            yield image
    except FerError:
        raise
    except UnidentifiedImageError:
        raise FerError(
            "{name} is not an image that can be read; use JPEG, PNG, WebP or BMP.", name=name
        ) from None
    except Image.DecompressionBombError:
        raise FerError(
            "{name} has too many pixels; at most {limit} megapixels are read.",
            name=name,
            limit=f"{MOST_PIXELS / 1e6:.0f}",
        ) from None
    except Exception as error:
        # Decoders follow a damaged header into every kind of error there is.
        raise FerError(
            "{name} is damaged or cut off ({reason}); export it again or choose another.",
            name=name,
            reason=one_line(error),
        ) from error


def _check_size(image: Image.Image, content: bytes, name: str) -> None:
    pixels = image.width * image.height
    if pixels > MOST_PIXELS:
        raise FerError(
            "{name} has {megapixels} megapixels; at most {limit} are read, make it smaller first.",
            name=name,
            megapixels=f"{pixels / 1e6:.0f}",
            limit=f"{MOST_PIXELS / 1e6:.0f}",
        )
    if pixels * sum(1 for _ in _SCAN.finditer(content)) > MOST_SCANNED:
        raise FerError(
            "{name} would take minutes to decode; export it again or choose another.", name=name
        )


@contextmanager
def opened_video(content: bytes, name: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container in a video's content and its first video stream.

    Args:
        name: how to call it in error messages.

    Raises:
        FerError: if it is empty, too large in bytes or pixels, not MP4, WebM or MOV, holds no video
            or one of a codec that is not read, or is damaged.
    """
    if not content:
        raise FerError("{name} is empty; choose a file that holds a video.", name=name)
    if len(content) > VIDEO_BYTES:
        raise FerError(
            "{name} is larger than {limit} MB; choose a shorter video.",
            name=name,
            limit=VIDEO_BYTES >> 20,
        )
    # Imported here: photos need not wait for what brings video.
    import av
    from av.error import FFmpegError

    # Nothing but the bytes themselves is opened, whatever they refer to.
    options = {"format_whitelist": VIDEO_CONTAINERS, "protocol_whitelist": ""}
    try:
        with av.open(io.BytesIO(content), "r", options=options) as source:
            if not source.streams.video:
                raise FerError("{name} holds no video; use MP4, WebM or MOV.", name=name)
            stream = source.streams.video[0]
            # There is no context where FFmpeg knows no decoder at all.
            context = stream.codec_context
            codec = context.codec.canonical_name if context is not None else "?"
            if codec not in VIDEO_CODECS:
                raise FerError(
                    "{name} is encoded as {codec}, which is not read; use H.264, HEVC, VP9 or AV1.",
                    name=name,
                    codec=codec,
                )
            _check_frame(stream.width, stream.height, name)
            # Holds inside the decoder, too, where a frame can be larger than the file says.
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            yield source, stream
    except FerError:
        raise
    except (
        FFmpegError,
        ValueError,
        OverflowError,
        ArithmeticError,
        LookupError,
        TypeError,
    ) as error:
        raise FerError(
            "{name} is not a video that can be read ({reason}); use MP4, WebM or MOV.",
            name=name,
            reason=getattr(error, "strerror", None) or one_line(error),
        ) from error


def frames(
    source: InputContainer, stream: VideoStream, name: str
) -> Iterator[tuple[float, VideoFrame]]:
    """A video's frames with their seconds after the first, up to `VIDEO_SECONDS`.

    Frames without a time are left out, and there is an end to how many are decoded.

    Raises:
        FerError: if a frame is larger than is read.
    """
    start: float | None = None
    pixels = 0
    for number, frame in enumerate(source.decode(stream)):
        _check_frame(frame.width, frame.height, name)
        pixels += frame.width * frame.height
        if number >= VIDEO_FRAMES or pixels > VIDEO_PIXELS:
            return
        if frame.pts is None or frame.time is None:
            continue
        start = frame.time if start is None else start
        if frame.time - start > VIDEO_SECONDS:
            return
        yield frame.time - start, frame


def _check_frame(width: int, height: int, name: str) -> None:
    if width * height > MOST_PIXELS:
        raise FerError(
            "{name} has frames of more than {limit} megapixels; make it smaller first.",
            name=name,
            limit=MOST_PIXELS // 1_000_000,
        )


def zip_members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """The files in a zip, none of which leaves its folder or unpacks to far more than it should.

    Raises:
        FerError: if one does, or there are too many.
    """
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MEMBERS:
        raise FerError(
            "{path} holds {count} files, far more than FER-2013; it is refused.",
            path=name,
            count=len(members),
        )
    for member in members:
        _refuse_unsafe(member.filename, name)
        ratio = member.file_size / max(member.compress_size, 1)
        if member.file_size > 10 * 2**20 and ratio > MOST_RATIO:
            raise FerError(
                "{path} looks like a zip bomb ({filename} would grow {ratio} times); it is "
                "refused.",
                path=name,
                filename=member.filename,
                ratio=f"{ratio:.0f}",
            )
    if sum(member.file_size for member in members) > UNPACKED_BYTES:
        raise FerError(
            "{path} would unpack to more than {limit} GB, like a zip bomb; it is refused.",
            path=name,
            limit=UNPACKED_BYTES >> 30,
        )
    return members


def tar_members(archive: tarfile.TarFile, name: str) -> Iterator[tarfile.TarInfo]:
    """The members of a tar, one after another, as `zip_members`.

    Raises:
        FerError: if one leaves its folder, or all so far unpack to too much.
    """
    unpacked = 0
    for position, member in enumerate(archive):
        _refuse_unsafe(member.name, name)
        unpacked += member.size
        if position > MEMBERS or unpacked > UNPACKED_BYTES:
            raise FerError(
                "{path} would unpack to far more than FER-2013; it is refused.", path=name
            )
        yield member


def _refuse_unsafe(member: str, name: str) -> None:
    parts = PurePosixPath(member.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or re.match(r"^[A-Za-z]:", member):
        raise FerError(
            "{path} holds the path {name}, which leaves its folder; it is refused.",
            path=name,
            name=f"{member!r}",
        )


def one_line(error: Exception) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
