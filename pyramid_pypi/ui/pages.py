"""Pages from templates, with what all of them have."""

import functools
from collections.abc import Iterable
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.errors import PypiError, Unauthorized
from pyramid_pypi.model import ANONYMOUS, Identity
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import index_of
from pyramid_pypi.web.places import here, up
from pyramid_pypi.web.sessions import cookie_of, form_token, new_cookie

if TYPE_CHECKING:
    from jinja2 import Environment
    from pyramid.request import Request

__all__ = ["CORE", "Pages", "show_error", "style"]

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", _POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
]
Headers = Iterable[tuple[str, str]]


class Pages:
    """The templates of a Python package, in its folder `templates`.

    They may extend `layout.html`, which is the core's. In each are `root`, the relative way to the
    root of the index, `identity`, and `csrf_field` for its forms, see `pyramid_pypi.ui.forms`.
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
        given = list(headers)
        cookie = cookie_of(index_of(request), request.environ)
        if not cookie:
            cookie, set_cookie = new_cookie(request)
            given += set_cookie
        values |= {
            "root": up(request),
            "identity": _identity(request),
            "csrf_field": Markup('<input type="hidden" name="csrf" value="{}">').format(form_token(cookie)),
        }
        body = _templates(self._package).get_template(template).render(values).encode()
        headerlist = [*_HEADERS, ("Content-Length", str(len(body))), *given]
        return Answer(status=status, headerlist=headerlist, app_iter=[body])


CORE = Pages(__package__)
"""The pages of the core."""


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
    )


def _identity(request: "Request") -> Identity:
    try:
        return identity_of(request)
    except PypiError:
        # The page may be the one that says so.
        return ANONYMOUS


@functools.cache
def _templates(package: str) -> "Environment":
    """Return the compiled templates; importing Jinja takes time that not every start has to spend."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    loaders = [PackageLoader(package)] + ([PackageLoader(__package__)] if package != __package__ else [])
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = lambda at: Markup("<time>{}</time>").format(f"{at:%Y-%m-%d %H:%M} UTC")
    return environment


@functools.cache
def _style_sheet() -> bytes:
    return resources.files(__package__).joinpath("style.css").read_bytes()


def style(context: object, request: "Request") -> Answer:  # noqa: ARG001
    """Return the style sheet of all pages."""
    body = _style_sheet()
    headers = [
        ("Content-Type", "text/css; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "public, max-age=300"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Answer(status="200 OK", headerlist=headers, app_iter=[body])
