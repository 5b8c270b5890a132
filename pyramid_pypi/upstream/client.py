"""Requests to an upstream: redirects by hand, retries, and limits of time."""

import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from urllib.parse import urljoin

from urllib3 import Timeout

from pyramid_pypi.errors import NotFound, UpstreamDown, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.upstream.allowed import AllowedHosts, Target
from pyramid_pypi.upstream.answers import Answer, http_date, translated
from pyramid_pypi.upstream.connections import Connections, Lane
from pyramid_pypi.upstream.credentials import Authorization
from pyramid_pypi.version import __version__

__all__ = ["Client", "Limits", "Request"]

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({429, 500, 502, 503, 504})
# Seconds before the second and the third attempt, to which up to a half is added by chance.
_PAUSES = (0.2, 0.4)
_PATIENCE = 2
_MOST_PATIENCE = 600


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, between bytes and for the head of an answer, and for a page with retries."""

    connect: float = 5
    read: float = 10
    total: float = 60


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: a URL, `what` it is called in errors, and headers besides those of every request.

    `missing` is raised when the upstream says that there is no such thing; None where that means
    that the upstream is no good. `expected` are the statuses of a good answer.
    """

    url: str
    what: str
    headers: Mapping[str, str]
    lane: Lane = "page"
    missing: type[NotFound] | None = None
    expected: frozenset[int] = frozenset({200})


class Client:
    """Asks the upstream and the hosts that it may refer to, from many threads.

    No request has any other headers than those that are written here and in its `Request`.
    """

    def __init__(
        self,
        allowed: AllowedHosts,
        authorization: Authorization,
        connections: Connections,
        *,
        limits: Limits,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._allowed = allowed
        self._authorization = authorization
        self._connections = connections
        self._limits = limits
        self._sleep = sleep

    def due(self) -> float:
        """Return when a page that is asked for now must have arrived, on the monotonic clock."""
        return time.monotonic() + self._limits.total

    def get(self, request: Request, *, due: float | None = None) -> Answer:
        """Return the answer at the end of all redirects, whose head arrives before `due`.

        Raises `request.missing` for 404 and 410, and UpstreamUnavailable or UpstreamTimeout for
        whatever is not one of `request.expected`.
        """
        due = self.due() if due is None else due
        target = self._allowed.target(request.url)
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._ask(target, request, due)
            if answer.status not in _REDIRECTS:
                return self._judged(answer, request)
            location = answer.header("Location")
            answer.discard()
            if not location:
                raise UpstreamUnavailable(f"The upstream {target.netloc} redirects {request.what} to nowhere")
            target = self._allowed.target(_joined(target, location))
        raise UpstreamUnavailable(
            f"The upstream {target.netloc} redirects {request.what} more than {_MAX_REDIRECTS} times"
        )

    def close(self) -> None:
        """Let all connections go."""
        self._connections.close()

    def _ask(self, target: Target, request: Request, due: float) -> Answer:
        """Return an answer that is not one to try again, or raise what the last attempt did."""
        for pause in _PAUSES:
            try:
                return self._attempt(target, request, due)
            except UpstreamDown as failure:
                wait = failure.retry_after or pause * random.uniform(1, 1.5)  # noqa: S311 - no secret
                if failure.retry_after > _PATIENCE or time.monotonic() + wait > due:
                    raise
            self._sleep(wait)
        return self._attempt(target, request, due)

    def _attempt(self, target: Target, request: Request, due: float) -> Answer:
        left = due - time.monotonic()
        if left <= 0:
            raise UpstreamTimeout(f"The upstream {target.netloc} takes too long for {request.what}")
        headers = {
            "User-Agent": f"pyramid_pypi/{__version__}",
            **request.headers,
            **self._authorization.headers(target),
        }
        timeout = Timeout(connect=min(self._limits.connect, left), read=min(self._limits.read, left))
        with translated(target, request.what):
            response = self._connections.open(
                target, headers, request.lane, timeout=timeout, pool_timeout=left
            )
        answer = Answer(response, target, request.what)
        if answer.status in _PASSING:
            after = _retry_after(answer.header("Retry-After"))
            answer.discard()
            raise UpstreamDown(
                f"The upstream {target.netloc} answers {answer.status} for {request.what}", retry_after=after
            )
        return answer

    def _judged(self, answer: Answer, request: Request) -> Answer:
        """Return an expected answer. Raises what any other one means."""
        if answer.status in request.expected:
            return answer
        answer.discard()
        host = answer.target.netloc
        if answer.status in (404, 410) and request.missing is not None:
            raise request.missing(f"The upstream {host} has no {request.what}")
        cure = ""
        if answer.status in (401, 403):
            shown = bool(self._authorization.headers(answer.target))
            cure = (
                ", so it refuses the credentials in the settings"
                if shown
                else "; it was shown no credentials, see the settings `user`, `token` and `netrc`"
            )
        raise UpstreamUnavailable(f"The upstream {host} answers {answer.status} for {request.what}{cure}")


def _retry_after(value: str) -> int:
    """Return the seconds that a header asks to wait for (RFC 9110 §10.2.3), 0 where it does not."""
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(int(value), _MOST_PATIENCE)
    at = http_date(value)
    seconds = 0 if at is None else ceil((at - datetime.now(UTC)).total_seconds())
    return min(max(seconds, 0), _MOST_PATIENCE)


def _joined(target: Target, location: str) -> str:
    try:
        return urljoin(target.url, location)
    except ValueError:
        # What cannot be read is refused like every other URL that is not followed.
        return ""
