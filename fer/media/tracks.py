"""The tracks of a whole video, once it is over: pieces of one face joined, glimpses left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer.media.tracking import nearness
from fer.vision.scales import Box

# A face that comes back within so many seconds near its old place, in the same shot, is the same.
GAP_SECONDS = 1.5
# A face in fewer analysed frames than LEAST_LOOKS was a glimpse or an error of the detector; in a
# video of fewer than SHORT_LOOKS frames none is left out for that.
LEAST_LOOKS, SHORT_LOOKS = 4, 20


@dataclass(frozen=True)
class Sighting:
    """A numbered face in one analysed frame: seconds, shot (counted from 0), number, box."""

    at: float
    shot: int
    number: int
    box: Box


@dataclass
class _Track:
    numbers: list[int]
    first: Sighting
    last: Sighting
    looks: int


def final_numbers(sightings: Sequence[Sighting], looks: int) -> dict[int, int]:
    """Return the final number of each tracked number: 1, 2, … in the order in which the faces first
    appear, from left to right if they appear at once.

    Several numbers may become one; a number that is missing was left out as a glimpse.

    Args:
        sightings: in the order of time.
        looks: how many frames of the video were analysed.
    """
    tracks: dict[int, _Track] = {}
    for sighting in sightings:
        track = tracks.setdefault(sighting.number, _Track([sighting.number], sighting, sighting, 0))
        track.last = sighting
        track.looks += 1
    joined: list[_Track] = []
    for track in sorted(tracks.values(), key=lambda t: (t.first.at, t.first.box[:2])):
        earlier = max(joined, key=lambda t: _continuity(t, track), default=None)
        if earlier is not None and _continuity(earlier, track) > 0:
            earlier.numbers += track.numbers
            earlier.last = track.last
            earlier.looks += track.looks
        else:
            joined.append(track)
    if looks >= SHORT_LOOKS:
        joined = [track for track in joined if track.looks >= LEAST_LOOKS]
    return {number: place for place, track in enumerate(joined, 1) for number in track.numbers}


def _continuity(earlier: _Track, later: _Track) -> float:
    """Return how well a later track continues an earlier one, 0-1; 0 if it does not."""
    gap = later.first.at - earlier.last.at
    if earlier.last.shot != later.first.shot or not 0 < gap <= GAP_SECONDS:
        return 0.0
    return nearness(earlier.last.box, later.first.box)
