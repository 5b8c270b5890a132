"""From what a page says about a file to a file: the one place where nothing is believed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape

from pyramid_pypi.model import File, Hashes
from pyramid_pypi.upstream.filenames import read_filename
from pyramid_pypi.upstream.hrefs import absolute, segment_of
from pyramid_pypi.upstream.places import place_of

__all__ = [
    "Entry",
    "Listing",
    "file_of",
    "metadata_digest",
    "one_line",
    "whole_number",
]

# The digests of hashlib.algorithms_guaranteed that have one length, in hexadecimal digits.
_LENGTHS = {
    "md5": 32,
    "sha1": 40,
    **dict.fromkeys(("sha224", "sha3_224"), 56),
    **dict.fromkeys(("sha256", "sha3_256", "blake2s"), 64),
    **dict.fromkeys(("sha384", "sha3_384"), 96),
    **dict.fromkeys(("sha512", "sha3_512", "blake2b"), 128),
}
_HEX = re.compile(r"[0-9a-f]+\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
# Controls, line separators, marks that turn the direction of writing, and halves of surrogates.
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_NUMBER = 18
_FIRST_YEAR = 1990


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as a page lists it, unchecked.

    `url` may be relative; its last segment names the file when `filename` is None. `yanked` and
    `metadata_sha256` are as in File; the rest is whatever the page has there.
    """

    url: object
    filename: str | None = None
    hashes: object = None
    requires_python: object = None
    yanked: str | None = None
    metadata_sha256: str | None = None
    size: object = None
    uploaded_at: object = None
    time_source: object = None
    provenance: object = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page as it was read, unchecked; `base` is what its relative links start from."""

    base: str
    entries: Iterable[Entry] = field(repr=False)
    status: object = None
    reason: object = None
    serial: object = None


def file_of(entry: Entry, *, base: str, project: str) -> File | None:
    """Return the file of `project` that `entry` describes, None when it does not describe one."""
    url, fragment = absolute(entry.url, base)
    filename = segment_of(url)
    # Installers take name and version from the URL, so nobody may be told another name (PEP 691).
    if not url or entry.filename not in {None, filename}:
        return None
    named = read_filename(filename)
    if named is None or named.project != project:
        return None
    hashes = _hashes(entry.hashes, fragment)
    wheel = named.packagetype == "bdist_wheel"
    uploaded_at = _time(entry.uploaded_at)
    return File(
        project=project,
        filename=filename,
        version=named.version,
        packagetype=named.packagetype,
        size=whole_number(entry.size),
        hashes=hashes,
        uploaded_at=uploaded_at,
        uploaded_by="",
        key="",
        requires_python=_requires_python(entry.requires_python),
        yanked=entry.yanked,
        metadata_sha256=entry.metadata_sha256 if wheel else None,
        python_version=named.python_version,
        url=url,
        place=place_of(url, filename, hashes),
        time_source=one_line(entry.time_source, 40) if uploaded_at else "",
        provenance="" if entry.provenance is None else absolute(entry.provenance, "")[0],
    )


def one_line(text: object, limit: int) -> str:
    """Return `text` as at most `limit` characters on one line, without controls; empty if it is no text."""
    return _NOT_TEXT.sub(" ", text[:limit]).strip() if isinstance(text, str) else ""


def whole_number(said: object) -> int | None:
    """Return a number that is not negative, which some indexes write as text, or None."""
    if isinstance(said, str) and len(said) <= _LONGEST_NUMBER and said.isascii() and said.isdigit():
        return int(said)
    if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 10**_LONGEST_NUMBER:
        return said
    return None


def _digest(algorithm: str, said: object) -> str:
    """Return the digest in lower case, empty when it is none of that algorithm's."""
    if not isinstance(said, str):
        return ""
    text = said.strip().lower()
    return text if len(text) == _LENGTHS.get(algorithm) and _HEX.match(text) else ""


def metadata_digest(said: object) -> str | None:
    """Return what `core-metadata` says, in JSON or in an HTML attribute (PEP 658, 714), as in File.

    Anything but a table, true or `algorithm=digest` is a mistake and advertises nothing: to
    promise metadata that is not there stops installers, and it can be read from the wheel.
    """
    if isinstance(said, dict):
        return _digest("sha256", said.get("sha256"))
    if said is True or (isinstance(said, str) and said.strip().lower() == "true"):
        return ""
    algorithm, equals, value = said.partition("=") if isinstance(said, str) else ("", "", "")
    if not equals:
        return None
    return _digest("sha256", value) if algorithm.strip().lower() == "sha256" else ""


def _hashes(told: object, fragment: str) -> Hashes:
    # Most pages tell this one digest and no other.
    if isinstance(told, dict):
        only = told.get("sha256") if len(told) == 1 and not fragment else None
    else:
        only = fragment[7:] if fragment.startswith("sha256=") else None
    if isinstance(only, str) and _SHA256.match(only):
        return Hashes(only)
    pairs = list(told.items()) if isinstance(told, dict) else []
    # Besides the digest a fragment may have `egg=` and other things.
    pairs += [part.partition("=")[::2] for part in fragment.split("&")]
    known: dict[str, str] = {}
    for algorithm, value in pairs:
        name = algorithm.strip().lower().replace("-", "_")
        if name not in known and (hexadecimal := _digest(name, value)):
            known[name] = hexadecimal
    sha256, md5 = known.pop("sha256", ""), known.pop("md5", "")
    return Hashes(sha256=sha256, md5=md5, others=tuple(sorted(known.items())))


def _requires_python(said: object) -> str | None:
    if not isinstance(said, str) or len(said) >= 256:
        return None
    # Artifactory escapes what is escaped already. Installers ignore what is no specifier, and say so.
    text = (unescape(said) if "&" in said else said).strip()
    return text if text and not _NOT_TEXT.search(text) else None


def _time(said: object) -> datetime | None:
    if not isinstance(said, str) or len(said) > 64:
        return None
    try:
        read = datetime.fromisoformat(said.strip())
        at = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # Bandersnatch and others write an empty or a zero time for what they do not know.
    return at if at.year >= _FIRST_YEAR else None
