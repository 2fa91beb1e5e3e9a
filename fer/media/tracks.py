"""The tracks of a whole video, seen from its end: pieces of one face joined, glimpses left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer.media.tracking import nearness
from fer.vision.scales import Box

# A face that comes back within so many seconds near to where it was, in the same shot, is the same.
GAP_SECONDS = 1.5
# A face seen in fewer looks than this was a glimpse or an error of the detector. A video of fewer
# than `SHORT_LOOKS` has too few looks to tell.
LEAST_LOOKS, SHORT_LOOKS = 4, 20


@dataclass(frozen=True)
class Sighting:
    """A numbered face in one look: seconds, shot (counted from 0), number, box."""

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


def settled(sightings: Sequence[Sighting], looks: int) -> dict[int, int]:
    """What each number becomes: 1, 2, … in the order in which the faces first come, from left
    to right those that come at once.

    Several numbers may become one; a number that is missing was left out as too short.

    Args:
        sightings: in the order of time.
        looks: how often the video was looked at.
    """
    tracks: dict[int, _Track] = {}
    for seen in sightings:
        known = tracks.setdefault(seen.number, _Track([seen.number], seen, seen, 0))
        known.last = seen
        known.looks += 1
    whole: list[_Track] = []
    for track in sorted(tracks.values(), key=lambda t: (t.first.at, t.first.box[:2])):
        before = max(whole, key=lambda t: _continuity(t, track), default=None)
        if before is not None and _continuity(before, track) > 0:
            before.numbers += track.numbers
            before.last = track.last
            before.looks += track.looks
        else:
            whole.append(track)
    if looks >= SHORT_LOOKS:
        whole = [track for track in whole if track.looks >= LEAST_LOOKS]
    return {number: place for place, track in enumerate(whole, 1) for number in track.numbers}


def _continuity(one: _Track, other: _Track) -> float:
    """How well a track goes on in another, 0 if it does not."""
    gap = other.first.at - one.last.at
    if one.last.shot != other.first.shot or not 0 < gap <= GAP_SECONDS:
        return 0.0
    return nearness(one.last.box, other.first.box)
