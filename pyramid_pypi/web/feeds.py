"""Feeds of what was published last, as RSS 2.0 (https://www.rssboard.org/rss-specification)."""

from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING

from pyramid.request import Request

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.browse.releases import page_of
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.web.answers import CORS, Answer, answer_ready, answer_text
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.legacy_json import Wanted, project_link
from pyramid_pypi.web.observe import note
from pyramid_pypi.web.pages import page_headers
from pyramid_pypi.web.places import address_of
from pyramid_pypi.web.ready import Ready, accepts_gzip, ready_page
from pyramid_pypi.web.xmltext import legal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyramid_pypi.browse.newest import News

__all__ = ["newest", "releases"]

_PROJECTS, _RELEASES = 40, 100
# Seconds; what rules hide may be shown by now, though nothing has changed in the catalog.
_FRESH_FOR = 60.0


@dataclass(frozen=True, slots=True)
class _Feed:
    """A feed: what is in it and who reads it.

    `address` is its own absolute URL, `root` that of the repository with a slash at its end.
    """

    viewer: Viewer
    name: str
    address: str
    root: str
    packed: bool

    @property
    def pages(self) -> bool:
        """Whether there are pages for people to link to."""
        return self.viewer.index.settings.security == "pyramid_pypi"

    def link(self, project: str, version: str = "") -> str:
        """Return the absolute URL of a project or a release."""
        return project_link(Wanted(project, version, self.root, self.pages))


def newest(context: RepositoryContext, request: Request) -> Answer:
    """Show the newest projects or releases that the caller may read."""
    feed = _feed(context, request, segments=2)
    return answer_ready(_ready(feed, "", lambda: _newest(feed, request.matchdict["feed"])), request)


def releases(context: RepositoryContext, request: Request) -> Answer:
    """Show the newest releases of a project."""
    if context.raw != context.project:
        location = f"../{context.project}/releases.xml"
        headers = [("Location", location), ("Cache-Control", "no-cache"), *CORS]
        return answer_text("301 Moved Permanently", f"The feed is at {location}", headers)
    feed = _feed(context, request, segments=4)
    return answer_ready(_ready(feed, context.project, lambda: _releases(feed, context.project)), request)


def _feed(context: RepositoryContext, request: Request, *, segments: int) -> _Feed:
    note(request, context.served.name, context.project)
    address = address_of(request)
    return _Feed(
        Viewer(context.index, context.served, identity_of(request)),
        request.matchdict.get("feed", "releases"),
        address,
        f"{address.rsplit('/', segments)[0]}/",
        accepts_gzip(request.environ.get("HTTP_ACCEPT_ENCODING", "")),
    )


def _ready(feed: _Feed, project: str, make: "Callable[[], tuple[bytes, int]]") -> Ready:
    """Return the feed, kept ready like a page where everybody reads the same."""
    viewer, pages = feed.viewer, feed.viewer.index.pages
    group, key = (viewer.served.name, project), ("rss", feed.name, feed.address, feed.packed)
    shared = bool(project) or viewer.served.shows_all_to(viewer.identity)
    ready = pages.get(group, key) if shared else None
    if ready is None:
        token = pages.token()
        body, serial = make()
        headers = page_headers(viewer.served, "v1+json", serial)
        headers = [("Content-Type", "application/rss+xml; charset=utf-8"), *headers[1:]]
        ready = ready_page(body, headers, "rss", packed=feed.packed, fresh_for=_FRESH_FOR)
        if shared:
            pages.put(group, key, ready, token)
    return ready


def _newest(feed: _Feed, kind: str) -> tuple[bytes, int]:
    from pyramid_pypi.browse.newest import new_projects, new_releases  # noqa: PLC0415

    name = feed.viewer.served.name
    serial = feed.viewer.index.catalog.last_serial()
    if kind == "packages":
        found = new_projects(feed.viewer, limit=_PROJECTS)
        items = [(f"{news.display} added to {name}", feed.link(news.project), news) for news in found]
        return _render(feed, f"New projects of {name}", feed.root, items), serial
    items = _items(feed, new_releases(feed.viewer, limit=_RELEASES))
    return _render(feed, f"New releases of {name}", feed.root, items), serial


def _releases(feed: _Feed, project: str) -> tuple[bytes, int]:
    from pyramid_pypi.browse.newest import releases_of  # noqa: PLC0415

    page = page_of(feed.viewer.served, project)
    found = releases_of(page, limit=_PROJECTS)
    title = f"Releases of {page.display}"
    return _render(feed, title, feed.link(project), _items(feed, found)), page.serial


def _items(feed: _Feed, found: "Sequence[News]") -> "list[tuple[str, str, News]]":
    return [(f"{news.display} {news.version}", feed.link(news.project, news.version), news) for news in found]


def _render(feed: _Feed, title: str, link: str, items: "Sequence[tuple[str, str, News]]") -> bytes:
    """Return the feed; all of it is text, and what is no text in XML is replaced."""
    from xml.etree.ElementTree import Element, SubElement, tostring  # noqa: PLC0415

    from pyramid_pypi.browse.search import summaries  # noqa: PLC0415

    def add(parent: Element, tag: str, text: str, **attributes: str) -> None:
        SubElement(parent, tag, attributes).text = legal(text)

    known = summaries(feed.viewer, sorted({news.project for _title, _link, news in items}))
    rss = Element("rss", {"version": "2.0", "xmlns:atom": "http://www.w3.org/2005/Atom"})
    channel = SubElement(rss, "channel")
    add(channel, "title", title)
    add(channel, "link", link)
    add(channel, "description", title)
    about = {"rel": "self", "type": "application/rss+xml", "href": legal(feed.address)}
    SubElement(channel, "atom:link", about)
    for name, address, news in items:
        item = SubElement(channel, "item")
        add(item, "title", name)
        add(item, "link", address)
        hit = known.get(news.project)
        add(item, "description", hit.summary if hit is not None else "")
        number = "/".join(filter(None, (news.repository, news.project, news.version)))
        add(item, "guid", number, isPermaLink="false")
        add(item, "pubDate", format_datetime(news.at, usegmt=True))
    body: bytes = tostring(rss, encoding="utf-8", xml_declaration=True)
    return body
