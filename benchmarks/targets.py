"""The requests of each scenario, found as a client finds them: through the server's own pages.

Every function returns ``None`` where a server does not support the thing asked for.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from benchmarks.client import Client, Response, links
from benchmarks.corpus import BIG, FAT, MID
from benchmarks.load import Target

if TYPE_CHECKING:
    from benchmarks.servers import Server

MIX = 20
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
ACCEPT_HTML = "text/html"
ACCEPT_JSON = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"


def html(server: Server) -> list[Target] | None:
    """Find project pages of ten files."""
    return _pages(server, _mix(server), ACCEPT_HTML)


def json(server: Server) -> list[Target] | None:
    """Find the same pages as JSON (PEP 691)."""
    return _pages(server, _mix(server), ACCEPT_JSON)


def fat(server: Server) -> list[Target] | None:
    """Find the page of the project with the most files."""
    return _pages(server, (FAT,), ACCEPT_HTML)


def mid(server: Server) -> list[Target] | None:
    """Find the page of a project with many files, but not too many for any server."""
    return _pages(server, (MID,), ACCEPT_HTML)


def root(server: Server) -> list[Target] | None:
    """Find the list of all projects."""
    target = _target(server, server.simple, {"Accept": ACCEPT_HTML})
    return [target] if _fetch(server, target).status == 200 else None


def conditional(server: Server) -> list[Target] | None:
    """Find the pages again, with the entity tag that the server gave (RFC 9110 §13)."""
    found = []
    for project in _mix(server):
        first = _fetch(server, _target(server, server.page(project), {"Accept": ACCEPT_HTML}))
        headers = {"Accept": ACCEPT_HTML, "If-None-Match": first.etag}
        target = _target(server, server.page(project), headers)
        if not first.etag or _fetch(server, target).status != 304:
            return None
        found.append(target)
    return found


def file(server: Server) -> list[Target] | None:
    """Find one small wheel of each project in the mix."""
    found = [_target(server, links_of(server, project)[0]) for project in _mix(server)]
    return found if all(_fetch(server, target).status == 200 for target in found) else None


def metadata(server: Server) -> list[Target] | None:
    """Find the metadata of the same wheels (PEP 658)."""
    found = [_target(server, f"{links_of(server, project)[0]}.metadata") for project in _mix(server)]
    if all(_fetch(server, target).body.startswith(b"Metadata-Version:") for target in found):
        return found
    return None


def big(server: Server) -> list[Target] | None:
    """Find the large wheel."""
    target = _target(server, links_of(server, BIG)[0])
    return [target] if len(_fetch(server, target).body) > server.corpus.scale.big else None


@cache
def links_of(server: Server, project: str) -> list[str]:
    """Return the paths of a project's files, from its page."""
    page = server.page(project)
    return links(page, _fetch(server, _target(server, page, {"Accept": ACCEPT_HTML})).body)


def _mix(server: Server) -> list[str]:
    return server.corpus.ordinary[:MIX]


def _pages(server: Server, projects: tuple[str, ...] | list[str], accept: str) -> list[Target] | None:
    found = [_target(server, server.page(project), {"Accept": accept}) for project in projects]
    for target in found:
        answer = _fetch(server, target)
        is_json = answer.content_type == JSON_TYPE
        if answer.status != 200 or is_json is not (accept is ACCEPT_JSON):
            return None
    return found


def _target(server: Server, path: str, headers: dict[str, str] | None = None) -> Target:
    return Target(path, tuple({**(headers or {}), **server.credentials()}.items()))


def _fetch(server: Server, target: Target) -> Response:
    client = Client(server.port)
    try:
        return client.get(target.path, dict(target.headers))
    finally:
        client.close()
