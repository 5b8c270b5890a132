"""What a view leaves in the environment for those around it: the hot layer and the access log."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from pyramid_pypi.web.ready import Group

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["HOT_TARGET", "IDENTITY", "SEEN", "note", "offer_hot"]

HOT_TARGET = "pyramid_pypi.hot"
IDENTITY = "pyramid_pypi.identity"
SEEN = "pyramid_pypi.seen"


def note(request: "Request", repository: str, project: str = "", file: str = "") -> None:
    """Tell the access log what the request is about."""
    request.environ[SEEN] = (repository, project, file)


def offer_hot(request: "Request", group: Group, key: Hashable) -> None:
    """Tell the hot layer where the answer to this URL is kept."""
    request.environ[HOT_TARGET] = (group, key)
