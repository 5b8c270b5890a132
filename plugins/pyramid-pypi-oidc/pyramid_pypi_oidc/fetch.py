"""Requests to an issuer: small JSON documents, by https, and not from wherever it likes."""

import ipaddress
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from urllib3 import Timeout

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.upstream.allowed import AllowedHosts, Target
from pyramid_pypi.upstream.answers import Answer, translated
from pyramid_pypi.upstream.connections import Connections, Tls
from pyramid_pypi.upstream.proxies import Proxies
from pyramid_pypi.version import __version__
from pyramid_pypi_oidc.errors import IssuerDown

__all__ = ["Fetcher", "Form", "check_url", "is_safe"]

_SECONDS = 10.0
_MAX_SIZE = 2**20
_SIZE = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Form:
    """What is sent with a POST; the fields may have secrets."""

    fields: Mapping[str, str]
    headers: Mapping[str, str]


class Fetcher:
    """Asks one issuer and the hosts that it refers to. Redirects are not followed.

    A host that is not the issuer's own may be at an internal address only if that one is, too.
    """

    def __init__(self, url: str, ca: Path | None) -> None:
        own = Target.parse(url)
        self._connections = Connections(
            own,
            AllowedHosts(own).check_address,
            tls=Tls(ca),
            proxies=Proxies.read(None),
            size=_SIZE,
        )

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON object at a URL. Raises IssuerDown."""
        status, document = self._ask(url, headers or {}, None)
        if status != 200:
            raise _down(url, f"it answers {status}")
        return document

    def post(self, url: str, form: Form) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON object that comes of a form. Raises IssuerDown."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", **form.headers}
        return self._ask(url, headers, urlencode(form.fields))

    def close(self) -> None:
        """Let all connections go."""
        self._connections.close()

    def _ask(self, url: str, headers: Mapping[str, str], body: str | None) -> tuple[int, dict[str, Any]]:
        try:
            target = check_url(url)
        except ValueError as error:
            raise _down(url, f"the URL is not asked: {error}") from None
        due = time.monotonic() + _SECONDS
        try:
            answer = self._open(target, headers, body)
            content = b"".join(answer.decoded(_MAX_SIZE, due=due))
        except UpstreamUnavailable as error:
            raise _down(url, error.message) from error
        if 300 <= answer.status < 400:
            raise _down(url, "it redirects")
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise _down(url, "the answer is no JSON object")
        return answer.status, document

    def _open(self, target: Target, headers: Mapping[str, str], body: str | None) -> Answer:
        with translated(target, "a document"):
            response = self._connections.open(
                target,
                {"User-Agent": f"pyramid_pypi/{__version__}", "Accept": "application/json", **headers},
                "page",
                method="GET" if body is None else "POST",
                body=body,
                timeout=Timeout(connect=_SECONDS / 2, read=_SECONDS),
                pool_timeout=_SECONDS,
            )
        return Answer(response, target, "a document")


def check_url(url: str) -> Target:
    """Return the parts of a URL with https, or with http at a loopback address. Raises ValueError."""
    target = Target.parse(url)
    if target.scheme != "https" and not _is_loopback(target.host):
        raise ValueError("it is not https")
    return target


def is_safe(url: object) -> bool:
    """Tell whether something is a URL that may be asked."""
    try:
        check_url(str(url))
    except ValueError:
        return False
    return isinstance(url, str)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _down(url: str, why: str) -> IssuerDown:
    host = url.split("//", 1)[-1].split("/", 1)[0].rpartition("@")[2][:200]
    _log.warning("%r cannot be used: %s", url.partition("?")[0][:300], why)
    return IssuerDown(f"The issuer at {host!a} cannot be asked just now: {why}; try again later")
