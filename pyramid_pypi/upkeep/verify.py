"""Whether everything that is listed is as it was when it was uploaded, and what can be put right.

Nothing here ever removes bytes: they might be the only copy.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from sqlalchemy import insert

from pyramid_pypi.catalog import tables
from pyramid_pypi.errors import BlobMissing, PypiError
from pyramid_pypi.model import File, StoredBlob
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.adoption import Adopter
from pyramid_pypi.repositories.records import apply_record, recorded_hashes, write_record
from pyramid_pypi.storage.reading import hash_blob, read_blob
from pyramid_pypi.upkeep.blobs import displays, inspect_blob, strays

__all__ = ["Checkup", "Finding", "Kind"]

Kind: TypeAlias = Literal["missing", "changed", "unreadable", "metadata", "record", "signature", "unlisted"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is off with what is under `key`; `repaired` is what was done, empty for nothing."""

    repository: str
    key: str
    kind: Kind
    message: str
    repaired: str = ""


@dataclass(slots=True)
class Checkup:
    """Examines one repository, and repairs what can be with `repair`.

    `files` and `bytes` are how many were examined.
    """

    hosted: Hosted
    repair: bool = False
    files: int = 0
    bytes: int = 0
    _displays: dict[str, str] = field(default_factory=dict)

    def run(self, *, tell: Callable[[int], None] = lambda _: None) -> Iterator[Finding]:
        """Yield what is off; `tell` is called with the size of each file, in bytes."""
        self._displays = displays(self.hosted)
        for file in self.hosted.catalog.files(self.hosted.name):
            self.files += 1
            self.bytes += file.size or 0
            for finding in self._file(file):
                # It may have been deleted just now, or yanked.
                if self._is_current(file):
                    yield self._repaired(file, finding) if self.repair else finding
            tell(file.size or 0)
        for blob in strays(self.hosted):
            yield self._stray(blob)

    def _file(self, file: File) -> Iterator[Finding]:
        is_whole = True
        for kind, message in self._bytes(file):
            is_whole = False
            yield self._found(file, kind, message)
        if file.metadata_sha256 is not None and not self._has_metadata(file.metadata_sha256):
            hint = "" if is_whole else ", and so is the file"
            yield self._found(file, "metadata", f"its metadata in the catalog is damaged{hint}")
        try:
            if not self._is_recorded(file):
                yield self._found(file, "record", "its record does not say what the catalog says")
            if file.signed:
                self.hosted.storage.open(f"{file.key}.asc")
        except BlobMissing:
            yield self._found(file, "signature", "its signature has disappeared from the storage")
        except PypiError as error:
            yield self._found(file, "unreadable", error.message)

    def _bytes(self, file: File) -> Iterator[tuple[Kind, str]]:
        try:
            if hash_blob(read_blob(self.hosted.storage.open(file.key))) != file.hashes:
                yield "changed", "the bytes have changed since they were uploaded"
        except BlobMissing as error:
            yield "missing", error.message
        except PypiError as error:
            yield "unreadable", error.message

    def _has_metadata(self, digest: str) -> bool:
        try:
            body = self.hosted.catalog.metadata(digest)
        except zlib.error:
            return False
        return body is not None and hashlib.sha256(body).hexdigest() == digest

    def _is_recorded(self, file: File) -> bool:
        """Tell whether the catalog could be rebuilt with what the record says of a file."""
        record = self.hosted.storage.record(file.key)
        if record is None:
            # What other tools have brought has no record, and nothing to say in one.
            return not (file.uploaded_by or file.comment or file.yanked is not None)
        bare = replace(file, uploaded_at=None, uploaded_by="", yanked=None, comment="")
        return recorded_hashes(record, file.size or 0) == file.hashes and apply_record(bare, record) == file

    def _is_current(self, file: File) -> bool:
        return self.hosted.catalog.file(self.hosted.name, file.filename) == file

    def _found(self, file: File, kind: Kind, message: str) -> Finding:
        return Finding(self.hosted.name, file.key, kind, message)

    def _repaired(self, file: File, finding: Finding) -> Finding:
        try:
            if finding.kind == "record":
                display = self._displays.get(file.project, file.project)
                self.hosted.storage.put_record(file.key, write_record(file, display))
                return replace(finding, repaired="the record was written anew")
            if finding.kind == "metadata" and self._read_metadata(file):
                return replace(finding, repaired="the metadata was read from the file again")
        except PypiError as error:
            return replace(finding, message=f"{finding.message}; {error.message}")
        return finding

    def _read_metadata(self, file: File) -> bool:
        """Put the metadata that a file has in it into the catalog, if it is the one that was there."""
        digest = file.metadata_sha256
        body = inspect_blob(self.hosted.storage, file.key).core_metadata
        if digest is None or body is None or hashlib.sha256(body).hexdigest() != digest:
            return False
        table = tables.core_metadata
        values = {"sha256": digest, "body": zlib.compress(body)}
        with self.hosted.catalog.writing() as connection:
            changed = connection.execute(table.update().where(table.c.sha256 == digest).values(values))
            if not changed.rowcount:
                connection.execute(insert(table).values(values))
        return True

    def _stray(self, blob: StoredBlob) -> Finding:
        finding = Finding(self.hosted.name, blob.key, "unlisted", "is not listed")
        if not self.repair:
            return finding
        Adopter(self.hosted).adopt(blob)
        known = self.hosted.catalog.file(self.hosted.name, blob.key.rpartition("/")[2])
        if known is None or known.key != blob.key:
            return finding
        return replace(finding, repaired="it is listed now")
