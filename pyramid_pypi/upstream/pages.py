"""The page of a project at an upstream, as JSON or as HTML."""

from typing import Final, get_args

from pyramid_pypi.model import File, ProjectStatus
from pyramid_pypi.upstream.base import UpstreamPage
from pyramid_pypi.upstream.documents import kind_of, without_secrets
from pyramid_pypi.upstream.entries import file_of, one_line, whole_number
from pyramid_pypi.upstream.html_page import read_html
from pyramid_pypi.upstream.json_page import read_json

__all__ = ["parse_page"]

_STATUSES: Final[dict[object, ProjectStatus]] = {status: status for status in get_args(ProjectStatus)}


def parse_page(body: bytes, *, content_type: str, url: str, name: str) -> UpstreamPage:
    """Return what the answer from `url` says about the project with the normalised `name`.

    A file that cannot be read, is another project's or has no HTTP URL is left out; of two with
    one name the first counts. A status that nobody knows is `active`. The validator is empty.
    Raises UpstreamUnavailable for what is no page of a simple index.
    """
    what = f"The page of {name} at {without_secrets(url)}"
    read = read_json if kind_of(content_type, body[:1024], what=what) == "json" else read_html
    listing = read(body, url=url, what=what)
    files: dict[str, File] = {}
    for entry in listing.entries:
        file = file_of(entry, base=listing.base, project=name)
        if file is not None:
            files.setdefault(file.filename, file)
    status = _STATUSES.get(listing.status) if isinstance(listing.status, str) else None
    return UpstreamPage(
        name=name,
        files=tuple(files.values()),
        status=status or "active",
        status_reason=one_line(listing.reason, 1000) if status else "",
        serial=whole_number(listing.serial) or 0,
    )
