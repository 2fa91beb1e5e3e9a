"""What people decided about doubtful labels: a verdict for each image, in a local CSV file."""

from __future__ import annotations

import csv
import io
import threading
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from fer import FerError, files

Verdict = Literal["label", "models", "neither", "unclear"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_lock = threading.Lock()


@dataclass(frozen=True)
class Review:
    """A verdict on one image: the label is right, the models are, neither, or it cannot be told."""

    source: str
    label: str
    answer: str
    verdict: Verdict


def read(path: Path) -> dict[str, Review]:
    """The reviews in a file by image, empty if there is none.

    Raises:
        FerError: if it is damaged or holds a verdict that there is not.
    """
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            found = [Review(**row) for row in csv.DictReader(stream)]  # type: ignore[arg-type]
        for review in found:
            if review.verdict not in VERDICTS:
                raise ValueError(f"verdict {review.verdict!r} of {review.source}")
    except (OSError, TypeError, ValueError) as error:
        raise FerError(
            "{path} is damaged ({reason}); move it away to begin anew.", path=path, reason=error
        ) from error
    return {review.source: review for review in found}


def add(path: Path, review: Review) -> None:
    """Writes a review into the file; a later verdict on an image replaces the earlier one.

    Raises:
        FerError: if the file is damaged or cannot be written.
    """
    with _lock:
        kept = {**read(path), review.source: review}
        files.write_text(path, text(kept))


def text(reviews: dict[str, Review]) -> str:
    """The reviews as CSV."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [f.name for f in fields(Review)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(review) for review in reviews.values())
    return stream.getvalue()
