"""The README of a release as HTML that may stand in a page of ours, whoever wrote it."""

import hashlib
import os
from collections import OrderedDict
from threading import Lock
from typing import Final

from markupsafe import Markup

from pyramid_pypi.browse.facts import MetadataFacts
from pyramid_pypi.browse.workshop import Busy, workshop_of

__all__ = ["LONGEST", "render"]

LONGEST: Final = 200_000
"""Characters of a README beyond which it is shown as it was written."""

# Docutils takes its time, and more than in proportion; few such texts are longer than this.
_LONGEST_RST: Final = 100_000
_LONGEST_SHOWN: Final = 256_000
_BUDGET: Final = 16 * 1024 * 1024


def render(metadata: MetadataFacts) -> Markup:
    """Return the README as HTML, empty where there is none. What cannot be rendered is shown as text."""
    text = metadata.description.encode("utf-8", "replace").decode()
    if not text.strip():
        return Markup()
    media_type = metadata.description_content_type
    key = hashlib.sha256(f"{media_type}\0{text}".encode("utf-8", "replace")).digest()
    found = _CACHE.get(key)
    if found is None:
        kind = media_type.lower().partition(";")[0].strip()
        if kind == "text/plain" or len(text) > (LONGEST if kind == "text/markdown" else _LONGEST_RST):
            return _plain(text)
        try:
            found = _rendered(key, text, media_type)
        except Busy:
            return _plain(text)
    return found


def _rendered(key: bytes, text: str, media_type: str) -> Markup:
    """Render a README and keep it. Raises Busy."""
    workshop = workshop_of(os.getpid())
    with workshop.turn():
        # Others may have waited for the same one.
        found = _CACHE.get(key)
        if found is None:
            html = workshop.to_html(text, media_type)
            # It is what the sanitiser has let through.
            found = _plain(text) if html is None else Markup(html)  # noqa: S704
            _CACHE.put(key, found)
        return found


def _plain(text: str) -> Markup:
    shown = Markup('<pre class="plain" tabindex="0">{}</pre>').format(text[:_LONGEST_SHOWN])
    if len(text) > _LONGEST_SHOWN:
        shown += Markup("<p>There is more of it, which is too much for a page.</p>")
    return shown


class _Cache:
    """The last texts that were rendered, up to a number of characters."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Markup] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: bytes) -> Markup | None:
        """Return what is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: bytes, rendered: Markup) -> None:
        """Keep it, in the place of what nobody has asked for lately."""
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = rendered
            self._size += len(rendered)
            while self._size > _BUDGET:
                self._size -= len(self._kept.popitem(last=False)[1])


_CACHE: Final = _Cache()
