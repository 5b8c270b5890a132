"""Secrets of repositories as passwords."""

from dataclasses import replace

import pytest

from pyramid_pypi.auth.passwords import hash_password
from pyramid_pypi.auth.repository_secrets import (
    LoneSecretAuthenticator,
    RepositorySecrets,
    SecretAuthenticator,
)
from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.errors import InvalidCredentials
from pyramid_pypi.model import Credentials, Identity, Scope
from pyramid_pypi.options import Secret
from pyramid_pypi.testing.authenticators import AuthenticatorContract

READ, WRITE = "a secret to read", "a secret to write"
READER = Identity("private", frozenset({"everyone", "secret:private:read"}))
WRITER = Identity("private", frozenset({"everyone", "secret:private:read", "secret:private:write"}))


def clear(text: str) -> Secret:
    return Secret(text)


def hashed(text: str) -> Secret:
    return Secret(hash_password(text, cost=4))


class TestSecretAuthenticator(AuthenticatorContract):
    """Both forms keep the contract, but for what makes a user."""

    @pytest.fixture(params=[clear, hashed])
    def authenticator(self, request):
        make = request.param
        return LoneSecretAuthenticator({"private": RepositorySecrets(make(READ), make(WRITE))})

    @pytest.fixture
    def good(self):
        return Credentials("private", READ)

    def test_right_password_gives_a_user(self, authenticator, good):
        """It gives the repository, who is not a user, and its secret."""
        assert authenticator.authenticate(good) == READER
        assert authenticator.authenticate(replace(good, password=WRITE)) == WRITER

    def test_capital_letters_do_not_matter(self, authenticator, good):
        assert authenticator.authenticate(replace(good, username="PrivatE")) == READER
        assert authenticator.fingerprint("PRIVATE") == authenticator.fingerprint("private") is not None

    def test_a_decoy_says_nothing(self, authenticator, unknown):
        assert authenticator.decoy(unknown) is None


@pytest.fixture
def both():
    """Two repositories, one of which has no secret for writing."""
    secrets = {
        "kiosk": RepositorySecrets(read=Secret(READ)),
        "private": RepositorySecrets(write=Secret(WRITE)),
    }
    return SecretAuthenticator(secrets)


def test_a_repository_need_not_have_both(both):
    assert both.authenticate(Credentials("kiosk", READ)).name == "kiosk"
    assert both.authenticate(Credentials("private", WRITE)) == WRITER


@pytest.mark.parametrize(("name", "password"), [("private", READ), ("kiosk", WRITE), ("kiosk", READ + " ")])
def test_the_secret_of_another_repository_is_a_wrong_one(name, password, both):
    with pytest.raises(InvalidCredentials):
        both.authenticate(Credentials(name, password))


def test_only_ascii_letters_have_two_forms(both):
    # The Kelvin sign becomes a k in small letters.
    assert both.authenticate(Credentials("\N{KELVIN SIGN}iosk", READ)) is None
    assert both.fingerprint("\N{KELVIN SIGN}iosk") is None


def test_a_token_is_left_to_those_who_know_tokens(both):
    class Kept:
        def add(self, token, digest):
            pass

    _, secret = issue(Kept(), Grant("ann", Scope(frozenset({"read"}))), by="root")

    assert both.authenticate(Credentials("kiosk", secret)) is None
    with pytest.raises(InvalidCredentials):
        both.authenticate(Credentials("kiosk", secret[:-1]))


def test_others_take_the_time_for_unknown_names(both):
    assert not hasattr(both, "decoy")


def test_secrets_are_not_shown():
    secrets = RepositorySecrets(Secret(READ), Secret(WRITE))

    assert READ not in repr(secrets) + repr(vars(SecretAuthenticator({"private": secrets})))
    assert bool(secrets) and not RepositorySecrets()
