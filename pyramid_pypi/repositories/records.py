"""The record beside a blob: what was said when it was uploaded, as JSON."""

import json
from dataclasses import replace
from datetime import datetime

from pyramid_pypi.model import File, Hashes

__all__ = ["apply_record", "write_record"]


def write_record(file: File, display: str) -> bytes:
    """Return the record of `file`."""
    content = {
        "filename": file.filename,
        "project": display,
        "size": file.size,
        "hashes": {
            "sha256": file.hashes.sha256,
            "blake2b_256": file.hashes.blake2b_256,
            "md5": file.hashes.md5,
        },
        "uploaded_at": file.time.isoformat(),
        "uploaded_by": file.uploaded_by,
        "yanked": file.yanked,
        "signed": file.signed,
        "comment": file.comment,
    }
    return json.dumps(content).encode()


def apply_record(file: File, record: bytes | None) -> File:
    """Return `file` with what its record says about its upload.

    A record that cannot be read, or that speaks of other bytes, says nothing.
    """
    if record is None:
        return file
    try:
        content = json.loads(record)
        if content["hashes"]["sha256"] != file.hashes.sha256:
            return file
        yanked = content["yanked"]
        return replace(
            file,
            uploaded_at=datetime.fromisoformat(content["uploaded_at"]),
            uploaded_by=str(content["uploaded_by"]),
            yanked=None if yanked is None else str(yanked),
            comment=str(content["comment"]),
        )
    except (ValueError, KeyError, TypeError):
        return file


def recorded_hashes(record: bytes | None, size: int) -> Hashes | None:
    """Return the digests that a record holds for a blob of `size` bytes, if it does."""
    if record is None:
        return None
    try:
        content = json.loads(record)
        return Hashes(**content["hashes"]) if content["size"] == size else None
    except (ValueError, KeyError, TypeError):
        return None
