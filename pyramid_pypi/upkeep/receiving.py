"""Taking files that were somewhere else before into a hosted repository, as it takes uploads."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from pyramid_pypi.distribution import LENIENT, Filename, guess_filename, inspect
from pyramid_pypi.errors import DigestMismatch, FileConflict, InvalidUpload, PypiError
from pyramid_pypi.model import File, Identity
from pyramid_pypi.publish.upload import Upload
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.intake import NEW, Past
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.storage.reading import Hasher

__all__ = ["Described", "Incoming", "Outcome", "Receiver", "Tally"]

log = logging.getLogger(__name__)

Outcome: TypeAlias = Literal["added", "there", "ignored"]


@dataclass(frozen=True, slots=True)
class Described:
    """What another catalog says about a file, so that nobody has to look into it."""

    display: str
    requires_python: str | None
    core_metadata: bytes | None = field(repr=False)
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file on its way: its name, its SHA-256 where that is known, and how to get at its bytes.

    `chunks` may raise any PypiError. `size` is in bytes, None where nobody knows.
    """

    filename: str
    chunks: Callable[[], Iterable[bytes]] = field(repr=False)
    sha256: str = ""
    size: int | None = None
    past: Past = NEW
    signature: Callable[[], bytes | None] = field(default=lambda: None, repr=False)
    described: Callable[[], Described] | None = field(default=None, repr=False)


@dataclass(slots=True)
class Tally:
    """What became of the files; `problems` has a sentence for each that should be there and is not."""

    added: int = 0
    bytes: int = 0
    there: int = 0
    ignored: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes files into `hosted`; the journal names `by`, and `added` is told of each new one.

    With `dry_run` it only says what it would do, as far as that can be said without the bytes.
    """

    hosted: Hosted
    by: Identity
    added: Callable[[File], None] = lambda _file: None
    dry_run: bool = False
    tally: Tally = field(default_factory=Tally)

    def take(self, one: Incoming) -> Outcome | None:
        """Have a file in the repository; None tells that the tally has another problem."""
        try:
            outcome, size = self._take(one)
        except PypiError as error:
            told = error.message if one.filename in error.message else f"{one.filename}: {error.message}"
            self.tally.problems.append(told)
            return None
        self.tally.bytes += size
        match outcome:
            case "added":
                self.tally.added += 1
            case "there":
                self.tally.there += 1
            case "ignored":
                self.tally.ignored += 1
        return outcome

    def _take(self, one: Incoming) -> tuple[Outcome, int]:
        name = guess_filename(one.filename)
        if name is None:
            return "ignored", 0
        if one.sha256 and self._is_there(one.filename, one.sha256):
            return "there", 0
        if self.dry_run and one.sha256:
            return "added", one.size or 0
        with self.hosted.stage() as staged:
            upload = self._receive(one, name, staged)
            if self._is_there(one.filename, upload.hashes.sha256):
                return "there", 0
            if self.dry_run:
                return "added", upload.size
            file, is_new = self.hosted.add(_described(upload, one), self.by, past=one.past)
        if is_new:
            self.added(file)
        return ("added", upload.size) if is_new else ("there", 0)

    def _is_there(self, filename: str, sha256: str) -> bool:
        """Tell whether the file is listed. Raises FileConflict when other bytes have the name."""
        hosted = self.hosted
        known = hosted.catalog.file(hosted.name, filename)
        if known is not None:
            if known.filename == filename and known.hashes.sha256 == sha256:
                return True
            raise FileConflict(
                f"{filename} is in {hosted.name!r} with other bytes, whose SHA-256 digest is "
                f"{known.hashes.sha256} and not {sha256}"
            )
        removed = hosted.catalog.removed(hosted.name, filename)
        if removed is not None and removed.sha256 != sha256:
            raise FileConflict(f"{filename} was deleted from {hosted.name!r}, and had other bytes there")
        return False

    def _receive(self, one: Incoming, name: Filename, staged: StagedFile) -> Upload:
        hasher, size = Hasher(), 0
        for chunk in one.chunks():
            hasher.update(chunk)
            staged.write(chunk)
            size += len(chunk)
        hashes = hasher.hashes()
        if one.sha256 not in {"", hashes.sha256}:
            raise DigestMismatch(
                f"{one.filename} has the SHA-256 digest {hashes.sha256} and not {one.sha256}; it is not taken"
            )
        staged.finish(durable=False)
        return Upload(
            filename=name,
            display=name.display,
            size=size,
            hashes=hashes,
            staged=staged,
            signature=one.signature(),
        )


def _described(upload: Upload, one: Incoming) -> Upload:
    """Return the upload with what is said about it, or else with what it says itself.

    Raises InvalidUpload.
    """
    if one.described is not None:
        told = one.described()
        return replace(
            upload,
            display=told.display,
            requires_python=told.requires_python,
            core_metadata=told.core_metadata,
            comment=told.comment,
        )
    try:
        artefact = inspect(upload.staged.path, upload.filename, LENIENT)
    except OSError as error:
        raise InvalidUpload(f"{one.filename} cannot be read back: {error.strerror}") from error
    return replace(
        upload,
        display=artefact.name,
        requires_python=artefact.requires_python,
        core_metadata=artefact.core_metadata,
        summary=artefact.summary,
    )
