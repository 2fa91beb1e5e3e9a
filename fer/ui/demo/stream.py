"""One visitor's camera stream with what the page remembers of it."""

from __future__ import annotations

from fer.media.live.stream import LiveStream

# A video connection that comes about brings its first picture within this many seconds.
SLOW_SECONDS = 4.0


class Stream(LiveStream):
    """A live stream and what the page has to remember of it.

    `face` is the number of the chosen face, `is_newly_chosen` whether the page has yet to be drawn
    for it; `group` are the faces to choose among, `groups` counts how often they changed.
    `layout` is whether the page shows the video, and downloads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.face: int | None = None
        self.is_newly_chosen = False
        self.group: tuple[int, ...] = ()
        self.groups = 0
        self.layout = (False, False)
        self._on_since: float | None = None

    def follow(self, is_on: bool, now: float) -> None:
        """Take note of whether the visitor wants the camera on."""
        if not is_on:
            self._on_since = None
        elif self._on_since is None:
            self._on_since, self._last_picture = now, None

    def is_moving(self, now: float) -> bool:
        """Whether pictures have come since it was turned on, and still do."""
        has_come = self._on_since is not None and self._last_picture is not None
        return has_come and not self.is_still(now)

    def is_unreachable(self, now: float) -> bool:
        """Whether the first picture does not come, or no more do."""
        if self._on_since is None:
            return False
        is_late = self._last_picture is None and now - self._on_since > SLOW_SECONDS
        return self.is_still(now) or is_late
