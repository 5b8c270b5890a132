"""Files of whoever runs a command: read in chunks, and written as a whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from pyramid_pypi.storage.filesystem import sync_folder
from pyramid_pypi.storage.reading import CHUNK
from pyramid_pypi.upkeep.errors import UpkeepError

__all__ = [
    "TEMPORARY",
    "leads_below",
    "make_folder",
    "read_file",
    "remove_abandoned",
    "replacing",
    "write_if_changed",
]

TEMPORARY = ".new-"
"""How the names of files begin that are being written."""

_MODE = 0o644


def leads_below(path: str) -> bool:
    """Tell whether a relative path leads nowhere but below the folder that it starts from."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\0" not in path


def read_file(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file. Raises UpkeepError."""
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise UpkeepError(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def replacing(path: Path, *, mode: int = _MODE, durable: bool = True) -> Iterator[IO[bytes]]:
    """Write a file beside `path` that takes its name at the end; after an error `path` is as it was.

    With `durable` file and name are flushed to the disk. Raises UpkeepError.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    except OSError as error:
        raise UpkeepError(f"{path} cannot be written: {error.strerror}") from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            yield stream
            stream.flush()
            os.fchmod(descriptor, mode)
            if durable:
                os.fsync(descriptor)
        temporary.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        raise UpkeepError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_if_changed(path: Path, content: bytes) -> bool:
    """Replace the content of a file, unless it is the same; tell whether it was not. Raises UpkeepError."""
    with suppress(OSError):
        if path.read_bytes() == content:
            return False
    make_folder(path.parent)
    with replacing(path, durable=False) as stream:
        stream.write(content)
    return True


def make_folder(path: Path) -> None:
    """Have a folder. Raises UpkeepError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UpkeepError(f"The folder {path} cannot be made: {error.strerror}") from error


def remove_abandoned(folder: Path) -> None:
    """Remove what a run that was cut off has left below `folder`."""
    for path in folder.rglob(f"{TEMPORARY}*"):
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
