"""Where a browser is in the index, and where it may be sent."""

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["PREFIX", "address_of", "base_of", "here", "local_path", "up", "wants_page"]

PREFIX = "pyramid_pypi.prefix"
"""The key of the registry that has the path below which the routes of the index are."""

_LOCAL = re.compile(
    r"[A-Za-z0-9_~+-][A-Za-z0-9_~+.!$&'()*,;=@%/-]*(\?[A-Za-z0-9_~+.!$&'()*,;=@%/:?-]*)?", re.ASCII
)
_LONGEST = 2_000
# How many segments of the path lead to the root of the repository, by the mount of the route.
_DEPTHS = {"named": 2, "short": 1}
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?", re.ASCII)


def wants_page(request: "Request") -> bool:
    """Tell whether a browser asks for a page. Installers accept HTML too, and no other XML."""
    return "application/xhtml+xml" in request.environ.get("HTTP_ACCEPT", "")


def up(request: "Request") -> str:
    """Return the relative way from the page that was asked to the root of the index."""
    return "../" * _path(request).count("/") or "./"


def base_of(request: "Request") -> str:
    """Return the relative way from the page that was asked to the root of its repository."""
    mount = request.matched_route.name.split(".")[1]
    return up(request).removeprefix("../" * _DEPTHS.get(mount, 0)) or "./"


def here(request: "Request") -> str:
    """Return the page that was asked, relative to the root of the index."""
    query = request.environ.get("QUERY_STRING", "")
    path = quote(_path(request).encode("latin-1", "replace"))
    return local_path(path + (f"?{query}" if query else ""))


def address_of(request: "Request") -> str:
    """Return the address of this page as the reader's tools can use it."""
    environ = request.environ
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    base: str | None = request.registry["pyramid_pypi.index"].settings.base_url
    if base is not None:
        return f"{base}{environ.get('PATH_INFO', '')}"
    host = environ.get("HTTP_HOST", "")
    # The header is the client's; what is not a host does not get onto the page.
    if not _HOST.fullmatch(host):
        host = "localhost"
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}{path}"


def local_path(text: str) -> str:
    """Return `text` if it is a path below the root of the index, else the empty text.

    It is relative, so a browser stays on this host wherever the index is mounted: no scheme, no
    host, no way up and nothing that a browser would repair into one.
    """
    if len(text) > _LONGEST or not _LOCAL.fullmatch(text):
        return ""
    path = text.partition("?")[0].lower()
    parts = path.replace("%2f", "/").replace("%2e", ".").replace("%5c", "/").split("/")
    if any(part in {".", ".."} for part in parts) or "" in parts[:-1]:
        return ""
    return text


def _path(request: "Request") -> str:
    prefix = f"/{request.registry.get(PREFIX) or ''}".rstrip("/")
    path: str = request.environ.get("PATH_INFO", "")
    return path.removeprefix(prefix).lstrip("/")
