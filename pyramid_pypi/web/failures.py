"""From errors to answers, for our routes only."""

import random
from typing import TYPE_CHECKING
from urllib.parse import quote

from pyramid.httpexceptions import HTTPException

from pyramid_pypi import audit
from pyramid_pypi.auth.policy import identity_of, is_ours
from pyramid_pypi.errors import (
    Forbidden,
    MethodNotAllowed,
    NotFound,
    PypiError,
    TooManyAttempts,
    Unauthorized,
)
from pyramid_pypi.model import ANONYMOUS, Identity
from pyramid_pypi.ui.pages import show_error
from pyramid_pypi.web.answers import Answer, answer_error, answer_problem, see_other
from pyramid_pypi.web.context import RepositoryContext, index_of
from pyramid_pypi.web.late import LateBytes
from pyramid_pypi.web.observe import IDENTITY
from pyramid_pypi.web.places import here, up, wants_page
from pyramid_pypi.web.slices import ARRIVING_WRAPPER

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["add_failures", "method_not_allowed", "not_found"]

# Seconds: long enough to keep many guessing clients from filling the machine, and little to one.
# They differ, so that those who are sent away together do not come back together.
_DELAYS = (0.3, 0.9)


class OursPredicate:
    """A view predicate: the request is for a route of this library."""

    def __init__(self, value: bool, config: "Configurator") -> None:  # noqa: ARG002
        self._value = value

    def text(self) -> str:
        """Return what introspection shows."""
        return f"pypi_route = {self._value}"

    phash = text

    def __call__(self, context: object, request: "Request") -> bool:  # noqa: ARG002
        """Tell whether the view is meant."""
        return is_ours(request) is self._value


def add_failures(config: "Configurator") -> None:
    """Add the views that answer what our views raise."""
    config.add_view_predicate("pypi_route", OursPredicate)
    config.add_exception_view(failed, context=PypiError)
    config.add_forbidden_view(forbidden, pypi_route=True)


def failed(error: PypiError, request: "Request") -> Answer:
    """Answer one of our errors; browsers are led to the login where that is what is missing."""
    is_api = _is_api(request)
    if isinstance(error, Unauthorized) and not is_api and _can_log_in(request):
        return see_other(f"{up(request)}login?next={quote(here(request), safe='')}")
    if isinstance(error, Forbidden):
        path = request.environ.get("PATH_INFO", "")
        audit.record("refused", _who(request), reason=error.message, method=request.method, path=path)
    realm = index_of(request).settings.realm
    answer = answer_problem(error, realm) if is_api else answer_error(error, request, realm)
    if isinstance(error, TooManyAttempts):
        _delay(answer, request)
    return show_error(error, request, answer) if not is_api and _is_for_people(request) else answer


def _delay(answer: Answer, request: "Request") -> None:
    """Let who was told to wait do so, where the server needs no thread for that."""
    follow = request.environ.get(ARRIVING_WRAPPER)
    if follow is not None:
        body: bytes = answer.app_iter[0]
        seconds = random.uniform(*_DELAYS)  # noqa: S311 - nobody gains by guessing it
        answer.app_iter = follow(LateBytes(body, seconds, index_of(request).wakes), 0, len(body))


def _who(request: "Request") -> Identity:
    """Return who has sent a request, nobody where that is what was refused."""
    known: Identity = request.environ.get(IDENTITY, ANONYMOUS)
    return known


def forbidden(error: HTTPException, request: "Request") -> Answer:  # noqa: ARG001
    """Answer a denied permission: strangers are asked to log in, others are told what is missing."""
    identity = identity_of(request)
    context = getattr(request, "context", None)
    what = repr(context.served.name) if isinstance(context, RepositoryContext) else "this page"
    if identity.is_anonymous:
        return failed(Unauthorized(f"Log in to see {what}"), request)
    return failed(Forbidden(f"{identity.label} isn't allowed to see {what}"), request)


def _is_api(request: "Request") -> bool:
    """Tell whether the request is for the API, whose clients get problems whatever they accept."""
    return is_ours(request) and request.matched_route.name.startswith("pypi.api.")


def _is_for_people(request: "Request") -> bool:
    """Tell whether a browser asks, and our own pages are there."""
    return wants_page(request) and index_of(request).settings.security == "pyramid_pypi"


def _can_log_in(request: "Request") -> bool:
    """Tell whether a browser asks for a page that the login page could lead back to.

    One that has shown a password is told that it is wrong.
    """
    reads = request.method in {"GET", "HEAD"}
    return reads and "HTTP_AUTHORIZATION" not in request.environ and _is_for_people(request)


def method_not_allowed(context: object, request: "Request") -> Answer:  # noqa: ARG001
    """Answer a method that the URL does not take."""
    raise MethodNotAllowed(f"{request.method} is not possible here")


def not_found(error: HTTPException, request: "Request") -> Answer:  # noqa: ARG001
    """Answer a URL that nobody knows, in an application that is nothing but the index."""
    return failed(NotFound("There is nothing at this URL"), request)
