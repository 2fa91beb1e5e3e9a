"""Facial-expression recognition on FER-2013: two VGG16 scenarios, trained and compared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from fer.interface import FaceClassifier

__version__ = "0.1.0"

# TensorFlow reads this when it is imported. Left to itself it uses oneDNN's convolutions only on
# processors with instructions made for networks; they are faster on those without (AVX2), too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


class ErrorRecord(TypedDict):
    """A `FerError` as plain JSON types: its template, and in words what stands in each place."""

    template: str
    values: dict[str, str]


class FerError(Exception):
    """What went wrong and what to do, in one sentence that a user can read.

    Every error that `fer` raises on purpose is of this class; the command and the pages show its
    message as it stands. The message is a template and its values apart, so that a page can say it
    in another language.
    """

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values = values

    def to_record(self) -> ErrorRecord:
        """The error as plain JSON types, for another process."""
        values = {name: str(value) for name, value in self.values.items()}
        return {"template": self.template, "values": values}

    @classmethod
    def from_record(cls, record: ErrorRecord) -> FerError:
        """The error that another process recorded."""
        return cls(record["template"], **record["values"])


def load(models_dir: str | Path | None = None) -> FaceClassifier:
    """Load both trained models and the face detector, without TensorFlow where the fast backend
    works; takes about a second. Importing `fer` itself is cheap.

    Args:
        models_dir: with trained models; by default the one in the working directory, else the
            repository's.

    Raises:
        FerError: if it holds no trained model, or its files are not as they were published.
    """
    from fer import interface

    return interface.load(models_dir)
