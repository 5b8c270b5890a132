"""Byte ranges of files (RFC 9110 §14): one range, or the whole file."""

import re

__all__ = ["Unsatisfiable", "parse_range"]

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class Unsatisfiable(Exception):
    """The range begins behind the end of the file."""


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return start and stop, in bytes, of the range that `header` asks for.

    None means the whole file: the header is malformed, or names several ranges, which a server
    may ignore (RFC 9110 §14.2). Raises Unsatisfiable.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        length = int(last)
        if not length or not size:
            raise Unsatisfiable
        return max(0, size - length), size
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, min(int(last) + 1, size) if last else size
