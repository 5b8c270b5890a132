"""What kind of document an upstream has sent, and whether its version can be read (PEP 629, 691)."""

import re
from typing import Literal

from pyramid_pypi.errors import UpstreamUnavailable

__all__ = ["Kind", "check_version", "kind_of", "without_secrets"]

Kind = Literal["json", "html"]

_JSON = re.compile(r"application/(?:json|vnd\.pypi\.simple\.[a-z0-9]+\+json)\Z")
_HTML = re.compile(r"(?:text/html|application/xhtml\+xml|application/vnd\.pypi\.simple\.[a-z0-9]+\+html)\Z")
_UNTOLD = {"", "text/plain", "application/octet-stream", "binary/octet-stream"}
_BLANK = b"\xef\xbb\xbf \t\r\n\f"


def kind_of(content_type: str, start: bytes, *, what: str) -> Kind:
    """Return what to read a document as, by its `Content-Type` or else by how it begins.

    Some indexes, Nexus and static file servers among them, send no type or a general one.
    Raises UpstreamUnavailable, with `what` as the subject of the sentence.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if _JSON.match(media_type):
        return "json"
    if _HTML.match(media_type):
        return "html"
    if media_type not in _UNTOLD:
        raise UpstreamUnavailable(
            f"{what} is of type {media_type[:80]!a}, and no page of a simple index; check the upstream's url"
        )
    begins = start.lstrip(_BLANK)[:1]
    if begins == b"{":
        return "json"
    if begins == b"<":
        return "html"
    raise UpstreamUnavailable(f"{what} is neither JSON nor HTML; check the upstream's url")


def check_version(said: object, *, what: str) -> None:
    """Let the versions 1.x of the API pass, and a document that tells none (PEP 629).

    Raises UpstreamUnavailable, with `what` as the subject of the sentence.
    """
    if said is None:
        return
    if not isinstance(said, str | int | float) or str(said).strip().partition(".")[0] != "1":
        raise UpstreamUnavailable(f"{what} has version {str(said)[:20]!a} of the API; only 1.x can be read")


def without_secrets(url: str) -> str:
    """Return `url` as a message may show it: without user, password, query and fragment."""
    scheme, _, rest = re.split(r"[?#]", url, maxsplit=1)[0].rpartition("://")
    host, slash, path = rest.partition("/")
    return ascii(f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"[:300])
