"""HTML in bounded memory and linear time, whatever an upstream sends."""

from html.parser import HTMLParser
from typing import NoReturn

from pyramid_pypi.errors import UpstreamUnavailable

__all__ = ["Attributes", "MarkupReader"]

Attributes = dict[str, str | None]

_STEP = 64 * 1024
_LONGEST = 256 * 1024


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
