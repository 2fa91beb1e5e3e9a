"""A visitor's verdicts on doubtful labels, one for each image, taken home as CSV.

Verdicts belong to a visit and are never kept on the server: on a public one, visitors would see
and replace each other's.
"""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

from fer import FerError, files

Verdict = Literal["label", "models", "neither", "unclear"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Review:
    """A verdict on one image: the label is right, the models are, neither, or it cannot be told."""

    source: str
    label: str
    answer: str
    verdict: Verdict


# A verdict on each image of FER-2013 takes a third of this.
MOST_BYTES = 10 << 20
COLUMNS = [field.name for field in fields(Review)]


def parse(content: bytes, name: str) -> dict[str, Review]:
    """Read the reviews in a CSV file's content, by image; a later verdict replaces an earlier one.
    Raises a FerError if it is too large or not such a file, lacks its header, or holds an unknown
    verdict."""
    if len(content) > MOST_BYTES:
        raise files.too_large(name, MOST_BYTES)
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        if sorted(reader.fieldnames or ()) != sorted(COLUMNS):
            raise FerError(
                "{name} holds no verdicts: its first line is not {header}; choose a file that was "
                "downloaded here.",
                name=name,
                header=",".join(COLUMNS),
            )
        rows = list(reader)
        if any(None in row.values() for row in rows):
            raise ValueError("A row is cut off.")
        reviews = [Review(**row) for row in rows]  # type: ignore[arg-type]
        for review in reviews:
            if review.verdict not in VERDICTS:
                raise FerError(
                    "{name} holds the verdict {verdict}, which there is not; choose a file that "
                    "was downloaded here.",
                    name=name,
                    verdict=review.verdict,
                )
    except (UnicodeDecodeError, csv.Error, TypeError, ValueError) as error:
        raise FerError(
            "{name} holds no verdicts; choose a file that was downloaded here.", name=name
        ) from error
    return {review.source: review for review in reviews}


def text(reviews: dict[str, Review]) -> str:
    """Return the reviews as CSV, which `parse` reads back."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(review) for review in reviews.values())
    return stream.getvalue()
