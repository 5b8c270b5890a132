"""PyPI's JSON API, from what the index has at hand: mirrors and update bots ask for it.

https://docs.pypi.org/api/json/ describes it; what is not known here is null, empty or -1 there too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from packaging.metadata import RawMetadata, parse_email
from pyramid.request import Request

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.browse.documents import read_metadata
from pyramid_pypi.browse.releases import by_version, find_version, is_yanked, newest, page_of
from pyramid_pypi.distribution import normalise
from pyramid_pypi.model import File, ProjectPage
from pyramid_pypi.served import Served
from pyramid_pypi.web.answers import CORS, Answer, answer_ready, answer_text
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.observe import note
from pyramid_pypi.web.pages import origin_of, page_headers
from pyramid_pypi.web.places import address_of
from pyramid_pypi.web.ready import Ready, accepts_gzip, ready_page

__all__ = ["Wanted", "content_of", "project_json", "project_link"]

# One value each in the metadata and in the answer.
_TEXTS = (
    "author",
    "author_email",
    "description",
    "description_content_type",
    "download_url",
    "home_page",
    "license",
    "license_expression",
    "maintainer",
    "maintainer_email",
    "summary",
)
# Lists, and a table, that are null where nothing is said.
_MANY = ("dynamic", "license_files", "project_urls", "provides_extra", "requires_dist")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: a project, or one release of it where there is a version.

    `root` is the absolute URL of the repository, with a slash at its end, and `pages` tells whether
    there are pages for people below it.
    """

    name: str
    version: str
    root: str
    pages: bool
    packed: bool = False


def project_json(context: RepositoryContext, request: Request) -> Answer:
    """Show a project, or one release, in the JSON of PyPI."""
    note(request, context.served.name, context.project)
    found: Mapping[str, str] = request.matchdict
    version = found.get("version", "")
    if context.raw != context.project:
        below = f"{version}/json" if version else "json"
        way = "../" * (1 + bool(version) + bool(found["slash"]))
        return _moved(f"{way}{context.project}/{below}{found['slash']}")
    # `json` and the project, and what some of the URLs have besides.
    segments = 2 + len(found.keys() & {"api", "version"})
    root = address_of(request).rstrip("/").rsplit("/", segments)[0]
    packed = accepts_gzip(request.environ.get("HTTP_ACCEPT_ENCODING", ""))
    pages = context.index.settings.security == "pyramid_pypi"
    wanted = Wanted(context.project, version, f"{root}/", pages, packed)
    return answer_ready(_ready(context.index, context.served, wanted), request)


def content_of(served: Served, wanted: Wanted) -> dict[str, object]:
    """Return what PyPI's JSON would say. Raises ProjectNotFound, Unavailable."""
    return _content(served, page_of(served, wanted.name), wanted)[0]


def project_link(wanted: Wanted) -> str:
    """Return the absolute URL of the page of a project, or of the release that is wanted.

    It is for people where there are pages for them.
    """
    if not wanted.pages:
        return f"{wanted.root}simple/{wanted.name}/"
    version = f"{quote(wanted.version, safe='')}/" if wanted.version else ""
    return f"{wanted.root}project/{wanted.name}/{version}"


def _moved(location: str) -> Answer:
    headers = [("Location", location), ("Cache-Control", "no-cache"), *CORS]
    return answer_text("301 Moved Permanently", f"The project is at {location}", headers)


def _ready(index: PackageIndex, served: Served, wanted: Wanted) -> Ready:
    """Return the answer, kept ready like a page. Raises ProjectNotFound, Unavailable."""
    group = (served.name, wanted.name)
    key = ("json", wanted)
    ready = index.pages.get(group, key)
    if ready is None:
        token = index.pages.token()
        page = page_of(served, wanted.name)
        content, complete = _content(served, page, wanted)
        headers = page_headers(served, "v1+json", page.serial)
        headers = [("Content-Type", "application/json"), *headers[1:], *origin_of(page)]
        body = json.dumps(content).encode() + b"\n"
        ready = ready_page(body, headers, "json", packed=wanted.packed, fresh_for=page.fresh_for)
        if complete:
            index.pages.put(group, key, ready, token)
    return ready


def _content(served: Served, page: ProjectPage, wanted: Wanted) -> tuple[dict[str, object], bool]:
    """Return the answer, and whether it has all that can be known. Raises ProjectNotFound."""
    releases = by_version(page.files)
    version = find_version(wanted.version, releases, page) if wanted.version else newest(releases)
    files = releases.get(version, ())
    raw, complete = read_metadata(served.repository, files)
    metadata = parse_email(raw)[0]
    # A hosted project has a display name, and a proxied one that of its authors.
    name = page.display if page.display != page.name else _display(metadata, page.name)
    content: dict[str, object] = {
        "info": {**_said(metadata), **_known(version, files, wanted), "name": name},
        "last_serial": page.serial,
        "ownership": {"roles": [], "organization": None},
        "urls": [_entry(file, wanted.root) for file in files],
        "vulnerabilities": [],
    }
    if not wanted.version:
        content["releases"] = {
            one: [_entry(file, wanted.root) for file in of_one] for one, of_one in releases.items()
        }
    return content, complete


def _said(metadata: RawMetadata) -> dict[str, object]:
    """Return what the authors say."""
    return {
        **{name: metadata.get(name) for name in (*_TEXTS, *_MANY)},
        "classifiers": metadata.get("classifiers", []),
        "keywords": ",".join(metadata.get("keywords", [])) or None,
        "platform": ",".join(metadata.get("platforms", [])) or None,
    }


def _known(version: str, files: Sequence[File], wanted: Wanted) -> dict[str, object]:
    """Return what the index itself knows."""
    url = project_link(replace(wanted, version=""))
    required = (file.requires_python for file in files if file.requires_python)
    reasons = (file.yanked for file in files if file.yanked)
    yanked = is_yanked(files)
    return {
        "bugtrack_url": None,
        "docs_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "package_url": url,
        "project_url": url,
        "release_url": project_link(replace(wanted, version=version)),
        "requires_python": next(required, None),
        "version": version,
        "yanked": yanked,
        "yanked_reason": next(reasons, None) if yanked else None,
    }


def _display(metadata: RawMetadata, name: str) -> str:
    """Return the project's name as its authors write it."""
    written = metadata.get("name", "")
    return written if normalise(written) == name else name


def _entry(file: File, root: str) -> dict[str, object]:
    at = file.uploaded_at
    known = file.hashes.known()
    if file.hashes.blake2b_256:
        known["blake2b_256"] = file.hashes.blake2b_256
    metadata = {"sha256": file.metadata_sha256} if file.metadata_sha256 else True
    return {
        "comment_text": file.comment,
        "core-metadata": metadata if file.serves_metadata else False,
        "digests": known,
        "downloads": -1,
        "filename": file.filename,
        "has_sig": file.signed,
        "md5_digest": file.hashes.md5 or None,
        "packagetype": file.packagetype,
        "python_version": file.python_version,
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": None if at is None else f"{at:%Y-%m-%dT%H:%M:%S}",
        "upload_time_iso_8601": None if at is None else f"{at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "url": f"{root}packages/{quote(file.path)}",
        "yanked": file.yanked is not None,
        "yanked_reason": file.yanked or None,
    }
