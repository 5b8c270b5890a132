"""Files that a fake upstream offers, and what its pages say about them."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from pyramid_pypi.distribution import guess_filename, normalise

__all__ = ["CoreMetadata", "FileOptions", "OfferedFile", "offer"]

CoreMetadata = Literal[True, False, "unhashed", "wrong"]

_WRONG = "0" * 64
_blake2b_256 = partial(hashlib.blake2b, digest_size=32)


class FileOptions(TypedDict, total=False):
    """What a page says about a file.

    - `project`: where it is listed; without it the project that its name says.
    - `requires_python`, `gpg_sig`, `provenance`: as in PEP 503 and 740; left out when None.
    - `yanked`: True, or a reason (PEP 592).
    - `upload_time`: in UTC; None leaves it out, and `Last-Modified` then says the year 2020.
    - `core_metadata`: whether the metadata is offered beside the file (PEP 658): True, False,
      `unhashed`, or `wrong` for a digest of other bytes. Without it True for a wheel that has some.
    - `metadata`: those bytes, if not what the wheel has.
    - `hashes`: the algorithms that pages show; HTML shows the first.
    - `digests`: digests that pages show instead of the right ones, by algorithm.
    - `size`: whether the size is said.
    - `url`: what pages link to instead of where the file is.
    """

    project: str
    requires_python: str | None
    gpg_sig: bool | None
    provenance: str | None
    yanked: bool | str
    upload_time: datetime | None
    core_metadata: CoreMetadata
    metadata: bytes
    hashes: tuple[str, ...]
    digests: Mapping[str, str]
    size: bool
    url: str


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file of a fake upstream; `path` is where it is, in the shape that PyPI uses.

    `hashes` are the digests that pages show, by algorithm, right or wrong, and `size` is in bytes.
    """

    filename: str
    project: str
    version: str
    path: str
    size: int
    hashes: Mapping[str, str]
    metadata: bytes | None = field(repr=False)
    content: bytes | Path = field(repr=False)
    options: FileOptions = field(repr=False)

    @property
    def modified_at(self) -> datetime:
        """What `Last-Modified` says."""
        return self.options.get("upload_time") or datetime(2020, 1, 1, tzinfo=UTC)

    @property
    def shown_metadata(self) -> bool | str:
        """What pages say of the metadata: False, True, or its SHA-256."""
        told = self.options.get("core_metadata", self.metadata is not None)
        if told is True and self.metadata is not None:
            return hashlib.sha256(self.metadata).hexdigest()
        return _WRONG if told == "wrong" else bool(told)


def offer(filename: str, content: bytes | Path, **options: Unpack[FileOptions]) -> OfferedFile:
    """Return the file; one in a folder is read once here, in pieces."""
    guessed = guess_filename(filename)
    project = options.get("project", guessed.project if guessed else "")
    if not project:
        raise ValueError(f"{filename!r} does not say its project; give project=")
    place = _digest(content, _blake2b_256)
    shown = options.get("digests", {})
    hashes = {name: shown.get(name) or _digest(content, name) for name in options.get("hashes", ("sha256",))}
    return OfferedFile(
        filename=filename,
        project=normalise(project),
        version=guessed.version if guessed else "",
        path=f"/packages/{place[:2]}/{place[2:4]}/{place[4:]}/{filename}",
        size=len(content) if isinstance(content, bytes) else content.stat().st_size,
        hashes=hashes,
        metadata=_metadata(filename, content, options),
        content=content,
        options=options,
    )


def _metadata(filename: str, content: bytes | Path, options: FileOptions) -> bytes | None:
    if options.get("core_metadata") is False:
        return None
    if "metadata" in options:
        return options["metadata"]
    if not filename.endswith(".whl"):
        return None
    try:
        with _opened(content) as stream, zipfile.ZipFile(stream) as wheel:
            names = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
            return wheel.read(names[0]) if names else None
    except zipfile.BadZipFile:
        return None


def _digest(content: bytes | Path, algorithm: Any) -> str:
    with _opened(content) as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def _opened(content: bytes | Path) -> io.BytesIO | io.BufferedReader:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
