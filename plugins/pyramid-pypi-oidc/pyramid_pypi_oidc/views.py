"""The machine's side: which audience, a token for a token, and where that is (PEP 807)."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pyramid.interfaces import IRoutesMapper
from pyramid.security import NO_PERMISSION_REQUIRED

from pyramid_pypi import audit
from pyramid_pypi.auth.throttle import Throttle
from pyramid_pypi.errors import NotFound, PypiError, TooLarge, TooManyAttempts
from pyramid_pypi.web.answers import Answer, answer_json
from pyramid_pypi.web.bodies import read_body
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.failures import method_not_allowed
from pyramid_pypi_oidc.errors import Code, Refused
from pyramid_pypi_oidc.minting import Minting
from pyramid_pypi_oidc.places import url_of
from pyramid_pypi_oidc.verify import MAX_TOKEN

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["AUDIENCE", "MINT", "add_machine_routes"]

AUDIENCE = "pypi.oidc.audience"
MINT = "pypi.oidc.mint"

_PYTP = "application/vnd.pypi.pytp.v1+json"
_NOBODY = ""
_REFUSED = "422 Unprocessable Content"
_OFF = "Nothing is published with tokens here: pypi.authenticators does not list them"


def add_machine_routes(config: "Configurator", minting: Minting) -> None:
    """Add the routes. POST needs no token of a form, as nothing that a browser adds by itself counts."""
    views = _Views(minting, Throttle(Throttle.Options(shared_names=frozenset({_NOBODY}))))
    routes = (
        (AUDIENCE, "/_/oidc/audience", views.audience, ("GET", "HEAD")),
        (MINT, "/_/oidc/mint-token", views.mint, "POST"),
        ("pypi.oidc.mint_github", "/_/oidc/github/mint-token", views.mint, "POST"),
        ("pypi.oidc.discover", "/.well-known/pytp", views.discover, ("GET", "HEAD")),
    )
    for name, pattern, view, method in routes:
        config.add_route(name, pattern, factory=Operation.of)
        for each, allowed in ((view, {"request_method": method}), (method_not_allowed, {})):
            config.add_view(
                each, route_name=name, permission=NO_PERMISSION_REQUIRED, require_csrf=False, **allowed
            )


@dataclass(frozen=True, slots=True)
class _Views:
    """The views, with what they ask; `throttle` counts refusals by address."""

    minting: Minting
    throttle: Throttle

    def audience(self, context: Operation, request: "Request") -> Answer:  # noqa: ARG002
        """Tell which audience tokens have to be for."""
        if not context.index.settings.takes_tokens:
            return _failed("403 Forbidden", "not-enabled", _OFF)
        return answer_json({"audience": self.minting.terms.audience})

    def mint(self, context: Operation, request: "Request") -> Answer:
        """Give a token for a token."""
        if not context.index.settings.takes_tokens:
            return _failed(_REFUSED, "not-enabled", _OFF)
        address = request.environ.get("REMOTE_ADDR", "")
        audit.acting_from(address)
        try:
            self.throttle.allow(_NOBODY, address)
            repository = request.environ.get("QUERY_STRING", "").removeprefix("repository=")
            minted = self.minting.mint(_token(request), repository)
        except Refused as refused:
            self.throttle.failure(_NOBODY, address)
            audit.record("refused", "", reason=refused.description, path=request.environ["PATH_INFO"])
            return _failed(_REFUSED, refused.code, refused.description)
        except PypiError as error:
            answer = _failed(f"{error.status} {error.title}", "unavailable", error.message)
            seconds = error.retry_after if isinstance(error, TooManyAttempts) else 5
            answer.headerlist.append(("Retry-After", str(seconds)))
            return answer
        expires = int(minted.expires_at.timestamp())
        return answer_json({"success": True, "token": minted.secret, "expires": expires})

    def discover(self, context: Operation, request: "Request") -> Answer:
        """Tell where tokens are given for uploads to a path (PEP 807)."""
        if not request.accept.acceptable_offers([_PYTP]):
            return answer_json({"title": f"Accept {_PYTP}", "status": 406}, "406 Not Acceptable")
        try:
            repository = _repository(request, context, request.GET.get("discover", ""))
        except (PypiError, ValueError):
            title = "No repository takes uploads at this path"
            return answer_json({"title": title, "status": 404}, "404 Not Found")
        answer = answer_json(
            {
                "audience-endpoint": url_of(request, AUDIENCE),
                "token-mint-endpoint": f"{url_of(request, MINT)}?repository={quote(repository)}",
            }
        )
        answer.headers["Content-Type"] = _PYTP
        return answer


def _token(request: "Request") -> str:
    """Return the token in the body. Raises Refused."""
    try:
        content = json.loads(read_body(request, MAX_TOKEN + 1024))
    except TooLarge as error:
        raise Refused(error.message, _PAYLOAD) from error
    except (ValueError, RecursionError):
        content = None
    found = content.get("token") if isinstance(content, dict) else None
    if not isinstance(found, str):
        raise Refused('Send JSON like {"token": "…"}', _PAYLOAD)
    return found


_PAYLOAD: Code = "invalid-payload"


def _failed(status: str, code: str, description: str) -> Answer:
    errors = [{"code": code, "description": description}]
    return answer_json({"message": "Token request failed", "errors": errors}, status)


def _repository(request: "Request", context: Operation, path: str) -> str:
    """Return the repository that takes uploads at a path. Raises NotFound, Forbidden."""
    mapper: Any = request.registry.getUtility(IRoutesMapper)
    if not path.startswith("/"):
        raise NotFound("This is no path")
    found = mapper(request.blank(quote(path), method="POST"))
    route = found["route"]
    if route is None or not route.name.startswith("pypi.") or route.name.rpartition(".")[2] not in _UPLOADS:
        raise NotFound("No uploads are taken at this path")
    index = context.index
    served = index.published(found["match"].get("repository") or index.settings.default)
    return served.takes.repository.name


_UPLOADS = frozenset({"upload", "prefix", "root", "projects"})
