"""The page that finds projects."""

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from pyramid_pypi.browse.search import search
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.distribution import is_valid_name, normalise
from pyramid_pypi.ui.browsing import count_of, query_of, show, viewer_of
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import RepositoryContext

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["show_search"]

_LIMIT = 20


def show_search(context: RepositoryContext, request: "Request") -> Answer:
    """Show the projects that have the words of `q`, and all of them by name without any."""
    viewer = viewer_of(context, request)
    asked = query_of(request)
    words, offset = asked.get("q", "").strip(), count_of(asked, "offset")
    found = search(viewer, words, limit=_LIMIT, offset=offset)
    end = offset + _LIMIT
    return show(
        request,
        "search.html",
        viewer,
        query=words,
        found=found,
        is_search=True,
        before=_page(words, max(offset - _LIMIT, 0)) if offset else "",
        after=_page(words, end) if end < found.total else "",
        elsewhere=_elsewhere(viewer, words),
    )


def _page(words: str, offset: int) -> str:
    return f"?{urlencode({'q': words, 'offset': offset}, quote_via=quote)}"


def _elsewhere(viewer: Viewer, words: str) -> str:
    """Return the project that an upstream may have, if the words are a name, which none is searched for."""
    is_name = viewer.served.repository.outside and is_valid_name(words)
    return normalise(words) if is_name else ""
