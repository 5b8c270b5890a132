"""PyPI's JSON API: hosted, proxied and grouped projects, and URLs that could mean two things."""

import gzip
import hashlib
import json
from datetime import UTC, datetime

import pytest

from pyramid_pypi.model import Identity
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.functional.support import OPEN

WHEEL = "holy_grail-1.0-py3-none-any.whl"
DESCRIPTION = "# The Grail\n\nIt is *holy*.\n"
LINES = (
    "Author: Arthur",
    "Author-email: Bedevere <bedevere@example.org>",
    "License-Expression: MIT",
    "Classifier: Topic :: Games/Entertainment",
    "Classifier: Typing :: Typed",
    "Keywords: grail,quest",
    "Platform: any",
    "Project-URL: Home, https://grail.example.org/",
    "Description-Content-Type: text/markdown",
    "",
    DESCRIPTION.rstrip("\n"),
)
TOM = Identity.user("tom")
FOREIGN = "https://pypi.example.org"


@pytest.fixture
def upstream():
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def joined(build, upstream):
    """An index whose default is a group of a hosted repository and one that follows `upstream`."""
    return build(**joined_settings(upstream.url))


def joined_settings(url, kind="proxy"):
    return {
        **OPEN,
        "pypi.repositories": "all private public",
        "pypi.repo.all": "group",
        "pypi.repo.all.members": "private public",
        "pypi.repo.all.read": "everyone",
        "pypi.repo.public": kind,
        "pypi.repo.public.read": "everyone",
        "pypi.repo.public.upstream": "simple",
        "pypi.repo.public.upstream.url": url,
    }


def shown(client, url="/pypi/holy-grail/json", **options):
    return client.web.get(url, **options).json


def test_a_project_has_the_metadata_of_its_newest_version(client):
    client.publish("Holy-Grail", "1.0")
    client.publish(
        "Holy-Grail",
        "1.10",
        requires_python=">=3.9",
        requires_dist=["coconut>=1"],
        provides_extra=["swallow"],
        metadata_lines=LINES,
    )
    client.publish("Holy-Grail", "1.9")

    info = shown(client)["info"]

    assert info == {
        "author": "Arthur",
        "author_email": "Bedevere <bedevere@example.org>",
        "bugtrack_url": None,
        "classifiers": ["Topic :: Games/Entertainment", "Typing :: Typed"],
        "description": DESCRIPTION,
        "description_content_type": "text/markdown",
        "docs_url": None,
        "download_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "dynamic": None,
        "home_page": None,
        "keywords": "grail,quest",
        "license": None,
        "license_expression": "MIT",
        "license_files": None,
        "maintainer": None,
        "maintainer_email": None,
        "name": "Holy-Grail",
        "package_url": "http://localhost:80/project/holy-grail/",
        "platform": "any",
        "project_url": "http://localhost:80/project/holy-grail/",
        "project_urls": {"Home": "https://grail.example.org/"},
        "provides_extra": ["swallow"],
        "release_url": "http://localhost:80/project/holy-grail/1.10/",
        "requires_dist": ["coconut>=1"],
        "requires_python": ">=3.9",
        "summary": "The Holy-Grail of the tests",
        "version": "1.10",
        "yanked": False,
        "yanked_reason": None,
    }


