"""The bytes of a hosted repository against its list, and copies of them in a plain folder."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from pyramid_pypi.catalog import tables
from pyramid_pypi.distribution import LENIENT, Artefact, guess_filename, inspect
from pyramid_pypi.errors import BlobExists, BlobMissing, DigestMismatch, InvalidUpload, PypiError
from pyramid_pypi.model import File, LocalFile, StoredBlob
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.records import write_record
from pyramid_pypi.storage import Storage
from pyramid_pypi.storage.base import storage_error
from pyramid_pypi.storage.reading import Hasher, read_blob
from pyramid_pypi.upkeep._files import leads_below, make_folder, read_file, replacing
from pyramid_pypi.upkeep.errors import UpkeepError

__all__ = [
    "Saved",
    "displays",
    "inspect_blob",
    "listed_bytes",
    "missing_files",
    "put_back",
    "save_blobs",
    "strays",
]


@dataclass(slots=True)
class Saved:
    """How many files were copied, how many were there, and a sentence for each that could not be."""

    copied: int = 0
    there: int = 0
    problems: list[str] = field(default_factory=list)


def _checked(chunks: Iterable[bytes], file: File) -> Iterator[bytes]:
    """Yield the bytes of a file. Raises DigestMismatch after the last one when they are not its own."""
    hasher = Hasher()
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk
    if hasher.hashes().sha256 != file.hashes.sha256:
        raise DigestMismatch(f"{file.filename} has other bytes than were uploaded; `verify` shows such files")


def displays(hosted: Hosted) -> dict[str, str]:
    """Return the display names of all projects by normalised name."""
    return {project.name: project.display for project in hosted.catalog.projects(hosted.name)}


def listed_bytes(hosted: Hosted) -> int:
    """Return how many bytes all listed files have together."""
    size = select(func.sum(tables.files.c.size)).where(tables.files.c.repository == hosted.name)
    with hosted.catalog.reading() as connection:
        return int(connection.execute(size).scalar() or 0)


def inspect_blob(storage: Storage, key: str) -> Artefact:
    """Return what the distribution under `key` says about itself. Raises InvalidUpload, BlobMissing."""
    blob, name = storage.open(key), guess_filename(key.rpartition("/")[2])
    if name is None:
        raise InvalidUpload(f"{key} has not the name of a distribution")
    try:
        if isinstance(blob, LocalFile):
            return inspect(blob.path, name, LENIENT)
        with storage.stage() as staged:
            for chunk in read_blob(blob):
                staged.write(chunk)
            staged.finish(durable=False)
            return inspect(staged.path, name, LENIENT)
    except FileNotFoundError as error:
        raise BlobMissing(f"{name.filename} has disappeared from the storage") from error
    except OSError as error:
        raise storage_error(error, f"{name.filename} cannot be read") from error


def missing_files(hosted: Hosted) -> Iterator[File]:
    """Yield the listed files whose bytes are not there."""
    unseen = hosted.catalog.keys(hosted.name)
    # A remote storage lists a thousand blobs in the time in which it opens one.
    for blob in hosted.storage.keys():  # noqa: SIM118 - not a mapping
        unseen.discard(blob.key)
    for file in hosted.catalog.files(hosted.name) if unseen else ():
        if file.key not in unseen:
            continue
        try:
            hosted.storage.open(file.key)
        except BlobMissing:
            yield file


def strays(hosted: Hosted) -> Iterator[StoredBlob]:
    """Yield what has the name of a distribution and is not listed."""
    listed = hosted.catalog.keys(hosted.name)
    for blob in hosted.storage.keys():  # noqa: SIM118 - not a mapping
        if blob.key in listed or guess_filename(blob.key.rpartition("/")[2]) is None:
            continue
        known = hosted.catalog.file(hosted.name, blob.key.rpartition("/")[2])
        # It may have been listed just now.
        if known is None or known.key != blob.key:
            yield blob


def save_blobs(hosted: Hosted, folder: Path, *, tell: Callable[[File], None] = lambda _: None) -> Saved:
    """Copy the listed files into `folder`, below the name of the repository; see `put_back`.

    A file of the same name and size is there already, since files do not change.
    """
    saved = Saved()
    make_folder(folder / hosted.name)
    for file in hosted.catalog.files(hosted.name):
        try:
            is_new = _save(hosted, file, folder)
            saved.copied += is_new
            saved.there += not is_new
        except PypiError as error:
            if hosted.catalog.file(hosted.name, file.filename) is None:
                # It was deleted just now.
                continue
            saved.problems.append(f"{hosted.name}: {file.key}: {error.message}")
        tell(file)
    return saved


def put_back(hosted: Hosted, folder: Path) -> Saved:
    """Store the listed files that are missing and that `folder` has."""
    names, saved = displays(hosted), Saved()
    for file in missing_files(hosted):
        try:
            path = _place(folder, hosted, file)
            if path.is_file():
                _store(hosted, file, path)
                hosted.storage.put_record(file.key, write_record(file, names[file.project]))
                saved.copied += 1
        except PypiError as error:
            saved.problems.append(f"{hosted.name}: {file.key}: {error.message}")
    return saved


def _store(hosted: Hosted, file: File, path: Path) -> None:
    signature = _signature_of(path)
    if file.signed and signature.is_file():
        _put(hosted, f"{file.key}.asc", read_file(signature))
    _put(hosted, file.key, _checked(read_file(path), file))


def _put(hosted: Hosted, key: str, chunks: Iterable[bytes]) -> None:
    with hosted.storage.stage() as staged, suppress(BlobExists):
        for chunk in chunks:
            staged.write(chunk)
        hosted.storage.put(key, staged)


def _save(hosted: Hosted, file: File, folder: Path) -> bool:
    path = _place(folder, hosted, file)
    with suppress(FileNotFoundError):
        if path.stat().st_size == file.size:
            return False
    make_folder(path.parent)
    if file.signed:
        _write(_signature_of(path), read_blob(hosted.storage.open(f"{file.key}.asc")))
    _write(path, _checked(read_blob(hosted.storage.open(file.key)), file))
    return True


def _place(folder: Path, hosted: Hosted, file: File) -> Path:
    """Return where the copy of a file is. Raises UpkeepError.

    Keys are what somebody has written into a bucket, a release or a backup.
    """
    if not leads_below(file.key):
        raise UpkeepError("this name leads out of the folder")
    return folder / hosted.name / file.key


def _signature_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.asc")


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    with replacing(path) as stream:
        for chunk in chunks:
            stream.write(chunk)
