"""Pages of projects as HTML (PEP 503, 592, 629, 658, 714, 740, 792)."""

import re

from pyramid_pypi.upstream.documents import check_version
from pyramid_pypi.upstream.entries import Entry, Listing, metadata_digest, one_line
from pyramid_pypi.upstream.hrefs import absolute, segment_of
from pyramid_pypi.upstream.markup import Attributes, MarkupReader

__all__ = ["read_html"]

_ENDINGS = (".whl", ".gz", ".zip", ".egg")
_SERIAL = re.compile(r"\s*SERIAL\s+([0-9]{1,18})\s*\Z")


def read_html(body: bytes, *, url: str, what: str) -> Listing:
    """Return what the page at `url` lists. Raises UpstreamUnavailable when it is no such page.

    A page without any link is one of a project without files. Unless it asks for a password: some
    indexes answer a login page with status 200.
    """
    reader = _PageReader(url, what)
    reader.read(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    reader.finish()
    if reader.wants_password and not reader.entries:
        reader.refuse("is a login page")
    status = reader.metas.get("pypi:project-status")
    reason = reader.metas.get("pypi:project-status-reason")
    return Listing(reader.base or url, reader.entries, status, reason, reader.serial)


class _PageReader(MarkupReader):
    def __init__(self, url: str, what: str) -> None:
        super().__init__(what)
        self.url = url
        self.base = ""
        self.entries: list[Entry] = []
        self.metas: dict[str, str] = {}
        self.serial = ""
        self.wants_password = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "a":
            href = attributes.get("href") or ""
            if segment_of(href.rstrip()).endswith(_ENDINGS):
                self.entries.append(_entry(href, attributes))
        elif tag == "base" and not self.base:
            # HTML uses the first base that has a URL.
            self.base = absolute(attributes.get("href"), self.url)[0]
        elif tag == "meta":
            self._meta((attributes.get("name") or "").lower(), attributes.get("content") or "")
        elif tag == "input" and (attributes.get("type") or "").lower() == "password":
            self.wants_password = True

    def _meta(self, name: str, content: str) -> None:
        if name == "pypi:repository-version":
            check_version(content, what=self.what)
        elif name.startswith("pypi:project-status"):
            self.metas.setdefault(name[:40], content)

    def handle_comment(self, data: str) -> None:
        """Take a comment from the parser; PyPI and its mirrors tell the serial in one."""
        found = _SERIAL.match(data[:64])
        if found:
            self.serial = found[1]


def _entry(href: str, attributes: Attributes) -> Entry:
    metadata = attributes.get("data-core-metadata")
    if metadata is None:
        metadata = attributes.get("data-dist-info-metadata")
    # PEP 592: the attribute may have no value and means yanked all the same. Some installers see
    # no yank there; to hide a file from them is the safe one of the two mistakes.
    yanked = one_line(attributes["data-yanked"], 1000) if "data-yanked" in attributes else None
    return Entry(
        url=href,
        requires_python=attributes.get("data-requires-python"),
        yanked=yanked,
        metadata_sha256=metadata_digest(metadata),
        size=attributes.get("data-size"),
        uploaded_at=attributes.get("data-upload-time"),
        provenance=attributes.get("data-provenance"),
    )
