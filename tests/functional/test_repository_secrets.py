"""The name of a repository and its secret instead of a user and a password, over HTTP."""

import json
import logging

import bcrypt
import pytest
from click.testing import CliRunner

from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.cli import main as command_line
from pyramid_pypi.model import Scope
from tests.functional.support import JSON, settings
from tests.functional.test_rights import HASH, as_user, wheel_of
from tests.live import write_ini

READ, WRITE = "a secret to read", "a secret to write"
OTHER = {
    "pypi.repositories": "private other",
    "pypi.repo.other": "hosted",
    "pypi.repo.other.storage": "filesystem",
    "pypi.repo.other.storage.path": "other",
}
SECRETS = {
    "pypi.repo.private.read": "nobody",
    "pypi.repo.private.read_secret": READ,
    "pypi.repo.private.write_secret": WRITE,
}
STAFF = {"pypi.authenticators": "tokens htpasswd", "pypi.auth.htpasswd.path": "htpasswd"}


@pytest.fixture
def shop(build):
    """Two repositories and nobody with a password; one has secrets."""
    client = build(**OTHER, **SECRETS)
    client.upload(*wheel_of("holy-grail"), headers=as_user("private", WRITE))
    return client


def names(client, user, password, *, repository="", status=200):
    headers = {**as_user(user, password), "Accept": JSON}
    answer = client.web.get(f"{repository}/simple/", headers=headers, status=status)
    return [project["name"] for project in answer.json["projects"]] if status == 200 else answer.text


@pytest.mark.parametrize("user", ["private", "PRIVATE", "Private"])
@pytest.mark.parametrize("secret", [READ, WRITE])
def test_both_secrets_read(user, secret, shop):
    for _ in range(2):
        assert names(shop, user, secret) == ["holy-grail"]
        shop.web.get("/simple/holy-grail/", headers=as_user(user, secret))


def test_the_upload_is_the_repositorys(shop):
    assert shop.index.catalog.page("private", "holy-grail").files[0].uploaded_by == "private"


def test_the_secret_to_read_uploads_nothing(shop):
    answer = shop.upload(*wheel_of("shrubbery"), headers=as_user("private", READ), status=403)

    assert READ not in answer.text


def test_what_a_secret_opens_is_its_repository_alone(shop):
    for secret in (READ, WRITE):
        names(shop, "private", secret, repository="/repository/other", status=403)
        shop.upload(*wheel_of("x"), url="/repository/other/", headers=as_user("private", secret), status=403)
        shop.web.get("/-/plugins", headers=as_user("private", secret), status=403)


@pytest.mark.parametrize(
    ("user", "secret"), [("private", "wrong"), ("private", ""), ("other", READ), ("ann", READ), ("", WRITE)]
)
def test_wrong_secrets_and_names_are_401(user, secret, shop):
    names(shop, user, secret, status=401)


def test_strangers_are_asked_to_log_in(shop):
    assert "WWW-Authenticate" in shop.web.get("/simple/", status=401).headers


def test_a_secret_can_be_a_hash(build):
    hashed = bcrypt.hashpw(READ.encode(), bcrypt.gensalt(4)).decode()
    client = build(**{"pypi.repo.private.read_secret": hashed})

    assert names(client, "private", READ) == []
    names(client, "private", hashed, status=401)


def test_patterns_replace_what_secrets_open_as_they_do_for_everybody(build):
    client = build(**SECRETS, **{"pypi.repo.private.project.acme-*.read": "group:acme"})
    for name in ("holy-grail", "acme-tools"):
        client.upload(*wheel_of(name), headers=as_user("private", WRITE))

    assert names(client, "private", READ) == ["holy-grail"]
    client.web.get("/simple/acme-tools/", headers=as_user("private", READ), status=404)


def test_users_and_tokens_go_on_beside_secrets(build, tmp_path):
    (tmp_path / "htpasswd").write_text(f"ann:{HASH}\n")
    client = build(**{**SECRETS, **STAFF, "pypi.repo.private.read": "authenticated"})
    scope = Scope(frozenset({"read"}))
    _, token = issue(client.index.tokens, Grant("ann", scope), by="root")

    assert names(client, "ann", "correct horse") == []
    assert names(client, "private", READ) == []
    for user in ("__token__", "ann", "private"):
        assert names(client, user, token) == []
    names(client, "private", token[:-1] + "x", status=401)
    names(client, "ann", READ, status=401)


def test_the_secret_of_a_group_reads_the_group_and_its_members(build):
    client = build(
        **{
            **OTHER,
            **SECRETS,
            "pypi.repositories": "all private other",
            "pypi.repo.all": "group",
            "pypi.repo.all.members": "private",
            "pypi.repo.all.publish": "private",
            "pypi.repo.all.read_secret": "a secret of all",
        }
    )
    client.upload(*wheel_of("holy-grail"), url="/private/", headers=as_user("private", WRITE))

    assert names(client, "all", "a secret of all") == ["holy-grail"]
    assert names(client, "all", "a secret of all", repository="/private") == ["holy-grail"]
    names(client, "all", "a secret of all", repository="/other", status=403)
    names(client, "private", READ, status=403)
    client.upload(*wheel_of("x"), headers=as_user("all", "a secret of all"), status=403)


def test_what_everyone_may_read_needs_the_right_secret_all_the_same(build):
    client = build(**{"pypi.repo.private.read": "everyone", "pypi.repo.private.read_secret": READ})
    client.web.get("/simple/")

    names(client, "private", "wrong", status=401)
    assert names(client, "private", READ) == []


def test_secrets_are_in_no_log_and_no_report(build, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    client = build(**SECRETS, **{"pypi.access_log": "true"})
    for secret in (READ, WRITE, "a wrong secret of somebody"):
        names(client, "private", secret, status=401 if "wrong" in secret else 200)
    client.application.flush()
    ini = write_ini(tmp_path / "index.ini", settings(tmp_path, **SECRETS))
    reports = [CliRunner().invoke(command_line, ["check", str(ini), *more]) for more in ((), ("--json",))]

    said = caplog.text + "".join(report.output for report in reports) + repr(client.index)
    assert [report.exit_code for report in reports] == [0, 0]
    assert json.loads(reports[1].stdout)["repositories"][0]["grants"]["read"] == ["secret:private:read"]
    assert '"identity": "private"' in said
    for secret in (READ, WRITE, "a wrong secret"):
        assert secret not in said


@pytest.mark.parametrize("path", ["tokens", "sessions"])
def test_the_secret_opens_nothing_of_a_user_with_the_name_of_the_repository(path, build, tmp_path):
    (tmp_path / "htpasswd").write_text(f"private:{HASH}\n")
    index = build(**SECRETS, **STAFF).index
    client = build(**SECRETS, **STAFF)
    made = issue(index.tokens, Grant("private", Scope(frozenset({"read"}))), by="private")[0]
    with_secret = as_user("private", WRITE)

    told = client.web.get(f"/-/api/v1/{path}", headers=with_secret, status=403).json["detail"]

    assert told == f"The secret of a repository is nobody's, so it has no {path}"
    client.web.delete(f"/-/api/v1/tokens/{made.id}", headers=with_secret, status=403)
    client.web.get("/account", headers={**with_secret, "Accept": "text/html"}, status=403)
