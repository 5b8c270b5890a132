"""Listing files whose bytes are in the storage already, of which several may hear at the same time."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from pyramid_pypi.catalog import Catalog, reading, writing
from pyramid_pypi.model import File, Identity

__all__ = ["Found", "list_found"]


@dataclass(frozen=True, slots=True)
class Found:
    """A distribution that is to be listed: the file, its project's display name, its core metadata."""

    file: File
    display: str
    metadata: bytes | None


def list_found(
    catalog: Catalog, repository: str, found: Found, by: Identity, as_recorded: Callable[[File], File]
) -> File | None:
    """List a file unless its name is taken; return it as it is listed.

    Nobody else can list it while `as_recorded` writes or reads its record and returns what that tells:
    so the record says what the catalog says, whoever is the first and whatever is cut off.
    """
    body = None if found.metadata is None else zlib.compress(found.metadata)
    with catalog.writing() as connection:
        if reading.file(connection, repository, found.file.filename) is not None:
            return None
        file = as_recorded(found.file)
        writing.add(connection, writing.NewFile(repository, file, found.display, body), by)
    return file
