"""The Pyramid security policy: our identities for our own routes, the host's policy for the rest."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from pyramid.security import Allowed, Denied

from pyramid_pypi import audit
from pyramid_pypi.model import ANONYMOUS, EVERYONE, Identity
from pyramid_pypi.web.context import Operation, RepositoryContext, index_of
from pyramid_pypi.web.foreign import refuse_foreign_page
from pyramid_pypi.web.observe import IDENTITY
from pyramid_pypi.web.sessions import session_identity

if TYPE_CHECKING:
    from pyramid.request import Request

    from pyramid_pypi.app import PackageIndex

__all__ = ["SecurityPolicy", "identity_of", "is_ours"]

_WRITES = {"POST", "PUT", "PATCH", "DELETE"}


class HostPolicy(Protocol):
    """What Pyramid asks of a security policy."""

    def identity(self, request: "Request") -> Any: ...
    def authenticated_userid(self, request: "Request") -> str | None: ...
    def permits(self, request: "Request", context: Any, permission: str) -> Any: ...
    def remember(self, request: "Request", userid: str, **kw: Any) -> list[tuple[str, str]]: ...
    def forget(self, request: "Request", **kw: Any) -> list[tuple[str, str]]: ...


class SecurityPolicy:
    """Answers for routes and contexts of this library; asks `fallback` for all others.

    A host application that has a policy of its own wraps it::

        config.set_security_policy(SecurityPolicy(fallback=MyPolicy()))
    """

    def __init__(self, fallback: HostPolicy | None = None) -> None:
        self._fallback = fallback

    def identity(self, request: "Request") -> Any:
        """Return our Identity, None for nobody; or whatever the host's policy returns."""
        if self._fallback is not None and not is_ours(request):
            return self._fallback.identity(request)
        identity = _identify(request)
        return None if identity.is_anonymous else identity

    def authenticated_userid(self, request: "Request") -> str | None:
        """Return the name of the identity."""
        if self._fallback is not None and not is_ours(request):
            return self._fallback.authenticated_userid(request)
        return _identify(request).name or None

    def permits(self, request: "Request", context: Any, permission: str) -> Any:
        """Let our contexts decide about themselves."""
        if isinstance(context, RepositoryContext | Operation):
            identity = _identify(request)
            if context.permits(identity, permission):  # type: ignore[arg-type]
                return Allowed("%s has %s", identity.name or EVERYONE, permission)
            return Denied("%s has not %s", identity.name or EVERYONE, permission)
        if self._fallback is not None:
            return self._fallback.permits(request, context, permission)
        return Denied("no policy knows this context")

    def remember(self, request: "Request", userid: str, **kw: Any) -> list[tuple[str, str]]:
        """Let the host remember; Basic credentials are remembered by the client."""
        return [] if self._fallback is None else self._fallback.remember(request, userid, **kw)

    def forget(self, request: "Request", **kw: Any) -> list[tuple[str, str]]:
        """Let the host's policy forget, if there is one."""
        return [] if self._fallback is None else self._fallback.forget(request, **kw)


def is_ours(request: "Request") -> bool:
    """Tell whether the request is for a route of this library."""
    route = getattr(request, "matched_route", None)
    return route is not None and route.name.startswith("pypi.")


def identity_of(request: "Request") -> Identity:
    """Return who sent the request, under our policy or the host's.

    Raises Unauthorized, TooManyAttempts, BackendUnavailable.
    """
    index = index_of(request)
    if index.settings.security == "pyramid_pypi":
        return _identify(request)
    name = request.authenticated_userid
    return ANONYMOUS if name is None else Identity.user(str(name))


def _identify(request: "Request") -> Identity:
    environ = request.environ
    known: Identity | None = environ.get(IDENTITY)
    audit.acting_from(environ.get("REMOTE_ADDR", ""))
    if known is None:
        known = environ[IDENTITY] = _who(index_of(request), environ)
    return known


def _who(index: "PackageIndex", environ: Mapping[str, Any]) -> Identity:
    write = environ["REQUEST_METHOD"] in _WRITES
    remote = None if index.remote_users is None else index.remote_users.identify(environ)
    if remote is None and "HTTP_AUTHORIZATION" not in environ:
        browser = session_identity(index, environ)
        if browser is not None:
            return browser
    if remote is None:
        return index.identify(environ.get("HTTP_AUTHORIZATION"), environ.get("REMOTE_ADDR", ""), write=write)
    if write:
        # The web server in front knows a browser by its cookie, whatever page sends the request.
        refuse_foreign_page(environ, index.settings.base_url)
    return remote
