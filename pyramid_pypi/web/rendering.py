"""Simple pages as bytes, joined from fragments (PEP 503, 592, 629, 658, 691, 700, 714, 792).

HTML is frozen at version 1.4 (PEP 833) and keeps PyPI's look, which many scripts rely on.
"""

from collections.abc import Iterable, Sequence
from html import escape
from json.encoder import encode_basestring_ascii as _json
from urllib.parse import quote

from pyramid_pypi.model import File, ProjectName, ProjectPage

__all__ = ["list_html", "list_json", "page_html", "page_json"]

_API_VERSION = "1.4"


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
    links = "".join(f'    <a href="{p.name}/">{escape(p.display)}</a><br>\n' for p in projects)
    return _html("Simple index", links, serial)


def list_json(projects: Sequence[ProjectName], serial: int) -> bytes:
    """Return the list of all projects as JSON, with the serials that mirrors need."""
    entries = ",\n  ".join(f'{{"name": {_json(p.display)}, "_last-serial": {p.serial}}}' for p in projects)
    meta = f'{{"api-version": "{_API_VERSION}", "_last-serial": {serial}}}'
    return f'{{"meta": {meta},\n "projects": [{entries}]}}\n'.encode()


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
        f'    <a href="{_url(file, up)}#sha256={file.hashes.sha256}"'
        f"{''.join(_attributes(file))}>{escape(file.filename)}</a><br>\n"
    )


def _attributes(file: File) -> Iterable[str]:
    if file.requires_python:
        yield f' data-requires-python="{escape(file.requires_python)}"'
    # PEP 592: an empty reason still means yanked, so test for None and not for truth.
    if file.yanked is not None:
        yield f' data-yanked="{escape(file.yanked)}"'
    if file.serves_metadata:
        digest = f"sha256={file.metadata_sha256}"
        yield f' data-dist-info-metadata="{digest}" data-core-metadata="{digest}"'
    if file.signed:
        yield ' data-gpg-sig="true"'


def _entry(file: File, up: str) -> str:
    requires = f'"requires-python": {_json(file.requires_python)}, ' if file.requires_python else ""
    core = f'{{"sha256": "{file.metadata_sha256}"}}' if file.serves_metadata else "false"
    # PEP 691: a reason must not be empty, and uv refuses a whole page for a null.
    yanked = "false" if file.yanked is None else _json(file.yanked) if file.yanked else "true"
    signed = ', "gpg-sig": true' if file.signed else ""
    uploaded = f"{file.uploaded_at:%Y-%m-%dT%H:%M:%S.%f}Z"
    return (
        f'{{"filename": {_json(file.filename)}, "url": "{_url(file, up)}", '
        f'"hashes": {{"sha256": "{file.hashes.sha256}"}}, {requires}"core-metadata": {core}, '
        f'"yanked": {yanked}, "size": {file.size}, "upload-time": "{uploaded}"{signed}}}'
    )
