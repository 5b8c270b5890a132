"""Names in a header, and who may put them there."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.auth.remote import PEER, RemoteUsers
from pyramid_pypi.errors import BadRequest
from pyramid_pypi.model import Identity

OPTIONS = RemoteUsers.Options(
    "X-Forwarded-User", (ip_network("10.1.0.0/16"), ip_network("fd00::/8")), "X-Forwarded-Groups"
)
USERS = RemoteUsers(OPTIONS)
NAME, GROUPS = "HTTP_X_FORWARDED_USER", "HTTP_X_FORWARDED_GROUPS"


def asked(name="ann", peer="10.1.2.3", **environ):
    return {PEER: peer, "REMOTE_ADDR": "192.0.2.1", NAME: name, **environ}


@pytest.mark.parametrize("peer", ["10.1.0.1", "::ffff:10.1.0.1", "fd00::1", "fd00::1%eth0"])
def test_a_trusted_peer_names_the_user(peer):
    assert USERS.identify(asked(peer=peer)) == Identity.user("ann")


@pytest.mark.parametrize("peer", ["10.2.0.1", "::ffff:10.2.0.1", "::1", "localhost", "", "10.1.0.1, 1.2.3.4"])
def test_the_word_of_others_does_not_count(peer):
    assert USERS.identify(asked(peer=peer)) is None


def test_the_address_that_headers_may_have_changed_does_not_count(caplog):
    users = RemoteUsers(OPTIONS)
    environ = asked(REMOTE_ADDR="10.1.0.1")
    del environ[PEER]

    assert users.identify(environ) is None
    assert users.identify(environ) is None
    (line,) = caplog.messages
    assert "egg:pyramid_pypi#server" in line


def test_authorization_goes_first():
    environ = asked(HTTP_AUTHORIZATION="Basic x")

    assert USERS.identify(environ) is None
    assert not USERS.is_named(environ)


def test_a_request_that_names_nobody_is_nobodys():
    environ = asked(**{GROUPS: "staff"})
    del environ[NAME]

    assert USERS.identify(environ) is None
    assert not USERS.is_named(environ)


@pytest.mark.parametrize(
    ("value", "groups"),
    [
        ("staff", {"staff"}),
        ("staff,acme", {"staff", "acme"}),
        (" staff , acme\tuser:ann,, ", {"staff", "acme", "user:ann"}),
        ("", set()),
        (",", set()),
    ],
)
def test_groups_are_separated_by_commas_or_blanks(value, groups):
    assert USERS.identify(asked(**{GROUPS: value})) == Identity.user("ann", frozenset(groups))


def test_without_a_header_for_them_there_are_no_groups():
    users = RemoteUsers(RemoteUsers.Options("X-Forwarded-User", OPTIONS.networks))

    assert users.identify(asked(**{GROUPS: "staff"})) == Identity.user("ann")


def test_names_are_utf8():
    raw = "Jürgen".encode().decode("latin-1")

    assert USERS.identify(asked(raw)).name == "Jürgen"


BAD = ["", " ", "a\x00b", "a\nb", "a\x7fb", "\xc2\x85", "\xff", "x" * 256, "\u2028", "eve, ann", "eve,ann"]


@pytest.mark.parametrize("name", BAD, ids=repr)
def test_what_is_no_name_is_a_bad_request(name):
    with pytest.raises(BadRequest):
        USERS.identify(asked(name))


@pytest.mark.parametrize("groups", ["a\x00b", "staff\nacme", "\xff", "staff," + "x" * 256], ids=repr)
def test_what_is_no_group_is_a_bad_request(groups):
    with pytest.raises(BadRequest):
        USERS.identify(asked(**{GROUPS: groups}))


@pytest.mark.parametrize("name", BAD, ids=repr)
def test_bad_names_of_others_are_ignored_too(name):
    assert USERS.identify(asked(name, peer="192.0.2.1")) is None


@given(name=st.text(st.characters(max_codepoint=0x2FF)), groups=st.text(st.characters(max_codepoint=0x2FF)))
def test_every_header_is_a_user_or_a_bad_request(name, groups):
    try:
        identity = USERS.identify(asked(name, **{GROUPS: groups}))
    except BadRequest:
        return
    assert identity.name == name.encode("latin-1").decode().strip(" \t")
    assert all(one.isprintable() or one == " " for one in identity.name if ord(one) < 0xA0)
    own = {"everyone", "authenticated", f"user:{identity.name}"}
    assert all(one.startswith("group:") for one in identity.principals - own)
