"""Pages of a fake upstream as PyPI writes them (PEP 503, 592, 629, 658, 691, 700, 714, 740, 792)."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from pyramid_pypi.testing._upstream_files import OfferedFile

__all__ = ["HTML", "JSON", "ProjectView", "choose_type", "names_html", "names_json", "page_html", "page_json"]

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
_TYPES = {"text/html": "html", HTML: "html", JSON: "json"}
_VERSION = "1.4"


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project at one moment; `url_of` gives the link of a file, `base` is for `<base>`."""

    name: str
    files: tuple[OfferedFile, ...]
    status: str
    reason: str
    serial: int
    url_of: Callable[[OfferedFile], str]
    base: str = ""


def choose_type(accept: str, formats: Iterable[str]) -> str:
    """Return the media type for an `Accept` header; `text/html` where both are as welcome.

    An index that has one format sends it, whatever was asked for, as old indexes do.
    """
    available = [media_type for media_type, form in _TYPES.items() if form in formats]
    wanted: dict[str, float] = {}
    for part in (accept or "*/*").split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        wanted[name.lower()] = float(quality)
    rest = wanted.get("*/*", 0.0)
    return max(available, key=lambda name: wanted.get(name, rest))


def page_json(view: ProjectView) -> bytes:
    """Return the page of a project as JSON."""
    status = {"status": view.status, **({"reason": view.reason} if view.reason else {})}
    page = {
        "meta": {"api-version": _VERSION, "_last-serial": view.serial},
        "name": view.name,
        "project-status": status,
        "versions": list(dict.fromkeys(file.version for file in view.files if file.version)),
        "files": [_entry(file, view.url_of(file)) for file in view.files],
    }
    return json.dumps(page).encode()


def _entry(file: OfferedFile, url: str) -> dict[str, object]:
    said = file.options
    core = file.shown_metadata
    uploaded = said.get("upload_time")
    entry: dict[str, object | None] = {
        "filename": file.filename,
        "url": url,
        "hashes": dict(file.hashes),
        "requires-python": said.get("requires_python"),
        "core-metadata": {"sha256": core} if isinstance(core, str) else core,
        # PEP 691: a reason must not be empty.
        "yanked": said.get("yanked", False) or said.get("yanked") == "",
        "size": file.size if said.get("size", True) else None,
        "upload-time": None if uploaded is None else f"{uploaded:%Y-%m-%dT%H:%M:%S.%f}Z",
        "gpg-sig": said.get("gpg_sig"),
        "provenance": said.get("provenance"),
    }
    return {key: value for key, value in entry.items() if value is not None}


def page_html(view: ProjectView) -> bytes:
    """Return the page of a project as HTML."""
    head = f'    <meta name="pypi:project-status" content="{escape(view.status)}">\n'
    if view.reason:
        head += f'    <meta name="pypi:project-status-reason" content="{escape(view.reason)}">\n'
    if view.base:
        head += f'    <base href="{escape(view.base)}">\n'
    links = (_link(file, view.url_of(file)) for file in view.files)
    return "".join(_html(f"Links for {view.name}", links, view.serial, head)).encode()


def _link(file: OfferedFile, url: str) -> str:
    fragment = next((f"#{name}={digest}" for name, digest in file.hashes.items()), "")
    attributes = "".join(
        f' {name}="{escape(value)}"' for name, value in _attributes(file).items() if value is not None
    )
    return f'    <a href="{escape(url + fragment)}"{attributes}>{escape(file.filename)}</a><br />\n'


def _attributes(file: OfferedFile) -> dict[str, str | None]:
    said = file.options
    core = file.shown_metadata
    metadata = f"sha256={core}" if isinstance(core, str) else "true" if core else None
    yanked = said.get("yanked", False)
    signed = said.get("gpg_sig")
    return {
        "data-requires-python": said.get("requires_python"),
        "data-dist-info-metadata": metadata,
        "data-core-metadata": metadata,
        # PEP 592: an empty reason is a reason, and True is one that nobody gave.
        "data-yanked": None if yanked is False else "" if yanked is True else yanked,
        "data-gpg-sig": None if signed is None else str(signed).lower(),
        "data-provenance": said.get("provenance"),
    }


def names_json(names: Iterable[str], serial: int) -> Iterator[str]:
    """Yield the list of projects as JSON, name by name."""
    meta = {"api-version": _VERSION, "_last-serial": serial}
    yield f'{{"meta": {json.dumps(meta)}, "projects": ['
    for number, name in enumerate(names):
        yield f'{", " if number else ""}{{"name": {json.dumps(name)}, "_last-serial": {serial}}}'
    yield "]}"


def names_html(names: Iterable[str], serial: int) -> Iterator[str]:
    """Yield the list of projects as HTML, name by name."""
    links = (f'    <a href="/simple/{quote(name)}/">{escape(name)}</a>\n' for name in names)
    return _html("Simple index", links, serial)


def _html(title: str, links: Iterable[str], serial: int, head: str = "") -> Iterator[str]:
    yield (
        "<!DOCTYPE html>\n<html>\n  <head>\n"
        f'    <meta name="pypi:repository-version" content="{_VERSION}">\n'
        f"{head}    <title>{escape(title)}</title>\n  </head>\n  <body>\n    <h1>{escape(title)}</h1>\n"
    )
    yield from links
    yield f"  </body>\n</html>\n<!--SERIAL {serial}-->\n"
