import json
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.errors import UpstreamTimeout
from pyramid_pypi.model import ANONYMOUS, File, Hashes, Identity, ProjectName, ProjectPage
from pyramid_pypi.repositories.group import Group, Member
from pyramid_pypi.rights import ProjectRights, Rights
from pyramid_pypi.served import Served
from pyramid_pypi.web.longlist import streamed_list
from pyramid_pypi.web.ready import ReadyCache
from pyramid_pypi.web.rendering import (
    html_parts,
    json_parts,
    list_html,
    list_json,
    page_html,
    page_json,
)

UP = "../../"
NAME = "holy_grail-1.0-py3-none-any.whl"
PLACE = f"5e/01/{'0a' * 30}/{NAME}"
BARE = File(
    "holy-grail",
    NAME,
    "1.0",
    "bdist_wheel",
    None,
    Hashes(),
    None,
    "",
    "",
    url="https://upstream.example/x",
    place=PLACE,
)
NAMES = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,4})?", fullmatch=True)
PROJECTS = st.lists(st.builds(ProjectName, NAMES, st.text(max_size=10), st.integers(0, 10**9)), max_size=8)


class Page(HTMLParser):
    """Reads a page as an installer does: the links and the meta tags."""

    def __init__(self, page):
        super().__init__()
        self.links = []
        self.texts = []
        self.meta = {}
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.links.append(dict(attrs))
            self.texts.append("")
        if tag == "meta" and "name" in dict(attrs):
            self.meta[dict(attrs)["name"]] = dict(attrs)["content"]

    def handle_data(self, data):
        if self.texts and self.lasttag == "a":
            self.texts[-1] += data


def page_of(*files, **changes):
    return ProjectPage("pypi", "holy-grail", "holy-grail", files, 7, **changes)


def entry(**changes):
    (found,) = json.loads(page_json(page_of(replace(BARE, **changes)), UP))["files"]
    return found


def link(**changes):
    (found,) = Page(page_html(page_of(replace(BARE, **changes)), UP)).links
    return found


def test_what_nobody_knows_is_left_out_of_json():
    assert entry() == {
        "filename": NAME,
        "url": f"../../packages/{PLACE}",
        "hashes": {},
        "core-metadata": False,
        "yanked": False,
    }


def test_what_nobody_knows_is_left_out_of_html():
    assert link() == {"href": f"../../packages/{PLACE}"}


def test_everything_that_is_known_is_in_json():
    found = entry(
        size=5,
        hashes=Hashes(sha256="ab" * 32, md5="cd" * 16, others=(("sha512", "ef" * 64),)),
        uploaded_at=datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC),
        time_source="last-modified",
        requires_python=">=3.8,<4",
        yanked='a "bad" one',
        metadata_sha256="12" * 32,
        signed=True,
        provenance="https://upstream.example/integrity/x",
    )

    assert found == {
        "filename": NAME,
        "url": f"../../packages/{PLACE}",
        "hashes": {"sha256": "ab" * 32},
        "core-metadata": {"sha256": "12" * 32},
        "yanked": 'a "bad" one',
        "size": 5,
        "upload-time": "2026-01-02T03:04:05.678900Z",
        "_upload-time-source": "last-modified",
        "requires-python": ">=3.8,<4",
        "gpg-sig": True,
        "provenance": "https://upstream.example/integrity/x",
    }


def test_everything_that_is_known_is_in_html():
    found = link(
        hashes=Hashes(sha256="ab" * 32),
        requires_python=">=3.8,<4",
        yanked="",
        metadata_sha256="12" * 32,
        signed=True,
        provenance='https://upstream.example/"x"',
    )

    assert found == {
        "href": f"../../packages/{PLACE}#sha256={'ab' * 32}",
        "data-requires-python": ">=3.8,<4",
        "data-yanked": "",
        "data-dist-info-metadata": f"sha256={'12' * 32}",
        "data-core-metadata": f"sha256={'12' * 32}",
        "data-gpg-sig": "true",
        "data-provenance": 'https://upstream.example/"x"',
    }


@pytest.mark.parametrize("size", [0, 1])
def test_a_size_of_nothing_is_a_size(size):
    assert entry(size=size)["size"] == size


@pytest.mark.parametrize(
    ("hashes", "shown"),
    [
        (Hashes(md5="cd"), {"md5": "cd"}),
        (Hashes(others=(("sha512", "ef"),)), {"sha512": "ef"}),
        (Hashes(md5="cd", others=(("sha384", "ef"),)), {"sha384": "ef"}),
        (Hashes(others=(("sha1", "ef"),)), {}),
    ],
)
def test_the_one_digest_that_installers_know_is_shown(hashes, shown):
    assert entry(hashes=hashes)["hashes"] == shown
    fragment = "".join(f"#{name}={digest}" for name, digest in shown.items())
    assert link(hashes=hashes)["href"] == f"../../packages/{PLACE}{fragment}"


def test_metadata_whose_digest_nobody_has_told_is_offered_without():
    assert entry(metadata_sha256="")["core-metadata"] is True
    assert link(metadata_sha256="")["data-core-metadata"] == "true"


def test_metadata_of_an_sdist_is_not_offered():
    assert entry(metadata_sha256="12", packagetype="sdist")["core-metadata"] is False
    assert "data-core-metadata" not in link(metadata_sha256="12", packagetype="sdist")


@pytest.mark.parametrize(("yanked", "shown"), [(None, False), ("", True), ("bad", "bad")])
def test_a_yank_needs_no_reason(yanked, shown):
    assert entry(yanked=yanked)["yanked"] == shown
    assert link(yanked=yanked).get("data-yanked") == yanked


