"""A request to the API, taken apart: who asks, for what, and with which options."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from pyramid_pypi.api.answers import Item, Page
from pyramid_pypi.api.cursors import cursor_of
from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.distribution import is_valid_name, normalise
from pyramid_pypi.errors import BadRequest, Forbidden, ProjectNotFound, Unauthorized
from pyramid_pypi.model import Identity
from pyramid_pypi.served import Served
from pyramid_pypi.web.context import Operation, RepositoryContext, WebCaller
from pyramid_pypi.web.observe import note

if TYPE_CHECKING:
    from pyramid.request import Request

    from pyramid_pypi.app import PackageIndex

__all__ = ["MOST_ITEMS", "Asked", "require_name"]

MOST_ITEMS: Final = 500
_MOST_OPTIONS = 50
_MOST_DAYS = 365


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, the parts of the path by name, and the options in the query."""

    request: "Request"
    index: "PackageIndex"
    identity: Identity
    path: Mapping[str, str]
    options: Mapping[str, str]

    @classmethod
    def of(cls, request: "Request", index: "PackageIndex") -> "Asked":
        """Take a request apart. Raises BadRequest, Unauthorized, TooManyAttempts, Unavailable."""
        asked = cls(request, index, identity_of(request), request.matchdict, _options_of(request))
        found = asked.path
        # Names that nobody has given are for no log: there is no end of them.
        if found.get("repository") in index.repositories:
            raw = found.get("project", "")
            project = normalise(raw) if is_valid_name(raw) else ""
            note(request, found["repository"], project, found.get("filename", ""))
        return asked

    @property
    def project(self) -> str:
        """The normalised name of the project. Raises ProjectNotFound."""
        return require_name(self.path["project"])

    def viewer(self) -> Viewer:
        """Return who looks at the repository, and may. Raises NotFound, Unauthorized, Forbidden."""
        served = self._served(self.path["repository"])
        self._require_read(served, self.project if "project" in self.path else "")
        return Viewer(self.index, served, self.identity)

    def viewer_of(self, repository: str) -> Viewer:
        """Return who looks at a repository that the query names. Raises as `viewer` does."""
        served = self._served(repository) if repository else self.index.default
        self._require_read(served, "")
        return Viewer(self.index, served, self.identity)

    def published(self) -> Served:
        """Return what takes changes: the repository, or whom a group names. Raises NotFound."""
        served = self._served(self.path["repository"])
        return self.index.published(served.name)

    def caller(self, served: Served) -> WebCaller:
        """Return who asks, as publishers take it."""
        return WebCaller(self.request, RepositoryContext(self.index, served), self.identity)

    def require_reader(self) -> None:
        """Send strangers away who may read nowhere. Raises Unauthorized."""
        if self._is_outside:
            raise Unauthorized("Log in to see what is here")

    def require_user(self) -> None:
        """Send strangers away, who have no account. Raises Unauthorized."""
        if self.identity.is_anonymous:
            raise Unauthorized("Log in to look after your account")

    def require_manager(self) -> None:
        """Raise Unauthorized or Forbidden for whoever manages no repository."""
        if self.request.has_permission("manage", Operation(self.index)):
            return
        if self.identity.is_anonymous:
            raise Unauthorized("Log in to see how the index does")
        raise Forbidden(f"{self.identity.label} manages no repository")

    def limit(self, default: int) -> int:
        """Return how many items are wanted at most. Raises BadRequest."""
        return self._number("limit", default, MOST_ITEMS)

    def days(self, default: int) -> int:
        """Return how many days are wanted. Raises BadRequest."""
        return self._number("days", default, _MOST_DAYS)

    @property
    def cursor(self) -> str:
        """The cursor, empty at the beginning."""
        return self.options.get("cursor", "")

    def paged(self, found: Sequence[Item], limit: int, key: Callable[[Item], str | int]) -> Page[Item]:
        """Return the first `limit` items; one more than those tells that there are more."""
        items = tuple(found[:limit])
        more = len(found) > limit or len(found) == MOST_ITEMS
        return Page(items, cursor_of(key(items[-1])) if more else None)

    def _served(self, repository: str) -> Served:
        """Return a repository. Raises RepositoryNotFound, and Unauthorized for who may not know that."""
        if repository not in self.index.repositories and self._is_outside:
            raise Unauthorized(f"Log in to see {repository[:80]!r}")
        return self.index.served(repository)

    @property
    def _is_outside(self) -> bool:
        return self.identity.is_anonymous and not Operation(self.index).permits(self.identity, "read")

    def _number(self, name: str, default: int, most: int) -> int:
        text = self.options.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= most):
            raise BadRequest(f"{name!r} is a number from 1 to {most}, and not {text[:80]!r}")
        return int(text)

    def _require_read(self, served: Served, project: str) -> None:
        context = RepositoryContext(self.index, served, project)
        if self.request.has_permission("read", context):
            return
        if self.identity.is_anonymous:
            raise Unauthorized(f"Log in to see {served.name!r}")
        if project and served.permits_somewhere(self.identity, "read"):
            raise ProjectNotFound(f"{served.name!r} has no project {project!r}")
        raise Forbidden(f"{self.identity.label} isn't allowed to see {served.name!r}")


def require_name(text: str) -> str:
    """Return the normalised name of a project. Raises ProjectNotFound."""
    if not is_valid_name(text):
        raise ProjectNotFound(f"{text[:80]!r} is not a name that a project can have")
    return normalise(text)


def _options_of(request: "Request") -> dict[str, str]:
    """Return the query; of several values the first one counts. Raises BadRequest."""
    query = request.environ.get("QUERY_STRING", "")
    try:
        found = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_OPTIONS)
    except ValueError as error:
        raise BadRequest(
            f"The query of the URL is not UTF-8 text with up to {_MOST_OPTIONS} options"
        ) from error
    if any(not character.isprintable() for _, value in found for character in value):
        raise BadRequest("The query of the URL has characters that cannot be printed")
    return dict(reversed(found))
