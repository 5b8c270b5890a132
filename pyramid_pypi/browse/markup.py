"""READMEs made into HTML that may stand in a page of ours, whoever wrote them.

What is rendered is sanitised last, by a list of what may stay: nothing can run, load anything,
look like a part of our page or send a form. It may take any time, or be the end of the process that
does it; see `workshop`.
"""

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

__all__ = ["to_html"]

_LONGEST_RENDERED: Final = 2_000_000
# Parsers of HTML take time in proportion to the square of this.
_DEEPEST: Final = 60
_MOST_WORK: Final = 300_000
_DEEP_QUOTE: Final = re.compile(r"^(?:[ \t]*>){30}", re.MULTILINE)
# A row of a table is filled up to the width of its first one, however short it is written.
_BROAD_TABLE: Final = re.compile(r"^[^|\n]*(?:\|[^|\n]*){100}", re.MULTILINE)
_TAG: Final = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_TAGS: Final = frozenset(
    {
        *("a", "abbr", "b", "cite", "code", "del", "em", "i", "kbd", "s", "samp", "span", "strong", "sub"),
        *("sup", "tt", "var", "br", "hr", "p", "pre", "blockquote", "div", "details", "summary"),
        *("h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd"),
        *("table", "caption", "colgroup", "col", "thead", "tbody", "tr", "th", "td"),
    }
)
_ATTRIBUTES: Final = {
    "*": {"id"},
    "a": {"href", "title", "class"},
    "abbr": {"title"},
    "ol": {"start"},
    "pre": {"tabindex"},
    "span": {"class"},
    "table": {"tabindex"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
}
_SCHEMES: Final = {"http", "https", "mailto"}
_ELSEWHERE: Final = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_PREFIX: Final = "user-content-"
# What Pygments calls the parts of a program, and no class of our style sheet.
_CLASS: Final = re.compile(r"[a-z]{1,2}[0-9]?")
# What is too wide for the page is scrolled, also by people without a mouse.
_SCROLLED: Final = frozenset({"pre", "table"})
_SMALL_NUMBER: Final = re.compile(r"[0-9]{1,3}")
_VOID: Final = frozenset({"br", "hr", "col", "img", "input"})
# Their ends may be left out (HTML, 13.1.2.4).
_OPEN_END: Final = frozenset({"p", "li", "td", "th", "tr", "dt", "dd", "tbody", "thead"})


def to_html(text: str, media_type: str) -> str | None:
    """Return a text in Markdown or reStructuredText as HTML, None where it is better shown as text."""
    kind, _, options = media_type.lower().partition(";")
    variant = "CommonMark" if "commonmark" in options else "GFM"
    html = _from_markdown(text, variant) if kind.strip() == "text/markdown" else _from_rst(text)
    return None if html is None else _sanitised(html)


def _from_markdown(text: str, variant: str) -> str | None:
    from readme_renderer import markdown  # noqa: PLC0415

    if _DEEP_QUOTE.search(text) or _BROAD_TABLE.search(text) or _is_deep(markdown.variants[variant](text)):
        return None
    return markdown.render(text, variant=variant)


def _from_rst(text: str) -> str | None:
    from readme_renderer import rst  # noqa: PLC0415

    try:
        return rst.render(text)
    except Exception:  # noqa: BLE001 - docutils raises whatever a hostile text makes it raise
        return None


def _is_deep(html: str) -> bool:
    """Tell whether elements are in each other that often that nobody has written them by hand."""
    depth = work = 0
    for end, name in _TAG.findall(html):
        if name.lower() not in _VOID | _OPEN_END:
            depth += -1 if end else 1
        # An element that is never closed is opened again in each paragraph that follows.
        work += max(depth, 0)
        if depth > _DEEPEST or work > _MOST_WORK:
            return True
    return False


def _sanitised(html: str) -> str | None:
    import nh3  # noqa: PLC0415

    rewriter = _Rewriter()
    rewriter.feed(html)
    rewriter.close()
    clean = nh3.clean(
        "".join(rewriter.out),
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_attribute,
        link_rel="nofollow noopener noreferrer",
        url_schemes=set(_SCHEMES),
    )
    return clean if len(clean) <= _LONGEST_RENDERED else None


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return what an attribute may say, None for nothing."""
    if name == "class":
        return value if value == "picture" or (tag == "span" and _CLASS.fullmatch(value)) else None
    if name == "id":
        return _PREFIX + value.removeprefix(_PREFIX)
    if name == "href":
        if value.startswith("#"):
            return f"#{_PREFIX}{value[1:].removeprefix(_PREFIX)}"
        # A path of the authors' repository leads nowhere here.
        return value if _ELSEWHERE.match(value) else None
    if name in {"colspan", "rowspan", "start"}:
        return value if _SMALL_NUMBER.fullmatch(value) else None
    return value


class _Rewriter(HTMLParser):
    """Turns sanitised HTML into what fits below a heading of ours: no pictures, smaller headings.

    Pictures are elsewhere, and the page loads nothing from there; their text links to them.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._links = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the beginning of an element."""
        given = {name: value or "" for name, value in attrs}
        if tag == "img":
            self._picture(given)
            return
        if tag == "input":
            self.out.append("\u2611 " if "checked" in given else "\u2610 ")
            return
        self._links += tag == "a"
        if tag in _SCROLLED:
            given["tabindex"] = "0"
        said = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
        self.out.append(f"<{_lowered(tag)}{said}>")

    def handle_endtag(self, tag: str) -> None:
        """Take the end of an element."""
        self._links -= tag == "a"
        if tag == "a" and self.out and self.out[-1].startswith("<a ") and " id=" not in self.out[-1]:
            # Parsers of Markdown give each heading a link to itself, in which there is nothing to read.
            self.out.pop()
            return
        self.out.append(f"</{_lowered(tag)}>")

    def handle_data(self, data: str) -> None:
        """Take text."""
        self.out.append(escape(data))

    def _picture(self, given: dict[str, str]) -> None:
        alt, source = given.get("alt", "").strip() or "picture", given.get("src", "")
        if self._links:
            self.out.append(f'<span class="picture">{escape(alt)}</span>')
        else:
            self.out.append(f'<a class="picture" href="{escape(source)}">{escape(alt)}</a>')


def _lowered(tag: str) -> str:
    """Return a heading two levels further down, and any other element as it is."""
    if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
        return f"h{min(int(tag[1]) + 2, 6)}"
    return tag
