"""Answers to StartTLS, byte by byte."""

import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyramid_pypi_ldap.errors import Outage
from pyramid_pypi_ldap.tunnel import _start_tls


def element(tag: int, content: bytes, *, long: bool) -> bytes:
    """Return an element of BER; Active Directory writes every length in the long form."""
    size = b"\x84" + len(content).to_bytes(4) if long else bytes([len(content)])
    return bytes([tag]) + size + content


def answer(code: int, *, tag: int = 0x78, long: bool = False) -> bytes:
    """Return the extended response that a server gives (RFC 4511 §4.12)."""
    result = bytes([0x0A, 1, code]) + b"\x04\x00" + b"\x04\x00"
    return element(0x30, b"\x02\x01\x01" + element(tag, result, long=long), long=long)


def ask(said: bytes) -> bytes:
    """Start TLS with a server that says this, and return what is left for TLS."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        _start_tls(ours)
        return ours.recv(100)


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
def test_yes_is_understood_and_nothing_more_is_read(long):
    assert ask(answer(0, long=long) + b"hello") == b"hello"


@pytest.mark.parametrize(
    "said", [answer(2), answer(52), answer(0, tag=0x61), answer(0)[:-6], b"", b"\x30\x84\xff"]
)
def test_anything_else_is_an_outage(said):
    with pytest.raises(Outage):
        ask(said)


@given(st.binary(max_size=40))
@example(b"\x30\x84\xff\xff\xff\xff")
@example(b"\x30\x00")
def test_nonsense_is_an_outage(said):
    with pytest.raises(Outage):
        ask(said)
