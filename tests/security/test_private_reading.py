"""What strangers and readers without rights can learn; nothing that is kept ready leaks to them."""

import itertools
import json

import pytest

from tests.security.support import JSON, basic

numbers = itertools.count(1)


@pytest.fixture
def people(server, address):
    return {name: server.client(name, source=address) for name in ("", "reader", "uploader", "owner")}


def links(people, project, repository, who):
    filename, file = next(iter(people[who].files(project, repository).items()))
    up = file["url"].replace("../..", repository, 1)
    return filename, [up, f"{up}.metadata", f"{repository}/packages/{project}/{filename}"]


def warm(client, paths):
    for _ in range(3):
        for path in paths:
            assert client.get(path).status == 200


def test_a_private_index_tells_strangers_nothing(server, people):
    people["uploader"].publish("private-thing")
    _, files = links(people, "private-thing", "", "reader")
    pages = [
        "/simple/",
        "/simple/private-thing/",
        "/",
        "/private/simple/",
        "/repository/private/simple/private-thing/",
    ]
    warm(people["reader"], [*pages, *files])
    unknown = [
        "/simple/unknown/",
        "/packages/aa/bb/cc/unknown-1.0-py3-none-any.whl",
        "/packages/x/unknown-1.0.tar.gz.metadata",
    ]

    bodies = set()
    for path in [*pages, *files, *unknown, "/simple/Private_Thing", "/simple/private-thing"]:
        for method in ("GET", "HEAD"):
            for headers in (
                {},
                {"Range": "bytes=0-1"},
                {"Accept": JSON},
                {"If-None-Match": "*"},
                {"Accept": "text/html"},
            ):
                answer = people[""].ask(method, path, headers=headers)
                assert answer.status == 401, (method, path, headers)
                assert "etag" not in answer.headers
                if method == "GET" and "Accept" not in headers:
                    bodies.add(answer.body)
    assert len(bodies) == 1


@pytest.mark.parametrize(
    "authorization",
    [
        basic("reader", "wrong"),
        basic("reader", "reader-password") + "A",
        basic("reader", "reader-password").replace("Basic ", "Basic x"),
        basic("Reader", "reader-password"),
        "Bearer reader-password",
        "Basic",
        "",
    ],
)
def test_what_is_ready_for_one_is_not_for_a_wrong_password(server, people, authorization):
    people["uploader"].publish("ready-thing")
    _, files = links(people, "ready-thing", "", "reader")
    paths = ["/simple/ready-thing/", "/simple/", *files]
    warm(people["reader"], paths)

    for path in paths:
        assert people[""].get(path, Authorization=authorization).status in {401, 429}


def test_a_reader_without_the_right_gets_no_ready_page(server, people):
    owner = people["owner"]
    for name in ("public-thing", "team-thing", "secret-thing"):
        people["uploader" if name == "team-thing" else "owner"].publish(name, path="/mixed/")
    paths = {}
    for name in ("public-thing", "team-thing", "secret-thing"):
        paths[name] = [
            f"/mixed/simple/{name}/",
            f"/repository/mixed/simple/{name}/",
            *links(people, name, "/mixed", "owner")[1],
        ]
        warm(owner, paths[name])
    warm(owner, ["/mixed/simple/"])

    may = {"": {"public-thing"}, "reader": {"public-thing", "team-thing"}, "owner": set(paths)}
    for who, projects in may.items():
        for name, own in paths.items():
            for path in own:
                for method in ("GET", "HEAD"):
                    status = people[who].ask(method, path).status
                    assert (status == 200) is (name in projects), (who, method, path)
        listed = json.loads(people[who].get("/mixed/simple/", Accept=JSON).body)["projects"]
        assert {one["name"] for one in listed} & set(paths) == projects
        page = people[who].get("/mixed/", Accept="text/html").text
        assert {name for name in paths if name in page} == projects


@pytest.mark.parametrize("who", ["", "reader"])
@pytest.mark.parametrize("place", ["packages/{0}/", "packages/aa/bb/cc/", "packages/"])
def test_files_that_are_hidden_and_files_that_are_not_there_look_alike(server, people, who, place):
    name = f"hidden-{next(numbers)}"
    answer, filename, _ = people["owner"].publish(name, path="/mixed/")
    assert answer.status == 200
    other = filename.replace("hidden", "absent")

    for suffix in ("", ".metadata", ".asc"):
        found = people[who].get(f"/mixed/{place.format(name)}{filename}{suffix}")
        missing = people[who].get(f"/mixed/{place.format(name.replace('hidden', 'absent'))}{other}{suffix}")

        assert found.status == missing.status
        assert found.text.replace("hidden", "absent") == missing.text


def test_private_pages_stay_out_of_shared_caches(server, people):
    people["uploader"].publish("cached-thing")
    _, files = links(people, "cached-thing", "", "reader")

    for path in ("/simple/", "/simple/cached-thing/", "/", *files):
        for _ in range(2):
            headers = people["reader"].get(path).headers
            assert "public" not in headers["cache-control"]
            assert "private" in headers["cache-control"]
    for path in ("/simple/", "/simple/cached-thing/"):
        assert "Authorization" in people["reader"].get(path).headers["vary"]


def test_readers_change_nothing(server, people):
    _, filename, content = people["uploader"].publish("kept")
    form = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    remove = (
        b"".join(
            form % pair for pair in ((b":action", b"remove_pkg"), (b"name", b"kept"), (b"version", b"1.0"))
        )
        + b"--b--\r\n"
    )

    for who in ("reader", "uploader"):
        for path in ("/", "/simple/", "/legacy/", "/pypi", "/private/", "/repository/private/legacy/"):
            assert people[who].post(remove, "multipart/form-data; boundary=b", path).status == 403
            assert (
                people[who]
                .post(remove, "multipart/form-data; boundary=b", f"{path}?:action=remove_pkg")
                .status
                == 403
            )
    assert people["reader"].publish("new-of-reader")[0].status == 403
    assert people["reader"].upload(filename, content).status == 403
    for method in ("DELETE", "PUT", "PATCH", "POST"):
        assert people["owner"].ask(method, "/simple/kept/").status == 405
    assert filename in people["reader"].files("kept")


def test_rights_on_a_pattern_count_for_its_projects_only(server, people):
    uploader = people["uploader"]

    assert uploader.publish("team-owned", path="/mixed/")[0].status == 200
    for name in ("other-owned", "public-owned", "teamless", "x-team-owned"):
        assert uploader.publish(name, path="/mixed/")[0].status == 403
        assert name not in str(server.stored("mixed"))


def test_operation_pages_tell_strangers_no_paths(server, people):
    for path in ("/-/health", "/-/ready"):
        assert str(server.data) not in people[""].get(path).text
    assert people[""].get("/-/plugins").status == 401
    assert people["reader"].get("/-/plugins").status == 403
    for path in ("/-/", "/-/metrics", "/_debug_toolbar/", "/htpasswd/", "/catalog-db/", "/.git/config"):
        assert people["owner"].get(path).status == 404
