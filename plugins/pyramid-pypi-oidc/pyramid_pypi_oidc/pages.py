"""The pages for people: signing in, and publishers of the repositories that somebody manages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from pyramid.security import NO_PERMISSION_REQUIRED

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.auth.throttle import Throttle
from pyramid_pypi.catalog.sessions import LoggedIn
from pyramid_pypi.errors import BadRequest, Forbidden, NotFound, Unauthorized
from pyramid_pypi.model import Identity
from pyramid_pypi.options import options_of
from pyramid_pypi.ui.forms import Form, read_form
from pyramid_pypi.ui.pages import Pages
from pyramid_pypi.web.answers import Answer, see_other
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.cookies import cookie_header, read_cookie
from pyramid_pypi.web.failures import method_not_allowed
from pyramid_pypi.web.places import local_path, up
from pyramid_pypi.web.sessions import is_secure, start_session
from pyramid_pypi_oidc.desk import PublisherDesk
from pyramid_pypi_oidc.places import url_of
from pyramid_pypi_oidc.publishers import PUBLISHERS
from pyramid_pypi_oidc.signin import MINUTES, Answered, SignIn

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["PUBLISHERS_PATH", "add_pages", "login_path"]

PUBLISHERS_PATH = "-/oidc/publishers"

_COOKIE = "pypi_sign_in"
_MOST_FIELDS = 50
_CALLBACK = "pypi.oidc.callback"
_PAGES = Pages(__package__)


def login_path(provider: str) -> str:
    """Return where signing in at a provider begins, relative to the root of the index."""
    return f"-/oidc/{provider}/login"


def add_pages(config: "Configurator", desk: PublisherDesk, sign_ins: Mapping[str, SignIn]) -> None:
    """Add the routes and views."""
    publishers = _Publishers(desk)
    signing = _Signing(sign_ins, Throttle(Throttle.Options(shared_names=frozenset({""}))))
    routes: tuple[tuple[str, str, str, Any], ...] = (
        ("pypi.oidc.publishers", f"/{PUBLISHERS_PATH}", "GET", publishers.show),
        ("pypi.oidc.add_publisher", f"/{PUBLISHERS_PATH}/add", "POST", publishers.add),
        ("pypi.oidc.remove_publisher", f"/{PUBLISHERS_PATH}/remove", "POST", publishers.remove),
        ("pypi.oidc.login", "/-/oidc/{provider}/login", "GET", signing.begin),
        (_CALLBACK, "/-/oidc/{provider}/callback", "GET", signing.finish),
    )
    for name, pattern, method, view in routes:
        config.add_route(name, pattern, factory=Operation.of)
        # read_form looks at the token of the form.
        for each, allowed in ((view, {"request_method": method}), (method_not_allowed, {})):
            config.add_view(
                each, route_name=name, permission=NO_PERMISSION_REQUIRED, require_csrf=False, **allowed
            )


@dataclass(frozen=True, slots=True)
class _Signing:
    """Signing in at the providers; `throttle` keeps the visits of one address few."""

    sign_ins: Mapping[str, SignIn]
    throttle: Throttle

    def begin(self, context: Operation, request: "Request") -> Answer:
        """Send the browser to the provider."""
        sign_in = self._of(request)
        address = request.environ.get("REMOTE_ADDR", "")
        self.throttle.allow("", address)
        self.throttle.failure("", address)
        wanted = local_path(_query(request, "next"))
        redirect_uri = url_of(request, _CALLBACK, provider=sign_in.provider.name)
        location, browser = sign_in.begin(redirect_uri, wanted)
        return see_other(location, _cookie(context, request, browser, MINUTES * 60))

    def finish(self, context: Operation, request: "Request") -> Answer:
        """Log in whom the provider has sent back."""
        sign_in = self._of(request)
        answered = Answered(
            state=_query(request, "state"),
            code=_query(request, "code"),
            error=_query(request, "error"),
            issuer=_query(request, "iss"),
            browser=_shown(context, request),
        )
        identity, wanted = sign_in.finish(answered)
        login = LoggedIn(
            identity.name,
            f"oidc:{sign_in.provider.name}",
            identity.principals,
            address=request.environ.get("REMOTE_ADDR", ""),
        )
        headers = [*start_session(request, login), *_cookie(context, request, "", 0)]
        return see_other(f"{up(request)}{wanted or 'account'}", headers)

    def _of(self, request: "Request") -> SignIn:
        name = request.matchdict["provider"]
        if name not in self.sign_ins:
            raise NotFound(f"There is no provider {ascii(name)[:100]}")
        return self.sign_ins[name]


@dataclass(frozen=True, slots=True)
class _Publishers:
    """Publishers in the browser, for those who have `manage` on the repository that is published to."""

    desk: PublisherDesk

    def show(self, context: Operation, request: "Request") -> Answer:
        """List publishers, with a form for a new one."""
        return self._page(context, request, Form({}))

    def add(self, context: Operation, request: "Request") -> Answer:
        """Add a publisher."""
        form = read_form(request)
        kind, to = form.one("kind"), form.one("to")
        identity = self._manager(context, request, to)
        if kind not in PUBLISHERS:
            raise BadRequest(f"A publisher is one of {', '.join(PUBLISHERS)}")
        fields = {option.name: form.one(option.name).strip() for option in options_of(PUBLISHERS[kind])}
        options = {name: text for name, text in fields.items() if text}
        try:
            self.desk.add(form.one("name").strip(), kind, options, identity)
        except BadRequest as error:
            return self._page(context, request, form, error)
        return see_other(f"{up(request)}{PUBLISHERS_PATH}")

    def remove(self, context: Operation, request: "Request") -> Answer:
        """Remove a publisher."""
        form = read_form(request)
        name = form.one("name")
        publisher = self.desk.publishers.get(name)
        self.desk.remove(name, self._manager(context, request, publisher.to))
        return see_other(f"{up(request)}{PUBLISHERS_PATH}")

    def _manager(self, context: Operation, request: "Request", repository: str) -> Identity:
        """Return who asks, if they manage a repository. Raises Unauthorized, Forbidden, NotFound."""
        identity = identity_of(request)
        if identity.is_anonymous:
            raise Unauthorized("Log in to look after publishers")
        if not context.index.served(repository).permits(identity, "manage"):
            raise Forbidden(f"{identity.label} does not manage {repository!r}")
        return identity

    def _page(
        self, context: Operation, request: "Request", form: Form, error: BadRequest | None = None
    ) -> Answer:
        index, identity = context.index, identity_of(request)
        if identity.is_anonymous:
            raise Unauthorized("Log in to look after publishers")
        managed = [name for name in index.hosted_names if index.served(name).permits(identity, "manage")]
        if not managed:
            raise Forbidden(f"{identity.label} manages no repository that takes uploads")
        found = [one for one in self.desk.publishers.all() if one.to in managed]
        kind: str = form.one("kind") or _kind(request)
        return _PAGES.show(
            request,
            "publishers.html",
            status="200 OK" if error is None else "400 Bad Request",
            publishers=[(one, self.desk.pending(one)) for one in found],
            repositories=managed,
            kinds=list(PUBLISHERS),
            kind=kind,
            options=[one for one in options_of(PUBLISHERS[kind]) if one.name != "to"],
            form=form,
            problem="" if error is None else error.message,
        )


def _kind(request: "Request") -> str:
    """Return the kind of publisher that the form is for."""
    asked = _query(request, "kind")
    return asked if asked in PUBLISHERS else next(iter(PUBLISHERS))


def _query(request: "Request", name: str) -> str:
    query = str(request.environ.get("QUERY_STRING", ""))
    try:
        return parse_qs(query, max_num_fields=_MOST_FIELDS).get(name, [""])[0]
    except ValueError:
        return ""


def _shown(context: Operation, request: "Request") -> str:
    """Return the secret of a sign-in that the browser keeps, empty where there is none."""
    return read_cookie(request.environ, _COOKIE, secure=is_secure(context.index, request.environ))


def _cookie(context: Operation, request: "Request", value: str, seconds: int) -> list[tuple[str, str]]:
    secure = is_secure(context.index, request.environ)
    return cookie_header(_COOKIE, value, secure=secure, max_age=seconds)
