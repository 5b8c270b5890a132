"""`pyramid-pypi role`."""

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from tests.functional.support import settings
from tests.live import write_ini


@pytest.fixture
def run(tmp_path):
    ini = write_ini(
        tmp_path / "x.ini", settings(tmp_path, **{"pypi.repo.private.ownership": "first-uploader"})
    )

    def run_one(command, *arguments, repository="private"):
        return CliRunner().invoke(main, ["role", command, str(ini), repository, *arguments])

    return run_one


def test_roles_are_granted_changed_listed_and_revoked(run):
    assert run("list", "holy-grail").output == ""
    assert run("grant", "Holy.Grail", "user:ann", "owner").exit_code == 0
    assert run("grant", "holy-grail", "group:release", "owner").exit_code == 0
    assert run("grant", "holy-grail", "group:release", "maintainer").exit_code == 0

    assert run("list", "holy-grail").output.splitlines() == [
        "maintainer  group:release",
        "owner       user:ann",
    ]
    assert run("revoke", "holy-grail", "user:ann").exit_code == 0
    assert run("list", "holy-grail").output == "maintainer  group:release\n"


@pytest.mark.parametrize("principal", ["ann", "everyone", "authenticated", "user:", "user:a user:b", "x:y"])
def test_a_role_is_for_a_user_or_a_group(principal, run):
    result = run("grant", "holy-grail", principal, "owner")

    assert result.exit_code == 1
    assert "neither user:NAME nor group:NAME" in result.output


def test_what_is_not_there_is_told(run):
    assert "has no role in 'holy-grail'" in run("revoke", "holy-grail", "user:ann").output
    assert "not a name" in run("list", "a/b").output
    assert "no repository 'other'" in run("list", "holy-grail", repository="other").output
    assert run("grant", "holy-grail", "", "owner").exit_code == 3
    assert run("grant", "holy-grail", "user:ann", "king").exit_code == 2


def test_a_repository_without_ownership_has_no_roles(tmp_path):
    ini = write_ini(tmp_path / "x.ini", settings(tmp_path))

    result = CliRunner().invoke(main, ["role", "list", str(ini), "private", "x"])

    assert result.exit_code == 3
    assert "has no project 'x' that anybody looks after" in result.output
