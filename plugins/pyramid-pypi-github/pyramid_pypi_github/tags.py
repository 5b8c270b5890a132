"""Names of tags: that of a file is its name, with what git does not take in a tag escaped."""

import re
import string

__all__ = ["RECORDS", "record_tag", "tag_of"]

RECORDS = "=record="
"""How the tags of records without a file begin, which no tag of a file does."""

# The letters of wheels' and sdists' names, which are their own tags, as private-pypi wrote them.
_PLAIN = frozenset(string.ascii_letters + string.digits + "._-+!")

# What git-check-ref-format(1) refuses although each letter is right, and what looks like an option.
_REFUSED = re.compile(r"^[.-]|(?<=\.)\.|\.$|\.(?=lock$)")


def tag_of(key: str) -> str:
    """Return the tag of the file under `key`; different keys have different tags."""
    refused = {found.start() for found in _REFUSED.finditer(key)}
    return "".join(
        letter if letter in _PLAIN and at not in refused else _escape(letter) for at, letter in enumerate(key)
    )


def record_tag(key: str) -> str:
    """Return the tag of a record whose file is not there."""
    return f"{RECORDS}{tag_of(key)}"


def _escape(text: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode())
