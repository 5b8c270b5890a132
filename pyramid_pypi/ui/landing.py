"""The first page of a repository: what is here, and how tools use it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from pyramid_pypi.browse.repositories import repositories
from pyramid_pypi.browse.repositories import repository as describe
from pyramid_pypi.browse.search import recent
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.ui.browsing import show, viewer_of
from pyramid_pypi.ui.pages import plain_page
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.places import address_of

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["landing_page"]

_RECENT = 12


@dataclass(frozen=True, slots=True)
class _Address:
    """The address of a repository as tools are given it.

    `user` is the name that goes with a password, empty where everybody may read, and `publisher`
    is that of who may publish, empty where everybody may.
    """

    url: str
    user: str
    publisher: str

    @property
    def named(self) -> str:
        """The address with the name in it, so that tools ask for a password only."""
        return self.with_user(quote(self.user, safe="")) if self.user else self.url

    def with_user(self, user: str) -> str:
        """Return the address with what stands before the host."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{user}@{rest}"


def landing_page(context: RepositoryContext, request: "Request") -> Answer:
    """Show what is in the repository, and how to use it.

    Where the host of an embedded index decides who may do what there are no other pages, and this
    one only says where tools find the index.
    """
    viewer = viewer_of(context, request)
    url = address_of(request)
    if context.index.settings.security == "host":
        return plain_page("welcome.html", repository=context.served, url=url)
    facts = describe(viewer)
    others = repositories(context.index, viewer.identity)
    target = context.index.published(viewer.served.name)
    return show(
        request,
        "landing.html",
        viewer,
        facts=facts,
        others=others,
        followed=[one for one in others if one.upstream and one.name in facts.members],
        recent=recent(viewer, limit=_RECENT),
        address=_Address(url, _user(viewer), viewer.identity.name),
        shell=facts.name.upper().replace("-", "_"),
        may_publish=target.publisher is not None and target.permits_somewhere(viewer.identity, "upload"),
        takes_tokens=context.index.settings.takes_tokens,
        takes_anybody=viewer.identity.is_anonymous and viewer.sees_people,
    )


def _user(viewer: Viewer) -> str:
    if viewer.served.rights.is_public:
        return ""
    return viewer.identity.name or "USER"
