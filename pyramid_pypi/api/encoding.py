"""Between JSON and the data of the API. Whoever needs it imports this late: see `bodies`."""

from typing import Any

import msgspec

from pyramid_pypi.api import bodies
from pyramid_pypi.errors import BadRequest

__all__ = ["decode", "encode"]


def encode(content: Any) -> bytes:
    """Return facts as JSON; times as RFC 3339 has them."""
    return msgspec.json.encode(content) + b"\n"


def decode(kind: str, body: bytes) -> Any:
    """Return the body of a request as the class of `bodies` with that name. Raises BadRequest.

    An empty body is an empty object.
    """
    wanted = getattr(bodies, kind)
    try:
        return msgspec.json.decode(body or b"{}", type=wanted)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The request is not as it should be: {_told(error)}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadRequest(f"The request is not JSON: {error}") from error


def _told(error: msgspec.ValidationError) -> str:
    text = str(error)
    for pattern, meaning in bodies.PATTERNS.items():
        text = text.replace(f"`str` matching regex {pattern!r}", meaning)
    return text
