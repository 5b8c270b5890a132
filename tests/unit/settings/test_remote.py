"""Whose word about users counts."""

from ipaddress import ip_network

import pytest

from pyramid_pypi.auth.remote import RemoteUsers

HEADER, GROUPS, FROM = (f"pypi.remote_user.{name}" for name in ("header", "groups_header", "from"))


def test_nobody_is_believed_unless_the_settings_say_so(read):
    assert read().remote_users is None
    assert read({HEADER: "", FROM: "127.0.0.1"}).remote_users is None


def test_headers_and_networks_are_read(read):
    loaded = read({HEADER: "X-Forwarded-User", GROUPS: "X-Forwarded-Groups", FROM: "127.0.0.1 fd00::/8"})

    networks = (ip_network("127.0.0.1"), ip_network("fd00::/8"))
    assert loaded.remote_users == RemoteUsers.Options("X-Forwarded-User", networks, "X-Forwarded-Groups")
    assert loaded.warnings == ()


@pytest.mark.parametrize("networks", [None, "", " "])
def test_a_header_needs_to_know_from_whom(refuse, networks):
    (problem,) = refuse({HEADER: "X-Forwarded-User", FROM: networks})

    assert problem.key == FROM
    assert "is required" in problem.reason


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (FROM, "localhost"),
        (FROM, "10.0.0.1/8"),
        (FROM, "10.0.0.0/33"),
        (FROM, "127.0.0.1,::1"),
        (FROM, "0.0.0.0/0"),
        (FROM, "127.0.0.1 ::/0"),
        (HEADER, "X Forwarded User"),
        (HEADER, "X_Forwarded_User"),
        (HEADER, "X-Forwarded-User:"),
        (HEADER, "X-"),
        (HEADER, "authorization"),
        (GROUPS, "X_Groups"),
    ],
)
def test_what_would_open_the_door_or_never_work_is_refused(refuse, key, value):
    problems = refuse({HEADER: "X-Forwarded-User", FROM: "127.0.0.1", key: value})

    assert key in {problem.key for problem in problems}


def test_a_host_that_decides_alone_is_told_that_nobody_looks(read):
    (warning,) = read({HEADER: "X-User", FROM: "127.0.0.1", "pypi.security": "host"}).warnings

    assert HEADER in warning