def test_a_plus_in_a_path_is_escaped():
    assert entry(place="aa/bb/cc/torch-1.0+cpu.whl")["url"] == "../../packages/aa/bb/cc/torch-1.0%2Bcpu.whl"


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_text_of_an_upstream_breaks_a_page(reason, python, provenance):
    file = replace(BARE, yanked=reason, requires_python=python, provenance=provenance, time_source=reason)
    page = page_of(file, status="archived", status_reason=reason)

    found = json.loads(page_json(page, UP))
    assert found["project-status"].get("reason", "") == reason
    assert found["files"][0]["yanked"] == (reason or True)
    assert found["files"][0].get("requires-python", "") == python
    shown = Page(page_html(page, UP))
    assert len(shown.links) == 1
    assert set(shown.links[0]) <= {"href", "data-yanked", "data-requires-python", "data-provenance"}


@given(PROJECTS, st.integers(0, 10**12), st.integers(1, 4))
def test_a_list_in_parts_is_the_list(projects, serial, size):
    batches = [projects[at : at + size] for at in range(0, len(projects), size)]

    assert b"".join(html_parts(batches, serial)) == list_html(projects, serial)
    whole = json.loads(b"".join(json_parts(batches, serial)))
    assert whole == json.loads(list_json(projects, serial))
    assert whole["meta"] == {"api-version": "1.4", "_last-serial": serial}
    assert whole["projects"] == [{"name": one.display, "_last-serial": one.serial} for one in projects]


@given(PROJECTS)
def test_a_list_links_to_each_project(projects):
    page = Page(list_html(projects, 7))

    assert [one["href"] for one in page.links] == [f"{project.name}/" for project in projects]
    assert page.meta["pypi:repository-version"] == "1.4"


@pytest.mark.parametrize("render", [html_parts, json_parts])
def test_parts_are_rendered_as_they_are_read(render):
    read = []

    def batches():
        for number in range(1000):
            read.append(number)
            yield [ProjectName(f"p{number}", f"p{number}", 0)]

    parts = render(batches(), 7)
    next(parts)
    assert read == []
    next(parts)
    assert read == [0]


class Listing:
    """A repository with a long list; what it is asked for first may be an error."""

    name = "pypi"
    outside = True

    def __init__(self, names):
        self.names = names

    def projects(self):
        return self.names


def context_of(repository, rights=None):
    served = Served(repository, rights or Rights({"read": frozenset({"everyone"})}))
    pages = ReadyCache(stamp=lambda: b"", changed_since=lambda _: (0, ()), budget=1 << 20)
    catalog = SimpleNamespace(last_serial=lambda: 7)
    return SimpleNamespace(served=served, index=SimpleNamespace(catalog=catalog, pages=pages))


def request_of(method="GET"):
    return SimpleNamespace(method=method, environ={"REQUEST_METHOD": method})


def listed(names, form="v1+json", *, packed=False, rights=None, method="GET", who=ANONYMOUS):
    context = context_of(Listing(names), rights)
    return streamed_list(context, who, ("", form, packed), request_of(method))


def projects(count):
    return (ProjectName(f"p{number:06d}", f"P{number:06d}", number) for number in range(count))


def test_a_long_list_is_streamed_whole():
    answer = listed(projects(25_000))

    found = json.loads(b"".join(answer.app_iter))
    assert len(found["projects"]) == 25_000
    assert found["projects"][24_999] == {"name": "P024999", "_last-serial": 24_999}
    assert answer.status == "200 OK"
    assert "Content-Length" not in answer.headers


def test_a_long_list_is_streamed_compressed():
    answer = listed(projects(25_000), "v1+html", packed=True)

    page = zlib.decompress(b"".join(answer.app_iter), zlib.MAX_WBITS + 16)
    assert page == list_html(list(projects(25_000)), 7)
    assert answer.headers["Content-Encoding"] == "gzip"


def test_a_list_that_cannot_be_had_is_an_error_and_no_page():
    def names():
        raise UpstreamTimeout("too slow")
        yield

    with pytest.raises(UpstreamTimeout):
        listed(names())


def test_only_the_beginning_is_read_before_the_answer():
    names = projects(50_000)

    listed(names)

    assert next(names).name == "p010000"


def test_a_head_request_gets_the_headers_alone():
    answer = listed(projects(25_000), method="HEAD")

    assert b"".join(answer.app_iter) == b""
    assert answer.headers["X-PyPI-Last-Serial"] == "7"


def test_projects_that_somebody_may_not_read_are_not_listed():
    rights = Rights(
        {"read": frozenset({"everyone"})},
        (ProjectRights("p00000[0-4]", {"read": frozenset({"user:ann"})}),),
    )

    def names(who):
        body = b"".join(listed(projects(10), rights=rights, who=who).app_iter)
        return re.findall(rb'"name": "(P\d+)"', body)

    assert names(ANONYMOUS) == [f"P{number:06d}".encode() for number in range(5, 10)]
    assert len(names(Identity.user("ann"))) == 10


def test_a_list_of_a_group_is_streamed_united():
    group = Group("all", [Member(Listing(projects(3))), Member(Listing(projects(5)), ("p000004",))])
    context = context_of(group)

    answer = streamed_list(context, ANONYMOUS, ("", "v1+json", False), request_of())

    assert len(json.loads(b"".join(answer.app_iter))["projects"]) == 4
