"""A record in `models/`: its path, its TypedDict and the command that makes it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from fer import FerError, files, schema
from fer.artifacts import model_store

T = TypeVar("T")


@dataclass(frozen=True)
class Stored(Generic[T]):
    """A record that a command writes into the models' folder.

    name: path below that folder. schema: the record's TypedDict. command: as a user types it.
    """

    name: str
    schema: type[T]
    command: str

    def read(self, folder: Path) -> T | None:
        """Return the record, None if it was not made yet. Raises as `schema.read`."""
        return self.require(folder) if (folder / self.name).exists() else None

    def require(self, folder: Path) -> T:
        """Return the record. Raises as `schema.read`."""
        return schema.read(folder / self.name, self.schema, self.command)

    def published(self, folder: Path) -> T | None:
        """Return the record, None if it is missing, not the manifest's file, or misfits."""
        record = self._in_manifest(folder)
        return None if isinstance(record, FerError) else record

    def misfit(self, folder: Path) -> FerError | None:
        """Return why the record cannot be read though it is the manifest's file; None if it can be,
        or if it is missing or another file."""
        error = self._in_manifest(folder)
        return error if isinstance(error, FerError) else None

    def _in_manifest(self, folder: Path) -> T | FerError | None:
        try:
            model_store.checked(folder, self.name)
        except FerError:
            return None
        try:
            return self.require(folder)
        except FerError as error:
            return error

    def write(self, folder: Path, record: T) -> None:
        """Write the record, whole or not at all. Raises as `files.write_json`."""
        files.write_json(folder / self.name, record)
