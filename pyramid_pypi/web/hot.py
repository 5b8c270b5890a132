"""Ready bytes in front of the router: what was asked before and has not changed.

A hit runs no query, renders nothing, opens no file and calls no plugin. Only the standard library
is imported; everything else is handed in. Whatever is unclear goes to the application behind,
which gives the same bytes.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pyramid_pypi.web.observe import HOT_TARGET, IDENTITY, SEEN
from pyramid_pypi.web.ready import Group, Ready, ReadyCache, accepts_gzip
from pyramid_pypi.web.slices import in_slices

__all__ = ["HotLayer", "Page"]

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_MAX_TARGETS = 100_000
_CONDITIONS_OF_FILES = ("HTTP_RANGE", "HTTP_IF_MODIFIED_SINCE")


@dataclass(frozen=True, slots=True)
class Page:
    """The target of a URL whose answer depends on what the client accepts; see `pages.Kind`."""

    up: str


Target = tuple[Group, Page | str]


class HotLayer:
    """A WSGI application in front of another one.

    `negotiate` maps an `Accept` header to a format and may raise; `reader` returns the identity
    behind an `Authorization` header if it is already verified and may read a project, else None.
    A target's key is a Page, or the path of a file.
    """

    def __init__(
        self,
        application: Application,
        *,
        cache: ReadyCache,
        negotiate: Callable[[str], Hashable],
        reader: Callable[[Group, str | None], object | None],
    ) -> None:
        self._application = application
        self._cache = cache
        self._negotiate = negotiate
        self._reader = reader
        self._targets: dict[str, Target] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from memory, or pass on and learn where the answer is kept."""
        path = environ["PATH_INFO"]
        target = self._targets.get(path)
        if target is None:
            answer = self._application(environ, start_response)
            self._learn(path, environ)
            return answer
        try:
            ready = self._find(target, environ)
        except Exception:  # noqa: BLE001 - the application behind answers with the reason
            ready = None
        if ready is None:
            return self._application(environ, start_response)
        status, headers, body = ready.answer(environ)
        start_response(status, list(headers))
        return in_slices(body, environ)

    def _find(self, target: Target, environ: Environ) -> Ready | None:
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or environ.get("QUERY_STRING"):
            return None
        group, key = target
        identity = self._reader(group, environ.get("HTTP_AUTHORIZATION"))
        if identity is None:
            return None
        environ[IDENTITY] = identity
        if isinstance(key, Page):
            environ[SEEN] = (*group, "")
            form = self._negotiate(environ.get("HTTP_ACCEPT", ""))
            packed = accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
            return self._cache.get(group, (key.up, form, packed))
        if any(name in environ for name in _CONDITIONS_OF_FILES):
            return None
        environ[SEEN] = (*group, key.rpartition("/")[2])
        return self._cache.get(group, key)

    def _learn(self, path: str, environ: Mapping[str, Any]) -> None:
        target = environ.get(HOT_TARGET)
        if target is not None:
            if len(self._targets) >= _MAX_TARGETS:
                self._targets.clear()
            self._targets[path] = target
