"""Promoting: the bytes of a release become a new upload to another repository."""

import hmac
from collections.abc import Mapping

from pyramid_pypi.distribution import check_filename
from pyramid_pypi.errors import (
    BadRequest,
    DigestMismatch,
    FileConflict,
    FileMissing,
    ProjectNotFound,
    TooLarge,
)
from pyramid_pypi.model import Blob, File, Hashes, ProjectPage, Redirect
from pyramid_pypi.publish.managing import files_of
from pyramid_pypi.publish.publisher import Caller, Publisher
from pyramid_pypi.publish.receive import ReceivedFile, ReceivedForm
from pyramid_pypi.served import Served
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.storage.reading import Hasher, read_blob

__all__ = ["promote"]

_MAX_SIGNATURE = 64 * 1024


def promote(source: Served, target: Served, name: str, version: str, caller: Caller) -> list[File]:
    """Upload the files of a version of `source` to `target` as well; return them as they are there.

    `caller` is asked for the right to upload to `target`, and its identity must be allowed to read
    in `source`. All that is asked of an upload is asked of each file, which is new there: it keeps
    its bytes, its signature and its comment, and neither its upload time nor a yank mark. What is
    there with the same bytes stays as it is. When one file is refused, those before it stay.

    Raises ProjectNotFound, BadRequest, InvalidUpload, FileConflict, TooLarge, Forbidden,
    ProjectClosed, Unavailable.
    """
    if source.name == target.name:
        raise BadRequest(f"{name!r} is in {source.name!r} already; name another repository")
    publisher = target.takes
    # In this order, what is hidden is answered for like what is not there.
    caller.require("upload", name)
    if not source.permits(caller.identity, "read", name):
        raise ProjectNotFound(f"{source.name!r} has no project {name!r}")
    found = [source.repository.file(file.filename) for file in files_of(_page(source, name), version)]
    for file in found:
        publisher.hooks.require(
            "pypi_authorize_download", file=file, repository=source.name, identity=caller.identity
        )
    # What is in the way is told before anything is done.
    there = {file.filename: _there(publisher, file) for file in found}
    return [there[file.filename] or _copy(source, target, file, caller) for file in found]


def _page(source: Served, name: str) -> ProjectPage:
    page = source.repository.project(name)
    if isinstance(page, Redirect):
        raise BadRequest(f"{source.name!r} only sends clients to {page.url} and has no files to promote")
    return page


def _there(publisher: Publisher, file: File) -> File | None:
    """Return the file of that name in the target. Raises FileConflict when it has other bytes."""
    try:
        known = publisher.repository.file(check_filename(file.filename))
    except FileMissing:
        return None
    if not _agree(file.hashes, known.hashes):
        raise FileConflict(
            f"File already exists ({file.filename!r} is in {publisher.repository.name!r} with other bytes)"
        )
    # Without a digest that both know, nobody can tell before the bytes are here.
    return known if file.hashes.sha256 else None


def _copy(source: Served, target: Served, file: File, caller: Caller) -> File:
    publisher = target.takes
    blob = source.repository.open(file)
    if isinstance(blob, Redirect) and blob.stream is None:
        raise BadRequest(
            f"{source.name!r} only sends clients elsewhere for {file.filename} and has no bytes to promote"
        )
    with publisher.repository.stage() as staged:
        received = _receive(blob, file, staged, target.max_upload_size)
        form = ReceivedForm(_fields(file), received, _signature(source, file))
        return publisher.publish(form, staged, caller)[0]


def _receive(blob: Blob, file: File, staged: StagedFile, limit: int) -> ReceivedFile:
    """Read the bytes. Raises TooLarge, and DigestMismatch when they are not those of `file`."""
    hasher, size = Hasher(), 0
    for chunk in read_blob(blob):
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"{file.filename} is larger than {limit} bytes, the limit of the target")
        hasher.update(chunk)
        staged.write(chunk)
    hashes = hasher.hashes()
    if not _agree(file.hashes, hashes) or file.size not in {None, size}:
        raise DigestMismatch(f"The bytes of {file.filename} are not those that were published; verify them")
    return ReceivedFile(file.filename, size, hashes)


def _agree(told: Hashes, found: Hashes) -> bool:
    """Tell whether those digests are equal that both sides know."""
    pairs = [
        (told.sha256, found.sha256),
        (told.blake2b_256, found.blake2b_256),
        (told.md5, found.md5),
    ]
    return all(hmac.compare_digest(one, other) for one, other in pairs if one and other)


def _fields(file: File) -> Mapping[str, str]:
    return {"comment": file.comment} if file.comment else {}


def _signature(source: Served, file: File) -> bytes | None:
    if not file.signed:
        return None
    try:
        content = b"".join(read_blob(source.repository.signature(file)))
    except FileMissing:
        return None
    return content if len(content) <= _MAX_SIGNATURE else None
