"""Files and pages of an upstream as bytes, for the cache."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from pyramid_pypi.model import File, Hashes
from pyramid_pypi.upstream.base import UpstreamPage, Validator

__all__ = ["file_from_bytes", "file_to_bytes", "page_from_bytes", "page_to_bytes"]

# What a file has when a record does not say it, so that records are short.
_UNSAID: dict[str, Any] = {"size": None, "uploaded_at": None, "uploaded_by": "", "key": ""}
_DEFAULTS = _UNSAID | {field.name: field.default for field in fields(File) if field.default is not MISSING}
_NAMES = tuple(
    field.name for field in fields(File) if field.name not in {"hashes", "uploaded_at", "repository", "key"}
)
_VALUES = attrgetter(*_NAMES)
_USUAL = tuple(_DEFAULTS.get(name, MISSING) for name in _NAMES)


def file_to_bytes(file: File) -> bytes:
    """Return what `file_from_bytes` reads."""
    return _dump(_said(file, _USUAL))


def file_from_bytes(record: bytes) -> File:
    """Return the file that was written, without key and repository."""
    return _file(json.loads(record), _UNSAID)


def page_to_bytes(page: UpstreamPage) -> bytes:
    """Return what `page_from_bytes` reads; the validator is kept apart."""
    usual = tuple(
        page.name if name == "project" else value for name, value in zip(_NAMES, _USUAL, strict=True)
    )
    return _dump(
        {
            "name": page.name,
            "status": page.status,
            "reason": page.status_reason,
            "serial": page.serial,
            "files": [_said(file, usual) for file in page.files],
        }
    )


def page_from_bytes(body: bytes, validator: Validator) -> UpstreamPage:
    """Return the page that was written."""
    found = json.loads(body)
    known = {**_UNSAID, "project": found["name"]}
    files = tuple(_file(said, known) for said in found["files"])
    return UpstreamPage(found["name"], files, validator, found["status"], found["reason"], found["serial"])


def _dump(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _said(file: File, usual: tuple[object, ...]) -> dict[str, object]:
    """Return what there is to say of a file whose fields differ from the `usual` values."""
    hashes, at = file.hashes, file.uploaded_at
    said: dict[str, object] = {
        name: value for name, value, same in zip(_NAMES, _VALUES(file), usual, strict=True) if value != same
    }
    only = not (hashes.blake2b_256 or hashes.md5 or hashes.others)
    told = [hashes.sha256, hashes.blake2b_256, hashes.md5, hashes.others]
    said["hashes"] = hashes.sha256 if only else told
    if at is not None:
        said["uploaded_at"] = at.isoformat()
    return said


def _file(said: dict[str, Any], known: Mapping[str, Any]) -> File:
    told, at = said["hashes"], said.get("uploaded_at")
    if isinstance(told, str):
        said["hashes"] = Hashes(told)
    else:
        sha256, blake2b, md5, others = told
        said["hashes"] = Hashes(sha256, blake2b, md5, tuple((name, digest) for name, digest in others))
    if at is not None:
        said["uploaded_at"] = datetime.fromisoformat(at)
    return File(**{**known, **said})
