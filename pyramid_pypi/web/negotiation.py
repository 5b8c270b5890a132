"""Which representation of a simple page a client gets (PEP 691)."""

from functools import lru_cache
from typing import Literal

from webob.acceptparse import create_accept_header

from pyramid_pypi.errors import BadRequest, NotAcceptable

__all__ = ["CONTENT_TYPES", "Format", "negotiate", "prefers_json"]

Format = Literal["html", "v1+html", "v1+json"]

CONTENT_TYPES: dict[Format, str] = {
    "html": "text/html; charset=utf-8",
    "v1+html": "application/vnd.pypi.simple.v1+html",
    "v1+json": "application/vnd.pypi.simple.v1+json",
}

# The first of equals wins: clients that say `*/*` or nothing parse HTML.
_OFFERS: dict[str, Format] = {
    "text/html": "html",
    "application/vnd.pypi.simple.v1+html": "v1+html",
    "application/vnd.pypi.simple.v1+json": "v1+json",
    "application/json": "v1+json",
}
_ORDINARY = 512
_LATEST = ("application/vnd.pypi.simple.latest+", "application/vnd.pypi.simple.v1+")


def negotiate(accept: str, format_parameter: str = "") -> Format:
    """Return the best format for an `Accept` header and the value of `?format=`.

    Raises NotAcceptable when the header excludes all of them, BadRequest for an unknown `?format=`.
    """
    # Clients send one of a few short texts; keeping long ones would only fill the memory.
    if len(accept) + len(format_parameter) <= _ORDINARY:
        return _negotiate_once(accept, format_parameter)
    return _negotiate(accept, format_parameter)


def _negotiate(accept: str, format_parameter: str) -> Format:
    if format_parameter:
        # A literal `+` in a query string arrives as a space.
        wanted = format_parameter.replace(" ", "+").replace(*_LATEST)
        if wanted not in _OFFERS:
            raise BadRequest(f"The format must be one of {', '.join(_OFFERS)}")
        return _OFFERS[wanted]
    if not accept.strip():
        return "html"
    offers = create_accept_header(accept.replace(*_LATEST)).acceptable_offers(list(_OFFERS))
    if not offers:
        raise NotAcceptable(f"Accept one of {', '.join(_OFFERS)}")
    return _OFFERS[offers[0][0]]


_negotiate_once = lru_cache(maxsize=512)(_negotiate)


def prefers_json(accept: str) -> bool:
    """Tell whether an error is to be answered in JSON rather than in plain text."""
    if "json" not in accept:
        return False
    offers = create_accept_header(accept).acceptable_offers(
        ["text/plain", "application/json", "application/vnd.pypi.simple.v1+json"]
    )
    return bool(offers) and "json" in offers[0][0]
