"""The committed sample of FER-2013: 70 Training faces, ten an emotion, with their FER+ votes.

`data/samples/faces.png` has a row of faces an emotion, `faces.csv` a line a face. `fer data sample`
made both; `data/samples/README.md` names source and licence.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fer import FerError, emotions, files
from fer.data.dataset import Dataset, Split
from fer.data.votes import CHOICES, OTHERS, Votes
from fer.vision.preprocessing import FER_SIZE

FOLDER = Path("data") / "samples"
FACES = "faces.png"
TABLE = "faces.csv"
CARD = "README.md"
SEED = 2013
# Of each emotion; the contested ones come last.
CLEAR, CONTESTED = 8, 2
EACH = CLEAR + CONTESTED
# Two faces are one photograph, cropped a little differently, if their correlation exceeds ALIKE
# when one is moved by up to SHIFT pixels.
SHIFT, ALIKE = 8, 0.7
# Of ten votes, a clear face has at least AGREED for its label; a contested one has at most DISPUTED
# for any choice and at least SHARED for its label.
AGREED, DISPUTED, SHARED = 9, 5, 2
_COLUMNS = ("name", "label", *CHOICES)


@dataclass(frozen=True)
class Sample:
    """Row i of every array is the same face; emotions stand in their usual order, ten of each.

    images: (70, 48, 48) uint8. labels: (70,) int64, FER-2013's own. names: (70,) str, as in
    Kaggle's archive: "train/happy/Training_10019449.jpg". counts: (70, 10) uint8, FER+ votes by
    `votes.CHOICES`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: NDArray[np.str_]
    counts: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def is_contested(self) -> NDArray[np.bool_]:
        """The faces of which no expression has more than half of the votes, (70,) bool."""
        return np.asarray(self.counts.max(axis=1) <= DISPUTED)

    def rows(self, emotion: str) -> NDArray[np.int64]:
        """Return the row numbers of an emotion, the clear faces first."""
        return np.flatnonzero(self.labels == emotions.LABEL_OF[emotion])

    def png(self, row: int) -> bytes:
        """Return one face as a PNG file of 48x48 pixels."""
        stream = io.BytesIO()
        Image.fromarray(self.images[row]).save(stream, "PNG")
        return stream.getvalue()


def choose(data: Dataset, votes: Votes, seed: int = SEED) -> Sample:
    """Choose eight clear and two contested Training faces of each emotion, drawn by the seed.

    Clear: nine or ten voters agree with the label; where an emotion has fewer than eight such
    faces, those that most voters agree with. Contested: two voters or more agree with the label,
    and no choice has more than half of the votes. No photograph is taken twice. Raises a FerError
    if there are not enough such faces, as in another data set than FER-2013.
    """
    vote_row = votes.find(data.sources, data.labels)
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for label, key in enumerate(emotions.KEYS):
        rows = data.rows(Split.TRAINING, key)
        rows = rng.permutation(rows[vote_row[rows] >= 0])
        counts = votes.counts[vote_row[rows]]
        agreed, others = counts[:, label], counts[:, -len(OTHERS) :].sum(axis=1)
        # Stable: faces with equally many votes keep the order that the seed gave them.
        ranked = np.argsort(-np.minimum(agreed, AGREED).astype(int), kind="stable")
        is_contested = (counts.max(axis=1) <= DISPUTED) & (agreed >= SHARED) & (others == 0)
        clear = _without_repeats(data, rows[ranked], CLEAR, chosen)
        contested = _without_repeats(data, rows[is_contested], CONTESTED, [*chosen, *clear])
        if len(clear) + len(contested) < EACH:
            raise FerError(
                "The data set in {folder} has too few Training faces with votes of {emotion}; "
                "import FER-2013 first: fer data download",
                folder=data.folder,
                emotion=key,
            )
        chosen += [*clear, *contested]
    rows = vote_row[chosen]
    return Sample(data.images[chosen], data.labels[chosen], votes.sources[rows], votes.counts[rows])


def _without_repeats(
    data: Dataset, rows: NDArray[np.int64], count: int, earlier: list[int]
) -> list[int]:
    """Return the first `count` rows that repeat no photograph of each other or of `earlier`."""
    selected = list(earlier)
    for row in rows.tolist():
        if len(selected) == len(earlier) + count:
            break
        if not any(_is_same_photo(data.images[row], data.images[other]) for other in selected):
            selected.append(row)
    return selected[len(earlier) :]


def _is_same_photo(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    inner = slice(SHIFT, -SHIFT)
    return any(
        cv2.matchTemplate(np.asarray(x), np.asarray(y[inner, inner]), cv2.TM_CCOEFF_NORMED).max()
        > ALIKE
        for x, y in ((a, b), (b, a))
    )


def write(sample: Sample, folder: Path = FOLDER) -> None:
    """Write the faces and their table, each whole or not at all. Raises as `files.replacing`."""
    grid = sample.images.reshape(emotions.COUNT, EACH, FER_SIZE, FER_SIZE)
    sprite = Image.fromarray(
        np.ascontiguousarray(grid.swapaxes(1, 2)).reshape(emotions.COUNT * FER_SIZE, -1)
    )
    with files.replacing(folder / FACES) as temporary:
        sprite.save(temporary, "PNG", optimize=True)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for name, label, counts in zip(sample.names, sample.labels, sample.counts, strict=True):
        writer.writerow([name, emotions.KEYS[label], *counts.tolist()])
    files.write_text(folder / TABLE, stream.getvalue())


def open_sample(folder: Path = FOLDER) -> Sample:
    """Open the committed sample. Raises a FerError if a file of it is missing or damaged."""
    try:
        with (folder / TABLE).open(newline="", encoding="utf-8") as stream:
            table = list(csv.DictReader(stream))
        labels = np.array([emotions.LABEL_OF[line["label"]] for line in table], dtype=np.int64)
        counts = np.array([[int(line[key]) for key in CHOICES] for line in table], dtype=np.uint8)
        with Image.open(folder / FACES) as sprite:
            pixels = np.array(sprite, dtype=np.uint8)
        rows = (emotions.COUNT, FER_SIZE, EACH, FER_SIZE)
        images = pixels.reshape(rows).swapaxes(1, 2).reshape(-1, FER_SIZE, FER_SIZE)
        if len(table) != len(images):
            raise ValueError(f"{len(table)} lines, {len(images)} faces")
    except (OSError, KeyError, TypeError, ValueError, UnidentifiedImageError) as error:
        raise FerError(
            "The sample faces in {folder} are missing or damaged ({reason}); restore them from the "
            "repository.",
            folder=folder,
            reason=error,
        ) from error
    names = np.array([line["name"] for line in table], dtype=np.str_)
    return Sample(np.ascontiguousarray(images), labels, names, counts)