def test_a_file_has_everything_that_is_known(client):
    filename, content = client.publish(requires_python=">=3.9")
    listed = client.page("holy-grail")["files"][0]

    found = shown(client)

    (entry,) = found["urls"]
    assert found["releases"] == {"1.0": [entry]}
    moment = datetime.fromisoformat(entry.pop("upload_time_iso_8601"))
    assert moment == datetime.fromisoformat(listed["upload-time"])
    assert datetime.fromisoformat(entry.pop("upload_time")) == moment.replace(microsecond=0, tzinfo=None)
    assert entry == {
        "comment_text": "",
        "core-metadata": listed["core-metadata"],
        "digests": {
            "blake2b_256": hashlib.blake2b(content, digest_size=32).hexdigest(),
            "md5": hashlib.md5(content).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "downloads": -1,
        "filename": filename,
        "has_sig": False,
        "md5_digest": hashlib.md5(content).hexdigest(),
        "packagetype": "bdist_wheel",
        "python_version": "py3",
        "requires_python": ">=3.9",
        "size": len(content),
        "url": "http://localhost:80" + client.url("holy-grail", filename),
        "yanked": False,
        "yanked_reason": None,
    }
    assert client.web.get(entry["url"]).body == content


def test_an_sdist_tells_about_its_project_and_offers_no_metadata(client):
    client.upload("holy_grail-1.0.tar.gz", make_sdist("holy-grail", "1.0", summary="A cup"))

    found = shown(client)

    assert found["info"]["summary"] == "A cup"
    assert found["urls"][0]["packagetype"] == "sdist"
    assert found["urls"][0]["python_version"] == "source"
    assert found["urls"][0]["core-metadata"] is False


@pytest.mark.parametrize(
    ("versions", "yanked", "latest"),
    [
        (("1.9", "1.10"), (), "1.10"),
        (("1.0", "2.0rc1"), (), "1.0"),
        (("1.0", "2.0"), ("2.0",), "1.0"),
        (("1.0", "2.0rc1"), ("1.0",), "2.0rc1"),
        (("1.0", "2.0rc1"), ("1.0", "2.0rc1"), "1.0"),
    ],
)
def test_the_newest_version_is_neither_yanked_nor_a_pre_release_if_there_is_one(
    client, versions, yanked, latest
):
    for version in versions:
        client.publish(version=version)
    for version in yanked:
        yank(client, version, "broken")

    found = shown(client)

    assert found["info"]["version"] == latest
    assert found["info"]["yanked"] is (latest in yanked)
    assert list(found["releases"]) == list(versions)


def yank(client, version, reason):
    hosted = client.index.served("private").hosted
    hosted.yank(hosted.file(f"holy_grail-{version}-py3-none-any.whl"), reason, TOM)


@pytest.mark.parametrize(("reason", "told"), [("a hole", "a hole"), ("", None)])
def test_a_yank_is_told_with_its_reason(client, reason, told):
    client.publish()
    yank(client, "1.0", reason)

    found = shown(client)

    assert (found["urls"][0]["yanked"], found["urls"][0]["yanked_reason"]) == (True, told)
    assert (found["info"]["yanked"], found["info"]["yanked_reason"]) == (True, told)


def test_a_release_is_shown_alone_by_any_spelling_of_its_version(client):
    client.publish(version="1.0", summary="The old one")
    client.publish(version="1.1", summary="The new one")

    found = shown(client, "/pypi/holy-grail/1.0/json")

    assert found["info"]["summary"] == "The old one"
    assert [entry["filename"] for entry in found["urls"]] == [WHEEL]
    assert "releases" not in found
    assert shown(client, "/pypi/holy-grail/v1.0.0/json") == found


@pytest.mark.parametrize("url", ["/pypi/holy-grail/2.0/json", "/pypi/holy-grail/new/json"])
def test_an_unknown_release_is_404(client, url):
    client.publish()

    assert "no version" in client.web.get(url, status=404).text


@pytest.mark.parametrize(
    ("url", "to"),
    [
        ("/pypi/Holy_Grail/json", "/pypi/holy-grail/json"),
        ("/pypi/Holy_Grail/json/", "/pypi/holy-grail/json/"),
        ("/pypi/Holy_Grail/1.0/json", "/pypi/holy-grail/1.0/json"),
        ("/pypi/Holy_Grail/1.0/json/", "/pypi/holy-grail/1.0/json/"),
        ("/private/pypi/Holy_Grail/json", "/private/pypi/holy-grail/json"),
        ("/Holy_Grail/json", "/holy-grail/json"),
        ("/Holy_Grail/json/", "/holy-grail/json/"),
    ],
)
def test_names_are_normalised_by_a_relative_redirect(client, url, to):
    client.publish()

    moved = client.web.get(url, status=301)

    assert moved.headers["Location"].startswith("../")
    assert moved.follow().request.path == to
    assert moved.follow().json["info"]["name"] == "holy-grail"


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("/pypi/holy-grail/json", "/"),
        ("/pypi/holy-grail/json/", "/"),
        ("//pypi//holy-grail/json", "/"),
        ("/pypi/holy-grail/1.0/json", "/"),
        ("/holy-grail/json/", "/"),
        ("/private/pypi/holy-grail/json", "/private/"),
        ("/private/holy-grail/json", "/private/"),
        ("/repository/private/pypi/holy-grail/1.0/json/", "/repository/private/"),
    ],
)
def test_links_are_absolute_and_below_the_same_repository(client, url, root):
    client.publish()

    (entry,) = shown(client, url, headers={"Host": "pypi.example:81"})["urls"]

    assert entry["url"].startswith(f"http://pypi.example:81{root}packages/")
    client.web.get(entry["url"].removeprefix("http://pypi.example:81"))


