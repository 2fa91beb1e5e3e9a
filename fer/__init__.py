"""Facial-expression recognition on FER-2013: two VGG16 scenarios, trained and compared."""

__version__ = "0.1.0"


class FerError(Exception):
    """What went wrong and what to do, in one sentence that a user can read.

    Every error that `fer` raises on purpose is of this class; the command and the pages show its
    message as it stands.
    """
