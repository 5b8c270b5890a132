"""What is left in the environment for those around: the hot layer and the observer of requests."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from pyramid_pypi.web.ready import Group

if TYPE_CHECKING:
    from pyramid.events import BeforeTraversal
    from pyramid.request import Request

__all__ = ["HOT_TARGET", "IDENTITY", "ORIGIN", "ROUTE", "SEEN", "note", "note_route", "offer_hot"]

HOT_TARGET = "pyramid_pypi.hot"
IDENTITY = "pyramid_pypi.identity"
ROUTE = "pyramid_pypi.route"
SEEN = "pyramid_pypi.seen"

ORIGIN = "X-PyPI-Repository"
"""The header that names the repository which has what is answered, a member of a group that was asked."""


def note(request: "Request", repository: str, project: str = "", file: str = "") -> None:
    """Tell the observer what the request is about."""
    request.environ[SEEN] = (repository, project, file)


def note_route(event: "BeforeTraversal") -> None:
    """Tell the observer which route was found, before anything is made of it; a subscriber."""
    route = getattr(event.request, "matched_route", None)
    if route is not None:
        event.request.environ[ROUTE] = route.name


def offer_hot(request: "Request", group: Group, key: Hashable) -> None:
    """Tell the hot layer where the answer to this URL is kept."""
    request.environ[HOT_TARGET] = (group, key)
