"""Requests to GitHub by way of githubkit: repeated where that helps, and errors in our words.

A request that GitHub refuses because there were too many is made again when GitHub says so, one that
failed by chance after a pause that doubles, and both only as long as `max_wait` allows. Whatever is
left becomes StorageUnavailable with the reason, or Refused where the caller has to decide.
"""

import itertools
import json
import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from githubkit import AppInstallationAuthStrategy, GitHub, TokenAuthStrategy
from githubkit.auth.base import BaseAuthStrategy
from githubkit.cache import MemCacheStrategy
from githubkit.exception import GitHubException, RateLimitExceeded, RequestError, RequestFailed

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi_github.options import Options

__all__ = ["Answer", "Call", "Client", "Refused"]

# The last version that Enterprise Servers of some years know too.
_VERSION: Final = {"X-GitHub-Api-Version": "2022-11-28"}
_AGENT: Final = "pyramid-pypi-github"
_FIRST_PAUSE: Final = 0.5
_ATTEMPTS: Final = 4
# What to wait when GitHub sees too many requests and does not say for how long.
_SECONDARY: Final = 60.0
_MOVED: Final = {301, 307, 308}


class Refused(Exception):
    """GitHub understands the request and says no: 404, 409, 422 and the like."""

    def __init__(self, status: int, message: str, codes: frozenset[str] = frozenset()) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.codes = codes

    @property
    def missing(self) -> bool:
        """Whether there is no such thing, or none that the token may see."""
        return self.status == 404

    @property
    def taken(self) -> bool:
        """Whether the name is taken."""
        return "already_exists" in self.codes


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `url` is relative to the API, or absolute; `content` makes the body for each attempt.

    `keep` are the names of the properties that are kept of each object in the answer, None for all.
    """

    method: str
    url: str
    body: Mapping[str, Any] | None = None
    params: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Callable[[], Iterable[bytes]] | None = None
    stream: bool = False
    keep: frozenset[str] | None = None

    @property
    def repeatable(self) -> bool:
        """Whether a second request does no harm when the first has been obeyed."""
        return self.method != "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub says; `data` is None where there is no JSON."""

    status: int
    headers: Mapping[str, str]
    data: Any = None


class _Kit(GitHub[Any]):
    """Has one pool of connections for all threads, where githubkit makes one for each request."""

    def __init__(self, options: Options) -> None:
        self._timeout = httpx.Timeout(float(options.timeout), connect=float(options.connect_timeout))
        super().__init__(
            _credentials(options),
            base_url=options.base_url,
            user_agent=_AGENT,
            follow_redirects=False,
            timeout=self._timeout,
            cache_strategy=MemCacheStrategy(),
            http_cache=False,
            auto_retry=False,
        )
        self._lock = threading.Lock()
        self._owner = 0
        self._client: httpx.Client | None = None

    @contextmanager
    def get_sync_client(self) -> Iterator[httpx.Client]:
        """Yield the client of this process."""
        yield self.client()

    def client(self) -> httpx.Client:
        """Return the client of this process; a connection cannot be shared with a forked one."""
        with self._lock:
            if self._client is None or self._owner != os.getpid():
                self._client, self._owner = self._create_sync_client(), os.getpid()
                # Nobody tells a storage that it is not needed any more.
                weakref.finalize(self, self._client.close)
            return self._client


