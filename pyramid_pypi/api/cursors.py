"""Cursors: where the next part of a list begins, in a form that nobody takes for a number of a page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from pyramid_pypi.errors import BadRequest

__all__ = ["cursor_of", "number_after", "text_after"]

_LONGEST = 400
_LARGEST = 2**53


def cursor_of(key: str | int) -> str:
    """Return the cursor that leads behind `key`."""
    return urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def text_after(cursor: str) -> str:
    """Return the key of a cursor, empty without one. Raises BadRequest."""
    if len(cursor) > _LONGEST:
        raise _wrong(cursor)
    try:
        key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise _wrong(cursor) from error
    # What is ignored by the decoder, and would be a second way to write the same key, is not ours.
    if cursor_of(key) != cursor or not key.isprintable():
        raise _wrong(cursor)
    return key


def number_after(cursor: str) -> int:
    """Return the number of a cursor, 0 without one. Raises BadRequest."""
    key = text_after(cursor)
    if not key:
        return 0
    if not (key.isascii() and key.isdecimal() and int(key) < _LARGEST):
        raise _wrong(cursor)
    return int(key)


def _wrong(cursor: str) -> BadRequest:
    return BadRequest(f"{cursor[:80]!r} is not a cursor; send the one that the list gave as `next`")
