"""What an address on a page means: an absolute URL, its fragment, and the file that it names."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

__all__ = ["absolute", "segment_of"]

_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")
_PLAIN_URL = re.compile(r"[A-Za-z0-9%/:?#\[\]@!$&'()*+,;=~._-]*\Z")
# Python's urlsplit drops some of these, and clients differ about what a backslash means.
_NEVER_IN_URL = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_LONGEST_URL = 8192
# A segment that begins with a dot may be `.` or `..`, and an empty one is dropped by joining.
_SEGMENT = r"[A-Za-z0-9%@!$&'()*+,=~_-][A-Za-z0-9%@!$&'()*+,=~._-]*+"
# Where a link starts from, the path and query that follow and stay as they are, and the fragment.
_CLEAN = re.compile(
    r"(https?://[A-Za-z0-9._:-]++/|/|(?:\.\./)*+)"
    rf"((?:{_SEGMENT}/)*+{_SEGMENT}(?:\?[A-Za-z0-9%/:?@!$&'()*+,=~._-]++)?+)"
    r"(?:#([A-Za-z0-9%/:?@!$&'()*+,;=~._-]*+))?\Z"
)


def absolute(href: object, base: str) -> tuple[str, str]:
    """Return the HTTP URL that `href` means on a page at `base`, and its fragment.

    The URL is ASCII and has neither fragment nor credentials, as those are for us and not for our
    clients; it is empty when there is no such URL.
    """
    if not isinstance(href, str) or len(href) > _LONGEST_URL:
        return "", ""
    clean = _CLEAN.match(href)
    if clean:
        start, rest, fragment = clean.groups("")
        root = _root(start, base)
        if root:
            return root + rest, fragment
    return _joined(href, base)


@lru_cache(maxsize=128)
def _root(start: str, base: str) -> str:
    """Return the URL that links with this `start` begin with: pages of thousands of links have few."""
    return _joined(f"{start}x", base)[0][:-1]


def _joined(href: str, base: str) -> tuple[str, str]:
    href = href.strip()
    if _NEVER_IN_URL.search(href):
        return "", ""
    try:
        if not _PLAIN_URL.match(href):
            href = quote(href, safe="%/:?#[]@!$&'()*+,;=~._-")
        parts = urlsplit(urljoin(base, href))
        # Reading the port checks that it is one.
        host = parts.netloc.rpartition("@")[2] if parts.port != 0 else ""
    except ValueError:
        return "", ""
    if parts.scheme not in {"http", "https"} or not _HOST.match(host):
        return "", ""
    return urlunsplit((parts.scheme, host, parts.path, parts.query, "")), parts.fragment


def segment_of(url: str) -> str:
    """Return the last segment of the path of `url`, decoded: what installers take for the file name."""
    segment = url.partition("#")[0].partition("?")[0].rpartition("/")[2]
    return unquote(segment) if "%" in segment else segment
