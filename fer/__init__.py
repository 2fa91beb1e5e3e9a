"""Facial-expression recognition on FER-2013: two VGG16 scenarios, trained and compared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from fer.interface import FaceClassifier

__version__ = "0.1.0"

# TensorFlow reads this when it is imported. By default it uses oneDNN's convolutions only on
# processors with instructions made for networks; they are faster on others (AVX2), too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


class ErrorRecord(TypedDict):
    """A `FerError` as plain JSON types: its template, and the text of each value in it."""

    template: str
    values: dict[str, str]


class FerError(Exception):
    """An error with a message for users: what went wrong and what to do, in one sentence.

    Every error that `fer` raises on purpose is of this class; the command and the pages show its
    message unchanged. Template and values are kept apart, so that a page can translate the message.
    """

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values = values

    def to_record(self) -> ErrorRecord:
        """Return the error as plain JSON types, for another process."""
        values = {name: str(value) for name, value in self.values.items()}
        return {"template": self.template, "values": values}

    @classmethod
    def from_record(cls, record: ErrorRecord) -> FerError:
        """Return the error that another process recorded."""
        return cls(record["template"], **record["values"])


def load(models_dir: str | Path | None = None) -> FaceClassifier:
    """Load both trained models and the face detector, without TensorFlow where the fast backend
    works; takes about a second. Importing `fer` itself is cheap.

    Args:
        models_dir: folder of the trained models; by default the one in the working directory, else
            the repository's.

    Raises:
        FerError: if the folder holds no trained model, or its files are not as they were published.
    """
    from fer import interface

    return interface.load(models_dir)
