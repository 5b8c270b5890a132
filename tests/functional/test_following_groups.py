"""Groups and redirects: who answers, who may read, and where uploads go."""

import threading

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.functional.following import names, proxy, wheel_of
from tests.functional.support import JSON
from tests.functional.test_rights import HASH, as_user


@pytest.fixture
def upstream():
    with FakeUpstream() as upstream:
        yield upstream


def add(upstream, name="holy-grail", version="1.0"):
    return upstream.add(wheel_of(name, version), make_wheel(name, version))


def files_of(client, project, **options):
    return [file["filename"] for file in client.page(project, **options)["files"]]


def test_a_page_of_the_group_changes_at_once_when_the_name_is_published(build, upstream):
    add(upstream, version="9.0")
    client = build(**proxy(upstream))
    before = [files_of(client, "holy-grail") for _ in range(2)]

    filename, _ = client.publish("holy-grail", "1.0")

    assert before == [[wheel_of("holy-grail", "9.0")]] * 2
    assert files_of(client, "holy-grail") == [filename]
    assert files_of(client, "holy-grail", repository="/repository/pypi") == [wheel_of("holy-grail", "9.0")]


def test_a_public_file_is_not_served_any_more_once_the_name_is_published(build, upstream):
    offered = add(upstream, version="9.0")
    client = build(**proxy(upstream))
    client.web.get(offered.path)
    client.publish("holy-grail", "1.0")

    client.web.get(offered.path, status=404)
    client.web.get(f"{offered.path}.metadata", status=404)

    assert client.web.get(f"/repository/pypi{offered.path}").body == offered.content


def test_a_private_name_is_not_asked_for_elsewhere(build, upstream):
    add(upstream, version="9.0")
    client = build(**proxy(upstream))
    filename, content = client.publish("holy-grail", "1.0")

    page = client.web.get("/simple/holy-grail/", headers={"Accept": JSON})
    file = client.web.get(client.url("holy-grail", filename))

    assert page.headers["X-PyPI-Repository"] == file.headers["X-PyPI-Repository"] == "private"
    assert file.body == content
    assert upstream.requests == []


def test_private_projects_are_answered_while_the_upstream_hangs(build, upstream):
    client = build(**proxy(upstream, **{"upstream__read_timeout": "2"}))
    client.publish("holy-grail", "1.0")
    stall = upstream.stall("*")
    waiting = threading.Thread(target=lambda: client.web.get("/simple/other/", status="*"))
    waiting.start()
    stall.wait_until_held()
    try:
        found = files_of(client, "holy-grail")
        still_held = stall.held
    finally:
        stall.release()
        waiting.join()

    assert found == [wheel_of("holy-grail")]
    assert still_held == 1


def test_the_list_has_the_names_of_all_members_once(build, upstream):
    for name in ("holy-grail", "Zebra.Crossing", "alpha"):
        upstream.add(f"{name.lower().replace('.', '_').replace('-', '_')}-1.0.tar.gz", b"x", project=name)
    client = build(**proxy(upstream))
    client.publish("holy-grail", "1.0")
    client.publish("middle", "1.0")

    assert names(client) == ["alpha", "holy-grail", "middle", "zebra-crossing"]
    assert names(client, "/repository/private/simple/") == ["holy-grail", "middle"]
    assert names(client, "/pypi/simple/") == ["alpha", "holy-grail", "zebra-crossing"]


def test_a_published_name_is_in_the_list_at_once(build, upstream):
    add(upstream)
    client = build(**proxy(upstream))
    before = names(client)

    client.publish("brand-new", "1.0")

    assert before == ["holy-grail"]
    assert names(client) == ["brand-new", "holy-grail"]


def test_uploads_to_the_group_go_where_the_settings_say(build, upstream):
    client = build(**proxy(upstream))

    for number, url in enumerate(["/", "/simple/", "/legacy/", "/repository/all/", "/all/"]):
        client.upload(wheel_of("holy-grail", f"1.{number}"), make_wheel("holy-grail", f"1.{number}"), url)

    assert len(files_of(client, "holy-grail", repository="/repository/private")) == 5
    assert upstream.requests == []


@pytest.mark.parametrize("kind", ["proxy", "redirect"])
@pytest.mark.parametrize("url", ["/repository/pypi/", "/repository/pypi/legacy/", "/pypi/simple/"])
def test_uploads_to_what_follows_are_refused_with_a_reason(url, kind, build, upstream):
    client = build(**proxy(upstream, **{"pypi.repo.pypi": kind}))

    answer = client.upload(wheel_of("holy-grail"), make_wheel("holy-grail", "1.0"), url, status=403)

    assert "'pypi' follows other indexes and takes no files; publish to a hosted one" in answer.text
    assert upstream.requests == []


def test_uploads_to_a_group_without_a_place_for_them_are_refused(build, upstream):
    client = build(**proxy(upstream, **{"pypi.repo.all.publish": None}))

    answer = client.upload(wheel_of("holy-grail"), make_wheel("holy-grail", "1.0"), "/", status=403)

    assert "'all' follows other indexes and takes no files" in answer.text


def test_a_redirect_sends_clients_to_the_page_of_the_upstream(build, upstream):
    client = build(**proxy(upstream, **{"pypi.repo.pypi": "redirect"}))
    client.publish("ours", "1.0")

    answers = [client.web.get(f"{mount}/simple/holy-grail/", status=302) for mount in ("", "/pypi")]
    client.web.head("/simple/holy-grail/", status=302)

    assert {answer.headers["Location"] for answer in answers} == {f"{upstream.url}holy-grail/"}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    assert files_of(client, "ours") == ["ours-1.0-py3-none-any.whl"]
    assert names(client) == ["ours"]
    client.web.get("/packages/aa/bb/cc/holy_grail-1.0-py3-none-any.whl", status=404)
    assert upstream.requests == []


def test_a_redirect_shows_no_credentials(build, upstream):
    url = upstream.url.replace("//", "//ci:s3cret@")
    client = build(**proxy(upstream, **{"pypi.repo.pypi": "redirect", "upstream__url": url}))

    answer = client.web.get("/simple/holy-grail/", status=302)

    assert answer.headers["Location"] == f"{upstream.url}holy-grail/"
    assert "s3cret" not in str(answer.headers) + answer.text


def test_the_first_of_two_upstreams_that_knows_a_project_answers(build, upstream):
    with FakeUpstream() as second:
        add(upstream, version="1.0")
        add(second, version="2.0")
        add(second, "other", "2.0")
        changes = {
            "pypi.repositories": "private pypi more all",
            "pypi.repo.more": "proxy",
            "pypi.repo.more.upstream": "simple",
            "pypi.repo.more.upstream.url": second.url,
            "pypi.repo.more.read": "everyone",
            "pypi.repo.all.members": "private pypi more",
        }
        client = build(**proxy(upstream, **changes))

        assert files_of(client, "holy-grail") == [wheel_of("holy-grail", "1.0")]
        assert files_of(client, "other") == [wheel_of("other", "2.0")]
        assert second.count("/simple/holy-grail/") == 0
        upstream.fail("/simple/*", 503)
        # Nobody knows whose a new name is while the one that comes first cannot tell.
        client.web.get("/simple/another/", status=502)
        assert second.count("/simple/another/") == 0


PEOPLE = ("ann", "bob", "carol")


@pytest.fixture
def closed(build, upstream, tmp_path):
    """ann may read everything, bob not what is private, carol not what is public."""
    (tmp_path / "htpasswd").write_text("".join(f"{name}:{HASH}\n" for name in PEOPLE))
    add(upstream)
    client = build(
        **proxy(
            upstream,
            read="user:ann user:bob",
            **{
                "pypi.authenticators": "htpasswd",
                "pypi.auth.htpasswd.path": "htpasswd",
                "pypi.repo.private.read": "user:ann user:carol",
                "pypi.repo.private.project.secret-*.read": "user:ann",
                "pypi.repo.private.upload": "user:ann",
                "pypi.repo.all.read": "authenticated",
            },
        )
    )
    for name in ("ours", "secret-sauce"):
        client.upload(wheel_of(name), make_wheel(name, "1.0"), headers=as_user("ann"))
    return client


def statuses(client, path, people=PEOPLE):
    found = {name: client.web.get(path, headers=as_user(name), status="*").status_int for name in people}
    return {**found, "": client.web.get(path, status="*").status_int}


def test_reading_the_group_takes_the_right_to_read_each_member(closed, upstream):
    offered = add(upstream)

    pages = statuses(closed, "/simple/holy-grail/")
    files = statuses(closed, offered.path)
    lists = statuses(closed, "/simple/")

    assert pages == files == lists == {"ann": 200, "bob": 403, "carol": 403, "": 401}


def test_strangers_cause_no_requests(closed, upstream):
    for path in ("/simple/holy-grail/", "/simple/", "/pypi/simple/holy-grail/", add(upstream).path):
        closed.web.get(path, status=401)
        closed.web.get(path, headers=as_user("carol"), status=403)

    assert upstream.requests == []


def test_each_member_alone_is_read_with_its_own_right(closed):
    assert statuses(closed, "/pypi/simple/holy-grail/") == {"ann": 200, "bob": 200, "carol": 403, "": 401}
    assert statuses(closed, "/private/simple/ours/") == {"ann": 200, "bob": 403, "carol": 200, "": 401}


def test_what_was_made_ready_for_one_is_not_given_to_another(closed, upstream):
    path = add(upstream).path
    for _ in range(3):
        for url in ("/simple/holy-grail/", path):
            closed.web.get(url, headers=as_user("ann"))

    assert statuses(closed, "/simple/holy-grail/") == {"ann": 200, "bob": 403, "carol": 403, "": 401}
    assert statuses(closed, path) == {"ann": 200, "bob": 403, "carol": 403, "": 401}


def test_pages_of_a_closed_group_are_private(closed):
    answer = closed.web.get("/simple/holy-grail/", headers=as_user("ann"))

    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in answer.headers["Vary"]


@pytest.fixture
def hiding(build, upstream, tmp_path):
    """Everyone may read everything but `secret-*`, which is for ann."""
    (tmp_path / "htpasswd").write_text("".join(f"{name}:{HASH}\n" for name in PEOPLE))
    changes = {
        "pypi.authenticators": "htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.repo.private.project.secret-*.read": "user:ann",
        "pypi.repo.private.upload": "user:ann",
    }
    client = build(**proxy(upstream, **changes))
    for name in ("ours", "secret-sauce"):
        client.upload(wheel_of(name), make_wheel(name, "1.0"), headers=as_user("ann"))
    add(upstream)
    add(upstream, "secret-sauce", "9.0")
    add(upstream, "secret-public", "9.0")
    return client


def test_a_hidden_project_is_hidden_in_the_group_and_not_answered_from_outside(hiding, upstream):
    for name in ("secret-sauce", "secret-public"):
        assert statuses(hiding, f"/simple/{name}/", ("bob",)) == {"bob": 404, "": 404}

    assert upstream.count("*secret*") == 0
    found = hiding.web.get("/simple/secret-sauce/", headers={**as_user("ann"), "Accept": JSON}).json
    assert found["versions"] == ["1.0"]


def test_the_list_of_the_group_leaves_hidden_projects_out(hiding):
    def listed(headers):
        page = hiding.web.get("/simple/", headers={"Accept": JSON, **headers}).json
        return [project["name"] for project in page["projects"]]

    assert listed({}) == listed(as_user("bob")) == ["holy-grail", "ours"]
    assert listed(as_user("ann")) == ["holy-grail", "ours", "secret-public", "secret-sauce"]
