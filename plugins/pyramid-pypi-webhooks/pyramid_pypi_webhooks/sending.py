"""One attempt: a POST to the URL of the settings, and what came of it."""

import http.client
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from pyramid_pypi.version import __version__
from pyramid_pypi_webhooks.queue import Letter
from pyramid_pypi_webhooks.settings import Webhook
from pyramid_pypi_webhooks.shapes import body_of
from pyramid_pypi_webhooks.signing import signed_headers

__all__ = ["Outcome", "Send", "send"]

_MOST_PATIENT = 24 * 3600.0
_GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: a status, or none; `said` is it in words, without secrets.

    `retry_after` is for how many seconds the receiver wants to be left alone.
    """

    status: int | None
    said: str
    retry_after: float = 0.0

    @property
    def is_success(self) -> bool:
        """Whether the receiver has the event."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no events any more."""
        return self.status == _GONE

    @property
    def is_down(self) -> bool:
        """Whether other events would fare no better just now."""
        return self.status is None or self.status in (408, 429) or self.status >= 500


Send: TypeAlias = Callable[[Webhook, Letter, datetime], Outcome]


def send(webhook: Webhook, letter: Letter, at: datetime) -> Outcome:
    """Try to deliver a letter; `at` is now, in UTC. Redirects are not followed."""
    options = webhook.options
    body = body_of(letter.event, options.shape)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"pyramid_pypi/{__version__}",
        **signed_headers(options.secret, letter.id, int(at.timestamp()), body),
    }
    url = webhook.url
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        # A connection of its own: pools of urllib3 write the path, which may be a secret, to their log.
        connection = _connection(webhook)
        try:
            connection.request("POST", path, body, headers, preload_content=False)
            answer = connection.getresponse()
            said = f"{answer.status} {_printable(answer.reason or '')}".strip()[:100]
            return Outcome(answer.status, said, _patience(answer.headers.get("Retry-After", ""), at))
        finally:
            connection.close()
    except (HTTPError, http.client.HTTPException, OSError) as error:
        return Outcome(None, _reason(error, options.timeout))


def _connection(webhook: Webhook) -> HTTPConnection:
    url, timeout = webhook.url, webhook.options.timeout
    host = str(url.hostname)
    if url.scheme == "http":
        return HTTPConnection(host, url.port or 80, timeout=timeout)
    context = ssl.create_default_context()
    if webhook.options.ca is not None:
        context.load_verify_locations(webhook.options.ca)
    return HTTPSConnection(host, url.port or 443, timeout=timeout, ssl_context=context)


def _printable(text: str) -> str:
    # Terminals and logs obey some of the rest.
    return "".join(filter(str.isprintable, text))


def _reason(error: Exception, timeout: int) -> str:
    """Return why there was no answer; the texts of the errors themselves may show the URL."""
    if isinstance(error, NameResolutionError):
        return "its host is not known"
    is_refused = isinstance(error, NewConnectionError)
    if isinstance(error, TimeoutError | ConnectTimeoutError) and not is_refused:
        return f"no answer within {timeout} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "no TLS with it"
    if isinstance(error, FileNotFoundError | PermissionError):
        return "the file of the key `ca` cannot be read"
    return "it cannot be reached, or breaks off"


def _patience(text: str, at: datetime) -> float:
    """Return what `Retry-After` says in seconds, a day at most (RFC 9110 §10.2.3)."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _MOST_PATIENT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - at).total_seconds(), 0.0), _MOST_PATIENT)
