"""Directories on loopback, each started once, and what an index with one of them is composed of."""

import socket

import bcrypt
import pytest

from pyramid_pypi.options import Secret
from pyramid_pypi_ldap.authenticator import LdapAuthenticator
from pyramid_pypi_ldap.options import Options
from pyramid_pypi_ldap.testing import BASE, SERVICE, SERVICE_PASSWORD, Slapd, make_certificates

ROOT = ("root", "local secret")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A folder with an authority, a stranger, and a certificate for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture(scope="session")
def directory(tmp_path_factory, certificates):
    """A directory with TLS that is as strict as slapd is by itself."""
    with Slapd(tmp_path_factory.mktemp("ldap") / "strict", certificates) as slapd:
        yield slapd


@pytest.fixture(scope="session")
def plain(tmp_path_factory, certificates, directory):
    """A directory without TLS that takes binds without a password, and refers to the other one."""
    folder = tmp_path_factory.mktemp("ldap") / "plain"
    with Slapd(folder, certificates, tls=False, lenient=True, referral=directory.url) as slapd:
        yield slapd


@pytest.fixture
def stoppable(tmp_path, certificates):
    """A directory that a test may stop."""
    with Slapd(tmp_path / "ldap", certificates) as slapd:
        yield slapd


@pytest.fixture
def replica(tmp_path, certificates, stoppable):
    """A directory that copies `stoppable`, and has done so."""
    with Slapd(tmp_path / "replica", certificates, provider=stoppable) as slapd:
        slapd.catch_up()
        yield slapd


@pytest.fixture
def silent():
    """The port of a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed():
    """A port where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


@pytest.fixture
def options(certificates):
    """Return a function that makes options of a search by the service account, changed by keyword."""

    def make(*servers, **changes):
        values = {
            "ca": certificates / "ca.pem",
            "bind_dn": SERVICE,
            "bind_password": Secret(SERVICE_PASSWORD),
            "user_base": f"ou=people,{BASE}",
            "groups": "search",
            "group_base": f"ou=groups,{BASE}",
        }
        return Options(servers, **{**values, **changes})

    return make


@pytest.fixture
def login(options):
    """Return a function that makes an authenticator; its connections are closed after the test."""
    made = []

    def make(*servers, **changes):
        made.append(LdapAuthenticator(options(*servers, **changes)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def stated(certificates, tmp_path, monkeypatch):
    """Return a function that makes the settings of an index with the local user ROOT and a directory."""
    monkeypatch.setenv("LDAP_PASSWORD", SERVICE_PASSWORD)
    hashed = bcrypt.hashpw(ROOT[1].encode(), bcrypt.gensalt(4)).decode()
    (tmp_path / "htpasswd").write_text(f"{ROOT[0]}:{hashed}\n")

    def make(*urls, **changes):
        options = {
            "servers": " ".join(urls),
            "ca": str(certificates / "ca.pem"),
            "bind_dn": SERVICE,
            "bind_password": "env:LDAP_PASSWORD",
            "user_base": f"ou=people,{BASE}",
            "groups": "search",
            "group_base": f"ou=groups,{BASE}",
            **changes,
        }
        return {
            "pypi.authenticators": "corp htpasswd",
            "pypi.auth.htpasswd": "htpasswd",
            "pypi.auth.htpasswd.path": str(tmp_path / "htpasswd"),
            "pypi.auth.corp": "ldap",
            **{f"pypi.auth.corp.{name}": value for name, value in options.items()},
            "pypi.repo.private.read": "authenticated",
            "pypi.repo.private.upload": "group:release",
        }

    return make


@pytest.fixture
def root():
    """Return the name and the password of the local user of `stated`."""
    return ROOT
