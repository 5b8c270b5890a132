"""The API of an index at a URL, and who logs in there."""

import ipaddress
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import click
import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TooSlow

from pyramid_pypi.cli._index import Failed, Login, Reply, Unreachable
from pyramid_pypi.upstream.allowed import Target
from pyramid_pypi.upstream.connections import Tls
from pyramid_pypi.upstream.credentials import NoEntry, basic, bearer, from_netrc, split_userinfo
from pyramid_pypi.upstream.proxies import Proxies
from pyramid_pypi.version import __version__

__all__ = ["open_remote"]

# Seconds. The index may have to fetch what it promotes.
_TIMEOUT = urllib3.Timeout(connect=15, read=300)
_MAX_ANSWER = 64 * 2**20


@dataclass(frozen=True, slots=True)
class _Remote:
    """Asks over HTTP; `root` is the URL of the index without a slash at its end."""

    pool: urllib3.PoolManager
    root: str
    authorization: str = field(repr=False)

    def send(self, method: str, path: str, body: bytes | None) -> Reply:
        """See `Transport`."""
        headers = {"Accept": "application/json", "User-Agent": f"pyramid-pypi/{__version__}"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self.pool.request(
                method,
                f"{self.root}{path}",
                body=body,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=_TIMEOUT,
            )
            content = answer.read(_MAX_ANSWER, decode_content=True)
        except (HTTPError, OSError) as error:
            raise Unreachable(f"{self.root} cannot be reached: {_reason(error)}") from error
        if 300 <= answer.status < 400:
            place = answer.headers.get("Location", "another place")
            raise Failed(f"{self.root} sends its clients to {place}; name that index instead")
        return Reply(answer.status, answer.headers.get("Content-Type", ""), content)


@contextmanager
def open_remote(url: str, login: Login) -> Iterator[_Remote]:
    """Find out who logs in at the index of a URL. Raises Failed, UsageError."""
    try:
        root, userinfo = split_userinfo(url)
        target = Target.parse(root)
        authorization = _authorization(login, userinfo, target.host)
        pool = _pool(target, login.ca)
    except ValueError as error:
        # The URL itself may have a password in it.
        raise Failed(f"The SOURCE cannot be used: {error}") from None
    if authorization and target.scheme == "http" and not _is_loopback(target.host):
        click.echo(f"warning: the password goes to {target.host} without TLS; use https", err=True)
    with pool:
        yield _Remote(pool, urljoin(root, urlsplit(root).path or "/").rstrip("/"), authorization)


def _authorization(login: Login, userinfo: tuple[str, str] | None, host: str) -> str:
    """Return the header for the first who is named: options, environment, URL, netrc; or nothing."""
    if login.username is not None and login.token is not None:
        raise click.UsageError("give --username or --token, not both")
    if login.username is not None:
        return basic(login.username, _password(login))
    if login.password_stdin:
        raise click.UsageError("--password-stdin needs --username")
    environ = os.environ
    token = login.token or environ.get("PYRAMID_PYPI_TOKEN")
    if token:
        return bearer(token)
    if environ.get("PYRAMID_PYPI_USERNAME"):
        return basic(environ["PYRAMID_PYPI_USERNAME"], environ.get("PYRAMID_PYPI_PASSWORD", ""))
    if userinfo is not None:
        return basic(*userinfo)
    return _from_netrc(host)


def _password(login: Login) -> str:
    if login.password_stdin:
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    found: str = click.prompt("Password", hide_input=True, err=True)
    return found


def _from_netrc(host: str) -> str:
    """Return the header for what the user's netrc file has about a host, empty for nothing."""
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    if not path.is_file():
        return ""
    try:
        return basic(*from_netrc(path, host))
    except NoEntry:
        return ""
    except ValueError as error:
        click.echo(f"warning: nobody logs in: {error}", err=True)
        return ""


def _pool(target: Target, ca: str | None) -> urllib3.PoolManager:
    """Return what connects to the target, through the HTTP proxy of the environment if there is one."""
    options: dict[str, Any] = {}
    if target.scheme == "https":
        options["ssl_context"] = Tls(Path(ca) if ca else None).context(show_certificate=False)
    proxy = Proxies.read(None).of(target)
    if not proxy:
        return urllib3.PoolManager(**options)
    url, userinfo = split_userinfo(proxy)
    shown = {"Proxy-Authorization": basic(*userinfo)} if userinfo else {}
    return urllib3.ProxyManager(url, proxy_headers=shown, **options)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _reason(error: Exception) -> str:
    """Return in a few words why a connection was not made."""
    match error:
        case SSLError():
            return f"its certificate is not trusted, or it speaks no TLS ({error}); see --ca"
        case NameResolutionError():
            return "nobody knows the host"
        case NewConnectionError():
            return "it does not answer there"
        case TooSlow():
            return "it takes too long"
        case _:
            return str(error)
