"""The list of all projects of an upstream, read while it arrives."""

import codecs
import json
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from pyramid_pypi.distribution.filenames import is_valid_name, normalise
from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.model import ProjectName
from pyramid_pypi.upstream.documents import check_version, kind_of
from pyramid_pypi.upstream.entries import whole_number
from pyramid_pypi.upstream.markup import Attributes, MarkupReader

__all__ = ["parse_names"]

_WHAT = "The upstream's list of projects"
_STEP = 64 * 1024
_LONGEST_VALUE = 256 * 1024
_LONGEST_NAME = 250


def parse_names(chunks: Iterator[bytes], *, content_type: str) -> Iterator[ProjectName]:
    """Yield the projects of a list in its order; `serial` is 0 where none is told.

    What cannot be the name of a project is left out, and one that is there twice comes twice. A
    little of the document is held at any time. Raises UpstreamUnavailable, after some names have
    been yielded perhaps, when it is no list or breaks off.
    """
    parts = _in_steps(chunks)
    start = next(parts, b"")
    kind = kind_of(content_type, start, what=_WHAT)
    text = _decoded(_chain(start, parts), errors="strict" if kind == "json" else "replace")
    return _from_json(_Window(text)) if kind == "json" else _from_html(text)


def _in_steps(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join small chunks, so that nothing is read again for every byte that drips in."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) >= _STEP:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _chain(start: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield start
    yield from rest


def _decoded(parts: Iterator[bytes], errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors)
    try:
        for part in parts:
            yield decoder.decode(part)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _broken() from error


def _broken() -> UpstreamUnavailable:
    return UpstreamUnavailable(f"{_WHAT} is not JSON that can be read, or breaks off")


class _Window:
    """The part of a JSON document that is being read."""

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self._held = ""
        self._at = 0
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """Return the next character that is not blank, empty at the end of the document."""
        while True:
            while self._at < len(self._held):
                if self._held[self._at] not in " \t\r\n":
                    return self._held[self._at]
                self._at += 1
            if not self._refill():
                return ""

    def take(self, *wanted: str) -> str:
        """Return the next character, which must be one of `wanted`."""
        found = self.peek()
        if found not in wanted:
            raise _broken()
        self._at += 1
        return found

    def value(self) -> object:
        """Return the value that begins here."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._held, self._at)
            except RecursionError as error:
                raise _broken() from error
            except ValueError:
                end = len(self._held)
            # A number goes on until something else follows.
            if end < len(self._held):
                self._at = end
                return value
            if len(self._held) - self._at > _LONGEST_VALUE or not self._refill():
                raise _broken()

    def _refill(self) -> bool:
        more = next(self._text, None)
        if more is not None:
            self._held = self._held[self._at :] + more
            self._at = 0
        return more is not None


def _from_json(window: _Window) -> Iterator[ProjectName]:
    listed = False
    window.take("{")
    mark = ","
    if window.peek() == "}":
        mark = window.take("}")
    while mark == ",":
        key = window.value()
        window.take(":")
        if key == "projects" and not listed:
            listed = True
            yield from _projects(window)
        else:
            value = window.value()
            if key == "meta" and isinstance(value, dict):
                check_version(value.get("api-version"), what=_WHAT)
        mark = window.take(",", "}")
    if window.peek():
        raise _broken()
    if not listed:
        raise UpstreamUnavailable(f"{_WHAT} is JSON, but lists none; check the upstream's url")


def _projects(window: _Window) -> Iterator[ProjectName]:
    window.take("[")
    mark = ","
    if window.peek() == "]":
        mark = window.take("]")
    while mark == ",":
        said = window.value()
        if isinstance(said, dict):
            found = _project(said.get("name"), said.get("_last-serial"))
            if found is not None:
                yield found
        mark = window.take(",", "]")


def _project(display: object, serial: object = None) -> ProjectName | None:
    if not isinstance(display, str) or not is_valid_name(display):
        return None
    return ProjectName(normalise(display), display, whole_number(serial) or 0)


def _from_html(text: Iterator[str]) -> Iterator[ProjectName]:
    reader = _ListReader(_WHAT)
    for part in text:
        reader.read(part)
        yield from reader.found
        reader.found.clear()
    reader.finish()
    reader.end("a")
    yield from reader.found


class _ListReader(MarkupReader):
    """Takes names from links: the link decides, its text is only another spelling of the name."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.found: list[ProjectName] = []
        self._linked: ProjectName | None = None
        self._text = ""

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "a":
            self.end("a")
            self._linked = _project(_named(attributes.get("href") or ""))
        elif tag == "meta" and (attributes.get("name") or "").lower() == "pypi:repository-version":
            check_version(attributes.get("content"), what=self.what)

    def handle_data(self, data: str) -> None:
        """Take text from the parser."""
        if self._linked is not None and len(self._text) <= _LONGEST_NAME:
            self._text += data[: _LONGEST_NAME + 1]

    def end(self, tag: str) -> None:
        if tag == "a" and self._linked is not None:
            spelt = _project(self._text.strip().rstrip("/"))
            self.found.append(spelt if spelt and spelt.name == self._linked.name else self._linked)
            self._linked = None
        if tag == "a":
            self._text = ""


def _named(href: str) -> str:
    """Return the last segment of the path of a link, which names the project."""
    try:
        path = urlsplit(href.strip()).path
    except ValueError:
        return ""
    return unquote(path.removesuffix("index.html").rstrip("/").rpartition("/")[2])
