"""The repositories of an index, for whoever may read something there."""

from typing import TYPE_CHECKING, cast

from pyramid_pypi.browse.facts import RepositoryFacts, RepositoryKind
from pyramid_pypi.browse.places import hosted_names, permissions_of
from pyramid_pypi.browse.upstreams import upstream_state, upstream_url
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.catalog.listing import count_projects
from pyramid_pypi.model import Identity
from pyramid_pypi.repositories.proxy import Proxy
from pyramid_pypi.settings import GroupSettings

if TYPE_CHECKING:
    from pyramid_pypi.app import PackageIndex

__all__ = ["repositories", "repository"]


def repositories(index: "PackageIndex", identity: Identity) -> list[RepositoryFacts]:
    """Return the repositories where `identity` may read something. Raises CatalogUnavailable."""
    return [
        repository(Viewer(index, served, identity))
        for served in index.repositories.values()
        if served.permits_somewhere(identity, "read")
    ]


def repository(viewer: Viewer) -> RepositoryFacts:
    """Return what is known of a repository. Raises CatalogUnavailable."""
    index, served = viewer.index, viewer.served
    settings = next(one for one in index.settings.repositories if one.name == served.name)
    source = served.source
    return RepositoryFacts(
        name=served.name,
        kind=cast("RepositoryKind", settings.kind),
        description=served.description,
        is_default=served.name == index.settings.default,
        projects=_count(viewer),
        permissions=permissions_of(viewer),
        members=settings.members if isinstance(settings, GroupSettings) else (),
        publish=served.publish,
        upstream=upstream_url(settings),
        upstream_state=upstream_state(source) if isinstance(source, Proxy) else "",
    )


def _count(viewer: Viewer) -> int:
    """Return how many own projects the viewer may read."""
    served = viewer.served
    names = hosted_names(served)
    if not names:
        return 0
    if served.shows_all_to(viewer.identity):
        return count_projects(viewer.index.catalog, names)
    return sum(1 for _ in served.visible(viewer.identity, served.repository.own_projects()))