def test_links_have_the_address_that_people_use(build):
    client = build(**OPEN, **{"pypi.base_url": FOREIGN})
    client.publish()

    assert shown(client)["urls"][0]["url"].startswith(f"{FOREIGN}/packages/")


def test_a_host_that_is_none_gets_into_no_link(client):
    client.publish()

    status, _, body = client.raw("/pypi/holy-grail/json", HTTP_HOST='x"/evil')

    assert status.startswith("200")
    assert json.loads(b"".join(body))["urls"][0]["url"].startswith("http://localhost/packages/")


def test_hosts_do_not_get_the_links_of_each_other(client):
    client.publish()
    hosts = ("one.example", "two.example", "one.example")

    urls = [shown(client, headers={"Host": host})["urls"][0]["url"] for host in hosts]

    assert [url.split("/")[2] for url in urls] == list(hosts)


def test_headers_are_those_of_pages(client):
    client.publish()
    page = client.web.get("/simple/holy-grail/")

    answer = client.web.get("/pypi/holy-grail/json")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body.endswith(b"\n")
    same = ("Cache-Control", "Vary", "X-PyPI-Last-Serial", "X-PyPI-Repository", "Access-Control-Allow-Origin")
    assert [answer.headers[name] for name in same] == [page.headers[name] for name in same]
    assert answer.json["last_serial"] == int(answer.headers["X-PyPI-Last-Serial"]) == 1


def test_an_etag_saves_what_has_not_changed(client):
    client.publish()
    etag = client.web.get("/pypi/holy-grail/json").headers["ETag"]

    client.web.get("/pypi/holy-grail/json", headers={"If-None-Match": etag}, status=304)
    client.publish(version="1.1")

    client.web.get("/pypi/holy-grail/json", headers={"If-None-Match": etag}, status=200)


