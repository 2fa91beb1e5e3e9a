"""The tracks of a whole video, once it is over: pieces of one face joined, glimpses left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer.media.streaming import FrameAnswers
from fer.media.tracking import nearness
from fer.vision.scales import Box

# A face that comes back within so many seconds near its old place, in the same shot, is the same.
GAP_SECONDS = 1.5
# A face in fewer analysed frames than LEAST_LOOKS was a glimpse or an error of the detector; in a
# video of fewer than SHORT_LOOKS frames none is left out for that.
LEAST_LOOKS, SHORT_LOOKS = 4, 20


@dataclass
class _Track:
    """Numbers that are one face, its shot, its seconds and boxes, and the frames that show it."""

    numbers: list[int]
    shot: int
    first: tuple[float, Box]
    last: tuple[float, Box]
    looks: int = 0


def final_numbers(frames: Sequence[FrameAnswers]) -> dict[int, int]:
    """Return the final number of each number in a video's frames: 1, 2, … in the order in which the
    faces first appear, from left to right if they appear at once.

    Several numbers may become one; a number that is missing was left out as a glimpse.
    """
    tracks: dict[int, _Track] = {}
    for frame in frames:
        for face in frame.faces:
            if face.face is not None:
                sighting = frame.taken, face.face.box
                new = _Track([face.number], frame.shot, sighting, sighting)
                track = tracks.setdefault(face.number, new)
                track.last = sighting
                track.looks += 1
    joined: list[_Track] = []
    for track in sorted(tracks.values(), key=lambda track: track.first):
        earlier = max(joined, key=lambda other: _continuity(other, track), default=None)
        if earlier is not None and _continuity(earlier, track) > 0:
            earlier.numbers += track.numbers
            earlier.last = track.last
            earlier.looks += track.looks
        else:
            joined.append(track)
    if len(frames) >= SHORT_LOOKS:
        joined = [track for track in joined if track.looks >= LEAST_LOOKS]
    return {number: place for place, track in enumerate(joined, 1) for number in track.numbers}


def _continuity(earlier: _Track, later: _Track) -> float:
    """Return how well a later track continues an earlier one, 0-1; 0 if it does not."""
    (last_at, last_box), (first_at, first_box) = earlier.last, later.first
    if earlier.shot != later.shot or not 0 < first_at - last_at <= GAP_SECONDS:
        return 0.0
    return nearness(last_box, first_box)
