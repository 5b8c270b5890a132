"""Threads that check slow hashes."""

import threading

import pytest

from pyramid_pypi.auth import passwords
from pyramid_pypi.auth.hashing import Hashers

BCRYPT = passwords.hash_password("swordfish", cost=4)
SHA1 = "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="


@pytest.fixture
def hashers():
    found = Hashers()
    yield found
    found.close()


@pytest.mark.parametrize(
    ("stored", "slow"), [(BCRYPT, True), (SHA1, False), ("nonsense", False)], ids=["bcrypt", "sha1", "none"]
)
def test_slow_hashes_have_threads_of_their_own(stored, slow, hashers, monkeypatch):
    seen = []
    verify = passwords.verify
    monkeypatch.setattr(
        passwords, "verify", lambda *given: seen.append(threading.current_thread()) or verify(*given)
    )

    assert hashers.verify(stored, "swordfish") is slow
    assert (seen == [threading.current_thread()]) is not slow


def test_a_wrong_password_is_wrong(hashers):
    assert not hashers.verify(BCRYPT, "swordfishes")
    assert not hashers.verify(BCRYPT, "")
