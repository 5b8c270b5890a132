"""Files and pages of an upstream as bytes, for the cache."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from pyramid_pypi.model import File, Hashes
from pyramid_pypi.upstream.base import UpstreamPage, Validator

__all__ = ["file_from_bytes", "file_to_bytes", "page_from_bytes", "page_to_bytes"]

_FILE_FIELDS = tuple(
    field.name for field in fields(File) if field.name not in {"hashes", "uploaded_at", "repository", "key"}
)


def file_to_bytes(file: File) -> bytes:
    """Return what `file_from_bytes` reads."""
    return _dump(_file(file))


def file_from_bytes(record: bytes) -> File:
    """Return the file that was written, without key and repository."""
    return _read_file(json.loads(record))


def page_to_bytes(page: UpstreamPage) -> bytes:
    """Return what `page_from_bytes` reads; the validator is kept apart."""
    return _dump(
        {
            "name": page.name,
            "status": page.status,
            "reason": page.status_reason,
            "serial": page.serial,
            "files": [_file(file) for file in page.files],
        }
    )


def page_from_bytes(body: bytes, validator: Validator) -> UpstreamPage:
    """Return the page that was written."""
    found = json.loads(body)
    files = tuple(_read_file(one) for one in found["files"])
    return UpstreamPage(found["name"], files, validator, found["status"], found["reason"], found["serial"])


def _dump(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _file(file: File) -> dict[str, object]:
    said = {name: getattr(file, name) for name in _FILE_FIELDS}
    said["hashes"] = [file.hashes.sha256, file.hashes.blake2b_256, file.hashes.md5, file.hashes.others]
    said["uploaded_at"] = None if file.uploaded_at is None else file.uploaded_at.isoformat()
    return said


def _read_file(said: Mapping[str, Any]) -> File:
    sha256, blake2b, md5, others = said["hashes"]
    hashes = Hashes(sha256, blake2b, md5, tuple((name, digest) for name, digest in others))
    uploaded = said["uploaded_at"]
    at = None if uploaded is None else datetime.fromisoformat(uploaded)
    return File(**{**said, "hashes": hashes, "uploaded_at": at, "key": ""})
