"""The URLs of an index in the text of a lock file, and how they become those of another."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pyramid_pypi.cli._lockfiles import Kind, Lockfile, LockfileError, dicts, table

__all__ = ["PYPI", "Index", "Rewritten", "parse_index", "rewrite"]

_PORTS = {"http": 80, "https": 443}
_SIMPLE = re.compile(r"/\+?simple\Z")
# PyPI names a file by the BLAKE2b-256 of its bytes, and this index keeps the path.
_PLACE = re.compile(r"\A(.*)(/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+)\Z")
# Comments and strings are passed over as wholes, so that nothing within them looks like a key.
_KEYS = re.compile(
    r'''
      """(?:\\.|(?!""")[^\\])*"""+ | \'\'\'.*?\'\'\'+ | \#[^\n]*
    | (?P<before>(?P<mark>["']?)(?P<key>[A-Za-z0-9_-]+)(?P=mark)[ \t]*[=:]\s*(?P<quote>["'])(?!(?P=quote){2}))
      (?P<value>[^"'\\\n]*)(?P=quote)
    | "(?:\\.|[^"\\\n])*" | '[^'\n]*'
    ''',
    re.VERBOSE | re.DOTALL,
)
_OPTIONS = re.compile(
    r"(?<!\S)(?:\#[^\n]*"
    r"|(?P<before>(?P<key>-i|--index-url|--extra-index-url)(?:[ \t]*=[ \t]*|[ \t]+|(?<=-i)))(?P<value>\S+))"
)


@dataclass(frozen=True, slots=True)
class Index:
    """An index: the URL of its pages as tools spell it, and what its files are below."""

    registry: str
    root: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The new text, and how many URLs are not as they were."""

    text: str
    urls: int


@dataclass(frozen=True, slots=True)
class _Mention:
    """A URL in a lock: under which key, and the index that it belongs to; `url` may be just that."""

    key: str
    url: str
    index: str


PYPI = Index("https://pypi.org/simple", "https://files.pythonhosted.org")


def parse_index(text: str) -> Index:
    """Return the index that `text` names: `pypi`, the root of a repository, or its page `simple`.

    The page is spelled as in `text`, since uv does not take one with a slash for one without.
    Raises LockfileError.
    """
    if text.lower() == "pypi":
        return PYPI
    try:
        url = urlsplit(text)
        usable = url.scheme in _PORTS and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.query or url.fragment or re.search(r"[\s\"'\\]", text):
        raise LockfileError(f"{text!r} is not the URL of an index; write one like https://host/simple/")
    if "@" in url.netloc:
        raise LockfileError(
            f"Leave the credentials out of the URL of {url.hostname}; a lock file is no place for them"
        )
    bare = text.rstrip("/")
    root = _SIMPLE.sub("", bare)
    registry = f"{root}/simple/" if root == bare else text
    return Index(registry, PYPI.root if _same(registry) == _same(PYPI.registry) else root)


def rewrite(lock: Lockfile, to: Index, source: Index | None = None) -> Rewritten:
    """Return the text with the URLs of `source` turned into those of `to`, and nothing else.

    Without `source` that is PyPI, or the only other index when `to` is PyPI. Raises LockfileError
    when it is not the only one, or when files of it have URLs that say nothing of their place.
    """
    mentions = _MENTIONS[lock.kind](lock)
    source = source or (_only_other(lock, mentions) if _is_pypi(to) else PYPI)
    # poetry names PyPI by saying nothing, which no other URL can replace.
    if source is None or (lock.kind is Kind.POETRY and (_is_pypi(to) or _is_pypi(source))):
        return Rewritten(lock.text, 0)
    wanted = _replacements(lock, [one for one in mentions if _same(one.index) == _same(source.registry)], to)
    urls = 0

    def put(found: re.Match[str]) -> str:
        nonlocal urls
        new = wanted.get((found["key"], found["value"]))
        if new is None:
            return found[0]
        urls += 1
        end = found["quote"] if lock.kind is not Kind.REQUIREMENTS else ""
        return f"{found['before']}{new}{end}"

    pattern = _OPTIONS if lock.kind is Kind.REQUIREMENTS else _KEYS
    return Rewritten(pattern.sub(put, lock.text), urls)


def _replacements(lock: Lockfile, mentions: list[_Mention], to: Index) -> Mapping[tuple[str, str], str]:
    found = {}
    page = to.registry.rstrip("/") if lock.kind is Kind.POETRY else to.registry
    for one in mentions:
        new = page
        if one.url != one.index:
            place = _PLACE.match(one.url)
            if place is None:
                raise LockfileError(
                    f"{lock.path}: {_shown(one.url)} is not at a path like PyPI's, so that nobody can tell "
                    f"where else it is; lock again with the index {to.registry}"
                )
            new = to.root + place[2]
        if new != one.url:
            found[one.key, one.url] = new
    return found


def _only_other(lock: Lockfile, mentions: list[_Mention]) -> Index | None:
    others = {_same(one.index): one.index for one in mentions if _same(one.index) != _same(PYPI.registry)}
    if len(others) > 1:
        raise LockfileError(
            f"{lock.path} has files of several indexes: {', '.join(map(_shown, others.values()))}; say with "
            "--from which is meant"
        )
    return next((Index(url, "") for url in others.values()), None)


def _uv(lock: Lockfile) -> list[_Mention]:
    found = []
    for package in lock.packages():
        registry = _url_at(package.get("source"), "registry")
        found += [_Mention("url", url, registry) for url in _file_urls(package) if registry]
    # Dependencies repeat the source of a package of which there are several, and requirements that
    # are bound to one index its URL in pyproject.toml.
    for key in ("registry", "index"):
        found += [_Mention(key, url, url) for url in _urls_below(lock.document, key)]
    return found


def _urls_below(found: object, key: str) -> Iterator[str]:
    if isinstance(found, dict) and (url := _url_at(found, key)):
        yield url
    below = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    for one in below:
        yield from _urls_below(one, key)


def _pylock(lock: Lockfile) -> list[_Mention]:
    found = []
    for package in lock.packages():
        index = _url_at(package, "index")
        found += [_Mention("index", index, index)] if index else []
        found += [_Mention("url", url, index or _index_of(url)) for url in _file_urls(package)]
    return [one for one in found if one.index]


def _index_of(url: str) -> str:
    """Return the index that a file is from when nothing but its own URL tells; empty for nobody's."""
    place = _PLACE.match(url)
    if place is None:
        return ""
    return PYPI.registry if place[1] == PYPI.root else f"{place[1]}/simple/"


def _poetry(lock: Lockfile) -> list[_Mention]:
    sources = [package.get("source") for package in lock.packages()]
    legacy = [one for one in sources if isinstance(one, dict) and one.get("type") == "legacy"]
    return [_Mention("url", url, url) for url in (_url_at(one, "url") for one in legacy) if url]


def _pipfile(lock: Lockfile) -> list[_Mention]:
    sources = dicts(table(lock.document, "_meta").get("sources"))
    return [_Mention("url", url, url) for url in (_url_at(one, "url") for one in sources) if url]


def _requirements(lock: Lockfile) -> list[_Mention]:
    options = [found for found in _OPTIONS.finditer(lock.text) if found["key"]]
    return [_Mention(one["key"], one["value"], one["value"]) for one in options if _same(one["value"])]


_MENTIONS = {
    Kind.UV: _uv,
    Kind.PYLOCK: _pylock,
    Kind.POETRY: _poetry,
    Kind.PIPFILE: _pipfile,
    Kind.REQUIREMENTS: _requirements,
}


def _file_urls(package: Mapping[str, Any]) -> list[str]:
    files = [*dicts([package.get("sdist")]), *dicts(package.get("wheels"))]
    return [url for url in (_url_at(file, "url") for file in files) if url]


def _url_at(table: object, key: str) -> str:
    """Return the HTTP URL in a table, empty when there is none."""
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) and _same(value) else ""


def _is_pypi(index: Index) -> bool:
    return _same(index.registry) == _same(PYPI.registry)


def _same(url: str) -> tuple[str, str, int, str] | None:
    """Return what two URLs of one index have in common; None for what is not on the web."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme], _SIMPLE.sub("", parts.path.rstrip("/"))


def _shown(url: str) -> str:
    """Return the URL without the credentials that requirements files may have."""
    return re.sub(r"//[^/@]*@", "//", url)
