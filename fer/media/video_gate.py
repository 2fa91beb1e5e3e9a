"""The gate for videos: opened, checked and decoded within limits of time, frames and pixels.

FFmpeg is given a short list of containers and codecs, so that its rarer decoders, and playlists
that open other files, are out of reach.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fer import FerError
from fer.vision import upload_gate
from fer.vision.upload_gate import check_frame

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

VIDEO_CONTAINERS = "mov,matroska,avi"
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")
VIDEO_CODECS = {
    *("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores", "h263"),
    *("msmpeg4v2", "msmpeg4v3", "rawvideo"),
}
VIDEO_BYTES = 200 * 2**20
VIDEO_SECONDS = 120.0
# Frames without a time, or thousands for one moment, would never reach the limit of seconds. These
# limits allow 240 frames a second (slow motion), and 4K at 60 or 8K at 15, for the whole length.
VIDEO_FRAMES = int(240 * VIDEO_SECONDS)
VIDEO_PIXELS = int(60 * VIDEO_SECONDS) * 3840 * 2160
# Packets in a row that cannot be decoded: a damaged spot is skipped; more means a cut-off file.
MOST_BROKEN = 50


@contextmanager
def opened_video(content: bytes, name: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the container in a video's content and its first video stream. Raise FerError, which
    calls the video by this name, if the content is empty, too large in bytes or pixels, not MP4,
    MOV, WebM, MKV or AVI, holds no video or one of a codec that is not read, or is damaged."""
    if not content:
        raise FerError("{name} is empty; choose a file that holds a video.", name=name)
    if len(content) > VIDEO_BYTES:
        raise FerError(
            "{name} is larger than {limit} MB; choose a shorter video.",
            name=name,
            limit=VIDEO_BYTES >> 20,
        )
    # Imported here, so that photos need not wait for the video libraries.
    import av
    from av.error import FFmpegError

    # Other files and addresses that the content refers to are not opened.
    options = {"format_whitelist": VIDEO_CONTAINERS, "protocol_whitelist": ""}
    try:
        with av.open(
            io.BytesIO(content), "r", options=options, metadata_errors="replace"
        ) as source:
            stream = _video_stream(source, name)
            check_frame(stream.width, stream.height, name)
            # The decoder keeps the limit, too: a frame can be larger than the file states.
            stream.codec_context.options = {"max_pixels": str(upload_gate.MOST_PIXELS)}
            yield source, stream
    except FerError:
        raise
    except (FFmpegError, ValueError, ArithmeticError, LookupError, TypeError) as error:
        if _lacks_index(content):
            raise FerError(
                "{name} is cut off: the index at its end is missing, and without it no frame can "
                "be read; copy or download it again.",
                name=name,
            ) from error
        raise FerError(
            "{name} is not a video that can be read; use MP4, MOV, WebM, MKV or AVI.", name=name
        ) from error


def _video_stream(source: InputContainer, name: str) -> VideoStream:
    """Return the first stream of moving pictures. Raise FerError if there is none, or its codec is
    not read."""
    from av.stream import Disposition

    # The cover of a piece of music is a stream, too, of a single picture.
    cover = Disposition.attached_pic
    streams = [stream for stream in source.streams.video if not stream.disposition & cover]
    if not streams:
        raise FerError(
            "{name} holds sound or a still picture, but no video; choose another file.", name=name
        )
    # The context is None where FFmpeg has no decoder at all.
    context = streams[0].codec_context
    codec = context.codec.canonical_name if context is not None else "?"
    if codec not in VIDEO_CODECS:
        raise FerError(
            "{name} is encoded as {codec}, which is not read; use H.264, HEVC, VP9 or AV1.",
            name=name,
            codec=codec,
        )
    return streams[0]


def _lacks_index(content: bytes) -> bool:
    """Return whether MP4 or MOV has lost its table of frames, which many cameras write last."""
    if content[4:8] not in (b"ftyp", b"wide", b"mdat", b"skip", b"free"):
        return False
    at, box_types = 0, set()
    while at + 8 <= len(content):
        size, box_type = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(content[at + 8 : at + 16], "big")
        box_types.add(box_type)
        if size < 8:
            break
        at += size
    return b"mdat" in box_types and not box_types & {b"moov", b"moof"}


@dataclass(frozen=True)
class Excerpt:
    """The part of a video that is analysed: where it begins and its length, both in seconds.

    seconds: at most `VIDEO_SECONDS`.
    """

    begin: float = 0.0
    seconds: float = field(default_factory=lambda: VIDEO_SECONDS)


class Frames:
    """An excerpt's frames with their seconds after its first; iterate once.

    Frames without a time follow the previous one at the video's rate, packets that cannot be
    decoded are skipped, and the number of decoded frames is limited. Afterwards `reached_limit`
    says whether there would have been more.
    """

    def __init__(
        self, source: InputContainer, stream: VideoStream, name: str, excerpt: Excerpt
    ) -> None:
        self._source, self._stream, self._name, self._excerpt = source, stream, name, excerpt
        self.reached_limit = False

    def __iter__(self) -> Iterator[tuple[float, VideoFrame]]:
        """Raise FerError if a frame is too large or the excerpt's beginning cannot be sought."""
        start: float | None = None
        earliest = self._seek() if self._excerpt.begin > 0 else None
        pixels, step = 0, 1 / float(self._stream.average_rate or 25)
        last_seconds = -step if earliest is None else earliest - step
        for number, frame in enumerate(self._decoded()):
            check_frame(frame.width, frame.height, self._name)
            pixels += frame.width * frame.height
            if number >= VIDEO_FRAMES or pixels > VIDEO_PIXELS:
                self.reached_limit = True
                return
            # AVI counts its frames instead of timing them.
            seconds = last_seconds + step if frame.pts is None or frame.time is None else frame.time
            last_seconds = seconds
            # A decoder can only begin at a key frame, which may lie before the excerpt.
            if earliest is not None and seconds < earliest - step / 2:
                continue
            start = seconds if start is None else start
            if seconds - start > self._excerpt.seconds:
                self.reached_limit = True
                return
            yield seconds - start, frame

    def _seek(self) -> float:
        """Seek the key frame before the excerpt; return its beginning in the stream's seconds."""
        from av.error import FFmpegError

        unit = float(self._stream.time_base or 1)
        earliest = self._excerpt.begin + (self._stream.start_time or 0) * unit
        try:
            self._source.seek(int(earliest / unit), stream=self._stream)
        except FFmpegError as error:
            raise FerError(
                "{name} can only be watched from its beginning: it has no index of its frames.",
                name=self._name,
            ) from error
        return earliest

    def _decoded(self) -> Iterator[VideoFrame]:
        from av.error import FFmpegError

        packets, broken_in_a_row = self._source.demux(self._stream), 0
        while broken_in_a_row < MOST_BROKEN:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                decoded = packet.decode()
            except FFmpegError:
                broken_in_a_row += 1
                continue
            broken_in_a_row = 0
            yield from decoded
