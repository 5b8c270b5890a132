"""Issuers of tokens: what the ini says about them, what they say about themselves, and their keys."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from pyramid_pypi.upstream.connections import Tls
from pyramid_pypi_oidc.errors import IssuerDown, Refused
from pyramid_pypi_oidc.fetch import Fetcher, check_url, is_safe

__all__ = ["ISSUERS", "Issuer", "IssuerOptions", "PublicKey"]

PublicKey = RSAKey | ECKey

_FRESH: Final = 600.0
_USABLE: Final = 24 * 3600.0
# Whoever sends tokens with unknown keys must not make us ask the issuer for each of them.
_LOOK_AGAIN: Final = 30.0
_TRY_AGAIN: Final = 5.0
_PATIENCE: Final = 3.0
_SHORTEST_RSA: Final = 2048
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IssuerOptions:
    """Where an issuer is."""

    url: str = field(metadata={"help": "the issuer, exactly as its tokens name it in `iss`"})
    ca: Path | None = field(default=None, metadata={"help": "a PEM file of authorities besides the system's"})

    def __post_init__(self) -> None:
        try:
            check_url(self.url)
        except ValueError as error:
            raise ValueError(f"url: {self.url!r} is not an https URL of an issuer: {error}") from None
        Tls(self.ca).context(show_certificate=False)


@dataclass(frozen=True, slots=True)
class _GithubOptions(IssuerOptions):
    url: str = field(
        default="https://token.actions.githubusercontent.com", metadata={"help": "of Enterprise Server"}
    )


@dataclass(frozen=True, slots=True)
class _GitlabOptions(IssuerOptions):
    url: str = field(default="https://gitlab.com", metadata={"help": "of a GitLab of your own"})


class GithubIssuer:
    """GitHub Actions."""

    Options = _GithubOptions


class GitlabIssuer:
    """GitLab CI."""

    Options = _GitlabOptions


class ClaimsIssuer:
    """Anybody else who issues tokens of OpenID Connect."""

    Options = IssuerOptions


ISSUERS: Mapping[str, type] = {"github": GithubIssuer, "gitlab": GitlabIssuer, "claims": ClaimsIssuer}


@dataclass(frozen=True, slots=True)
class _Known:
    """What an issuer has said about itself, and when, on the monotonic clock."""

    document: Mapping[str, Any]
    keys: tuple[PublicKey, ...]
    at: float


class Issuer:
    """Remembers keys and addresses of an issuer for ten minutes, and for a day while it is down.

    Thread-safe: of several who need the same, one asks and the others wait.
    """

    def __init__(
        self, name: str, kind: str, options: IssuerOptions, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.kind = kind
        self.url = options.url
        self._fetcher = Fetcher(options.url, options.ca)
        self._clock = clock
        self._lock = threading.Lock()
        self._known: _Known | None = None
        self._next_look = 0.0

    @property
    def fetcher(self) -> Fetcher:
        """What asks it."""
        return self._fetcher

    def key(self, kid: str | None) -> PublicKey:
        """Return a key by its name; a name may be left out where there is one key alone.

        Raises IssuerDown, and Refused where there is no such key.
        """
        found = self._pick(kid)
        if found is None or self._is_old():
            self._refresh(wait=_PATIENCE if found is None else 0)
            found = self._pick(kid)
        if found is None:
            shown = ascii(kid or "")[:100]
            raise Refused(f"The token is signed with the key {shown}, which {self.url} does not have")
        return found

    def endpoint(self, name: str) -> str:
        """Return an address that the issuer gives. Raises IssuerDown."""
        if self._is_old():
            self._refresh(wait=_PATIENCE)
        found = self._require().document.get(name)
        if not isinstance(found, str) or not is_safe(found):
            raise IssuerDown(f"The issuer {self.url} tells no usable {name}")
        return found

    def close(self) -> None:
        """Let all connections go."""
        self._fetcher.close()

    def _pick(self, kid: str | None) -> PublicKey | None:
        known = self._known
        if known is None:
            return None
        if kid is None:
            return known.keys[0] if len(known.keys) == 1 else None
        return next((key for key in known.keys if key.kid == kid), None)

    def _is_old(self) -> bool:
        return self._known is None or self._clock() - self._known.at > _FRESH

    def _refresh(self, *, wait: float) -> None:
        """Ask the issuer unless somebody has just done so, or still does after `wait` seconds.

        Raises IssuerDown when nothing is known.
        """
        # An issuer that hangs must not take all threads.
        if not self._lock.acquire(timeout=wait):
            self._require()
            return
        try:
            now = self._clock()
            if now < self._next_look:
                self._require()
                return
            try:
                self._known = self._ask(now)
                self._next_look = now + _LOOK_AGAIN
            except IssuerDown:
                self._next_look = now + _TRY_AGAIN
                if self._known is None or now - self._known.at > _USABLE:
                    self._known = None
                    raise
        finally:
            self._lock.release()

    def _require(self) -> _Known:
        if self._known is None:
            raise IssuerDown(f"The issuer {self.url} cannot be asked just now; try again later")
        return self._known

    def _ask(self, now: float) -> _Known:
        document = self._fetcher.get(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self.url:
            raise IssuerDown(
                f"{self.url} says that it is another issuer, {ascii(document.get('issuer'))[:200]}"
            )
        address = document.get("jwks_uri")
        if not isinstance(address, str):
            raise IssuerDown(f"The issuer {self.url} does not tell where its keys are")
        keys = self._fetcher.get(address).get("keys")
        usable = [key for entry in keys if (key := _public_key(entry))] if isinstance(keys, list) else []
        if not usable:
            raise IssuerDown(f"The issuer {self.url} has no keys that can be used")
        return _Known(document, tuple(usable), now)


def _public_key(entry: object) -> PublicKey | None:
    """Return a key that signs, None for one that cannot be read, or that we would not trust."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    if entry.get("kty") not in ("RSA", "EC"):
        return None
    try:
        key = JWKRegistry.import_key(entry)
        short = isinstance(key, RSAKey) and key.public_key.key_size < _SHORTEST_RSA
    except (JoseError, ValueError, TypeError, KeyError) as error:
        _log.warning("a key is passed over: %s", type(error).__name__)
        return None
    return key if isinstance(key, RSAKey | ECKey) and not short else None
