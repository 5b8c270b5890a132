"""From the text of a token to claims that are true (RFC 7519, RFC 8725)."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from pyramid_pypi_oidc.errors import Refused
from pyramid_pypi_oidc.issuers import Issuer

__all__ = ["LEEWAY", "MAX_TOKEN", "Claims", "Verified", "issuer_of", "verify"]

Claims: TypeAlias = Mapping[str, Any]

MAX_TOKEN: Final = 32 * 1024
LEEWAY: Final = 30
_LONGEST: Final = 24 * 3600
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_MAX_HEADER: Final = 8192


@dataclass(frozen=True, slots=True)
class Verified:
    """Claims that their issuer has signed for us, and until when (seconds since 1970)."""

    issuer: Issuer
    claims: Claims
    expires: float


def issuer_of(token: str) -> str:
    """Return the issuer that a token names, which nobody has checked. Raises Refused."""
    _, payload = _parts(token)
    issuer = payload.get("iss")
    if not isinstance(issuer, str):
        raise Refused("The token does not say who has issued it")
    return issuer


def verify(token: str, issuer: Issuer, audience: str, *, clock: Callable[[], float] = time.time) -> Verified:
    """Return what a token of `issuer` says that is meant for `audience` alone.

    Raises Refused, and IssuerDown when the keys cannot be had.
    """
    header, _ = _parts(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in _ALGORITHMS:
        raise Refused(
            f"The token is signed with {ascii(algorithm)[:50]}; use one of {', '.join(_ALGORITHMS)}"
        )
    if kid is not None and not isinstance(kid, str):
        raise Refused("The token names its key by something that is no text")
    key = issuer.key(kid)
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = _MAX_HEADER
    try:
        claims = jwt.decode(token, key, registry=registry).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Refused(f"The signature of the token is not that of {issuer.url}") from error
    _check(claims, issuer.url, audience, int(clock()))
    return Verified(issuer, claims, float(claims["exp"]))


def _check(claims: Claims, issuer: str, audience: str, now: int) -> None:
    registry = jwt.JWTClaimsRegistry(
        now,
        LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        registry.validate(dict(claims))
    except ExpiredTokenError:
        raise Refused("The token has expired; ask for a new one right before it is used") from None
    except ClaimError as error:
        raise Refused(f"The claim {ascii(error.claim)[:50]} of the token is missing or not right") from None
    said = claims["aud"]
    # A token for several could be used by one of them at the others.
    if (said if isinstance(said, list) else [said]) != [audience]:
        shown = ascii(said)[:200]
        raise Refused(f"The token is for the audience {shown}; it has to be for {audience!r} alone")
    if claims["exp"] - claims["iat"] > _LONGEST:
        raise Refused("The token is valid for longer than a day")


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and payload of a token, of which nothing is checked. Raises Refused."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or not token.isascii() or len(parts) != 3:
        raise Refused("This is no JSON Web Token: three parts in base64url with dots between them")
    return _object(parts[0]), _object(parts[1])


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(urlsafe_b64decode(part.encode()))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused("This is no JSON Web Token: a part of it is no JSON object in base64url")
    return found
