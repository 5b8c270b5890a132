"""Password hashes as `htpasswd` writes them: telling, checking and making them.

Accepted are bcrypt (`$2a$`, `$2b$`, `$2y$`), SHA-256 and SHA-512 crypt (`$5$`, `$6$`), and the weak
apr1 and `{SHA}`. Plain text and DES crypt are always refused, and so is a hash whose cost would
keep a processor busy for longer than a login may take.
"""

import base64
import hashlib
import hmac
import importlib
import logging
import re
from typing import Final, Literal, Protocol, cast

import bcrypt

__all__ = ["Scheme", "hash_password", "is_costly", "is_weak", "scheme", "verify"]

Scheme = Literal["bcrypt", "sha1", "apr1", "sha256-crypt", "sha512-crypt"]

MAX_ROUNDS: Final = 1_000_000
BCRYPT_BYTES: Final = 72
# htpasswd itself reads no more; the cost of these schemes grows with the length of the password.
_CRYPT_BYTES: Final = 255
_COSTS = range(4, 16)

_GRAMMAR: Final[dict[Scheme, re.Pattern[str]]] = {
    # Not $2x$: it marks hashes of an implementation that confused passwords.
    "bcrypt": re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}"),
    "sha1": re.compile(r"\{SHA\}[+/A-Za-z0-9]{27}="),
    "apr1": re.compile(r"\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}"),
    "sha256-crypt": re.compile(r"\$5\$(?:rounds=([1-9][0-9]{3,6})\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}"),
    "sha512-crypt": re.compile(r"\$6\$(?:rounds=([1-9][0-9]{3,6})\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}"),
}
_LIBRARY: Final[dict[Scheme, str]] = {
    "apr1": "apr_md5_crypt",
    "sha256-crypt": "sha256_crypt",
    "sha512-crypt": "sha512_crypt",
}
_log = logging.getLogger(__name__)


class _Handler(Protocol):
    """What we use of a hash of `passlib`."""

    def verify(self, secret: bytes, stored: str) -> bool: ...


def scheme(stored: str) -> Scheme | None:
    """Return the scheme of a stored hash, None for one that no password can ever match."""
    for name, grammar in _GRAMMAR.items():
        found = grammar.fullmatch(stored)
        if found:
            rounds = found[1] if grammar.groups else None
            return name if int(rounds or 0) <= MAX_ROUNDS else None
    return None


def is_costly(name: Scheme) -> bool:
    """Tell whether one check takes longer than about a millisecond."""
    return name in {"bcrypt", "sha256-crypt", "sha512-crypt"}


def is_weak(name: Scheme) -> bool:
    """Tell whether stolen hashes of this scheme are guessed so fast that users need new ones."""
    return name in {"sha1", "apr1"}


def verify(stored: str, password: str) -> bool:
    """Tell whether `password` belongs to the hash `stored`; anything strange is False.

    Never raises. bcrypt sees the first 72 bytes of the password, as `htpasswd -B` did.
    """
    try:
        name = scheme(stored)
        return name is not None and _matches(name, stored, password.encode())
    except Exception as error:  # noqa: BLE001 - a bad line in a file must not become an answer of 500
        _log.warning("a stored password could not be checked: %s", type(error).__name__)
        return False


def hash_password(password: str, cost: int = 12) -> str:
    """Return a bcrypt hash in the form that Apache and nginx read too (`$2y$`).

    `cost` is the logarithm of the work, 4 to 15. Raises ValueError for another cost and for a
    password that is empty or not Unicode.
    """
    if cost not in _COSTS:
        raise ValueError(f"the cost of bcrypt must be from {_COSTS.start} to {_COSTS.stop - 1}, not {cost}")
    if not password:
        raise ValueError("the password is empty")
    made = bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], bcrypt.gensalt(cost))
    return made.decode("ascii").replace("$2b$", "$2y$", 1)


def _matches(name: Scheme, stored: str, secret: bytes) -> bool:
    """Check in constant time; `stored` has the grammar of the scheme `name`."""
    if name == "bcrypt":
        # bcrypt 5 refuses longer input, where every older implementation ignored the rest.
        return bcrypt.checkpw(secret[:BCRYPT_BYTES], stored.encode("ascii"))
    if name == "sha1":
        digest = base64.b64encode(hashlib.sha1(secret, usedforsecurity=False).digest())
        return hmac.compare_digest(digest, stored.removeprefix("{SHA}").encode("ascii"))
    if len(secret) > _CRYPT_BYTES:
        return False
    # Imported on use: the library costs 40 ms at start and few files still need it.
    handler = cast("_Handler", getattr(importlib.import_module("passlib.hash"), _LIBRARY[name]))
    return bool(handler.verify(secret, stored))
