"""A storage that is a folder: a clean tree of files, with one dot-folder for what is ours."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pyramid_pypi.errors import BlobExists, BlobMissing, StorageUnavailable
from pyramid_pypi.model import LocalFile, StoredBlob
from pyramid_pypi.options import Seconds
from pyramid_pypi.storage.base import StagedFile, storage_error

__all__ = ["FilesystemStorage", "may_be_listed", "stored_blob"]

log = logging.getLogger(__name__)

_OWN = ".pyramid_pypi"
# At the top of a disk, and of nobody but root.
_LOST = "lost+found"
_ABANDONED_AFTER = 24 * 3600
_HANDOFF = {"x-accel-redirect": "X-Accel-Redirect", "x-sendfile": "X-Sendfile"}


class FilesystemStorage:
    """Keeps blobs as files below `path`; serves trees that other tools have filled as well.

    Everything that is ours alone (records, uploads that are under way) is in `.pyramid_pypi`
    below it. Names that begin with a dot are never files of a project. `is_new` tells that the
    folder was not ours before: new, filled by others, or not mounted.
    """

    @dataclass(frozen=True, slots=True)
    class Options:
        """What `storage = filesystem` takes."""

        path: Path = field(metadata={"help": "the folder; it is created when it does not exist"})
        layout: Literal["project", "flat"] = field(
            default="project",
            metadata={"help": "where new files go: `<project>/<filename>`, or the folder itself"},
        )
        durable: bool = field(
            default=True,
            metadata={"help": "flush to the disk before answering, so that a power cut loses nothing"},
        )
        handoff: Literal["none", "x-accel-redirect", "x-sendfile"] = field(
            default="none",
            metadata={"help": "let the web server in front send the bytes, by this header"},
        )
        handoff_prefix: str = field(
            default="/",
            metadata={"help": "what `x-accel-redirect` puts before the key; nginx's internal location"},
        )
        rescan: Seconds = field(
            default=Seconds(2),
            metadata={"help": "how often to look for files that other tools dropped into the folder"},
        )

    def __init__(self, options: Options) -> None:
        self.options = options
        self.root = options.path
        self._staging = self.root / _OWN / "staging"
        self._records = self.root / _OWN / "records"
        self._mode = 0o666 & ~_umask()
        self.is_new = not (self.root / _OWN).is_dir()
        self.writable = self._prepare()

    def key(self, project: str, filename: str) -> str:
        """Return the place of a new file, as `layout` says."""
        return f"{project}/{filename}" if self.options.layout == "project" else filename

    def stage(self) -> StagedFile:
        """Open a file in the staging folder, which is on the file system of the tree."""
        return StagedFile.create(self._staging)

    def put(self, key: str, source: StagedFile) -> None:
        """Give the staged file its name with one hard link, which fails when the name exists."""
        source.finish(durable=self.options.durable)
        target = self.root / key
        try:
            source.path.chmod(self._mode)
            self._into_folder(target, partial(os.link, source.path, target))
            if self.options.durable:
                self._keep(target)
        except FileExistsError as error:
            raise BlobExists(key) from error
        except OSError as error:
            raise storage_error(error, f"{target.name} cannot be stored") from error

    def open(self, key: str) -> LocalFile:
        """Return the file under `key`."""
        path = self.root / key
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BlobMissing(f"{path.name} has disappeared from the storage") from error
        except OSError as error:
            raise StorageUnavailable(f"{path.name} cannot be read: {error.strerror}") from error
        return LocalFile(path, status.st_size, _moment(status.st_mtime), self._handoff(key, path))

    def delete(self, key: str) -> None:
        """Remove the file, and its folder when it was the last one there."""
        path = self.root / key
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, f"{path.name} cannot be removed") from error
        self._drop_empty(path.parent, self.root)

    def keys(self) -> Iterator[StoredBlob]:
        """Walk the tree, folder by folder, leaving out every name that begins with a dot."""
        if not self.root.is_dir():
            raise StorageUnavailable(f"The folder {self.root} does not exist")
        pending = [""]
        while pending:
            folder = pending.pop()
            for entry in _entries(self.root / folder):
                key = f"{folder}{entry.name}"
                # A file that goes meanwhile must not take the rest of its folder along.
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(f"{key}/")
                    elif entry.is_file():
                        yield stored_blob(key, entry.stat())

    def record(self, key: str) -> bytes | None:
        """Read the record from the dot-folder."""
        try:
            return self._record_path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise storage_error(error, f"The record of {key} cannot be read") from error

    def put_record(self, key: str, data: bytes) -> None:
        """Write a new file and rename it over the old record."""
        target = self._record_path(key)
        with self.stage() as staged:
            staged.write(data)
            # The catalog, which is flushed, says the same: this is for the loss of the catalog.
            staged.finish(durable=False)
            try:
                self._into_folder(target, partial(staged.path.rename, target))
            except OSError as error:
                raise storage_error(error, f"The record of {key} cannot be written") from error

    def delete_record(self, key: str) -> None:
        """Remove the record."""
        path = self._record_path(key)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise storage_error(error, f"The record of {key} cannot be removed") from error
        self._drop_empty(path.parent, self._records)

    def check(self) -> None:
        """Make sure that the folder can be read and, unless it is read-only, written."""
        folder = self._staging if self.writable else self.root
        mode = os.R_OK | os.X_OK | (os.W_OK if self.writable else 0)
        if not os.access(folder, mode):
            raise StorageUnavailable(f"The folder {folder} is missing or cannot be used")

    def _prepare(self) -> bool:
        try:
            self._staging.mkdir(parents=True, exist_ok=True)
            self._records.mkdir(exist_ok=True)
        except OSError:
            # A tree on a read-only file system can still be served.
            return False
        StagedFile.remove_abandoned(self._staging)
        # Where there are no locks, nobody can tell but by the age.
        oldest = time.time() - _ABANDONED_AFTER
        for path in self._staging.glob(".upload-*"):
            with suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
        return True

    def _record_path(self, key: str) -> Path:
        return self._records / f"{key}.json"

    def _handoff(self, key: str, path: Path) -> tuple[str, str] | None:
        match self.options.handoff:
            case "x-accel-redirect":
                # nginx decodes the header's value as a URI.
                return _HANDOFF["x-accel-redirect"], f"{self.options.handoff_prefix}{quote(key)}"
            case "x-sendfile":
                # PEP 3333: a header is made of bytes, whatever letters they stand for.
                return _HANDOFF["x-sendfile"], os.fsencode(path).decode("latin-1")
            case _:
                return None

    def _into_folder(self, target: Path, place: Callable[[], object]) -> None:
        for attempts_left in (2, 1, 0):
            try:
                if not target.parent.is_dir():
                    target.parent.mkdir(parents=True, exist_ok=True)
                place()
            except FileNotFoundError:
                # A deletion has removed the folder, empty for a moment, under our feet.
                if not attempts_left:
                    raise
            else:
                return

    def _keep(self, target: Path) -> None:
        """Flush the names that lead to `target`: without it new ones do not survive a power cut.

        The folders above are flushed even when this call has not made them, because whoever has
        may not have come to it yet. Flushing one that has not changed costs nearly nothing.
        """
        folder = target
        try:
            while folder != self.root:
                folder = folder.parent
                sync_folder(folder)
        except OSError:
            # What may not survive must not be there: the caller is told that nothing is.
            target.unlink(missing_ok=True)
            raise

    def _drop_empty(self, folder: Path, top: Path) -> None:
        while folder != top and top in folder.parents:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent


def stored_blob(key: str, status: os.stat_result) -> StoredBlob:
    """Return what a listing says of a file."""
    return StoredBlob(key, status.st_size, _moment(status.st_mtime), _moment(status.st_ctime))


def may_be_listed(name: str) -> bool:
    """Tell whether a name in a folder may be that of a project's file, or lead to one.

    A catalog and a header of HTTP take no name that is no text.
    """
    if name.startswith(".") or name == _LOST:
        return False
    if not name.isprintable():
        log.warning("%a is not listed: its name has letters that cannot be told", name)
        return False
    return True


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what may be listed of a folder. Raises StorageUnavailable."""
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if may_be_listed(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        # It has gone with its last file.
        return
    except OSError as error:
        raise StorageUnavailable(f"The folder {folder} cannot be read: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def _umask() -> int:
    # The only way to read the mask is to set it; this runs while the application is composed.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
