"""The authenticator `static` keeps the contract."""

import pytest

from pyramid_pypi.model import Credentials, Identity
from pyramid_pypi.options import Secret
from pyramid_pypi.testing.authenticators import AuthenticatorContract
from pyramid_pypi_example.static import StaticAuthenticator


class TestStaticAuthenticator(AuthenticatorContract):
    """One user."""

    @pytest.fixture
    def authenticator(self) -> StaticAuthenticator:
        return StaticAuthenticator(StaticAuthenticator.Options("ann", Secret("correct horse"), ("dev",)))

    @pytest.fixture
    def good(self) -> Credentials:
        return Credentials("ann", "correct horse")

    def test_user_is_in_the_groups_of_the_settings(
        self, authenticator: StaticAuthenticator, good: Credentials
    ) -> None:
        assert authenticator.authenticate(good) == Identity.user("ann", ("dev",))
