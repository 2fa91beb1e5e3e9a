"""Writing files whole or not at all: everything that `fer` writes goes through here."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fer import FerError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block ends without an error.

    If the block fails or is interrupted, the temporary file is removed and `path` is unchanged.
    Raise FerError if the folder cannot be written or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes files private; others may read the files that fer writes.
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> FerError:
    """Return the error for a file or folder that cannot be written."""
    return FerError(
        "{path} cannot be written ({reason}); check that the folder is writable and the "
        "disk has space. What was there before is unchanged.",
        path=path,
        reason=error.strerror or error,
    )


def unreadable(path: Path, error: Exception) -> FerError:
    """Return the error for a file of the repository that cannot be read."""
    return FerError(
        "{path} cannot be read ({reason}); restore it from the repository.", path=path, reason=error
    )


def free_bytes(folder: Path) -> int:
    """Return the free bytes on the disk of a folder, which need not exist yet."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(existing).free


def too_large(name: str, most: int) -> FerError:
    """Return the error for a file of more than `most` bytes, which it names in megabytes."""
    return FerError(
        "{name} is larger than {limit} MB; choose a smaller one.", name=name, limit=most >> 20
    )


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all. Raises as `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, record: object) -> None:
    """Write indented JSON, whole or not at all. Raises as `replacing`."""
    write_text(path, as_json(record))


def as_json(record: object) -> str:
    """Return a record as indented JSON with a final line end."""
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def read_json(path: Path) -> Any:
    """Read a JSON file. Raise FerError if it is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FerError("There is no file {path}.", path=path) from None
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
