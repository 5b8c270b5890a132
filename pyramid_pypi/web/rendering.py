"""Simple pages as bytes, joined from fragments (PEP 503, 592, 629, 658, 691, 700, 714, 792).

HTML is frozen at version 1.4 (PEP 833) and keeps PyPI's look, which many scripts rely on.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from json.encoder import encode_basestring_ascii as _json
from urllib.parse import quote

from pyramid_pypi.model import File, ProjectName, ProjectPage

__all__ = ["html_parts", "json_parts", "list_html", "list_json", "page_html", "page_json"]

_API_VERSION = "1.4"
_CUT = "\0"


def page_html(page: ProjectPage, up: str) -> bytes:
    """Return the page of a project; `up` leads from its URL to where `packages/` is."""
    status = f'    <meta name="pypi:project-status" content="{page.status}">\n'
    if page.status_reason:
        reason = escape(page.status_reason)
        status += f'    <meta name="pypi:project-status-reason" content="{reason}">\n'
    links = "".join(_link(file, up) for file in page.files)
    return _html(f"Links for {page.name}", links, page.serial, status)


def page_json(page: ProjectPage, up: str) -> bytes:
    """Return the page of a project as JSON."""
    reason = f', "reason": {_json(page.status_reason)}' if page.status_reason else ""
    versions = ", ".join(map(_json, page.versions))
    entries = ",\n  ".join(_entry(file, up) for file in page.files)
    text = (
        f'{{"meta": {{"api-version": "{_API_VERSION}", "_last-serial": {page.serial}}},\n'
        f' "name": {_json(page.name)},\n'
        f' "project-status": {{"status": "{page.status}"{reason}}},\n'
        f' "versions": [{versions}],\n'
        f' "files": [{entries}]}}\n'
    )
    return text.encode()


def list_html(projects: Sequence[ProjectName], serial: int) -> bytes:
    """Return the list of all projects."""
    return b"".join(html_parts([projects], serial))


def list_json(projects: Sequence[ProjectName], serial: int) -> bytes:
    """Return the list of all projects as JSON, with the serials that mirrors need."""
    return b"".join(json_parts([projects], serial))


def html_parts(batches: Iterable[Sequence[ProjectName]], serial: int) -> Iterator[bytes]:
    """Yield the list of all projects in parts."""
    head, tail = _html("Simple index", _CUT, serial).split(_CUT.encode())
    yield head
    for batch in batches:
        yield "".join(f'    <a href="{p.name}/">{escape(p.display)}</a><br>\n' for p in batch).encode()
    yield tail


def json_parts(batches: Iterable[Sequence[ProjectName]], serial: int) -> Iterator[bytes]:
    """Yield the list of all projects as JSON in parts."""
    meta = f'{{"api-version": "{_API_VERSION}", "_last-serial": {serial}}}'
    yield f'{{"meta": {meta},\n "projects": ['.encode()
    comma = ""
    for batch in batches:
        entries = ",\n  ".join(f'{{"name": {_json(p.display)}, "_last-serial": {p.serial}}}' for p in batch)
        yield f"{comma}{entries}".encode()
        comma = ",\n  "
    yield b"]}\n"


def _html(title: str, links: str, serial: int, head: str = "") -> bytes:
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        "  <head>\n"
        '    <meta charset="utf-8">\n'
        f'    <meta name="pypi:repository-version" content="{_API_VERSION}">\n'
        f"{head}"
        f"    <title>{title}</title>\n"
        "  </head>\n"
        "  <body>\n"
        f"    <h1>{title}</h1>\n"
        f"{links}"
        "  </body>\n"
        "</html>\n"
        f"<!--SERIAL {serial}-->\n"
    ).encode()


def _url(file: File, up: str) -> str:
    # A raw `+` is a space to some object stores and proxies.
    return f"{up}packages/{quote(file.path)}"


def _link(file: File, up: str) -> str:
    return (
        f'    <a href="{_url(file, up)}{_fragment(file)}"'
        f"{''.join(_attributes(file))}>{escape(file.filename)}</a><br>\n"
    )


def _fragment(file: File) -> str:
    shown = file.hashes.shown
    return f"#{shown[0]}={shown[1]}" if shown else ""


def _attributes(file: File) -> Iterable[str]:
    if file.requires_python:
        yield f' data-requires-python="{escape(file.requires_python)}"'
    # PEP 592: an empty reason still means yanked, so test for None and not for truth.
    if file.yanked is not None:
        yield f' data-yanked="{escape(file.yanked)}"'
    if file.serves_metadata:
        digest = f"sha256={file.metadata_sha256}" if file.metadata_sha256 else "true"
        yield f' data-dist-info-metadata="{digest}" data-core-metadata="{digest}"'
    if file.signed:
        yield ' data-gpg-sig="true"'
    if file.provenance:
        yield f' data-provenance="{escape(file.provenance)}"'


def _entry(file: File, up: str) -> str:
    return (
        f'{{"filename": {_json(file.filename)}, "url": "{_url(file, up)}", '
        f'"hashes": {_hashes(file)}, "core-metadata": {_core_metadata(file)}, '
        f'"yanked": {_yanked(file)}{"".join(_optional(file))}}}'
    )


def _hashes(file: File) -> str:
    shown = file.hashes.shown
    return f'{{"{shown[0]}": "{shown[1]}"}}' if shown else "{}"


def _core_metadata(file: File) -> str:
    if not file.serves_metadata:
        return "false"
    return f'{{"sha256": "{file.metadata_sha256}"}}' if file.metadata_sha256 else "true"


def _yanked(file: File) -> str:
    # PEP 691: a reason must not be empty, and uv refuses a whole page for a null.
    return "false" if file.yanked is None else _json(file.yanked) if file.yanked else "true"


def _optional(file: File) -> Iterator[str]:
    """Yield what is left out where it is not known, because clients refuse a null."""
    if file.size is not None:
        yield f', "size": {file.size}'
    if file.uploaded_at is not None:
        yield f', "upload-time": "{file.uploaded_at:%Y-%m-%dT%H:%M:%S.%f}Z"'
    if file.time_source:
        yield f', "_upload-time-source": {_json(file.time_source)}'
    if file.requires_python:
        yield f', "requires-python": {_json(file.requires_python)}'
    if file.signed:
        yield ', "gpg-sig": true'
    if file.provenance:
        yield f', "provenance": {_json(file.provenance)}'
