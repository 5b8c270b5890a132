"""Who may do what with a project, and why."""

import pytest

from pyramid_pypi.browse.facts import PermissionFacts
from pyramid_pypi.browse.permissions import permissions
from pyramid_pypi.catalog.roles import Roles
from pyramid_pypi.errors import ProjectNotFound
from pyramid_pypi.model import ANONYMOUS
from tests.unit.browse.indexes import ANN, BOB

OWNED = {
    "pypi.repo.private.ownership": "first-uploader",
    "pypi.repo.private.upload": "group:dev user:bob",
    "pypi.repo.private.yank": None,
    "pypi.repo.private.delete": "group:dev",
    "pypi.repo.private.project.open-*.upload": "everyone",
}


def told(viewer, name="holy-grail"):
    return [(one.permission, one.who, one.why) for one in permissions(viewer, name)]


def test_the_keys_of_the_settings_are_the_reasons(opened):
    viewer = opened({"pypi.repo.private.project.holy*.delete": "user:bob"}).viewer("private", ANN)

    assert told(viewer) == [
        ("read", ("everyone",), "pypi.repo.private.read"),
        ("upload", ("everyone",), "pypi.repo.private.upload"),
        ("yank", ("everyone",), "pypi.repo.private.yank"),
        ("delete", ("user:bob",), "pypi.repo.private.project.holy*.delete"),
        ("manage", ("user:ann",), "pypi.repo.private.manage"),
    ]


def test_reading_a_group_takes_the_right_in_each_part_and_uploads_go_to_one(opened):
    viewer = opened().viewer("all", ANN)

    found = permissions(viewer, "holy-grail")

    assert [(one.repository, one.permission) for one in found] == [
        ("all", "read"),
        ("private", "read"),
        ("pypi", "read"),
        ("private", "upload"),
        ("private", "yank"),
        ("private", "delete"),
        ("private", "manage"),
    ]


def test_roles_take_the_place_of_the_repository_where_somebody_looks_after_a_project(opened):
    index = opened(OWNED)
    roles = Roles(index.composed.catalog, "private")
    roles.grant("holy-grail", "user:ann", "owner", "test")
    roles.grant("holy-grail", "group:ni", "maintainer", "test")

    assert told(index.viewer("private", BOB)) == [
        ("read", ("everyone",), "pypi.repo.private.read"),
        ("upload", ("user:ann",), "role owner"),
        ("upload", ("group:ni",), "role maintainer"),
        ("upload", ("user:ann",), "pypi.repo.private.manage"),
        ("yank", ("user:ann",), "role owner"),
        ("yank", ("group:ni",), "role maintainer"),
        ("yank", ("user:ann",), "pypi.repo.private.manage"),
        ("delete", ("group:dev",), "pypi.repo.private.delete"),
        ("manage", ("user:ann",), "pypi.repo.private.manage"),
        ("manage", ("user:ann",), "role owner"),
    ]


def test_what_is_told_is_what_is_permitted(opened):
    index = opened(OWNED)
    served = index.composed.served("private")
    roles = Roles(index.composed.catalog, "private")
    for name in ("holy-grail", "open-holy-grail"):
        roles.grant(name, "user:ann", "maintainer", "test")

    for name in ("holy-grail", "open-holy-grail", "nobodys"):
        by_permission = {}
        for one in permissions(index.viewer("private", ANN), name):
            by_permission.setdefault(one.permission, set()).update(one.who)
        for identity in (ANN, BOB, ANONYMOUS):
            for permission, who in by_permission.items():
                assert bool(who & identity.principals) == served.permits(identity, permission, name)


def test_nobody_looks_after_a_project_without_roles(opened):
    found = told(opened(OWNED).viewer("private", ANN))

    assert ("upload", ("group:dev", "user:bob"), "pypi.repo.private.upload") in found
    assert ("yank", (), "") in found


def test_strangers_are_told_no_names(opened):
    index = opened({**OWNED, "pypi.repo.private.upload": "authenticated user:bob"})

    found = permissions(index.viewer("private"), "holy-grail")

    assert found[1] == PermissionFacts(
        "private", "upload", ("authenticated", "somebody"), "pypi.repo.private.upload"
    )
    assert found[0].who == ("everyone",)


def test_who_may_not_read_a_project_is_not_told_who_may(opened):
    index = opened({"pypi.repo.private.project.holy*.read": "user:ann"})

    with pytest.raises(ProjectNotFound):
        permissions(index.viewer("private", BOB), "holy-grail")