def test_gzip_is_offered(client):
    client.publish()

    _, headers, body = client.raw("/pypi/holy-grail/json", HTTP_ACCEPT_ENCODING="gzip")

    assert dict(headers)["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(b"".join(body)))["info"]["name"] == "holy-grail"


def test_an_upload_shows_at_once(client):
    client.publish()
    shown(client)

    client.publish(version="1.1")

    assert shown(client)["info"]["version"] == "1.1"


def test_an_unknown_project_is_404_in_the_format_of_the_client(client):
    answer = client.web.get("/pypi/nothing/json", headers={"Accept": "application/json"}, status=404)

    assert answer.json["message"] == "'private' has no project 'nothing'"
    assert client.web.get("/pypi/nothing/json", status=404).content_type == "text/plain"


def test_a_project_without_files_has_no_releases(client):
    client.publish()
    client.index.served("private").hosted.set_status("holy-grail", "quarantined", "", TOM)

    found = shown(client)

    assert (found["releases"], found["urls"], found["info"]["version"]) == ({}, [], "")
    client.web.get("/pypi/holy-grail/1.0/json", status=404)


def test_other_methods_are_refused(client):
    client.web.post("/pypi/holy-grail/json", status=405)
    client.web.options("/pypi/holy-grail/json", status=200)


def test_the_right_to_read_is_asked_for(build):
    client = build(**{**OPEN, "pypi.repo.private.project.holy-*.read": "user:tom"})
    client.publish()
    client.publish("coconut")

    for url in ("/pypi/holy-grail/json", "/pypi/holy-grail/1.0/json", "/holy-grail/json"):
        client.web.get(url, status=404)
    assert shown(client, "/pypi/coconut/json")["info"]["name"] == "coconut"


def test_a_proxied_project_costs_its_page_and_one_metadata_file(joined, upstream):
    for version in ("1.0", "1.1"):
        lines = ["Author: Arthur"]
        content = make_wheel("Holy_Grail", version, requires_dist=["coconut"], metadata_lines=lines)
        upstream.add(
            f"holy_grail-{version}-py3-none-any.whl",
            content,
            upload_time=datetime(2024, 5, 6, 7, 8, 9, 120000, UTC),
            requires_python=">=3.8",
        )
    upstream.add("holy_grail-1.1.tar.gz", make_sdist("holy-grail", "1.1"), yanked="old")

    found = shown(joined)

    wheel, sdist = found["urls"]
    assert found["info"]["name"] == "Holy_Grail"
    assert (found["info"]["author"], found["info"]["requires_dist"]) == ("Arthur", ["coconut"])
    assert found["info"]["requires_python"] == ">=3.8"
    assert found["last_serial"] == 3
    assert list(found["releases"]) == ["1.0", "1.1"]
    assert wheel["digests"] == {"sha256": hashlib.sha256(content).hexdigest()}
    assert wheel["upload_time"] == "2024-05-06T07:08:09"
    assert wheel["upload_time_iso_8601"] == "2024-05-06T07:08:09.120000Z"
    assert (wheel["size"], wheel["md5_digest"]) == (len(content), None)
    assert (sdist["yanked"], sdist["yanked_reason"]) == (True, "old")
    assert [request.path for request in upstream.requests] == [
        "/simple/holy-grail/",
        f"{wheel['url'].removeprefix('http://localhost:80')}.metadata",
    ]


def test_an_upstream_without_metadata_is_asked_for_nothing_more(build, upstream):
    client = build(**joined_settings(upstream.url), **{"pypi.repo.public.backfill": "0"})
    upstream.add(WHEEL, make_wheel("holy-grail", "1.0"), core_metadata=False, size=False, upload_time=None)

    found = shown(client, "/public/pypi/holy-grail/json")

    assert found["info"]["name"] == "holy-grail"
    assert found["info"]["summary"] is None
    assert found["urls"][0]["size"] is None
    assert found["urls"][0]["upload_time"] is None
    assert found["urls"][0]["upload_time_iso_8601"] is None
    assert [request.path for request in upstream.requests] == ["/simple/holy-grail/"]


def test_metadata_that_the_upstream_only_promises_costs_nobody_the_files(joined, upstream):
    upstream.add(WHEEL, make_wheel("holy-grail", "1.0", summary="A cup"))
    upstream.fail("*.metadata", 404)
    upstream.fail("*.whl", 404)

    found = shown(joined)

    assert found["info"]["summary"] is None
    assert found["urls"][0]["filename"] == WHEEL


def test_metadata_that_cannot_be_had_now_is_asked_for_next_time(joined, upstream):
    upstream.add(WHEEL, make_wheel("holy-grail", "1.0", summary="A cup"))
    upstream.fail("*.metadata", 403, times=1)
    assert shown(joined)["info"]["summary"] is None

    assert shown(joined)["info"]["summary"] == "A cup"


def test_an_upstream_that_is_down_makes_no_project_disappear(joined, upstream):
    upstream.down()

    joined.web.get("/pypi/holy-grail/json", status=502)


def test_a_project_of_an_upstream_is_asked_for_again_as_its_page_is(joined, upstream):
    upstream.add(WHEEL, make_wheel("holy-grail", "1.0"))

    alone = joined.web.get("/public/pypi/holy-grail/json").headers
    grouped = joined.web.get("/pypi/holy-grail/json").headers

    assert alone["Cache-Control"] == grouped["Cache-Control"] == "no-cache"
    assert grouped["X-PyPI-Repository"] == "public"


def test_a_group_answers_with_the_private_project(joined, upstream):
    upstream.add("holy_grail-9.0-py3-none-any.whl", make_wheel("holy-grail", "9.0"))
    assert shown(joined)["info"]["version"] == "9.0"

    joined.upload(WHEEL, make_wheel("holy-grail", "1.0", summary="Ours"), "/private/")

    assert shown(joined)["info"]["summary"] == "Ours"
    assert list(shown(joined)["releases"]) == ["1.0"]


def test_merged_projects_have_the_files_of_all(build, upstream):
    client = build(**joined_settings(upstream.url), **{"pypi.repo.all.merge": "holy-grail"})
    upstream.add("holy_grail-9.0-py3-none-any.whl", make_wheel("holy-grail", "9.0", summary="Theirs"))
    client.upload(WHEEL, make_wheel("holy-grail", "1.0", summary="Ours"), "/private/")

    assert shown(client)["info"]["summary"] == "Theirs"
    assert shown(client, "/pypi/holy-grail/1.0/json")["info"]["summary"] == "Ours"


def test_what_is_only_redirected_is_404_and_says_where(build):
    client = build(**joined_settings("https://pypi.org/simple/", "redirect"))

    for url in ("/pypi/holy-grail/json", "/public/pypi/holy-grail/json"):
        answer = client.web.get(url, status=404)
        assert "https://pypi.org/simple/holy-grail/" in answer.text


@pytest.fixture
def named_pypi(build):
    """An index that has a repository called `pypi` beside its default one."""
    changes = {key.replace("private", "pypi"): value for key, value in OPEN.items()}
    return build(
        **OPEN,
        **changes,
        **{
            "pypi.repositories": "private pypi",
            "pypi.repo.pypi": "hosted",
            "pypi.repo.pypi.storage": "filesystem",
            "pypi.repo.pypi.storage.path": "others",
        },
    )


@pytest.mark.parametrize(
    ("url", "summary"),
    [
        # PyPI's own URLs are those of the default repository.
        ("/pypi/json/json", "in private"),
        ("/pypi/json/1.0/json", "in private"),
        # What is a URL below a repository stays one.
        ("/pypi/pypi/json/json", "in pypi"),
        ("/pypi/pypi/json/1.0/json", "in pypi"),
        ("/repository/pypi/json/json", "in pypi"),
        ("/repository/pypi/pypi/json/json", "in pypi"),
    ],
)
def test_a_repository_called_pypi_leaves_the_urls_of_pypi_to_the_default(named_pypi, url, summary):
    for repository in ("private", "pypi"):
        content = make_wheel("json", "1.0", summary=f"in {repository}")
        named_pypi.upload("json-1.0-py3-none-any.whl", content, f"/repository/{repository}/")

    assert shown(named_pypi, url)["info"]["summary"] == summary


def test_a_repository_called_pypi_keeps_its_pages_and_files(named_pypi):
    for name in ("json", "simple"):
        content = make_wheel(name, "1.0")
        named_pypi.upload(f"{name}-1.0-py3-none-any.whl", content, "/repository/pypi/")

    for url in ("/pypi/simple/json/", "/pypi/json/"):
        assert "Links for json" in named_pypi.web.get(url).text
    assert named_pypi.web.get("/pypi/simple/json", status=302).headers["Location"] == "json/"
    assert named_pypi.web.get("/pypi/packages/json", status=404).content_type == "text/plain"
    assert "json" in named_pypi.web.get("/pypi/simple/").text


def test_projects_may_be_called_like_parts_of_urls(client):
    for name in ("simple", "legacy", "packages", "json", "repository", "private"):
        client.publish(name)

    for name in ("simple", "legacy", "packages", "json", "repository", "private"):
        assert shown(client, f"/pypi/{name}/json")["info"]["name"] == name
        assert shown(client, f"/pypi/{name}/1.0/json")["info"]["version"] == "1.0"


def lists(client, url):
    answer = client.web.get(url, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    if answer.status_int == 302:
        answer = answer.follow(headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    return {one["name"]: one["_last-serial"] for one in answer.json["projects"]}, answer.headers


def test_lists_have_a_serial_that_the_json_of_a_project_reaches(joined, upstream):
    """Bandersnatch asks for the list without a slash, and compares."""
    upstream.add("coconut-1.0-py3-none-any.whl", make_wheel("coconut", "1.0"))
    joined.upload(WHEEL, make_wheel("holy-grail", "1.0"), "/private/")

    for repository, names in (("", 2), ("/private", 1), ("/public", 1)):
        serials, headers = lists(joined, f"{repository}/simple")
        assert headers["X-PyPI-Last-Serial"].isdigit()
        assert len(serials) == names
        for name, serial in serials.items():
            answer = joined.web.get(f"{repository}/pypi/{name}/json")
            assert int(answer.headers["X-PyPI-Last-Serial"]) == answer.json["last_serial"] >= serial > 0


def test_a_version_of_thousands_of_digits_is_not_there(client):
    client.publish()

    assert "has no version" in client.web.get(f"/pypi/holy-grail/{'9' * 5000}/json", status=404).text
