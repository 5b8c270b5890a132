"""The htpasswd file and the fake keep the contract of authenticators."""

from pathlib import Path

import pytest

from pyramid_pypi.auth.htpasswd import HtpasswdAuthenticator
from pyramid_pypi.auth.passwords import hash_password
from pyramid_pypi.model import Credentials
from pyramid_pypi.testing.authenticators import AuthenticatorContract, FakeAuthenticator

HASHES = {
    "bcrypt": hash_password("correct horse", cost=4),
    "sha1": "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
    "apr1": "$apr1$Lloef3pS$4yMi4U1HmembMo0LwC5Ea.",
    "sha256-crypt": "$5$rounds=1000$3Vavez3l.mtrwcwy$17i3S6PnjxneRKWJ4w0u9Q57l0b5wl5LGrbSz6Hnbb9",
    "sha512-crypt": (
        "$6$2U9wy2u9EMINtKaJ$3awEP1.lWi496jWYA67PvTH0d28D6V"
        "hLhS514TNN8yCjJG.4d/e7lUN6djkT1mwk29olipP1.c1CwX8yDQA3a."
    ),
}


class TestHtpasswdAuthenticator(AuthenticatorContract):
    """Every scheme of an htpasswd file."""

    @pytest.fixture(params=sorted(HASHES))
    def authenticator(self, request: pytest.FixtureRequest, tmp_path: Path) -> HtpasswdAuthenticator:
        path = tmp_path / "htpasswd"
        path.write_text(f"alice:{HASHES[request.param]}\n")
        return HtpasswdAuthenticator(HtpasswdAuthenticator.Options(path))

    @pytest.fixture
    def good(self) -> Credentials:
        return Credentials("alice", "correct horse")


class TestFakeAuthenticator(AuthenticatorContract):
    """What tests use instead."""

    @pytest.fixture
    def authenticator(self) -> FakeAuthenticator:
        return FakeAuthenticator({"alice": "correct horse"})

    @pytest.fixture
    def good(self) -> Credentials:
        return Credentials("alice", "correct horse")
