"""What must be right before a release, a file or a project is changed."""

from typing import get_args

from pyramid_pypi.distribution import canonical_version
from pyramid_pypi.errors import BadRequest, FileMissing, InvalidUpload, ProjectClosed, ProjectNotFound
from pyramid_pypi.model import File, ProjectPage, ProjectStatus
from pyramid_pypi.publish.checks import same_version
from pyramid_pypi.repositories import Writable

__all__ = ["MAX_REASON", "check_reason", "file_of", "files_of", "status_of"]

MAX_REASON = 500
"""How many characters a reason may have."""


def check_reason(reason: str) -> str:
    """Return the reason without space around it. Raises BadRequest unless it is one short line."""
    found = reason.strip()
    if len(found) > MAX_REASON:
        raise BadRequest(f"The reason has {len(found)} characters; {MAX_REASON} are allowed")
    # Separators of lines and paragraphs, characters without a glyph, and halves of surrogates.
    if not all(character.isprintable() for character in found):
        raise BadRequest("The reason must be one line of printable text")
    return found


def status_of(text: str) -> ProjectStatus:
    """Return the status that `text` names (PEP 792). Raises BadRequest."""
    known: tuple[ProjectStatus, ...] = get_args(ProjectStatus)
    for status in known:
        if status == text:
            return status
    raise BadRequest(f"{text[:80]!a} is not a status of a project: use {', '.join(known)}")


def files_of(page: ProjectPage, version: str) -> list[File]:
    """Return the files of a version, however it is spelled. Raises ProjectNotFound, ProjectClosed."""
    if page.status == "quarantined":
        raise ProjectClosed(
            f"The project {page.name!r} is quarantined in {page.repository!r}, where its files cannot be "
            "touched until it has another status"
        )
    found = [file for file in page.files if _has_version(file, version)]
    if not found:
        raise ProjectNotFound(f"{page.repository!r} has no version {version[:80]!r} of {page.name!r}")
    return found


def file_of(repository: Writable, name: str, filename: str) -> File:
    """Return the file of the project `name`. Raises FileMissing."""
    file = repository.file(filename)
    if file.project != name:
        raise FileMissing(f"The project {name!r} has no file {filename[:251]!r} in {repository.name!r}")
    return file


def _has_version(file: File, version: str) -> bool:
    # What comes from an upstream may have a version of before PEP 440.
    if file.version == version:
        return True
    try:
        return same_version(canonical_version(file.version), canonical_version(version))
    except InvalidUpload:
        return False
