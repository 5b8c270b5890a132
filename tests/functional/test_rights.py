import base64
import time

import bcrypt
import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.functional.support import JSON, OPEN

PASSWORD = "correct horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def as_user(name, password=PASSWORD):
    token = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


@pytest.fixture
def team(build, tmp_path):
    """ann may do everything, bob belongs to acme, carol may only read; dave may not even read."""
    users = "".join(f"{name}:{HASH}\n" for name in ("ann", "bob", "carol", "dave"))
    (tmp_path / "htpasswd").write_text(users)
    (tmp_path / "groups").write_text("acme: bob\nstaff: ann bob carol\n")
    return build(
        **{
            "pypi.authenticators": "htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.auth.htpasswd.groups": "groups",
            "pypi.repo.private.read": "group:staff",
            "pypi.repo.private.upload": "user:ann",
            "pypi.repo.private.delete": "user:ann",
            "pypi.repo.private.manage": "user:ann",
            "pypi.repo.private.project.acme-*.upload": "group:acme",
            "pypi.repo.private.project.secret-*.read": "user:ann",
        }
    )


def wheel_of(project):
    return f"{project.replace('-', '_')}-1.0-py3-none-any.whl", make_wheel(project, "1.0")


@pytest.fixture
def filled(team):
    team.upload(*wheel_of("holy-grail"), headers=as_user("ann"))
    team.upload(*wheel_of("secret-sauce"), headers=as_user("ann"))
    return team


def file_url(client, project):
    answer = client.web.get(f"/simple/{project}/", headers={**as_user("ann"), "Accept": JSON})
    return answer.json["files"][0]["url"].replace("../..", "", 1)


def test_strangers_are_asked_to_log_in_wherever_they_knock(filled):
    url = file_url(filled, "holy-grail")

    answers = [
        filled.web.get(path, status=401)
        for path in (
            "/",
            "/simple/",
            "/simple/holy-grail/",
            "/simple/nope/",
            "/holy-grail/",
            url,
            f"{url}.metadata",
            "/packages/x/nope.whl",
        )
    ]

    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {
        'Basic realm="pypi", charset="UTF-8"'
    }


def test_known_and_unknown_projects_look_the_same_to_strangers(filled):
    known = filled.web.get("/simple/holy-grail/", status=401)
    unknown = filled.web.get("/simple/nope/", status=401)

    assert (known.body, dict(known.headers)) == (unknown.body, dict(unknown.headers))


def test_wrong_passwords_are_401_even_where_everyone_may_read(build, tmp_path):
    (tmp_path / "htpasswd").write_text(f"ann:{HASH}\n")
    client = build(**OPEN, **{"pypi.authenticators": "htpasswd", "pypi.auth.htpasswd.path": "htpasswd"})
    client.publish()
    client.web.get("/simple/holy-grail/")

    for user, password in (("ann", "wrong"), ("nobody", PASSWORD)):
        client.web.get("/simple/holy-grail/", headers=as_user(user, password), status=401)


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        "Bearer x",
        "Digest username=ann",
        "Basic " + "A" * 100_000,
        "\xff",
    ],
)
def test_unreadable_credentials_are_refused(filled, header):
    filled.web.get("/simple/", headers={"Authorization": header}, status=[400, 401])


def test_readers_read_again_from_memory(filled):
    for _ in range(3):
        filled.web.get("/simple/holy-grail/", headers=as_user("carol"))


def test_a_known_user_without_the_right_is_403_with_a_reason(filled):
    answer = filled.web.get("/simple/holy-grail/", headers=as_user("dave"), status=403)

    assert answer.text == "The user 'dave' isn't allowed to see 'private'\n"


def test_hidden_projects_do_not_exist_for_other_readers(filled):
    url = file_url(filled, "secret-sauce")

    filled.web.get("/simple/secret-sauce/", headers=as_user("ann"))
    for path in ("/simple/secret-sauce/", "/secret-sauce/", url, f"{url}.metadata"):
        filled.web.get(path, headers=as_user("carol"), status=404)


def test_hidden_projects_are_not_listed_for_other_readers(filled):
    def listed(user):
        headers = {**as_user(user), "Accept": JSON}
        return [project["name"] for project in filled.web.get("/simple/", headers=headers).json["projects"]]

    assert listed("ann") == ["holy-grail", "secret-sauce"]
    assert listed("carol") == ["holy-grail"]
    assert "secret" not in filled.web.get("/", headers={**as_user("carol"), "Accept": "text/html"}).text


@pytest.mark.parametrize(
    ("user", "project", "status"),
    [
        ("ann", "holy-grail", 200),
        ("ann", "acme-x", 403),
        ("bob", "acme-x", 200),
        ("bob", "holy-grail", 403),
        ("carol", "holy-grail", 403),
    ],
)
def test_patterns_say_who_may_upload(team, user, project, status):
    answer = team.upload(*wheel_of(project), headers=as_user(user), status=status)

    if status == 403:
        assert f"The user '{user}' isn't allowed to upload" in answer.status


def test_strangers_upload_nothing(team):
    team.upload(*wheel_of("holy-grail"), status=401)


def test_uploaders_may_not_delete(filled):
    form = [(":action", "remove_pkg"), ("name", "holy-grail"), ("version", "1.0")]
    content_type, body = filled.web.encode_multipart(form, [])

    def remove(user, status):
        headers = {**as_user(user), "Content-Type": content_type}
        filled.web.request("/", method="POST", body=body, headers=headers, status=status)

    remove("bob", 403)
    remove("ann", 200)


def test_what_was_uploaded_says_who_did(filled):
    file = filled.index.default.repository.file("holy_grail-1.0-py3-none-any.whl")

    assert file.uploaded_by == "ann"
    assert [change.by for change in filled.index.catalog.changes_since(0)] == ["ann", "ann"]


def test_a_removed_user_is_out_within_seconds(filled, tmp_path):
    filled.web.get("/simple/holy-grail/", headers=as_user("carol"))
    (tmp_path / "htpasswd").write_text(f"ann:{HASH}\n")

    # The file is looked at once a second.
    for _ in range(100):
        if filled.web.get("/simple/holy-grail/", headers=as_user("carol"), status="*").status_int == 401:
            break
        time.sleep(0.05)
    filled.web.get("/simple/holy-grail/", headers=as_user("carol"), status=401)


def test_guessing_is_slowed_down_with_numbers(filled):
    for attempt in range(40):
        answer = filled.web.get("/simple/", headers=as_user("ann", f"guess {attempt}"), status=[401, 429])
        if answer.status_int == 429:
            break

    assert answer.status_int == 429
    assert int(answer.headers["Retry-After"]) > 0
    filled.web.get("/simple/", headers=as_user("carol"))


def test_pages_and_files_of_members_are_not_for_shared_caches(filled):
    url = file_url(filled, "holy-grail")

    for path in ("/simple/holy-grail/", url):
        assert "private" in filled.web.get(path, headers=as_user("carol")).headers["Cache-Control"]


def test_plugins_are_shown_to_managers_only(team):
    answer = team.web.get("/-/plugins", headers=as_user("ann"))

    assert answer.json["plugins"][0]["name"] == "builtins"
    assert "pypi_storage_backends" in answer.json["plugins"][0]["hooks"]
    team.web.get("/-/plugins", status=401)
    team.web.get("/-/plugins", headers=as_user("carol"), status=403)


def test_no_answer_and_no_log_has_a_password(filled, caplog):
    caplog.set_level(0)

    answer = filled.web.get("/simple/", headers=as_user("ann", "hunter2-secret"), status=401)

    assert "hunter2" not in answer.text + str(answer.headers) + caplog.text
