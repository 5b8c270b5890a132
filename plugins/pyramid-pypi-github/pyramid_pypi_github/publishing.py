"""How a file becomes a release: a draft, its bytes, and then it is published, all or nothing.

Everybody has a draft of their own, so uploads of one name do not meet before they are published. There
GitHub takes one release for each tag. A lease in the catalog makes the nodes of one index do that one
after the other, and whoever then finds another release under the tag has lost.
"""

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final, Protocol

from pyramid_pypi.errors import BlobExists, PypiError, StorageUnavailable, TooLarge
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.storage.base import storage_error
from pyramid_pypi_github.client import Refused
from pyramid_pypi_github.releases import Asset, Note, Release, entry_of
from pyramid_pypi_github.repository import Releases
from pyramid_pypi_github.tags import tag_of

__all__ = ["LARGEST", "Leases", "Publisher"]

log = logging.getLogger(__name__)

LARGEST: Final = 2**31 - 1
"""Assets are smaller than 2 GiB, in bytes."""

_CHUNK: Final = 1 << 18
_ATTEMPTS: Final = 3


class Leases(Protocol):
    """Lets one node at a time do something."""

    def hold(self, name: str) -> AbstractContextManager[object]:
        """Wait for the lease and keep it. Raises StorageUnavailable."""
        ...


class _NoLeases:
    def hold(self, name: str) -> AbstractContextManager[object]:  # noqa: ARG002 - nobody to wait for
        return nullcontext()


@dataclass(slots=True)
class Publisher:
    """Puts files into `releases`."""

    releases: Releases
    leases: Leases = field(default_factory=_NoLeases)
    _one: threading.Lock = field(default_factory=threading.Lock)

    def put(self, key: str, source: StagedFile, record: str | None) -> None:
        """Store the staged bytes with a record, exclusively. Raises BlobExists and TooLarge."""
        size = source.finish(durable=False)
        if size > LARGEST:
            raise TooLarge(f"{key} has {size} bytes, and GitHub takes assets of less than 2 GiB")
        tag = tag_of(key)
        self._refuse_taken(tag, key)
        note = Note(key, size, _digest(source), record)
        try:
            draft = self.releases.create(tag, name=key, body=note.text(), draft=True)
        except Refused as refused:
            raise self._failed(key, refused) from refused
        try:
            if size:
                self._upload(draft, note, source)
            self._publish(draft, key)
        except BaseException:
            self._drop(draft)
            raise

    def _publish(self, draft: Release, key: str) -> None:
        with self._one, self.leases.hold(draft.tag):
            self._refuse_taken(draft.tag, key)
            try:
                self.releases.edit(draft, draft=False, make_latest="false")
            except Refused as refused:
                if refused.taken:
                    raise BlobExists(key) from refused
                raise self._failed(key, refused) from refused
            winner = self.releases.find(draft.tag)
            if winner is not None and winner.id != draft.id:
                raise BlobExists(key)

    def _upload(self, draft: Release, note: Note, source: StagedFile) -> None:
        """Send the bytes, and again where GitHub lost them. Raises StorageUnavailable."""
        last: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                asset = self.releases.upload(draft, _asset_name(note), note.size, lambda: _chunks(source))
                last = None
            except (Refused, StorageUnavailable) as error:
                if isinstance(error, Refused) and not error.taken:
                    raise self._failed(note.key, error) from error
                # Whether an upload that failed has left all, nothing or an empty asset is not told.
                last, found = error, self.releases.assets(draft)
                if not found and isinstance(error, StorageUnavailable):
                    raise
                asset = next((each for each in found if _is_whole(each, note)), found[0])
            if _is_whole(asset, note):
                return
            self.releases.remove_asset(asset)
        raise StorageUnavailable(
            f"GitHub did not keep the bytes of {note.key} as they were sent; try again later"
        ) from last

    def _refuse_taken(self, tag: str, key: str) -> None:
        found = self.releases.find(tag)
        if found is None:
            return
        if entry_of(found) is None:
            raise StorageUnavailable(
                f"The release {tag} is not one that keeps a package; rename or remove it, then try again"
            )
        raise BlobExists(key)

    def _drop(self, draft: Release) -> None:
        try:
            self.releases.remove(draft)
        except PypiError as error:
            log.warning("the draft of %s could not be removed: %s", draft.tag, error)

    def _failed(self, key: str, refused: Refused) -> Exception:
        if refused.missing:
            reason = "the repository is not there, or the token may not write to it"
        elif "empty" in refused.message.lower():
            reason = "the repository has no commit yet; run `pyramid-pypi github init`"
        else:
            reason = f"{refused.status} {refused.message}"
        return StorageUnavailable(f"GitHub does not take {key}: {reason}")


def _is_whole(asset: Asset, note: Note) -> bool:
    is_same = asset.digest in {"", f"sha256:{note.sha256}"}
    return asset.state == "uploaded" and asset.size == note.size and is_same


def _asset_name(note: Note) -> str:
    """Return the name of the file, as links need it; of an odd one, its digest."""
    return note.key if tag_of(note.key) == note.key else f"{note.sha256}.bin"


def _chunks(source: StagedFile) -> Iterator[bytes]:
    with source.path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _digest(source: StagedFile) -> str:
    try:
        with source.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise storage_error(error, "The staged upload cannot be read") from error
