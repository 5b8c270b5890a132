"""Where a static site is written: a folder that is served, or one archive that travels."""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from pyramid_pypi.errors import DigestMismatch
from pyramid_pypi.model import Blob, LocalFile
from pyramid_pypi.storage.reading import read_blob
from pyramid_pypi.upkeep._files import (
    TEMPORARY,
    make_folder,
    remove_abandoned,
    replacing,
    write_if_changed,
)
from pyramid_pypi.upkeep.errors import UpkeepError
from pyramid_pypi.upkeep.manifest import MANIFEST, Entry, SiteManifest

__all__ = ["ArchiveTarget", "FolderTarget", "Opener", "Target"]

Opener = Callable[[], Blob]
"""Opens the bytes of a file, when they are needed."""

_SPOOLED = 8 * 2**20


class Target(Protocol):
    """Takes the files of a site in such an order that no page names one that is not there yet."""

    written: int
    """How many files were not there."""

    size: int
    """How many bytes they have."""

    def put_blob(self, path: str, opener: Opener, *, sha256: str, size: int | None) -> Entry:
        """Have a file that never changes; what `sha256`, empty, and `size`, None, do not tell is found out.

        Raises DigestMismatch, and what opening raises; then the site has no such file.
        """
        ...

    def put(self, path: str, content: bytes) -> Entry:
        """Have a file with this content."""
        ...

    def finish(self, *, complete: bool) -> SiteManifest:
        """Write the manifest; remove what the site has no longer, if it is known to be `complete`."""
        ...


class FolderTarget:
    """A folder; what is in it already and has not changed is not written again."""

    def __init__(self, folder: Path, *, link: bool = False) -> None:
        """Take a folder that is new, empty, or an export. Raises UpkeepError."""
        make_folder(folder)
        old = SiteManifest.read(folder / MANIFEST)
        if old is None and any(folder.iterdir()):
            raise UpkeepError(f"{folder} is not empty and no export; name a folder that is one of the two")
        if old is None:
            # So that a run that is cut off can be repeated.
            write_if_changed(folder / MANIFEST, SiteManifest({}).to_bytes())
        remove_abandoned(folder)
        self.written = self.size = 0
        self._folder = folder
        self._link = link
        self._old = old.paths if old else {}
        self._new: dict[str, Entry] = {}

    def put_blob(self, path: str, opener: Opener, *, sha256: str, size: int | None) -> Entry:
        """See the protocol."""
        entry = self._there(path, sha256)
        if entry is None:
            entry = self._write(path, opener(), sha256)
            if size not in {None, entry.size}:
                self._path(path).unlink(missing_ok=True)
                raise DigestMismatch(f"{path} has {entry.size} bytes, not {size}")
            self.written += 1
            self.size += entry.size
        self._new[path] = entry
        return entry

    def put(self, path: str, content: bytes) -> Entry:
        """See the protocol."""
        if write_if_changed(self._path(path), content):
            self.written += 1
            self.size += len(content)
        entry = self._new[path] = Entry(hashlib.sha256(content).hexdigest(), len(content))
        return entry

    def finish(self, *, complete: bool) -> SiteManifest:
        """See the protocol."""
        paths = dict(self._new)
        if complete:
            for path in self._old.keys() - paths.keys():
                self._remove(path)
        else:
            paths = {**self._old, **paths}
        manifest = SiteManifest(paths)
        with replacing(self._path(MANIFEST)) as stream:
            stream.write(manifest.to_bytes())
        return manifest

    def _path(self, path: str) -> Path:
        return self._folder / path

    def _there(self, path: str, sha256: str) -> Entry | None:
        """Return the entry of a file that is there, whose bytes were looked at when it was written."""
        target, entry = self._path(path), self._old.get(path)
        try:
            size = target.stat().st_size
        except OSError:
            return None
        if entry is None and sha256:
            # Written by a run that was cut off.
            with target.open("rb") as stream:
                entry = Entry(hashlib.file_digest(stream, "sha256").hexdigest(), size)
        return entry if entry and entry.size == size and sha256 in {"", entry.sha256} else None

    def _write(self, path: str, blob: Blob, sha256: str) -> Entry:
        target = self._path(path)
        make_folder(target.parent)
        if self._link and isinstance(blob, LocalFile):
            entry = _checked(path, read_blob(blob), sha256, None)
            temporary = target.with_name(f"{TEMPORARY}link-{os.getpid()}")
            with suppress(OSError):
                os.link(blob.path, temporary)
                temporary.replace(target)
                return entry
        with replacing(target, durable=False) as stream:
            return _checked(path, read_blob(blob), sha256, stream)

    def _remove(self, path: str) -> None:
        target = self._path(path)
        with suppress(OSError):
            target.unlink()
        folder = target.parent
        with suppress(OSError):
            while folder != self._folder:
                folder.rmdir()
                folder = folder.parent


class ArchiveTarget:
    """A tar; with the manifest of another site only what that one has not.

    Its entries come in the order in which they may be unpacked into a folder that is served.
    """

    def __init__(self, stream: IO[bytes], since: SiteManifest | None = None) -> None:
        self.written = self.size = 0
        self._tar = tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - see finish
        self._since = since.paths if since else {}
        self._new: dict[str, Entry] = {}

    def put_blob(self, path: str, opener: Opener, *, sha256: str, size: int | None) -> Entry:
        """See the protocol."""
        entry = self._since.get(path)
        if entry is None or sha256 not in {"", entry.sha256} or size not in {None, entry.size}:
            # Nobody can take bytes out of an archive again, so they are looked at before.
            with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as spool:
                entry = _checked(path, read_blob(opener()), sha256, spool)
                spool.seek(0)
                self._add(path, spool, entry.size)
        self._new[path] = entry
        return entry

    def put(self, path: str, content: bytes) -> Entry:
        """See the protocol."""
        entry = self._new[path] = Entry(hashlib.sha256(content).hexdigest(), len(content))
        if self._since.get(path) != entry:
            self._add(path, io.BytesIO(content), len(content))
        return entry

    def finish(self, *, complete: bool) -> SiteManifest:
        """See the protocol."""
        gone = self._since.keys() - self._new.keys()
        paths = dict(self._new) if complete else {**self._since, **self._new}
        manifest = SiteManifest(paths, tuple(gone) if complete else ())
        body = manifest.to_bytes()
        self._add(MANIFEST, io.BytesIO(body), len(body))
        self._tar.close()
        return manifest

    def _add(self, path: str, stream: IO[bytes], size: int) -> None:
        info = tarfile.TarInfo(path)
        info.size, info.mode = size, 0o644
        self._tar.addfile(info, stream)
        # It remembers each, which only those need who read.
        self._tar.members.clear()  # type: ignore[attr-defined]  # undocumented, and as old as the module
        self.written += 1
        self.size += size


def _checked(path: str, chunks: Iterator[bytes], sha256: str, stream: IO[bytes] | None) -> Entry:
    """Copy and return what was copied. Raises DigestMismatch."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        if stream is not None:
            stream.write(chunk)
    found = digest.hexdigest()
    if sha256 not in {"", found}:
        name = path.rpartition("/")[2]
        raise DigestMismatch(f"{name} has the SHA-256 digest {found} and not {sha256}; it is left out")
    return Entry(found, size)
