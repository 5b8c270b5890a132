"""Refuses requests that no client of an index sends, before anything parses them."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["CleanPaths"]

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_PORT = re.compile(r":\d*$")
_SLASHES = re.compile(r"/{2,}")


class CleanPaths:
    """A WSGI application in front of another one: paths are UTF-8 without control characters.

    Repeated slashes count as one, without a redirect. With `hosts` (`pypi.example.org`, with a port
    or without, or `*.example.org`), other `Host` headers get 421.
    """

    def __init__(self, application: Application, *, hosts: Iterable[str] = ()) -> None:
        self._application = application
        self._hosts = frozenset(host.lower() for host in hosts)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Refuse, or pass on."""
        path = environ.get("PATH_INFO", "")
        if not path.isascii() and not _is_utf8(path):
            return _refuse(environ, start_response, "400 Bad Request", "The path is not UTF-8 text")
        if _FORBIDDEN.search(path):
            return _refuse(environ, start_response, "400 Bad Request", "The path has forbidden characters")
        if self._hosts and not self._knows(environ.get("HTTP_HOST", "")):
            return _refuse(environ, start_response, "421 Misdirected Request", "This index has another name")
        if "//" in path:
            environ["PATH_INFO"] = _SLASHES.sub("/", path)
        return self._application(environ, start_response)

    def _knows(self, host: str) -> bool:
        name = _PORT.sub("", host.lower())
        return bool({host.lower(), name, f"*.{name.partition('.')[2]}"} & self._hosts)


def _is_utf8(path: str) -> bool:
    try:
        path.encode("latin-1").decode()
    except UnicodeError:
        return False
    return True


def _refuse(environ: Environ, start_response: StartResponse, status: str, text: str) -> Iterable[bytes]:
    kind, said = "text/plain; charset=utf-8", text
    if "/-/api/" in environ.get("PATH_INFO", ""):
        # RFC 9457, as for all that goes wrong there.
        code, _, title = status.partition(" ")
        problem = {"type": "about:blank", "title": title, "status": int(code), "detail": text}
        kind, said = "application/problem+json", json.dumps(problem)
    body = f"{said}\n".encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return (body,)
