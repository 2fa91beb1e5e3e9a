"""The files that `fer predict` classifies: those named, and every image in the folders named."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fer import FerError
from fer.vision.upload_gate import IMAGE_SUFFIXES


@dataclass
class PhotoFiles:
    """The files to classify, in the order they were named, sorted within a folder.

    hidden: files and folders left out because their names begin with a dot. others: files of other
    kinds in folders, left out, by suffix. unreadable: folders that could not be read.
    """

    paths: list[Path] = field(default_factory=list)
    hidden: int = 0
    others: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)

    def left_out(self) -> list[str]:
        """Return a sentence for each kind of file that is not classified."""
        sentences = []
        if self.hidden:
            sentences.append(f"Left out {self.hidden:,} hidden files or folders.")
        if self.others:
            kinds = ", ".join(f"{n:,} {kind}" for kind, n in self.others.most_common(5))
            more = ", …" if len(self.others) > 5 else ""
            sentences.append(
                f"Left out {self.others.total():,} files that are no images: {kinds}{more}."
            )
        return sentences + [f"Left out {problem}" for problem in self.unreadable]


def find(paths: Iterable[Path]) -> PhotoFiles:
    """Find the named files, and the images in the named folders and below.

    Hidden files and folders (`.venv`, macOS' `._photo.jpg`) are left out unless they are named.
    Raise FerError if a path does not exist or a folder holds no image.
    """
    files = PhotoFiles()

    def note_unreadable(error: OSError) -> None:
        files.unreadable.append(f"{error.filename} ({error.strerror}).")

    for path in paths:
        if not path.exists():
            raise FerError("There is no file or folder {path}; check the path.", path=path)
        if not path.is_dir():
            files.paths.append(path)
            continue
        images: list[Path] = []
        for folder, folders, names in os.walk(path, onerror=note_unreadable):
            files.hidden += sum(name.startswith(".") for name in (*folders, *names))
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(name for name in names if not name.startswith(".")):
                file = Path(folder, name)
                if file.suffix.lower() in IMAGE_SUFFIXES:
                    images.append(file)
                else:
                    files.others[file.suffix.lower() or "without ending"] += 1
        if not images:
            raise FerError(
                "The folder {path} holds no image; use JPEG, PNG, WebP, AVIF or HEIC.{reason}",
                path=path,
                reason="".join(f" {line}" for line in files.left_out()),
            )
        files.paths += sorted(images)
    return files
