"""A fake authenticator, and the contract of authenticators as tests.

Subclass `AuthenticatorContract` and give its fixtures::

    class TestMyAuthenticator(AuthenticatorContract):
        @pytest.fixture
        def authenticator(self):
            return MyAuthenticator(MyAuthenticator.Options(url="https://accounts.example.org"))

        @pytest.fixture
        def good(self):
            return Credentials("alice", "correct horse")
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pyramid_pypi.auth.base import Authenticator
from pyramid_pypi.errors import InvalidCredentials
from pyramid_pypi.model import AUTHENTICATED, EVERYONE, Credentials, Identity

__all__ = ["AuthenticatorContract", "FakeAuthenticator"]

ODD_PASSWORDS = (
    "x",
    " ",
    "*",
    "x" * 73,
    "x" * 4096,
    "pässwörd-\N{SNOWMAN}",
    "nul\x00inside",
    "line\nbreak",
    "admin)(|(uid=*",
    "' OR '1'='1",
    "$2y$10$",
    "{SHA}",
)


class FakeAuthenticator:
    """Knows the passwords of a mapping, which tests may change, and counts how often it was asked.

    `before` is called at each check and may wait or raise.
    """

    def __init__(
        self, users: Mapping[str, str], *, before: Callable[[Credentials], object] = lambda _: None
    ) -> None:
        self.users = dict(users)
        self.asked: list[Credentials] = []
        self._before = before

    def authenticate(self, credentials: Credentials) -> Identity | None:
        """See the contract."""
        self.asked.append(credentials)
        self._before(credentials)
        stored = self.users.get(credentials.username)
        if stored is None:
            return None
        if stored != credentials.password:
            raise InvalidCredentials
        return Identity.user(credentials.username)

    def fingerprint(self, username: str) -> str | None:
        """Return the password."""
        return self.users.get(username)

    def decoy(self, credentials: Credentials) -> None:
        """Count as a check."""
        self._before(credentials)


class AuthenticatorContract:
    """What every authenticator does. Override `authenticator` and `good`, the rest where needed."""

    @pytest.fixture
    def authenticator(self) -> Authenticator:
        """Return the authenticator under test, which accepts `good`."""
        raise NotImplementedError

    @pytest.fixture
    def good(self) -> Credentials:
        """Return a name and its password."""
        raise NotImplementedError

    @pytest.fixture
    def wrong(self, good: Credentials) -> Credentials:
        """Return the name of `good` with a password that is not its own."""
        return replace(good, password="wrong-" + good.password[::-1])

    @pytest.fixture
    def unknown(self) -> Credentials:
        """Return a name that the authenticator does not know."""
        return Credentials("nobody-of-this-name", "any-password")

    def test_is_an_authenticator(self, authenticator: Authenticator) -> None:
        """It has the methods of the protocol."""
        assert isinstance(authenticator, Authenticator)

    def test_right_password_gives_a_user(self, authenticator: Authenticator, good: Credentials) -> None:
        """The identity has a name and the principals of a logged-in user."""
        identity = authenticator.authenticate(good)

        assert isinstance(identity, Identity)
        assert identity.name
        assert identity.principals >= {EVERYONE, AUTHENTICATED, f"user:{identity.name}"}

    def test_same_credentials_give_the_same_identity(
        self, authenticator: Authenticator, good: Credentials
    ) -> None:
        """Asking twice changes nothing."""
        assert authenticator.authenticate(good) == authenticator.authenticate(good)

    def test_wrong_password_is_refused(self, authenticator: Authenticator, wrong: Credentials) -> None:
        """A known name with another password stops the search."""
        with pytest.raises(InvalidCredentials):
            authenticator.authenticate(wrong)

    def test_refusal_does_not_quote_the_password(
        self, authenticator: Authenticator, wrong: Credentials
    ) -> None:
        """Messages go to clients and logs."""
        with pytest.raises(InvalidCredentials) as caught:
            authenticator.authenticate(wrong)

        assert wrong.password not in str(caught.value)

    def test_wrong_password_does_not_spoil_the_right_one(
        self, authenticator: Authenticator, good: Credentials, wrong: Credentials
    ) -> None:
        """A failure leaves nothing behind."""
        before = authenticator.authenticate(good)
        with pytest.raises(InvalidCredentials):
            authenticator.authenticate(wrong)

        assert authenticator.authenticate(good) == before

    def test_unknown_name_asks_the_next(self, authenticator: Authenticator, unknown: Credentials) -> None:
        """None means that another authenticator may know the name."""
        assert authenticator.authenticate(unknown) is None

    @pytest.mark.parametrize("password", ODD_PASSWORDS, ids=repr)
    def test_odd_password_is_refused(
        self, authenticator: Authenticator, good: Credentials, password: str
    ) -> None:
        """Nothing that a client can send logs in or breaks the authenticator."""
        with pytest.raises(InvalidCredentials):
            authenticator.authenticate(replace(good, password=password))

    @pytest.mark.parametrize("change", ["{} ", " {}", "{}\x00", "{}*", "{}\n", "*", "{})(uid=*"], ids=repr)
    def test_altered_name_is_nobody_else(
        self, authenticator: Authenticator, good: Credentials, change: str
    ) -> None:
        """A changed name is unknown, refused, or the very same user."""
        same = authenticator.authenticate(good)
        try:
            identity = authenticator.authenticate(replace(good, username=change.format(good.username)))
        except InvalidCredentials:
            identity = None

        assert identity in (None, same)

    def test_threads_get_the_same_answer(self, authenticator: Authenticator, good: Credentials) -> None:
        """Eight threads ask at the same time."""
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(authenticator.authenticate, [good] * 8))

        assert answers == [authenticator.authenticate(good)] * 8

    def test_fingerprint_is_stable(
        self, authenticator: Authenticator, good: Credentials, unknown: Credentials
    ) -> None:
        """The optional `fingerprint` stays as it is while nothing changes, and is None for unknown names."""
        fingerprint = getattr(authenticator, "fingerprint", None)
        if fingerprint is None:
            pytest.skip("offers no fingerprint")
        first = fingerprint(good.username)
        authenticator.authenticate(good)

        assert first is not None
        assert fingerprint(good.username) == first
        assert fingerprint(unknown.username) is None

    def test_decoy_answers_nothing(self, authenticator: Authenticator, unknown: Credentials) -> None:
        """The optional `decoy` takes time and tells nothing."""
        decoy = getattr(authenticator, "decoy", None)
        if decoy is None:
            pytest.skip("offers no decoy")

        assert decoy(unknown) is None
