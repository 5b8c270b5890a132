"""Text for XML."""

import re

__all__ = ["legal"]

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """Return the text with a replacement for each character that XML 1.0 §2.2 does not know."""
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
