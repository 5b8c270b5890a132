"""Reading the `Authorization` header (RFC 9110 §11.6.2, RFC 7617, RFC 6750)."""

import binascii
import re
from typing import Final

from pyramid_pypi.errors import BadRequest, Unauthorized

__all__ = [
    "MAX_HEADER",
    "MAX_NAME",
    "MAX_PASSWORD",
    "TOKEN_PREFIX",
    "TOKEN_USER",
    "has_controls",
    "parse_authorization",
]

MAX_HEADER: Final = 8192
MAX_NAME: Final = 255
MAX_PASSWORD: Final = 4096
TOKEN_USER: Final = "__token__"  # noqa: S105 - a name, not a password
TOKEN_PREFIX: Final = "ppypi_"  # noqa: S105 - what all tokens begin with

# C0 and C1 controls and the two Unicode line breaks: they would forge lines in logs and files.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def parse_authorization(header: str | None) -> tuple[str, str] | None:
    """Return the name and the password that the header carries, None when it is absent.

    `Bearer x` is the name `__token__` and the password `x`, which is how package indexes take
    tokens in Basic too. Both values are exact, but for white space around one of our tokens.
    Raises BadRequest for a header of more than 8 KiB and Unauthorized for one that cannot be read
    or whose name or password is empty, too long or has control characters.
    """
    if header is None:
        return None
    if len(header) > MAX_HEADER:
        raise BadRequest("The Authorization header is longer than 8 KiB")
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "basic":
            name, password = _basic(value.strip(" "))
        case "bearer":
            name, password = TOKEN_USER, value.strip(" ")
        case _:
            raise Unauthorized("Only Basic and Bearer authentication are understood; send one of them")
    # A line break comes along when a token is read from a file.
    if password.strip().startswith(TOKEN_PREFIX):
        password = password.strip()
    _check(name, password)
    return name, password


def has_controls(text: str) -> bool:
    """Tell whether `text` has characters that no name and no password may have."""
    return _CONTROLS.search(text) is not None


def _basic(value: str) -> tuple[str, str]:
    """Decode the value of the Basic scheme."""
    try:
        raw = binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
    except ValueError as error:  # binascii.Error and UnicodeEncodeError are both
        raise Unauthorized("The Authorization header is not valid base64; send it again") from error
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        # RFC 7617 leaves the charset open; old clients send ISO-8859-1.
        text = raw.decode("latin-1")
    name, colon, password = text.partition(":")
    if not colon:
        raise Unauthorized("The Authorization header has no colon between name and password")
    return name, password


def _check(name: str, password: str) -> None:
    """Refuse what no authenticator may ever see."""
    if not name or not password:
        # RFC 4513 §5.1.2: a directory takes an empty password for an anonymous bind and says yes.
        raise Unauthorized("The name and the password must not be empty")
    if has_controls(name) or has_controls(password):
        raise Unauthorized("The name and the password must not have control characters")
    try:
        sizes = len(name.encode()), len(password.encode())
    except UnicodeEncodeError as error:
        raise Unauthorized("The Authorization header has characters that are not Unicode") from error
    if sizes[0] > MAX_NAME or sizes[1] > MAX_PASSWORD:
        raise Unauthorized("The name or the password is too long")
