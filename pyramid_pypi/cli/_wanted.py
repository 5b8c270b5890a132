"""What a file of locks or requirements wants from an index."""

from dataclasses import dataclass
from pathlib import Path

from pyramid_pypi.errors import PypiError

__all__ = ["LockfileError", "WantedFile", "read_text", "sha256_of"]


class LockfileError(PypiError):
    """A file of locks or requirements cannot be used; the message names it and the line."""


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file, or a whole release or project where the file says no more.

    `project` is normalised (PEP 503), `version` is as it was written, `sha256` is hexadecimal. What
    is None was not said.
    """

    project: str
    version: str | None
    filename: str | None
    sha256: str | None
    url: str | None


def read_text(path: Path) -> str:
    """Return the text with its line ends as they are. Raises LockfileError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LockfileError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LockfileError(f"{path}, line {line}: is not UTF-8") from error


def sha256_of(text: object) -> str | None:
    """Return the digest in `sha256:…`, None for any other algorithm."""
    algorithm, _, digest = str(text).strip().partition(":")
    return digest.lower() if algorithm == "sha256" else None
