"""Absolute addresses of the pages of this plugin, for those who are elsewhere."""

from typing import TYPE_CHECKING

from pyramid_pypi.web.places import address_of

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["url_of"]


def url_of(request: "Request", route: str, **parts: str) -> str:
    """Return the URL of a route: below `pypi.base_url`, else at the host that was asked."""
    path = request.environ.get("PATH_INFO", "")
    base = address_of(request).removesuffix(path)
    url: str = request.route_url(route, _app_url=base, **parts)
    return url
