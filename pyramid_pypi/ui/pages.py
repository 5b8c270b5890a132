"""Pages from templates, with what all of them have."""

import functools
from collections.abc import Iterable
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.browse.sizes import human_size
from pyramid_pypi.errors import PypiError, Unauthorized
from pyramid_pypi.model import ANONYMOUS, Identity
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import Operation, RepositoryContext, index_of
from pyramid_pypi.web.places import base_of, here, up
from pyramid_pypi.web.sessions import cookie_of, form_token, new_cookie

if TYPE_CHECKING:
    from jinja2 import Environment
    from pyramid.request import Request

__all__ = ["CORE", "Pages", "icon", "plain_page", "script", "show_error", "style", "templates"]

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", _POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
]
Headers = Iterable[tuple[str, str]]

_SECRET = ("Cache-Control", "no-store")
# What the address was asked with decides what is shown; the back button need not ask again.
_OF_THE_READER = (("Cache-Control", "private, no-cache"), ("Vary", "Accept, Authorization, Cookie"))


class Pages:
    """The templates of a Python package, in its folder `templates`.

    They may extend `layout.html`, which is the core's. In each are `root`, the relative way to the
    root of the index, `here`, the page relative to that root, `identity`, and `csrf_field` for its
    forms, see `pyramid_pypi.ui.forms`. Pages about a repository are given its name as `repository`
    and the relative way to its root as `base`.
    """

    def __init__(self, package: str) -> None:
        self._package = package

    def show(
        self,
        request: "Request",
        template: str,
        *,
        status: str = "200 OK",
        headers: Headers = (),
        **values: Any,
    ) -> Answer:
        """Return a page. It is stored nowhere, as it may have a secret."""
        return self._show(request, template, status, [_SECRET, *headers], values)

    def show_facts(self, request: "Request", template: str, **values: Any) -> Answer:
        """Return a page that a browser may keep, and asks for again: it has no secrets."""
        return self._show(request, template, "200 OK", _OF_THE_READER, values)

    def _show(
        self, request: "Request", template: str, status: str, headers: Headers, values: dict[str, Any]
    ) -> Answer:
        field = _FormField(request)
        identity = _identity(request)
        index = index_of(request)
        known = {
            "root": up(request),
            "here": here(request),
            "base": "",
            "repository": "",
            "query": "",
            "is_search": False,
            "identity": identity,
            "has_login": index.settings.knows_passwords or bool(index.plugins.links("login")),
            "may_manage_index": Operation(index).permits(identity, "manage"),
            "csrf_field": field,
        }
        text = templates(self._package).get_template(template).render(known | values)
        # What others have written may have halves of characters, which no page can have.
        body = text.encode("utf-8", "replace")
        headerlist = [*_HEADERS, ("Content-Length", str(len(body))), *headers, *field.headers]
        return Answer(status=status, headerlist=headerlist, app_iter=[body])


class _FormField:
    """The hidden field of a form; a browser without a cookie is given one by pages that have it."""

    def __init__(self, request: "Request") -> None:
        self._request = request
        self._cookie = cookie_of(index_of(request), request.environ)
        self.headers: list[tuple[str, str]] = []

    def __html__(self) -> Markup:
        if not self._cookie:
            self._cookie, self.headers = new_cookie(self._request)
        return Markup('<input type="hidden" name="csrf" value="{}">').format(form_token(self._cookie))


_VERBS = {"add": "added", "remove": "removed", "yank": "yanked", "unyank": "offered again"}

CORE = Pages(__package__)
"""The pages of the core."""


def plain_page(template: str, **values: Any) -> Answer:
    """Return a page without what leads to other pages, and without a style sheet."""
    body = templates(__package__).get_template(template).render(values).encode()
    headers = [*_HEADERS, ("Content-Length", str(len(body))), *_OF_THE_READER]
    return Answer(status="200 OK", headerlist=headers, app_iter=[body])


def show_error(error: PypiError, request: "Request", answer: Answer) -> Answer:
    """Return the page for a browser that says what `answer` says to programs."""
    kept = {"www-authenticate", "retry-after", "allow"}
    return CORE.show(
        request,
        "error.html",
        status=answer.status,
        headers=[one for one in answer.headerlist if one[0].lower() in kept],
        title=error.title,
        message=error.message,
        may_log_in=isinstance(error, Unauthorized),
        next=here(request),
        **_repository_of(request),
    )


def _repository_of(request: "Request") -> dict[str, str]:
    """Return which repository a page that went wrong is about, for those who may read there."""
    context = getattr(request, "context", None)
    if not isinstance(context, RepositoryContext) or not context.served.permits_somewhere(
        _identity(request), "read"
    ):
        return {}
    return {"repository": context.served.name, "base": base_of(request)}


def _identity(request: "Request") -> Identity:
    try:
        return identity_of(request)
    except PypiError:
        # The page may be the one that says so.
        return ANONYMOUS


@functools.cache
def templates(package: str) -> "Environment":
    """Return the compiled templates; importing Jinja takes time that not every start has to spend."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    loaders = [PackageLoader(package)] + ([PackageLoader(__package__)] if package != __package__ else [])
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "moment": _moment,
        "day": lambda at: _moment(at, "%Y-%m-%d"),
        "size": human_size,
        "happening": _happening,
        "amount": lambda number: f"{number:,}".replace(",", "\u202f"),
    }
    return environment


def _moment(at: datetime, shown: str = "%Y-%m-%d %H:%M UTC") -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", at.strftime(shown))


def _happening(action: str) -> str:
    """Return an action of the journal, whose words are for mirrors, in words for people."""
    verb, _, rest = action.partition(" ")
    return f"file {_VERBS[verb]}" if verb in _VERBS else f"{verb}: {rest}"


def style(context: object, request: "Request") -> Answer:  # noqa: ARG001
    """Return the style sheet of all pages."""
    return _static("style.css", "text/css; charset=utf-8")


def script(context: object, request: "Request") -> Answer:  # noqa: ARG001
    """Return the script of all pages, which work without it."""
    return _static("ui.js", "text/javascript; charset=utf-8")


def icon(context: object, request: "Request") -> Answer:  # noqa: ARG001
    """Return the picture of the index in a browser's tabs."""
    return _static("icon.svg", "image/svg+xml")


def _static(name: str, content_type: str) -> Answer:
    body = _read(name)
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "public, max-age=300"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Answer(status="200 OK", headerlist=headers, app_iter=[body])


@functools.cache
def _read(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()
