"""RECORD: the list of a wheel's files with their digests (binary distribution format)."""

import base64
import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import IO

from pyramid_pypi.distribution._rules import refused
from pyramid_pypi.distribution.zips import ZipMember, iter_member, read_member

__all__ = ["record_problems"]

_MAX_RECORD = 16 * 1024 * 1024
_MAX_HASHED = 256 * 1024 * 1024
_ALGORITHMS = ("sha256", "sha384", "sha512")
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")

_Row = tuple[str, str]


def record_problems(stream: IO[bytes], members: Sequence[ZipMember], record: ZipMember) -> Iterator[str]:
    """Yield a sentence for each way in which RECORD does not fit the wheel, hashes last.

    Names and sizes are always compared. Digests are for a wheel of up to 256 MiB unpacked; of a
    larger one only the files beside RECORD are hashed, so that the answer comes quickly.
    """
    folder = record.name.removesuffix("RECORD")
    unhashed = {record.name, *(folder + name for name in _SIGNATURES)}
    rows = _rows(stream, record)
    files = {member.name: member for member in members if not member.is_dir}
    for name in files.keys() - rows.keys() - unhashed:
        yield f"RECORD does not list {name!r}."
    for name in rows.keys() - files.keys():
        yield f"RECORD lists {name!r}, which is not in the wheel."
    everything = sum(member.size for member in members) <= _MAX_HASHED
    for member in sorted(files.values(), key=lambda member: member.offset):
        if member.name not in rows:
            continue
        digest, size = rows[member.name]
        if member.name in unhashed:
            if digest:
                yield f"RECORD has a digest for {member.name!r}, which cannot have one."
        elif size and size != str(member.size):
            yield f"RECORD has another size for {member.name!r}."
        elif not _fits(stream, member, digest, hashed=everything or member.name.startswith(folder)):
            yield f"RECORD has no digest or another one for {member.name!r}."


def _rows(stream: IO[bytes], record: ZipMember) -> dict[str, _Row]:
    """Return digest and size by name; a row may be there twice, though not with two contents."""
    text = read_member(stream, record, _MAX_RECORD).decode("utf-8")
    rows: dict[str, _Row] = {}
    for row in csv.reader(io.StringIO(text, newline="")):
        if not row:
            continue
        if len(row) != 3:
            raise refused("RECORD has a row without three columns.")
        name, digest, size = row
        if rows.setdefault(name, (digest, size)) != (digest, size):
            raise refused(f"RECORD lists {name[:80]!a} twice.")
    return rows


def _fits(stream: IO[bytes], member: ZipMember, digest: str, *, hashed: bool) -> bool:
    algorithm, _, expected = digest.partition("=")
    if algorithm not in _ALGORITHMS or not expected:
        return False
    if not hashed:
        return True
    found = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in iter_member(stream, member):
        found.update(chunk)
    encoded = base64.urlsafe_b64encode(found.digest()).decode().rstrip("=")
    # A few build tools write the right digest in hexadecimal; installers do not mind.
    return expected.rstrip("=") in {encoded, found.hexdigest()}
