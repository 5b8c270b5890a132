"""What zip and tar archives have in common: how a file is refused and which names are safe."""

import re

from pyramid_pypi.errors import InvalidUpload

__all__ = [
    "MAX_MEMBERS",
    "MAX_METADATA",
    "MAX_NAME",
    "MAX_UNPACKED",
    "check_member_name",
    "member_path",
    "refused",
]

MAX_MEMBERS = 50_000
MAX_METADATA = 8 * 1024 * 1024
MAX_NAME = 1024
MAX_UNPACKED = 64 * 1024 * 1024
_MAX_DEPTH = 64

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]|\A/|\A[A-Za-z]:|(?:\A|/)\.\.(?:/|\Z)")


def refused(reason: str) -> InvalidUpload:
    """Return the error for a file that is not a sound archive; the prefix is the one of PyPI."""
    return InvalidUpload(f"Invalid distribution file. {reason}")


def check_member_name(name: str) -> str:
    """Return `name` when unpacking it cannot leave the target folder on any system."""
    if not name or len(name) > MAX_NAME or name.count("/") > _MAX_DEPTH or _UNSAFE.search(name):
        raise refused(f"The archive has a member with an unsafe name: {name[:80]!a}.")
    return name


def member_path(name: str) -> tuple[str, ...]:
    """Return the parts of a checked name, without empty ones and dots."""
    return tuple(part for part in name.split("/") if part not in {"", "."})
