"""Where the files of an upstream are in this index: PyPI's own paths, so that locks can be rewritten."""

import hashlib
import re
from urllib.parse import unquote, urlsplit

from pyramid_pypi.model import Hashes

__all__ = ["place_of"]

# PyPI names a file by the BLAKE2b-256 of its bytes, and so do its mirrors and this index.
_PYPI_PATH = re.compile(r"packages/([0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60})/[^/]+\Z")
# The path of an address in which nothing has to be decoded or left out.
_PLAIN_PATH = re.compile(r"https?://[A-Za-z0-9._:-]++/([A-Za-z0-9/._~+-]*+)\Z")


def place_of(url: str, filename: str, hashes: Hashes) -> str:
    """Return the path below `packages/` for the file at `url`.

    A path in PyPI's shape stays as it is. Any other is made in that shape, from the best digest
    that is known, so that signed or moving URLs change nothing, and else from the URL.
    """
    plain = _PLAIN_PATH.match(url)
    path = plain[1] if plain else unquote(urlsplit(url).path)
    kept = _PYPI_PATH.search(path)
    if kept:
        return f"{kept[1]}/{filename}"
    shown = hashes.shown
    told = f"{shown[0]}={shown[1]}" if shown else url
    digest = hashlib.blake2b(told.encode(), digest_size=32).hexdigest()
    return f"{digest[:2]}/{digest[2:4]}/{digest[4:]}/{filename}"
