"""`pyramid-pypi token`."""

import getpass
import json
import subprocess
import sys
from pathlib import Path

import bcrypt
import pytest
from click.testing import CliRunner

from pyramid_pypi.auth.tokens import is_secret
from pyramid_pypi.cli import main
from tests.docs.blocks import ROOT
from tests.functional.support import make_client, settings
from tests.functional.test_rights import as_user, wheel_of
from tests.live import write_ini

SETTINGS = {
    "pypi.authenticators": "tokens htpasswd",
    "pypi.auth.htpasswd.path": "htpasswd",
    "pypi.repo.private.upload": "user:ann group:robots",
}


@pytest.fixture
def ini(tmp_path):
    digest = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()
    (tmp_path / "htpasswd").write_text(f"ann:{digest}\n")
    return write_ini(tmp_path / "x.ini", settings(tmp_path, **SETTINGS))


@pytest.fixture
def client(ini):
    found = make_client(ini.parent, **SETTINGS)
    yield found
    found.application.close()


@pytest.fixture
def run(ini):
    def run_one(command, *arguments):
        return CliRunner().invoke(main, ["token", command, str(ini), *arguments])

    return run_one


def made(result):
    """Return the secret that a command has printed."""
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def listed(run):
    return json.loads(run("list", "--json").stdout)


def test_a_token_is_made_used_listed_and_revoked(client, run):
    secret = made(run("create", "ann", "--description", "CI of acme"))
    assert is_secret(secret)

    client.upload(*wheel_of("holy-grail"), headers=as_user("__token__", secret))
    (found,) = listed(run)
    assert (found["user"], found["state"], found["description"]) == ("ann", "valid", "CI of acme")
    assert found["permissions"] == ["read", "upload", "yank"]
    assert found["created_by"] == getpass.getuser()
    assert found["used_at"] is not None
    assert secret not in run("list").output
    assert run("revoke", found["id"]).exit_code == 0

    client.web.get("/simple/", headers=as_user("__token__", secret), status=401)
    assert listed(run)[0]["state"] == "revoked"


def test_all_limits_are_kept(run):
    made(
        run(
            *("create", "ann", "-p", "upload", "-r", "private", "--project", "acme-*", "--expires", "90d"),
            *("--network", "192.0.2.0/24", "--network", "2001:db8::/32"),
        )
    )

    (found,) = listed(run)
    assert found["permissions"] == ["upload"]
    assert found["repositories"] == ["private"]
    assert found["projects"] == ["acme-*"]
    assert found["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert found["expires_at"] > found["created_at"]
    assert "projects acme-*" in run("list", "ann").output
    assert run("list", "bob").output == ""


def test_a_robot_has_its_own_groups(client, run):
    secret = made(run("create", "farm", "--robot", "--group", "robots"))

    client.upload(*wheel_of("holy-grail"), headers=as_user("__token__", secret))
    assert listed(run)[0]["groups"] == ["robots"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bob",), "add --robot"),
        (("a\nb", "--robot"), "not a name"),
        (("ann", "--group", "robots"), "--group is for --robot"),
        (("farm", "--robot", "--group", "a b"), "not a name of a group"),
        (("ann", "--expires", "soon"), "'soon' is not a time"),
        (("ann", "--expires", "999999999d"), "is not a time"),
        (("ann", "--network", "10.0.0.1/8"), "is not a network"),
        (("ann", "-r", "nothing"), "There is no repository 'nothing'"),
        (("ann", "-p", "fly"), "fly"),
    ],
)
def test_a_token_that_cannot_be_is_not_made(arguments, said, run):
    result = run("create", *arguments)

    assert result.exit_code in {1, 2}
    assert said in result.output
    assert listed(run) == []


def test_revoking_what_is_not_there_is_an_error(run):
    result = run("revoke", "0123456789ab")

    assert result.exit_code == 1
    assert "no valid token '0123456789ab'" in result.output


def test_a_token_that_nobody_can_use_is_warned_of(ini, run):
    write_ini(ini, settings(ini.parent, **{**SETTINGS, "pypi.authenticators": "htpasswd"}))

    assert "does not list tokens" in run("create", "ann").stderr


def test_making_and_ending_a_token_is_in_the_audit_log_of_the_server(tmp_path):
    (tmp_path / "production.ini").write_text((ROOT / "production.ini").read_text())

    def call(*arguments):
        command = [Path(sys.executable).with_name("pyramid-pypi"), "token", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    created = call("create", "production.ini", "farm", "--robot")
    (token,) = json.loads(call("list", "production.ini", "--json").stdout)
    revoked = call("revoke", "production.ini", token["id"])

    told = [json.loads(line) for line in (created.stderr + revoked.stderr).splitlines() if line[:1] == "{"]
    assert [(one["event"], one["token_id"]) for one in told] == [
        ("token created", token["id"]),
        ("token revoked", token["id"]),
    ]
    assert created.stdout.strip() not in created.stderr
