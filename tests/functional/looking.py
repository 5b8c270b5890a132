"""Pages as people look at them, and what must be true of each."""

import re
from html.parser import HTMLParser

from tests.functional.browsing import ACCEPT

__all__ = ["look", "sound"]

LARGEST = 60_000


def look(client, path, *, status=200, headers=None):
    """Return a page; whatever it is about, it is sound."""
    page = client.web.get(path, headers={"Accept": ACCEPT, **(headers or {})}, status=status)
    if page.content_type == "text/html":
        sound(page)
    return page


def sound(page):
    """Assert what each page promises: its size, no code and no style in it, one heading, landmarks."""
    assert len(page.body) < LARGEST
    outline = _Outline()
    outline.feed(page.text)
    outline.close()

    assert outline.inline == []
    assert outline.scripts == [("src", "defer")]
    assert outline.count("h1") == outline.count("main") == outline.count("header") == 1
    assert outline.repeated == set()
    assert outline.open_tags == []
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "Cookie" in page.headers.get("Vary", "") or page.headers["Cache-Control"] == "no-store"


class _Outline(HTMLParser):
    """What a page consists of."""

    _VOID = re.compile("meta|link|input|br|hr|img|col|path")

    def __init__(self):
        super().__init__()
        self.tags = []
        self.inline = []
        self.scripts = []
        self.open_tags = []
        self.ids = []

    def count(self, tag):
        return self.tags.count(tag)

    @property
    def repeated(self):
        return {one for one in self.ids if self.ids.count(one) > 1}

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.inline += [(tag, name) for name, _ in attrs if name == "style" or name.startswith("on")]
        self.inline += [(tag, value) for name, value in attrs if "javascript:" in (value or "").lower()]
        if tag == "script":
            self.scripts.append(tuple(name for name, _ in attrs))
        if tag == "style":
            self.inline.append((tag, ""))
        if not self._VOID.fullmatch(tag):
            self.open_tags.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if not self._VOID.fullmatch(tag):
            self.open_tags.pop()

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag
