"""What the authors of a release say: its core metadata, as pages show it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import getaddresses
from functools import lru_cache
from urllib.parse import urlsplit

from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import InvalidRequirement, Requirement

from pyramid_pypi.browse.facts import DependencyFacts, LinkFacts, MetadataFacts
from pyramid_pypi.distribution import LENIENT, normalise, parse_metadata
from pyramid_pypi.errors import InvalidUpload, NotFound, Unavailable
from pyramid_pypi.model import File
from pyramid_pypi.repositories import Repository

__all__ = ["EMPTY", "Document", "document_of", "read_document", "read_metadata"]

# Larger ones are read anew each time, so that the memory for those that are kept has a limit.
_LARGEST_KEPT = 64 * 1024
_MOST_LINKS = 100
_MOST_TEXTS = 1_000
_LONGEST_URL = 2_000
_LONGEST_PEOPLE = 2_000
_LONGEST_LINE = 512
_LONGEST_REQUIREMENT = 4_000
_UNKNOWN = "UNKNOWN"
_LICENSE = "License :: "
_DESCRIBED = re.compile(rb"^Description:", re.MULTILINE | re.IGNORECASE)
_INDENTED = re.compile(r"\n(?: {8}| {7}\|)")
_SPACE_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Document:
    """Core metadata that was read; `name` is as the authors write it."""

    name: str
    facts: MetadataFacts


EMPTY = Document("", MetadataFacts())


def document_of(repository: Repository, files: Iterable[File]) -> tuple[Document, bool]:
    """Return what is said about a release, empty where nothing is, and whether that is all.

    Nobody's failure hides the rest of a release: what an upstream does not give is left out.
    """
    raw, complete = read_metadata(repository, files)
    return read_document(raw), complete


def read_metadata(repository: Repository, files: Iterable[File]) -> tuple[bytes, bool]:
    """Return the core metadata of a release, empty where there is none, and whether that is all.

    That of a wheel goes before that of an sdist. At most one metadata file is asked of an upstream,
    and no distribution.
    """
    offered = [file for file in files if file.metadata_sha256 is not None]
    if not offered:
        return b"", True
    best = min(offered, key=lambda file: not file.serves_metadata)
    try:
        raw = repository.metadata(repository.file(best.filename))
        # It may be anything where it comes from elsewhere; this refuses what takes too long to read.
        parse_metadata(raw, LENIENT)
    except (NotFound, InvalidUpload):
        return b"", True
    except Unavailable:
        return b"", False
    return raw, True


def read_document(raw: bytes) -> Document:
    """Return what core metadata says, however much of it is wrong."""
    if not raw:
        return EMPTY
    return _read(raw) if len(raw) > _LARGEST_KEPT else _remembered(raw)


def _read(raw: bytes) -> Document:
    fields = parse_email(raw)[0]
    author, author_email = _person(fields.get("author", ""), fields.get("author_email", ""))
    maintainer, maintainer_email = _person(fields.get("maintainer", ""), fields.get("maintainer_email", ""))
    classifiers = _texts(fields.get("classifiers", ()))
    facts = MetadataFacts(
        summary=" ".join(_said(fields.get("summary", "")).split())[:_LONGEST_LINE],
        author=author,
        author_email=author_email,
        maintainer=maintainer,
        maintainer_email=maintainer_email,
        license=_license(fields, classifiers),
        keywords=_texts(fields.get("keywords", ())),
        classifiers=classifiers,
        requires_python=_said(fields.get("requires_python", "")),
        requires=tuple(_dependencies(fields.get("requires_dist", ()))),
        extras=_texts(fields.get("provides_extra", ())),
        links=_links(fields),
        description=_description(raw, fields.get("description", "")),
        description_content_type=_said(fields.get("description_content_type", "")),
    )
    return Document(fields.get("name", ""), facts)


_remembered = lru_cache(maxsize=128)(_read)


def _said(text: str) -> str:
    """Return a text, empty for what old tools write where nothing is said."""
    text = text.strip()
    return "" if text == _UNKNOWN else text


def _description(raw: bytes, text: str) -> str:
    """Return the README; as a header, where old tools write it, all lines but the first are indented."""
    if _DESCRIBED.search(raw.partition(b"\n\n")[0]):
        text = _INDENTED.sub("\n", text)
    return _said(text)


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    said = (_said(text) for text in texts)
    return tuple(dict.fromkeys(text for text in said if text))[:_MOST_TEXTS]


def _person(names: str, addresses: str) -> tuple[str, str]:
    """Return names and addresses of people, of which build tools put the names into the addresses."""
    people = getaddresses([_said(addresses)[:_LONGEST_PEOPLE]])
    mail = ", ".join(dict.fromkeys(address for _, address in people if "@" in address))
    named = ", ".join(dict.fromkeys(name for name, _ in people if name))
    return _said(names) or named, mail


def _license(fields: RawMetadata, classifiers: Sequence[str]) -> str:
    """Return the license expression (PEP 639), else the classifiers, else the first line of a text."""
    expression = _said(fields.get("license_expression", ""))
    if expression:
        return expression
    named = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith(_LICENSE)]
    if named:
        return ", ".join(named)
    lines = _said(fields.get("license", "")).splitlines()
    return lines[0].strip()[:_LONGEST_LINE] if lines else ""


def _dependencies(requirements: Iterable[str]) -> Iterable[DependencyFacts]:
    for text in _texts(requirements):
        try:
            # Longer ones take long to read, and nobody writes them.
            name = normalise(Requirement(text).name) if len(text) <= _LONGEST_REQUIREMENT else ""
        except (InvalidRequirement, RecursionError):
            name = ""
        yield DependencyFacts(text, name)


def _links(fields: RawMetadata) -> tuple[LinkFacts, ...]:
    """Return the links, each address once, those with a label of their own first."""
    named = [*fields.get("project_urls", {}).items()]
    named += [("Homepage", fields.get("home_page", "")), ("Download", fields.get("download_url", ""))]
    found: dict[str, LinkFacts] = {}
    for label, text in named:
        url = _said(text)
        if _is_link(url):
            found.setdefault(url.rstrip("/"), LinkFacts(label.strip() or "Link", url))
    return tuple(found.values())[:_MOST_LINKS]


def _is_link(url: str) -> bool:
    """Tell whether a text is an address that a page may link to; `javascript:` is one too."""
    if len(url) > _LONGEST_URL or _SPACE_OR_CONTROL.search(url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
