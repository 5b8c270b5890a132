"""Responses: headers as given, reasons in the status line, and errors in the client's format."""

import json
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pyramid.response import Response

from pyramid_pypi.errors import (
    MethodNotAllowed,
    PypiError,
    TooManyAttempts,
    Unauthorized,
    Unavailable,
    UpstreamUnavailable,
)
from pyramid_pypi.model import Redirect
from pyramid_pypi.web.negotiation import prefers_json
from pyramid_pypi.web.ready import Ready
from pyramid_pypi.web.slices import in_slices

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = [
    "CORS",
    "Answer",
    "answer_encoded",
    "answer_error",
    "answer_json",
    "answer_problem",
    "answer_ready",
    "answer_text",
    "redirect_away",
    "retry_headers",
    "see_other",
]

CORS = [
    ("Access-Control-Allow-Origin", "*"),
    (
        "Access-Control-Allow-Headers",
        "Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since",
    ),
    ("Access-Control-Allow-Methods", "GET"),
    ("Access-Control-Max-Age", "86400"),
    ("Access-Control-Expose-Headers", "X-PyPI-Last-Serial, X-PyPI-Repository, X-PyPI-Stale"),
]

_SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_MAX_REASON = 300
_RETRY_AFTER = 5
_TOLD = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]

StartResponse = Callable[..., Any]


# WebOb has no types.
class Answer(Response):  # type: ignore[misc]
    """A response whose headers go out as they are.

    WebOb would make `Location` absolute with the host that the client claims to have asked.
    """

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Send the response; HEAD gets the headers of GET and no body."""
        start_response(self.status, self.headerlist)
        if environ["REQUEST_METHOD"] == "HEAD":
            if hasattr(self.app_iter, "close"):
                self.app_iter.close()
            return ()
        chunks: Iterable[bytes] = self.app_iter
        return chunks


def answer_ready(ready: Ready, request: "Request") -> Answer:
    """Return a ready answer as Pyramid wants it, with the conditions of the request applied."""
    status, headers, body = ready.answer(request.environ)
    return Answer(status=status, headerlist=list(headers), app_iter=in_slices(body, request.environ))


def answer_text(status: str, text: str, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """Return one sentence as plain text."""
    return _answer(status, "text/plain; charset=utf-8", f"{text}\n" if text else "", headers)


def redirect_away(blob: Redirect) -> Answer:
    """Send the client to another host; nobody stores that, because settings may change."""
    headers = [("Location", blob.url), ("Cache-Control", "no-store"), *CORS]
    return answer_text("302 Found", f"It is at {blob.url}", headers)


def see_other(location: str, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """Send a browser on, after a form or to one."""
    given = [("Location", location), ("Cache-Control", "no-store"), *headers]
    return answer_text("303 See Other", f"The page is at {location}", given)


def answer_json(content: object, status: str = "200 OK") -> Answer:
    """Return `content` as JSON that nobody stores."""
    text = json.dumps(content, indent=1) + "\n"
    return _answer(status, "application/json", text, [("Cache-Control", "no-store")])


def answer_encoded(body: bytes, status: str = "200 OK") -> Answer:
    """Return JSON that is bytes already, and that nobody stores."""
    headers = [("Content-Length", str(len(body))), *_TOLD]
    return Answer(status=status, headerlist=[("Content-Type", "application/json"), *headers], app_iter=[body])


def answer_problem(error: PypiError, realm: str) -> Answer:
    """Return an error as the API tells it (RFC 9457)."""
    status = f"{error.status} {error.title}"
    content = {"type": "about:blank", "title": error.title, "status": error.status, "detail": error.message}
    headers = [("Cache-Control", "no-store"), *_extra(error, realm)]
    return _answer(status, "application/problem+json", json.dumps(content) + "\n", headers)


def answer_error(error: PypiError, request: "Request", realm: str) -> Answer:
    """Return an error as JSON or text, with its sentence in the reason phrase and in the body.

    Some upload tools print the one and some the other.
    """
    status = f"{error.status} {_reason(error.message)}"
    headers = [("Cache-Control", "no-cache"), ("Vary", "Accept"), *CORS, *_extra(error, realm)]
    accept = request.environ.get("HTTP_ACCEPT", "")
    if not prefers_json(accept):
        return _answer(status, "text/plain; charset=utf-8", f"{error.message}\n", headers)
    content: dict[str, object] = {"message": error.message, "code": status, "title": error.title}
    if _SIMPLE_JSON in accept:
        # Installers refuse to read an error of another type than their pages.
        return _answer(status, _SIMPLE_JSON, json.dumps({"meta": {"api-version": "1.4"}, **content}), headers)
    return _answer(status, "application/json", json.dumps(content), headers)


def _extra(error: PypiError, realm: str) -> list[tuple[str, str]]:
    if isinstance(error, Unauthorized):
        return [("WWW-Authenticate", f'Basic realm="{realm}", charset="UTF-8"')]
    if isinstance(error, MethodNotAllowed) and error.allowed:
        return [("Allow", ", ".join(error.allowed))]
    return retry_headers(error)


def retry_headers(error: PypiError) -> list[tuple[str, str]]:
    """Return the header that tells when to try again, if that helps (RFC 9110 §10.2.3)."""
    if isinstance(error, TooManyAttempts):
        return [("Retry-After", str(error.retry_after))]
    if isinstance(error, Unavailable):
        seconds = error.retry_after if isinstance(error, UpstreamUnavailable) else 0
        return [("Retry-After", str(seconds or _RETRY_AFTER))]
    return []


def _reason(message: str) -> str:
    text = _CONTROLS.sub(" ", message)
    if len(text) > _MAX_REASON:
        text = text[: _MAX_REASON - 3] + "..."
    return text.encode("latin-1", "replace").decode("latin-1")


def _answer(status: str, content_type: str, text: str, headers: Iterable[tuple[str, str]]) -> Answer:
    body = text.encode()
    headerlist = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        *headers,
    ]
    return Answer(status=status, headerlist=headerlist, app_iter=[body])
