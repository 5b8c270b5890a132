"""What is inside wheels and sdists."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Final

from pyramid_pypi.browse.facts import ContentsFacts, EntryFacts
from pyramid_pypi.browse.projects import find_file
from pyramid_pypi.browse.sizes import human_size
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.distribution import LENIENT, check_zip
from pyramid_pypi.distribution.tars import list_sdist_tar
from pyramid_pypi.errors import (
    BadRequest,
    BlobMissing,
    FileMissing,
    InvalidUpload,
    StorageUnavailable,
    Unavailable,
)
from pyramid_pypi.model import Blob, LocalFile, Redirect
from pyramid_pypi.repositories import Repository
from pyramid_pypi.storage.reading import read_blob

__all__ = ["contents"]

_MOST_ENTRIES = 1_000
_MOST_KEPT = 32
_MOST_FETCHED = 200 * 10**6
_MOST_UNPACKED = 10**9
_FETCHING_TAKES = 30.0


def contents(viewer: Viewer, filename: str) -> ContentsFacts:
    """Return the members of an archive, but for directories; of a proxied one, which is then kept.

    An archive that is not on this machine is fetched, if it has at most 200 MB. Raises FileMissing,
    FileHidden, Forbidden, Unavailable, and BadRequest for what cannot be listed.
    """
    found, _ = find_file(viewer, filename)
    viewer.index.plugins.require(
        "pypi_authorize_download", file=found, repository=viewer.served.name, identity=viewer.identity
    )
    known = _KEPT.get((filename, found.hashes.sha256))
    if known is None:
        known = _list(viewer.served.repository, filename)
        _KEPT.put((filename, found.hashes.sha256), known)
    return known


def _list(repository: Repository, filename: str) -> ContentsFacts:
    with _opened(repository.open(repository.file(filename)), filename) as stream:
        try:
            entries = list(_tar(stream) if filename.endswith(".tar.gz") else _zip(stream))
        except InvalidUpload as error:
            raise BadRequest(f"{filename} cannot be listed. {error.message}") from error
    return ContentsFacts(filename, len(entries), tuple(entries[:_MOST_ENTRIES]))


def _zip(stream: IO[bytes]) -> Iterator[EntryFacts]:
    return (EntryFacts(one.name, one.size) for one in check_zip(stream, LENIENT) if not one.is_dir)


def _tar(stream: IO[bytes]) -> Iterator[EntryFacts]:
    members = list_sdist_tar(stream, _MOST_UNPACKED)
    return (EntryFacts(one.name, one.size) for one in members if one.kind != "directory")


@contextmanager
def _opened(blob: Blob, filename: str) -> Iterator[IO[bytes]]:
    """Yield a file on this machine that has the bytes. Raises FileMissing, Unavailable, BadRequest."""
    if isinstance(blob, Redirect) and blob.stream is None:
        raise FileMissing(f"{filename} is not kept here, so nobody can look into it")
    try:
        with blob.path.open("rb") if isinstance(blob, LocalFile) else TemporaryFile() as stream:
            if not isinstance(blob, LocalFile):
                _fetch(blob, filename, stream)
            yield stream
    except FileNotFoundError as error:
        raise BlobMissing(f"{filename} has disappeared from the storage") from error
    except OSError as error:
        raise StorageUnavailable(f"{filename} cannot be read: {error.strerror}") from error


def _fetch(blob: Blob, filename: str, stream: IO[bytes]) -> None:
    source = blob.stream if isinstance(blob, Redirect) else blob
    size = None if source is None else source.size
    if size is not None and size > _MOST_FETCHED:
        raise _too_large(filename)
    fetched, due = 0, time.monotonic() + _FETCHING_TAKES
    # The directory of a zip file is at its end, and some upstreams give no ranges.
    with closing(read_blob(blob)) as chunks:
        for chunk in chunks:
            fetched += len(chunk)
            if fetched > _MOST_FETCHED:
                raise _too_large(filename)
            if time.monotonic() > due:
                raise Unavailable(f"{filename} takes long to arrive; try again in a moment")
            stream.write(chunk)


def _too_large(filename: str) -> BadRequest:
    most = human_size(_MOST_FETCHED)
    return BadRequest(f"{filename} is larger than {most}, so it is not fetched to look into it; download it")


class _Kept:
    """The last lists of members, as it takes seconds to make some; those of a digest never change."""

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[str, str], ContentsFacts] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, str]) -> ContentsFacts | None:
        with self._lock:
            if key in self._lists:
                self._lists.move_to_end(key)
            return self._lists.get(key)

    def put(self, key: tuple[str, str], found: ContentsFacts) -> None:
        """Keep a list whose file has a digest."""
        with self._lock:
            if key[1]:
                self._lists[key] = found
            if len(self._lists) > _MOST_KEPT:
                self._lists.popitem(last=False)


_KEPT: Final = _Kept()
