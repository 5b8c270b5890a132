"""PyPI's JSON API, from what the index has at hand: mirrors and update bots ask for it.

https://docs.pypi.org/api/json/ describes it; what is not known here is null, empty or -1 there too.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from packaging.metadata import RawMetadata, parse_email
from packaging.version import InvalidVersion, Version
from pyramid.request import Request

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.distribution import LENIENT, normalise, parse_metadata
from pyramid_pypi.errors import InvalidUpload, NotFound, ProjectNotFound, Unavailable
from pyramid_pypi.model import File, ProjectPage, Redirect
from pyramid_pypi.served import Served
from pyramid_pypi.web.answers import CORS, Answer, answer_ready, answer_text
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.landing import address_of
from pyramid_pypi.web.observe import note
from pyramid_pypi.web.pages import origin_of, page_headers
from pyramid_pypi.web.ready import Ready, accepts_gzip, ready_page

__all__ = ["project_json"]

Releases = Mapping[str, Sequence[File]]

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
class _Wanted:
    """What is asked for: a project, or one release of it where there is a version.

    `root` is the absolute URL of the repository, with a slash at its end.
    """

    name: str
    version: str
    root: str
    packed: bool


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
    wanted = _Wanted(context.project, version, f"{root}/", packed)
    return answer_ready(_ready(context.index, context.served, wanted), request)


def _moved(location: str) -> Answer:
    headers = [("Location", location), ("Cache-Control", "no-cache"), *CORS]
    return answer_text("301 Moved Permanently", f"The project is at {location}", headers)


def _ready(index: PackageIndex, served: Served, wanted: _Wanted) -> Ready:
    """Return the answer, kept ready like a page. Raises ProjectNotFound, Unavailable."""
    group = (served.name, wanted.name)
    key = ("json", wanted)
    ready = index.pages.get(group, key)
    if ready is None:
        token = index.pages.token()
        page = _page(served, wanted.name)
        content, complete = _content(served, page, wanted)
        headers = page_headers(served, "v1+json", page.serial)
        headers = [("Content-Type", "application/json"), *headers[1:], *origin_of(page)]
        body = json.dumps(content).encode() + b"\n"
        ready = ready_page(body, headers, "json", packed=wanted.packed, fresh_for=page.fresh_for)
        if complete:
            index.pages.put(group, key, ready, token)
    return ready


def _page(served: Served, name: str) -> ProjectPage:
    page = served.repository.project(name)
    if isinstance(page, Redirect):
        raise ProjectNotFound(
            f"{served.name!r} only knows that {name!r} would be at {page.url}, and not what is there; "
            "ask that index"
        )
    return page


def _content(served: Served, page: ProjectPage, wanted: _Wanted) -> tuple[dict[str, object], bool]:
    """Return the answer, and whether it has all that can be known. Raises ProjectNotFound."""
    releases = _releases(page)
    version = _version(wanted.version, releases, page) if wanted.version else _latest(releases)
    files = releases.get(version, ())
    metadata, complete = _metadata(served, files)
    # A hosted project has a display name, and a proxied one that of its authors.
    name = page.display if page.display != page.name else _display(metadata, page.name)
    content: dict[str, object] = {
        "info": {**_said(metadata), **_known(page, version, files, wanted.root), "name": name},
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


def _releases(page: ProjectPage) -> Releases:
    """Return the files by version, oldest version first."""
    found: dict[str, list[File]] = {version: [] for version in sorted(page.versions, key=_order)}
    for file in page.files:
        found[file.version].append(file)
    return found


def _order(version: str) -> tuple[bool, Version | str]:
    """Return what sorts versions; those that PEP 440 does not know come first."""
    parsed = _parsed(version)
    return (False, version) if parsed is None else (True, parsed)


def _latest(releases: Releases) -> str:
    """Return the newest version; a yanked one or a pre-release only where there is no other."""

    def rank(version: str) -> tuple[bool, bool, tuple[bool, Version | str]]:
        parsed = _parsed(version)
        stable = parsed is not None and not parsed.is_prerelease
        return (not _is_yanked(releases[version]), stable, _order(version))

    return max(releases, key=rank, default="")


def _version(asked: str, releases: Releases, page: ProjectPage) -> str:
    """Return the version as the files spell it. Raises ProjectNotFound."""
    if asked in releases:
        return asked
    parsed = _parsed(asked)
    for version in releases:
        if parsed is not None and _parsed(version) == parsed:
            return version
    raise ProjectNotFound(f"{page.name!r} has no version {asked!r} in {page.repository!r}")


def _parsed(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None


def _metadata(served: Served, files: Iterable[File]) -> tuple[RawMetadata, bool]:
    """Return the core metadata of a release, empty where there is none, and whether that is all.

    At most one metadata file is asked of an upstream, and no distribution.
    """
    offered = [file for file in files if file.metadata_sha256 is not None]
    if not offered:
        return {}, True
    best = min(offered, key=lambda file: not file.serves_metadata)
    repository = served.repository
    try:
        raw = repository.metadata(repository.file(best.filename))
        # It may be anything where it comes from elsewhere; this refuses what takes too long to read.
        parse_metadata(raw, LENIENT)
    except (NotFound, InvalidUpload):
        return {}, True
    except Unavailable:
        # Mirrors need the files, which are known, and not this; it is asked for again next time.
        return {}, False
    return parse_email(raw)[0], True


def _said(metadata: RawMetadata) -> dict[str, object]:
    """Return what the authors say."""
    return {
        **{name: metadata.get(name) for name in (*_TEXTS, *_MANY)},
        "classifiers": metadata.get("classifiers", []),
        "keywords": ",".join(metadata.get("keywords", [])) or None,
        "platform": ",".join(metadata.get("platforms", [])) or None,
    }


def _known(page: ProjectPage, version: str, files: Sequence[File], root: str) -> dict[str, object]:
    """Return what the index itself knows."""
    url = f"{root}simple/{page.name}/"
    required = (file.requires_python for file in files if file.requires_python)
    reasons = (file.yanked for file in files if file.yanked)
    yanked = _is_yanked(files)
    return {
        "bugtrack_url": None,
        "docs_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "package_url": url,
        "project_url": url,
        "release_url": url,
        "requires_python": next(required, None),
        "version": version,
        "yanked": yanked,
        "yanked_reason": next(reasons, None) if yanked else None,
    }


def _display(metadata: RawMetadata, name: str) -> str:
    """Return the project's name as its authors write it."""
    written = metadata.get("name", "")
    return written if normalise(written) == name else name


def _is_yanked(files: Sequence[File]) -> bool:
    return bool(files) and all(file.yanked is not None for file in files)


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
