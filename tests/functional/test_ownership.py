"""Whoever publishes the first file of a project owns it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.functional.test_audit import audited
from tests.functional.test_rights import HASH, as_user, wheel_of
from tests.functional.support import ENGINES

pytestmark = ENGINES

__all__ = ["audited"]


@pytest.fixture
def team(build, tmp_path):
    """ann and bob may publish, carol may not, dave manages; acme's projects are a matter of a pattern."""
    (tmp_path / "htpasswd").write_text(
        "".join(f"{name}:{HASH}\n" for name in ("ann", "bob", "carol", "dave"))
    )
    (tmp_path / "groups").write_text("staff: ann bob\n")
    return build(
        **{
            "pypi.authenticators": "htpasswd",
            "pypi.auth.htpasswd.path": "htpasswd",
            "pypi.auth.htpasswd.groups": "groups",
            "pypi.repo.private.upload": "group:staff user:dave",
            "pypi.repo.private.manage": "user:dave",
            "pypi.repo.private.project.acme-*.upload": "group:staff",
            "pypi.repo.private.ownership": "first-uploader",
        }
    )


@pytest.fixture
def roles(team):
    return team.index.served("private").roles


def publish(team, user, project="holy-grail", version="1.0", *, status=200):
    name = f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
    return team.upload(name, make_wheel(project, version), headers=as_user(user), status=status)


def test_the_first_uploader_alone_publishes_further_files(team, roles):
    publish(team, "ann")

    refused = publish(team, "bob", version="1.1", status=403)
    publish(team, "ann", version="1.2")

    assert "The user 'bob' isn't allowed to upload project 'holy-grail'" in refused.text
    assert roles.of("holy-grail") == {"user:ann": "owner"}
    assert [file.version for file in team.index.catalog.page("private", "holy-grail").files] == ["1.0", "1.2"]


def test_other_projects_are_anybodys_who_may_publish(team, roles):
    publish(team, "ann")
    publish(team, "bob", "shrubbery")

    assert roles.of("shrubbery") == {"user:bob": "owner"}
    publish(team, "carol", "parrot", status=403)


def test_a_maintainer_publishes_also_without_a_right_in_the_repository(team, roles):
    publish(team, "ann")
    roles.grant("holy-grail", "user:carol", "maintainer", "root")
    roles.grant("holy-grail", "group:staff", "maintainer", "root")

    publish(team, "carol", version="1.1")
    publish(team, "bob", version="1.2")
    publish(team, "carol", "parrot", status=403)


def test_who_manages_the_repository_may_publish_anything(team):
    publish(team, "ann")

    publish(team, "dave", version="1.1")


def test_a_pattern_goes_before_roles(team, roles):
    publish(team, "ann", "acme-tool")

    publish(team, "bob", "acme-tool", "1.1")
    assert roles.of("acme-tool") == {"user:ann": "owner"}


def test_without_anybody_left_the_repository_decides_again(team, roles):
    publish(team, "ann")
    assert roles.revoke("holy-grail", "user:ann")
    assert not roles.revoke("holy-grail", "user:ann")

    publish(team, "bob", version="1.1")
    assert roles.of("holy-grail") == {}


def test_a_refused_file_makes_nobody_an_owner(team, roles):
    team.upload("holy_grail-1.0-py3-none-any.whl", b"garbage", headers=as_user("ann"), status=400)

    assert roles.of("holy-grail") == {}
    publish(team, "bob")


def test_a_project_stays_with_its_owner_when_its_files_are_gone(team, roles):
    publish(team, "ann")
    repository = team.index.served("private").repository
    repository.delete(repository.file(wheel_of("holy-grail")[0]), team.index.identify(None, "", write=True))

    publish(team, "bob", version="2.0", status=403)
    publish(team, "ann", version="2.0")


def test_of_many_first_uploaders_one_owns_the_project(team, roles):
    barrier = threading.Barrier(2)

    def run(user):
        barrier.wait()
        name = f"holy_grail-1.{user == 'ann':d}-py3-none-any.whl"
        content = make_wheel("holy-grail", f"1.{user == 'ann':d}")
        return team.upload(name, content, headers=as_user(user), status="*").status_int

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(run, ["ann", "bob"]))

    assert statuses == [200, 403]
    assert len(roles.of("holy-grail")) == 1


def test_becoming_an_owner_is_in_the_audit_log(team, audited):
    publish(team, "ann")

    assert [(event["event"], event["identity"]) for event in audited()] == [
        ("role granted", "ann"),
        ("file added", "ann"),
    ]
