from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.model import ANONYMOUS, AUTHENTICATED, EVERYONE, Identity
from pyramid_pypi.rights import JointRights, ProjectRights, Rights

PRINCIPALS = [EVERYONE, AUTHENTICATED, "user:ann", "user:bob", "group:dev", "group:ops"]
PEOPLE = [
    ANONYMOUS,
    Identity.user("ann"),
    Identity.user("bob", ("dev",)),
    Identity.user("cid", ("dev", "ops")),
]
PROJECTS = ["", "acme", "acme-x", "flask"]

GRANTS = st.dictionaries(
    st.sampled_from(["read", "upload"]), st.frozensets(st.sampled_from(PRINCIPALS), max_size=3)
)
RULES = st.lists(
    st.builds(ProjectRights, st.sampled_from(["acme", "acme-*", "*", "fl?sk"]), GRANTS), max_size=3
)
RIGHTS = st.builds(Rights, GRANTS, RULES.map(tuple))
JOINT = st.builds(JointRights, st.lists(RIGHTS, min_size=1, max_size=4).map(tuple))
PEOPLE_OF = st.sampled_from(PEOPLE)
PERMISSION = st.sampled_from(["read", "upload", "yank"])
PROJECT = st.sampled_from(PROJECTS)


def stated(rights, permission, project):
    """Return who has it by the words of the documentation: the longest pattern that states it wins."""
    found = [
        (len(rule.pattern), -number, rule.grants[permission])
        for number, rule in enumerate(rights.projects)
        if permission in rule.grants and fnmatchcase(project, rule.pattern)
    ]
    return max(found)[2] if found else rights.grants.get(permission, frozenset())


@given(RIGHTS, PEOPLE_OF, PERMISSION, PROJECT)
def test_the_longest_pattern_that_states_a_permission_decides(rights, who, permission, project):
    expected = bool(who.principals & stated(rights, permission, project))

    assert rights.permits(who, permission, project) is expected


@given(JOINT, PEOPLE_OF, PERMISSION, PROJECT)
def test_together_they_permit_what_each_permits(joint, who, permission, project):
    expected = all(who.principals & stated(part, permission, project) for part in joint.parts)

    assert joint.permits(who, permission, project) is expected


@given(JOINT, PEOPLE_OF, PERMISSION)
def test_somewhere_is_somewhere_in_each(joint, who, permission):
    expected = all(part.permits_somewhere(who, permission) for part in joint.parts)

    assert joint.permits_somewhere(who, permission) is expected


@given(JOINT, PEOPLE_OF, PERMISSION, PROJECT)
def test_whom_the_principals_name_is_permitted(joint, who, permission, project):
    if who.principals & joint.principals(permission, project):
        assert joint.permits(who, permission, project)
    if who.principals & joint.somewhere(permission):
        assert joint.permits_somewhere(who, permission)


@given(RIGHTS, st.integers(1, 3), PERMISSION, PROJECT)
def test_several_times_the_same_rights_are_these_rights(rights, times, permission, project):
    joint = JointRights((rights,) * times)

    for who in PEOPLE:
        assert joint.permits(who, permission, project) is rights.permits(who, permission, project)
        named = bool(who.principals & joint.principals(permission, project))
        assert named is rights.permits(who, permission, project)
    assert joint.is_public is rights.is_public
    assert joint.hides_projects() is rights.hides_projects()


@given(JOINT)
def test_it_is_public_exactly_if_anybody_may_read_everything(joint):
    if joint.is_public:
        assert all(joint.permits(ANONYMOUS, "read", project) for project in PROJECTS)
    if not all(part.is_public for part in joint.parts):
        assert not joint.is_public


@given(JOINT, PEOPLE_OF, PERMISSION, PROJECT)
def test_the_order_of_the_parts_does_not_matter(joint, who, permission, project):
    turned = JointRights(joint.parts[::-1])

    assert turned.permits(who, permission, project) is joint.permits(who, permission, project)
    named, named_then = (
        bool(who.principals & one.principals(permission, project)) for one in (joint, turned)
    )
    assert named is named_then


@given(JOINT)
def test_a_group_hides_projects_as_soon_as_one_member_does(joint):
    assert joint.hides_projects() is any(
        "read" in rule.grants for part in joint.parts for rule in part.projects
    )


def reading(*principals):
    return Rights({"read": frozenset(principals)})


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([reading(EVERYONE), reading(EVERYONE)], {EVERYONE}),
        ([reading(EVERYONE), reading("group:dev")], {"group:dev"}),
        ([reading(AUTHENTICATED), reading("group:dev", "user:ann")], {"group:dev", "user:ann"}),
        ([reading(EVERYONE), reading(AUTHENTICATED)], {AUTHENTICATED}),
        ([reading("group:dev", "user:ann"), reading("group:dev")], {"group:dev"}),
        ([reading("group:dev"), reading("user:ann")], set()),
        ([reading(EVERYONE), reading()], set()),
    ],
)
def test_who_is_named_by_all(parts, expected):
    assert JointRights(tuple(parts)).principals("read") == expected
    assert JointRights(tuple(parts)).somewhere("read") == expected


def test_somebody_who_is_named_differently_is_permitted_though_not_named():
    joint = JointRights((reading("group:dev"), reading("user:bob")))

    assert joint.permits(Identity.user("bob", ("dev",)), "read", "acme")
    assert joint.principals("read", "acme") == frozenset()


def test_the_secret_of_a_repository_is_nobody_who_has_logged_in():
    logged_in = Rights({"read": frozenset({"authenticated"})})
    secret = Rights({"read": frozenset({"secret:team:read", "user:ann"})})

    for parts in ((logged_in, secret), (secret, logged_in)):
        assert JointRights(parts).principals("read") == {"user:ann"}
    assert JointRights((secret, secret)).principals("read") == {"secret:team:read", "user:ann"}
