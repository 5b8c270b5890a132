"""Bodies of requests that are small: forms, JSON, XML."""

from typing import TYPE_CHECKING

from pyramid_pypi.errors import TooLarge

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["read_body"]

_LARGEST = 64 * 1024


def read_body(request: "Request", most: int = _LARGEST) -> bytes:
    """Return the body of a request, of up to `most` bytes. Raises TooLarge."""
    environ = request.environ
    length = environ.get("CONTENT_LENGTH") or ""
    size = most + 1
    if length.isdecimal():
        # Python refuses to read numbers of thousands of digits.
        size = min(int(length[:20]), size)
    elif not environ.get("wsgi.input_terminated"):
        # A server need not put an end to the stream itself.
        return b""
    body: bytes = environ["wsgi.input"].read(size)
    if len(body) > most:
        raise TooLarge(f"The body of such a request has up to {most} bytes")
    return body
