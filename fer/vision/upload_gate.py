"""The gate: what comes in from outside is checked here before anything is made of it.

What a file is, its content says; its name only says what to call it in a message, and is never
used as a path. Limits hold before memory or time is spent: bytes, then pixels as the header tells
them, then the work of decoding. Pillow and FFmpeg are given a short list of formats, so that their
rarer decoders, and playlists that open other files, are out of reach.
"""

from __future__ import annotations

import io
import re
import stat
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from fer import FerError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")
# Read by another library, which is asked only where the content begins as such a file does.
HEIC_FORMAT = "HEIF"
# What these formats are called in file names.
IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif"),
)
IMAGE_BYTES = 40 * 2**20
# Of an image, and of one frame of a video.
MOST_PIXELS = 50_000_000
# A JPEG is decoded at a half, a quarter or an eighth in a fraction of the time and memory: the
# 200 megapixels of a phone fit. A progressive one holds all its coefficients in memory first.
MOST_JPEG_PIXELS = 250_000_000
MOST_PROGRESSIVE_PIXELS = 100_000_000
# Pillow warns beyond its own limit and refuses beyond twice as much; ours come first.
Image.MAX_IMAGE_PIXELS = MOST_JPEG_PIXELS
# A progressive JPEG is decoded once for every scan, and a scan may be a few bytes long: the largest
# image in its usual ten scans is a quarter of this.
MOST_SCANNED = 2_000_000_000
# Each decoded image of the largest size takes several hundred megabytes for a moment.
AT_ONCE = 2

VIDEO_CONTAINERS = "mov,matroska,avi"
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")
VIDEO_CODECS = {
    *("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores", "h263"),
    *("msmpeg4v2", "msmpeg4v3", "rawvideo"),
}
VIDEO_BYTES = 200 * 2**20
VIDEO_SECONDS = 120.0
# Frames without a time, or thousands for one moment, never come to an end by their seconds. This
# is a slow-motion video of 240 frames a second; and 4K at 60, or 8K at 15, for the whole length.
VIDEO_FRAMES = int(240 * VIDEO_SECONDS)
VIDEO_PIXELS = int(60 * VIDEO_SECONDS) * 3840 * 2160

# Packets in a row that cannot be decoded: a damaged spot is passed over, not what follows a cut.
MOST_BROKEN = 50

UNPACKED_BYTES = 2 * 2**30
MEMBERS = 200_000
# JPEG, PNG and text never shrink this far; repeated bytes, the stuff of zip bombs, do.
MOST_RATIO = 200

# A start-of-scan marker with its length and number of components: what has another length is
# refused by the decoder, and five fixed bytes hardly ever occur by chance.
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
_decoding = threading.BoundedSemaphore(AT_ONCE)


def content_of(path: Path, most: int, name: str | None = None) -> bytes:
    """What a file holds; pipes, devices and files that are too large are refused unread.

    Args:
        most: the largest size that is read, in bytes.
        name: how to call it in error messages; its path by default.

    Raises:
        FerError: if it is missing, no file, too large or unreadable.
    """
    name = name or str(path)
    try:
        # Not opened before it is known to be a file: opening a pipe waits for its writer.
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise FerError("{name} is not a file (a folder, pipe or device); check it.", name=name)
        if found.st_size > most:
            raise FerError(
                "{name} is larger than {limit} MB; choose a smaller one.",
                name=name,
                limit=most >> 20,
            )
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FerError("There is no file {name}; check the path.", name=name) from None
    except (OSError, ValueError) as error:
        raise FerError(
            "{name} cannot be read ({reason}); check it.",
            name=name,
            reason=getattr(error, "strerror", None) or one_line(error),
        ) from error


