"""Which files `fer predict` classifies: those named, and every image in the folders named."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fer import FerError
from fer.media.photos import SUFFIXES


@dataclass
class PhotoFiles:
    """What was found: files in the order they were named, sorted within a folder.

    hidden: files and folders whose names begin with a dot, left out. others: files of other kinds
    in folders, left out, by their ending. unreadable: folders that could not be looked into.
    """

    paths: list[Path] = field(default_factory=list)
    hidden: int = 0
    others: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)

    def left_out(self) -> list[str]:
        """A sentence for each kind of thing that is not classified."""
        told = []
        if self.hidden:
            told.append(f"Left out {self.hidden:,} hidden files or folders.")
        if self.others:
            kinds = ", ".join(f"{n:,} {kind}" for kind, n in self.others.most_common(5))
            more = ", …" if len(self.others) > 5 else ""
            told.append(
                f"Left out {self.others.total():,} files that are no images: {kinds}{more}."
            )
        return told + [f"Left out {problem}" for problem in self.unreadable]


def find(paths: Iterable[Path]) -> PhotoFiles:
    """The named files, and the images in the named folders and below.

    Hidden files and folders (`.venv`, macOS' `._photo.jpg`) are left out unless they are named.

    Raises:
        FerError: if a path does not exist or a folder holds no image.
    """
    found = PhotoFiles()
    for path in paths:
        if path.is_dir():
            before = len(found.paths)
            _look_into(path, found)
            if len(found.paths) == before:
                raise FerError(
                    "The folder {path} holds no image; use JPEG, PNG, WebP, AVIF or HEIC.{reason}",
                    path=path,
                    reason="".join(f" {line}" for line in found.left_out()),
                )
        elif path.exists():
            found.paths.append(path)
        else:
            raise FerError("There is no file or folder {path}; check the path.", path=path)
    return found


def _look_into(path: Path, found: PhotoFiles) -> None:
    def unreadable(error: OSError) -> None:
        found.unreadable.append(f"{error.filename} ({error.strerror}).")

    inside: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=unreadable):
        for hidden in [name for name in (*folders, *names) if name.startswith(".")]:
            found.hidden += 1
            (folders if hidden in folders else names).remove(hidden)
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            if file.suffix.lower() in SUFFIXES:
                inside.append(file)
            else:
                found.others[file.suffix.lower() or "without ending"] += 1
    found.paths += sorted(inside)
