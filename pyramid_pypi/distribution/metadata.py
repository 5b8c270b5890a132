"""Core metadata: METADATA of a wheel, PKG-INFO of an sdist."""

import re
from dataclasses import dataclass

from packaging.metadata import RawMetadata, parse_email
from packaging.specifiers import SpecifierSet

from pyramid_pypi.distribution._rules import MAX_METADATA, refused
from pyramid_pypi.distribution.filenames import canonical_version, is_valid_name
from pyramid_pypi.distribution.profiles import AcceptProfile

__all__ = ["CoreMetadata", "parse_metadata"]

_KNOWN = frozenset({"1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"})
_SINGLE = ("metadata_version", "name", "version", "requires_python")
_BLANK_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_FIELD = re.compile(rb"(?:\A|[\r\n])([^\s:]+)[ \t]*:")
_MAX_HEAD = 2 * 1024 * 1024
_MAX_LINES = 200_000
_MAX_FIELDS = 20_000
_MAX_KINDS = 100
_MAX_SUMMARY = 512
_MAX_REQUIRES_PYTHON = 1000


@dataclass(frozen=True, slots=True)
class CoreMetadata:
    """The fields that an index needs, checked; `raw` is the file byte for byte.

    `name` is as the author wrote it and `version` is canonical (PEP 440).
    """

    name: str
    version: str
    metadata_version: str
    requires_python: str | None
    summary: str
    license_files: tuple[str, ...]
    raw: bytes


def parse_metadata(raw: bytes, profile: AcceptProfile) -> CoreMetadata:
    """Return what the core metadata in `raw` says. Raises InvalidUpload."""
    fields = _fields(raw, profile)
    name = fields.get("name", "")
    if not is_valid_name(name):
        raise refused(f"The metadata has no valid Name: {name[:80]!a}.")
    if "version" not in fields:
        raise refused("The metadata has no Version.")
    version = fields.get("metadata_version", "")
    if version not in _KNOWN and not profile.unknown_metadata:
        raise refused(f"{version[:80]!a} is not a valid metadata version.")
    summary = " ".join(fields.get("summary", "").split())[:_MAX_SUMMARY]
    return CoreMetadata(
        name=name,
        version=canonical_version(fields.get("version", "")),
        metadata_version=version or "1.0",
        requires_python=_requires_python(fields.get("requires_python", ""), profile),
        summary="" if summary == "UNKNOWN" else summary,
        license_files=tuple(fields.get("license_files", [])),
        raw=raw,
    )


def _fields(raw: bytes, profile: AcceptProfile) -> RawMetadata:
    """Parse the header of the metadata; the description in its body is of no interest here."""
    if len(raw) > MAX_METADATA:
        raise refused(f"The metadata is larger than {MAX_METADATA} bytes.")
    if b"\0" in raw:
        raise refused("The metadata holds a NUL character.")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if not profile.missing_metadata:
            raise refused("The metadata is not UTF-8.") from error
    head = _BLANK_LINE.split(raw, 1)[0] + b"\n"
    if len(head) > _MAX_HEAD or head.count(b"\n") + head.count(b"\r") > _MAX_LINES:
        raise refused("The fields of the metadata are too long.")
    # The e-mail parser takes time by the square of the number of different fields.
    names = [match.lower() for match in _FIELD.findall(head)]
    if len(names) > _MAX_FIELDS or len(set(names)) > _MAX_KINDS:
        raise refused("The metadata has too many fields.")
    fields, unparsed = parse_email(head)
    for key in _SINGLE:
        if key.replace("_", "-") in unparsed:
            raise refused(f"The metadata has an unreadable or repeated {key.replace('_', '-')}.")
    return fields


def _requires_python(text: str, profile: AcceptProfile) -> str | None:
    """Return the specifier on one line, None for none (PEP 345, Requires-Python)."""
    wanted = " ".join(text.split())
    if not wanted:
        return None
    try:
        if len(wanted) > _MAX_REQUIRES_PYTHON or not wanted.isascii():
            raise ValueError(wanted[:80])  # noqa: TRY301 - an unusable text is one more invalid one
        SpecifierSet(wanted)
    except ValueError as error:
        if profile.invalid_requires_python == "drop":
            return None
        raise refused(f"Requires-Python is not a version specifier: {wanted[:80]!a}.") from error
    return wanted