class Client:
    """Talks to one GitHub about one repository. `clock` and `sleep` are of seconds."""

    def __init__(
        self,
        options: Options,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.options = options
        self._kit = _Kit(options)
        self._clock = clock
        self._sleep = sleep
        self._limited_until = 0.0

    def call(self, call: Call) -> Answer:
        """Return the answer. Raises Refused and StorageUnavailable."""
        raw = self.send(call).raw_response
        # httpx binds an answer to itself, and pages of releases would pile up until they are collected.
        raw.stream = httpx.ByteStream(b"")
        if raw.status_code in _MOVED:
            raise StorageUnavailable(
                f"GitHub has moved {self.options.name}; set owner and repo to what it is called now"
            )
        try:
            data = json.loads(raw.content, object_hook=_keeping(call.keep)) if raw.content else None
        except ValueError as error:
            # Some proxies greet whoever has not logged in to them.
            raise self._down("answers with something that is no JSON") from error
        return Answer(raw.status_code, raw.headers, data)

    def send(self, call: Call) -> Any:
        """Return githubkit's answer, which the caller closes if it is a stream. Raises as `call`."""
        left = self._limited_until - self._clock()
        if left > 0:
            raise self._limited(left)
        began = self._clock()
        for attempt in itertools.count(1):
            try:
                return self._request(call)
            except GitHubException as caught:
                error = _bare(caught)
                pause = _pause(error, call, attempt)
                if pause is None or self._clock() - began + pause > self.options.max_wait:
                    raise self._translated(error, pause) from error
            self._sleep(pause)
        raise AssertionError

    @contextmanager
    def fetch(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Yield the answer of a signed URL, which must not see our token; bytes are read in passing."""
        client = self._kit.client()
        request = client.build_request("GET", url, headers=dict(headers))
        try:
            answer = client.send(request, auth=None, stream=True)
            try:
                yield answer
            finally:
                answer.close()
        except httpx.HTTPError as error:
            raise self._down(f"breaks off a download ({type(error).__name__})") from error

    def _request(self, call: Call) -> Any:
        return self._kit.request(
            call.method,
            call.url,
            params=call.params or None,
            json=call.body,
            # The types of githubkit leave out what httpx takes as well.
            content=call.content() if call.content else None,  # type: ignore[arg-type]
            headers={**_VERSION, **call.headers},
            stream=call.stream,
        )

    def _translated(self, error: GitHubException, pause: float | None) -> Exception:
        if isinstance(error, RequestFailed):
            return self._answered(error, pause)
        cause = error.exc if isinstance(error, RequestError) else error
        if isinstance(cause, httpx.TimeoutException):
            return self._down(f"does not answer within {self.options.timeout} seconds")
        if isinstance(cause, httpx.HTTPError):
            return self._down(f"cannot be reached ({type(cause).__name__}: {cause})")
        return self._down(f"cannot be asked ({type(cause).__name__}: {cause}); check the options")

    def _answered(self, error: RequestFailed, pause: float | None) -> Exception:
        status = error.response.status_code
        if pause is not None and (isinstance(error, RateLimitExceeded) or status < 500):
            # GitHub bans who goes on asking (its "Best practices for using the REST API").
            self._limited_until = self._clock() + pause
            return self._limited(pause)
        message, codes = _said(error)
        if status == 401:
            # An App signs with the time, which GitHub compares with its own.
            of_app = "check app_id, app_key and installation, and the clock of this machine"
            cure = of_app if self.options.app_id else "make a new token"
            return self._down(f"does not accept the credentials ({message}); {cure}")
        if status == 403:
            return self._down(f"forbids this ({message}); the token needs `Contents: read and write`")
        return self._down(f"fails ({status})") if status >= 500 else Refused(status, message, codes)

    def _limited(self, seconds: float) -> StorageUnavailable:
        return StorageUnavailable(
            f"GitHub's rate limit is used up; it takes requests for {self.options.name} again in "
            f"{seconds:.0f} seconds"
        )

    def _down(self, what: str) -> StorageUnavailable:
        return StorageUnavailable(f"GitHub {what}, asked for {self.options.name}; try again later")


def _bare(error: GitHubException) -> GitHubException:
    """Return what has gone wrong; that of an App's request for a token comes wrapped in another error."""
    cause = error.exc if isinstance(error, RequestError) else error
    return cause if isinstance(cause, GitHubException) else error


def _keeping(names: frozenset[str] | None) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
    if names is None:
        return None
    return lambda found: {name: value for name, value in found.items() if name in names}


def _credentials(options: Options) -> BaseAuthStrategy:
    if options.token:
        return TokenAuthStrategy(options.token.reveal())
    key = options.app_key.reveal() if options.app_key else ""
    return AppInstallationAuthStrategy(options.app_id, key, options.installation)


def _pause(error: GitHubException, call: Call, attempt: int) -> float | None:
    """Return for how many seconds to wait before the next attempt, None for no more attempts."""
    if isinstance(error, RateLimitExceeded):
        return max(1.0, error.retry_after.total_seconds())
    if isinstance(error, RequestFailed):
        status = error.response.status_code
        if status == 429 or (status == 403 and "secondary rate limit" in _said(error)[0].lower()):
            return _SECONDARY
        passing = status >= 500 and call.repeatable
    else:
        cause = error.exc if isinstance(error, RequestError) else None
        unsent = isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout)
        passing = unsent or (isinstance(cause, httpx.TransportError) and call.repeatable)
    if not passing or attempt >= _ATTEMPTS:
        return None
    # Those who failed together must not come back together.
    pause: float = _FIRST_PAUSE * 2.0 ** (attempt - 1)
    return pause * random.uniform(0.8, 1.2)  # noqa: S311


def _said(error: RequestFailed) -> tuple[str, frozenset[str]]:
    """Return the message of an answer that refuses, and the codes of its errors."""
    try:
        data = error.response.json()
        listed = [one for one in data.get("errors", ()) if isinstance(one, dict)]
        reasons = [str(one["message"]) for one in listed if one.get("message")]
        message = " ".join([str(data.get("message", "")), *reasons])
        return message[:300], frozenset(str(one.get("code", "")) for one in listed)
    except (ValueError, AttributeError, TypeError):
        return "no reason given", frozenset()


class _WithoutQueries(logging.Filter):
    """Takes the queries out of what httpx logs of each request: they are the keys of signed URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                each.copy_with(query=None) if isinstance(each, httpx.URL) else each for each in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_WithoutQueries())
