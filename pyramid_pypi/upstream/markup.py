"""HTML in bounded memory and linear time, whatever an upstream sends."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import NoReturn

from pyramid_pypi.errors import UpstreamUnavailable

__all__ = ["Attributes", "MarkupReader"]

Attributes = dict[str, str | None]

_STEP = 64 * 1024
_LONGEST = 256 * 1024
# The tags that nearly all of a page consists of, as its software writes them: in lower case, with
# quotes, and with references that mean the same to all versions of the parser.
_VALUE = r'"[^"&\x00]*+(?:&(?:gt|lt|amp|quot);[^"&\x00]*+)*+"'
_ATTRIBUTE = rf" +[a-z][a-z-]*+={_VALUE}"
_ANCHOR = re.compile(rf"<a((?:{_ATTRIBUTE})*+) *+>")
_PAIR = re.compile(r' +([a-z-]++)="([^"]*+)"')
_BREAK = re.compile(r"<br ?/?>")


class MarkupReader(HTMLParser):
    """Reads start tags; a subclass says in `start` what they mean.

    Every method may raise UpstreamUnavailable, with `what` as the subject of the sentence.
    """

    def __init__(self, what: str) -> None:
        super().__init__(convert_charrefs=True)
        self.what = what
        self._seen: set[str] = set()
        self._closed = False

    def start(self, tag: str, attributes: Attributes) -> None:
        """Take a start tag; an attribute is None when it has no value."""
        raise NotImplementedError

    def end(self, tag: str) -> None:
        """Take an end tag."""

    def read(self, text: str) -> None:
        """Read a part of the document.

        The parser of the standard library reads what is incomplete again with every part, so parts
        are small and what is incomplete must be short. It raises ValueError for a character
        reference of thousands of digits and AssertionError for some declarations.
        """
        for at in range(0, len(text), _STEP):
            try:
                self.feed(text[at : at + _STEP])
            except (ValueError, AssertionError) as error:
                self.refuse("is not HTML that can be read", error)
            if len(self.rawdata) > _LONGEST:
                self.refuse("is not HTML that can be read")

    def finish(self) -> None:
        """Say that the document has ended.

        This does not call `close`, which takes quadratic time for an unfinished tag.
        """
        if not self._seen:
            self.refuse("is not HTML")
        if self.rawdata.startswith("<") or (self._seen & {"html", "body"} and not self._closed):
            self.refuse("breaks off")

    def refuse(self, why: str, cause: BaseException | None = None) -> NoReturn:
        """Raise UpstreamUnavailable."""
        raise UpstreamUnavailable(f"{self.what} {why}; check the upstream's url") from cause

    def parse_starttag(self, i: int) -> int:
        """Return where the tag at `i` ends: the parser's own method, sooner for usual tags."""
        usual = _ANCHOR.match(self.rawdata, i)
        if usual:
            said = usual[1]
            attributes: list[tuple[str, str | None]] = _PAIR.findall(said)
            if "&" in said:
                attributes = [(name, value and unescape(value)) for name, value in attributes]
            self.handle_starttag("a", attributes)
            return usual.end()
        usual = _BREAK.match(self.rawdata, i)
        if usual:
            self.handle_starttag("br", [])
            if usual[0].endswith("/>"):
                self.handle_endtag("br")
            return usual.end()
        return super().parse_starttag(i)

    def parse_endtag(self, i: int) -> int:
        """Return where the tag at `i` ends: the parser's own method, sooner for usual tags."""
        if self.cdata_elem is None and self.rawdata.startswith("</a>", i):
            self.handle_endtag("a")
            return i + 4
        return super().parse_endtag(i)

    def updatepos(self, i: int, j: int) -> int:  # noqa: ARG002 - the parser's own signature
        """Return where the parser is now, without counting lines as it does: nobody asks for them."""
        return j

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag from the parser; of attributes that are there twice, HTML uses the first."""
        # The set stays small on a page of a million invented tags.
        if len(self._seen) < 100 or tag in {"html", "body"}:
            self._seen.add(tag)
        self.start(tag, dict(reversed(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Take an end tag from the parser."""
        self._closed = self._closed or tag in {"html", "body"}
        self.end(tag)
