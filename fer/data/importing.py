"""FER-2013 in any of its common forms, read into `data/fer2013/`.

`formats.archive_files` opens the forms; here the images are checked together, named and stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import IO

import filelock
import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from fer import FerError, emotions, files, schema
from fer.data import dataset, votes
from fer.data.dataset import (
    FOLDER,
    MANIFEST,
    SPLITS,
    LabelledFace,
    Manifest,
    Split,
)
from fer.data.formats import archive_files, face_files
from fer.progress import Progress

LOCK = ".lock"
# Storing takes a second or two, on a slow disk a minute.
LOCK_SECONDS = 600
# Files of imports besides the manifest, and the unfinished ones of imports that were killed.
OWN_FILES = re.compile(
    r"(images-[0-9a-f]{12}|\.images-[0-9a-f]{12}-\w{8})\.npy"
    r"|(index-[0-9a-f]{12}|\.index-[0-9a-f]{12}-\w{8})\.parquet"
    r"|\.dataset-\w{8}\.json"
)
VOTES_FOLDER = Path(__file__).resolve().parents[2] / votes.FOLDER


@dataclass(frozen=True)
class Report:
    """The result of an import: images kept, images skipped with the reason, class counts that are
    not the official ones, and a warning if the images are not FER-2013's."""

    images: int
    skipped: list[str]
    differences: list[str]
    notice: FerError | None