@contextmanager
def opened_image(content: bytes, name: str) -> Iterator[Image.Image]:
    """The image in a file's content, its size checked and its pixels not yet decoded.

    A JPEG beyond `MOST_PIXELS` is set to be decoded at the largest fraction that is not. Whatever
    goes wrong while the block decodes it is told as damage to the file.

    Args:
        name: how to call it in error messages.

    Raises:
        FerError: if it is empty, too large in bytes or pixels, not such an image,
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
    formats: tuple[str, ...] = IMAGE_FORMATS
    if content[4:8] == b"ftyp":
        from pillow_heif import register_heif_opener

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
        # Decoders follow a damaged header into every kind of error there is.
        raise FerError(
            "{name} is damaged or cut off ({reason}); export it again or choose another.",
            name=name,
            reason=one_line(error),
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


@contextmanager
def opened_video(content: bytes, name: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container in a video's content and its first video stream.

    Args:
        name: how to call it in error messages.

    Raises:
        FerError: if it is empty, too large in bytes or pixels, not MP4, MOV, WebM, MKV or AVI,
            holds no video or one of a codec that is not read, or is damaged.
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
            moving = [s for s in source.streams.video if not _is_cover(s)]
            if not moving:
                raise FerError(
                    "{name} holds sound or a still picture, but no video; choose another file.",
                    name=name,
                )
            stream = moving[0]
            # There is no context where FFmpeg knows no decoder at all.
            context = stream.codec_context
            codec = context.codec.canonical_name if context is not None else "?"
            if codec not in VIDEO_CODECS:
                raise FerError(
                    "{name} is encoded as {codec}, which is not read; use H.264, HEVC, VP9 or AV1.",
                    name=name,
                    codec=codec,
                )
            check_frame(stream.width, stream.height, name)
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
        if _lacks_index(content):
            raise FerError(
                "{name} is cut off: the index at its end is missing, and without it no frame can "
                "be read; copy or download it again.",
                name=name,
            ) from error
        raise FerError(
            "{name} is not a video that can be read ({reason}); use MP4, MOV, WebM, MKV or AVI.",
            name=name,
            reason=getattr(error, "strerror", None) or one_line(error),
        ) from error


def _is_cover(stream: VideoStream) -> bool:
    """Whether a stream is the cover of a piece of music, a single picture."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _lacks_index(content: bytes) -> bool:
    """Whether this is MP4 or MOV without its table of frames, which many cameras write last."""
    if content[4:8] not in (b"ftyp", b"wide", b"mdat", b"skip", b"free"):
        return False
    at, kinds = 0, set()
    while at + 8 <= len(content):
        size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(content[at + 8 : at + 16], "big")
        kinds.add(kind)
        if size < 8:
            break
        at += size
    return b"mdat" in kinds and not kinds & {b"moov", b"moof"}


class Frames:
    """A video's frames with their seconds after the first, up to `VIDEO_SECONDS`; iterate once.

    Frames without a time follow the one before at the video's rate, what cannot be decoded is
    passed over, and there is an end to how many are decoded. Afterwards `reached_limit` says
    whether there would have been more, and `broken` how many packets could not be decoded.
    """

    def __init__(self, source: InputContainer, stream: VideoStream, name: str) -> None:
        self._source, self._stream, self._name = source, stream, name
        self.reached_limit = False
        self.broken = 0

    def __iter__(self) -> Iterator[tuple[float, VideoFrame]]:
        """Raises FerError if a frame is larger than is read."""
        start: float | None = None
        pixels, last, step = 0, 0.0, 1 / float(self._stream.average_rate or 25)
        for number, frame in enumerate(self._decoded()):
            check_frame(frame.width, frame.height, self._name)
            pixels += frame.width * frame.height
            if number >= VIDEO_FRAMES or pixels > VIDEO_PIXELS:
                self.reached_limit = True
                return
            # AVI counts its frames instead of timing them.
            at = last + step if frame.pts is None or frame.time is None else frame.time
            start, last = (at if start is None else start), at
            if at - start > VIDEO_SECONDS:
                self.reached_limit = True
                return
            yield at - start, frame

    def _decoded(self) -> Iterator[VideoFrame]:
        from av.error import FFmpegError

        packets, in_a_row = self._source.demux(self._stream), 0
        while in_a_row < MOST_BROKEN:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                decoded = packet.decode()
            except FFmpegError:
                self.broken += 1
                in_a_row += 1
                continue
            in_a_row = 0
            yield from decoded


def check_frame(width: int, height: int, name: str) -> None:
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
