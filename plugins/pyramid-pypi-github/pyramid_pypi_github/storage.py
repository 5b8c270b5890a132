"""The storage `github`: each file is a release of its own, whose body has the record."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.errors import BlobMissing, StorageUnavailable
from pyramid_pypi.model import Redirect, StoredBlob, Stream
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.storage.base import storage_error
from pyramid_pypi_github.client import Client, Refused
from pyramid_pypi_github.downloads import Downloads
from pyramid_pypi_github.leases import CatalogLeases
from pyramid_pypi_github.options import Options as GitHubOptions
from pyramid_pypi_github.publishing import Publisher
from pyramid_pypi_github.releases import Entry, entry_of
from pyramid_pypi_github.repository import Releases
from pyramid_pypi_github.tags import record_tag, tag_of

__all__ = ["GitHubStorage"]

# GitHub takes bodies of 125,000 characters; what is not the record needs less than this.
_LONGEST_RECORD = 120_000


class GitHubStorage:
    """Keeps files in the releases of one repository, as private-pypi and pywharf did, and reads theirs.

    A key is the name of the file, and the tag of its release. A record whose file is not there is a
    release without bytes under a tag of its own.
    """

    Options = GitHubOptions

    def __init__(self, options: GitHubOptions, *, client: Client | None = None) -> None:
        self.options = options
        self.client = client or Client(options)
        self.releases = Releases(self.client)
        self._downloads = Downloads(self.client, self.releases)
        self._publisher = Publisher(self.releases)
        self._staging = options.staging or Path(tempfile.gettempdir())
        if options.staging:
            # In the folder that everybody may write to, names like ours may be somebody else's.
            StagedFile.remove_abandoned(options.staging)

    def use_catalog(self, catalog: Catalog) -> None:
        """Publish with leases, so that of several nodes one at a time does so under one name."""
        # A node must not lose its lease while it waits for GitHub.
        lifetime = 2.0 * (self.options.max_wait + self.options.timeout) + 60
        scope = f"{self.options.base_url} {self.options.name}"
        self._publisher.leases = CatalogLeases(
            Notes(catalog, "github"), scope, patience=self.options.max_wait, lifetime=lifetime
        )

    def key(self, project: str, filename: str) -> str:  # noqa: ARG002 - releases have no folders
        return filename

    def stage(self) -> StagedFile:
        try:
            self._staging.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, "The upload cannot be staged") from error
        return StagedFile.create(self._staging)

    def put(self, key: str, source: StagedFile) -> None:
        record = self._lone_record(key)
        self._publisher.put(key, source, record)
        if record is not None:
            self._remove(record_tag(key))

    def open(self, key: str) -> Stream | Redirect:
        entry = self._entry(key)
        if entry is None:
            raise BlobMissing(f"{key} has disappeared from the storage")
        stream = self._downloads.stream(entry)
        url = self._downloads.location(entry) if self.options.serve == "redirect" else None
        return Redirect(url, stream) if url else stream

    def delete(self, key: str) -> None:
        entry = self._entry(key)
        if entry is None:
            return
        if entry.note.record is not None:
            self._put_lone_record(key, entry.note.record)
        # Without its tag a release is a draft, so this is the moment at which the file is gone; a
        # release that somebody publishes under the tag meanwhile is not touched by what follows.
        self.releases.remove_tag(entry.release.tag)
        self.releases.remove(entry.release)

    def keys(self) -> Iterator[StoredBlob]:
        for entry in self.entries():
            yield StoredBlob(entry.note.key, entry.size, entry.modified_at, entry.release.published_at)

    def entries(self) -> Iterator[Entry]:
        """Yield every file with its release, page by page."""
        for release in self.releases.all():
            if entry := entry_of(release):
                yield entry

    def record(self, key: str) -> bytes | None:
        entry = self._entry(key)
        record = entry.note.record if entry else self._lone_record(key)
        return None if record is None else record.encode()

    def put_record(self, key: str, data: bytes) -> None:
        record = data.decode()
        if len(record) > _LONGEST_RECORD:
            raise StorageUnavailable(f"The record of {key} is too long for the body of a release")
        entry = self._entry(key)
        if entry is None:
            self._put_lone_record(key, record)
        elif entry.note.record != record:
            self._write(entry, record)

    def delete_record(self, key: str) -> None:
        entry = self._entry(key)
        if entry is None:
            self._remove(record_tag(key))
        elif entry.note.record is not None:
            self._write(entry, None)

    def check(self) -> None:
        self.releases.check()

    def _entry(self, key: str) -> Entry | None:
        found = self.releases.find(tag_of(key))
        return None if found is None else entry_of(found)

    def _write(self, entry: Entry, record: str | None) -> None:
        try:
            self.releases.edit(entry.release, body=replace(entry.note, record=record).text())
        except Refused as refused:
            raise _unwritten(entry.note.key, refused) from refused

    def _lone_record(self, key: str) -> str | None:
        found = self.releases.find(record_tag(key))
        return None if found is None else found.body

    def _put_lone_record(self, key: str, record: str) -> None:
        tag = record_tag(key)
        try:
            found = self.releases.find(tag)
            if found is None:
                self.releases.create(tag, name=f"Record of {key}", body=record, draft=False)
            else:
                self.releases.edit(found, body=record)
        except Refused as refused:
            raise _unwritten(key, refused) from refused

    def _remove(self, tag: str) -> None:
        found = self.releases.find(tag)
        if found is not None:
            self.releases.remove_tag(tag)
            self.releases.remove(found)


def _unwritten(key: str, refused: Refused) -> StorageUnavailable:
    return StorageUnavailable(f"GitHub does not take the record of {key}: {refused.status} {refused.message}")