@dataclass(frozen=True)
class Faces:
    """Images as they will be stored; row i of every array is the same image."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int8]
    splits: NDArray[np.str_]
    sources: NDArray[np.str_]

    @property
    def digest(self) -> str:
        return dataset.content_digest(self.images, self.labels, self.splits)


def import_dataset(
    source: Path | IO[bytes],
    folder: Path = FOLDER,
    progress: Progress | None = None,
    *,
    name: str | None = None,
    require_official: bool = False,
    keep_official: bool = False,
) -> Report:
    """Import the data set at a path, or in an open file, into `folder`.

    The data set that was there before stays until the new one is written. In an archive or folder,
    corrupt, odd-sized or misnamed images are skipped and named in the report. A table with a bad
    row is refused as a whole: its rows have no names to report them by, and a shifted row would
    spoil every later one. The rows of FER-2013's own table get the names that its images have in
    Kaggle's archive.

    Args:
        source: a file or folder in any form of `formats.archive_files`, or an open file that can
            seek.
        progress: called with the number of faces read and the number expected.
        name: what to call an open file.
        require_official: refuse a set whose counts are not those of FER-2013.
        keep_official: refuse another set than FER-2013 where `folder` holds FER-2013.

    Raises:
        FerError: if the path is missing, of no known form, unsafe, or more than a tenth of its
            images are unusable; if a split lacks an emotion; if the set is refused; or if `folder`
            cannot be written.
    """
    faces: list[LabelledFace] = []
    skipped: list[str] = []
    source_name = name or str(source if isinstance(source, Path) else "the file")
    with archive_files.opened(source, source_name) as content:
        for done, face in enumerate(content.faces, start=1):
            if isinstance(face, LabelledFace):
                faces.append(face)
            else:
                skipped.append(face)
            if progress is not None and (done % 200 == 0 or done == content.expected):
                progress(done, content.expected)
    _refuse_useless(faces, skipped, source_name)
    faces.sort(key=lambda face: (SPLITS.index(face.split), face.number, face.label, face.source))
    stacked = Faces(
        np.stack([face.pixels for face in faces]),
        np.array([face.label for face in faces], dtype=np.int8),
        np.array([face.split.value for face in faces], dtype=np.str_),
        np.array([face.source for face in faces], dtype=np.str_),
    )
    md5 = None
    if content.table is not None:
        stacked, md5 = with_official_names(stacked), content.table.md5
    manifest = _manifest(stacked, PurePath(source_name).name, md5, skipped)
    if require_official and manifest["differences"]:
        raise FerError(
            "{path} is not the whole FER-2013 ({difference}); choose the original archive.",
            path=manifest["source"],
            difference=manifest["differences"][0],
        )
    notice = dataset.notice(manifest)
    if keep_official and notice is not None:
        _refuse_to_replace_official(manifest["source"], folder)
    _store(stacked, manifest, folder)
    return Report(len(faces), skipped, manifest["differences"], notice)


def with_official_names(faces: Faces) -> Faces:
    """Name the rows of a table as in Kaggle's archive.

    Nothing changes unless labels and splits are, row by row, those of the original table, whose
    order the file of the FER+ votes keeps. If the pixels are those of Kaggle's archive, the rows
    take its order, too: the result is the same data set with the same digest.
    """
    is_whole = len(faces.labels) == dataset.OFFICIAL_IMAGES
    if not is_whole or not (VOTES_FOLDER / votes.VOTES).exists():
        return faces
    fer_plus = votes.open_votes(VOTES_FOLDER)
    if not (
        np.array_equal(fer_plus.labels, faces.labels)
        and np.array_equal(fer_plus.splits, faces.splits)
    ):
        return faces
    numbers = [int(re.findall(r"\d+", name)[-1]) for name in fer_plus.names.tolist()]
    ranks = [SPLITS.index(Split(split)) for split in fer_plus.splits.tolist()]
    order = np.lexsort((fer_plus.labels, np.array(numbers), np.array(ranks)))
    images, labels, splits = faces.images[order], faces.labels[order], faces.splits[order]
    as_archive = Faces(images, labels, splits, fer_plus.sources[order])
    if as_archive.digest == dataset.KAGGLE_DIGEST:
        return as_archive
    return replace(faces, sources=fer_plus.sources)


def _refuse_useless(
    faces: Sequence[LabelledFace], skipped: Sequence[str], source_name: str
) -> None:
    if not faces:
        reason = f"; the first problem: {skipped[0]}" if skipped else ""
        raise FerError(
            "{path} holds no usable FER-2013 image{reason}. Nothing was imported.",
            path=source_name,
            reason=reason,
        )
    total = len(faces) + len(skipped)
    if len(faces) < face_files.LEAST_USABLE * total:
        raise FerError(
            "{path}: only {usable} of {total} images can be used (first problem: {reason}). "
            "Nothing was imported.",
            path=source_name,
            usable=len(faces),
            total=total,
            reason=skipped[0],
        )
    present = {(face.split, face.label) for face in faces}
    missing = [
        f"{split} {key}"
        for split in SPLITS
        for label, key in enumerate(emotions.KEYS)
        if (split, label) not in present
    ]
    if missing:
        empty = [split.value for split in SPLITS if split not in {split for split, _ in present}]
        raise FerError(
            "{path} holds no image of {lacking}; training and evaluation need every emotion in "
            "Training, PublicTest and PrivateTest. Nothing was imported.",
            path=source_name,
            lacking=", ".join(empty or missing[:3]) + (", …" if not empty and missing[3:] else ""),
        )


def _refuse_to_replace_official(source_name: str, folder: Path) -> None:
    try:
        stored = schema.read(folder / MANIFEST, Manifest, "fer data import PATH")
    except FerError:
        # Missing or damaged: there is nothing to keep.
        return
    if dataset.notice(stored) is None:
        raise FerError(
            "{path} is not FER-2013, which {folder} holds; import it into another folder: fer data "
            "import PATH --data-dir FOLDER, or replace FER-2013 with --overwrite. Nothing was "
            "changed.",
            path=source_name,
            folder=folder,
        )


def _manifest(faces: Faces, source: str, md5: str | None, skipped: list[str]) -> Manifest:
    digest = faces.digest
    counts = dataset.class_counts(faces.labels, faces.splits)
    return {
        "images": f"images-{digest[:12]}.npy",
        "index": f"index-{digest[:12]}.parquet",
        "digest": digest,
        "md5": md5,
        "imported": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": source,
        "counts": {split.value: list(counts[split]) for split in SPLITS},
        "gray": dataset.gray_statistics(faces.images),
        "skipped": skipped,
        "differences": [
            f"{split} {key}: {count} images, officially {official}"
            for split, official_counts in dataset.OFFICIAL_COUNTS.items()
            for key, count, official in zip(
                emotions.KEYS, counts[split], official_counts, strict=True
            )
            if count != official
        ],
    }


def _store(faces: Faces, manifest: Manifest, folder: Path) -> None:
    free, needed = files.free_bytes(folder), 1.1 * faces.images.nbytes
    if free < needed:
        raise FerError(
            "The disk of {folder} has {free} MB free and the data set needs {needed} MB; "
            "make room and import again. Nothing was changed.",
            folder=folder,
            free=free >> 20,
            needed=f"{needed / 2**20:.0f}",
        )
    index = arrow.table(
        {
            "emotion": arrow.array(faces.labels),
            "split": arrow.array(faces.splits.tolist()),
            "source": arrow.array(faces.sources.tolist()),
        }
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Another import would remove this one's unfinished files.
        with filelock.FileLock(folder / LOCK, timeout=LOCK_SECONDS):
            with (
                files.replacing(folder / manifest["images"]) as temporary,
                temporary.open("wb") as stream,
            ):
                np.save(stream, faces.images, allow_pickle=False)
            with files.replacing(folder / manifest["index"]) as temporary:
                parquet.write_table(index, temporary)
            files.write_json(folder / MANIFEST, manifest)
            for file in folder.iterdir():
                is_in_use = file.name in (manifest["images"], manifest["index"])
                if OWN_FILES.fullmatch(file.name) and not is_in_use:
                    # Windows refuses to delete a file that another process has mapped; the next
                    # import tries again, and the manifest no longer names it.
                    with suppress(OSError):
                        file.unlink()
    except filelock.Timeout:
        raise FerError(
            "Another import into {folder} is not coming to its end; stop it and try again.",
            folder=folder,
        ) from None
    except OSError as error:
        raise files.unwritable(folder, error) from error
