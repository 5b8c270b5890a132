"""`pyramid-pypi who-can`."""

import json

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from tests.functional.support import settings
from tests.live import write_ini

RIGHTS = {
    "pypi.repositories": "private team all",
    "pypi.repo.private.upload": "group:release",
    "pypi.repo.private.project.acme-*.upload": "user:ann user:bob",
    "pypi.repo.private.project.acme-secret*.read": "user:ann",
    "pypi.repo.team": "hosted",
    "pypi.repo.team.storage": "filesystem",
    "pypi.repo.team.storage.path": "team",
    "pypi.repo.team.read": "everyone",
    "pypi.repo.all": "group",
    "pypi.repo.all.members": "private team",
    "pypi.repo.all.publish": "private",
}


@pytest.fixture
def run(tmp_path):
    def run_one(*arguments, command="who-can", **changes):
        ini = write_ini(tmp_path / "x.ini", settings(tmp_path, **RIGHTS, **changes))
        words = command.split()
        return CliRunner().invoke(main, [*words, str(ini), *arguments])

    return run_one


def test_the_repository_decides_where_no_pattern_does(run):
    assert run("private", "Holy.Grail").output.splitlines() == [
        "read    authenticated  (pypi.repo.private.read)",
        "upload  group:release  (pypi.repo.private.upload)",
        "yank    nobody  (no line of the ini grants it)",
        "delete  nobody  (no line of the ini grants it)",
        "manage  nobody  (no line of the ini grants it)",
    ]


def test_the_longest_pattern_decides_for_each_permission(run):
    lines = run("private", "acme-secret-sauce").output.splitlines()

    assert lines[:2] == [
        "read    user:ann  (pypi.repo.private.project.acme-secret*.read)",
        "upload  user:ann user:bob  (pypi.repo.private.project.acme-*.upload)",
    ]


def test_a_group_takes_the_right_in_each_repository(run):
    found = json.loads(run("all", "acme-tool", "--json").stdout)

    assert [(one["permission"], one["repository"], one["who"]) for one in found[:4]] == [
        ("read", "all", ["authenticated"]),
        ("read", "private", ["authenticated"]),
        ("read", "team", ["everyone"]),
        ("upload", "private", ["user:ann", "user:bob"]),
    ]
    assert "all of these rights together" in run("all", "acme-tool").output


def test_roles_are_reasons_too_where_projects_have_owners(run):
    owned = {"pypi.repo.private.ownership": "first-uploader", "pypi.repo.private.manage": "group:admins"}
    run("private", "holy-grail", "user:ann", "owner", command="role grant", **owned)
    run("private", "holy-grail", "group:ni", "maintainer", command="role grant", **owned)

    assert run("private", "Holy.Grail", **owned).output.splitlines() == [
        "read    authenticated  (pypi.repo.private.read)",
        "upload  user:ann  (role owner)",
        "upload  group:ni  (role maintainer)",
        "upload  group:admins  (pypi.repo.private.manage)",
        "yank    user:ann  (role owner)",
        "yank    group:ni  (role maintainer)",
        "yank    group:admins  (pypi.repo.private.manage)",
        "delete  nobody  (no line of the ini grants it)",
        "manage  group:admins  (pypi.repo.private.manage)",
        "manage  user:ann  (role owner)",
    ]
    found = json.loads(run("all", "holy-grail", "--json", **owned).stdout)
    assert {"permission": "yank", "repository": "private", "who": ["user:ann"], "key": "role owner"} in found


def test_without_owners_no_catalog_is_opened(run, tmp_path):
    assert run("private", "holy-grail").exit_code == 0
    assert not (tmp_path / "catalog.db").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("nothing", "x"), "There is no repository 'nothing'"), (("private", "a/b"), "not a name")],
)
def test_what_cannot_be_is_told(arguments, said, run):
    result = run(*arguments)

    assert result.exit_code == 1
    assert said in result.output
