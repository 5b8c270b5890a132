"""Every way to log in with every client that shows a name and a password.

One index knows tokens, the users of an htpasswd file, people of a real LDAP directory, and the
secrets of its repository.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyramid.paster import get_appsettings
from pyramid_pypi_ldap.testing import BASE, PASSWORD, SERVICE, SERVICE_PASSWORD, Slapd, make_certificates

from pyramid_pypi.app import PackageIndex, compose
from pyramid_pypi.auth.tokens import Grant, issue
from pyramid_pypi.model import Scope
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import load, plugin_names
from pyramid_pypi.testing.artefacts import make_wheel
from tests.clients.client import Client
from tests.clients.installing import INSTALLERS, install
from tests.clients.people import CAROL
from tests.clients.releases import save, wheel_name
from tests.live import LiveServer, post_file, write_htpasswd, write_ini

READ, WRITE = "a secret to read: 1/2", "a secret to write: 2/2"
WAYS = ["htpasswd", "ldap", "token", "secret"]
WRONG = {
    "htpasswd": (CAROL[0], "wrong"),
    "ldap": ("ann", "wrong"),
    "token": ("__token__", "ppypi_" + "0" * 38),
    "secret": ("team", "wrong"),
}


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password, and who has published what was published with them."""

    name: str
    password: str
    who: str

    @property
    def pair(self) -> tuple[str, str]:
        """The name and the password."""
        return self.name, self.password


@dataclass(frozen=True, slots=True)
class Office:
    """A server, its index opened by this process as well, and the logins to read and to upload."""

    server: LiveServer
    index: PackageIndex
    readers: dict[str, Login]
    uploaders: dict[str, Login]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """A directory with `ann`, who is in the group `release`."""
    certificates = tmp_path_factory.mktemp("certificates")
    make_certificates(certificates)
    with Slapd(tmp_path_factory.mktemp("ldap") / "directory", certificates) as slapd:
        yield slapd


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, directory: Slapd) -> Iterator[Office]:
    """An index whose only repository, `team`, has the project `logins` for those who log in."""
    folder = tmp_path_factory.mktemp("office")
    write_htpasswd(folder, CAROL)
    ini = write_ini(folder / "index.ini", stated(folder, directory))
    with LiveServer(ini, folder / "log") as server:
        keys = get_appsettings(str(ini))
        plugins = Plugins.load(plugin_names(keys))
        index = compose(load(keys, plugins), plugins)
        scope = Scope(frozenset({"read", "upload"}), frozenset({"team"}), ("*",))
        token = Login("__token__", issue(index.tokens, Grant("ann", scope), by="root")[1], "ann")
        both = {"htpasswd": Login(*CAROL, CAROL[0]), "ldap": Login("ann", PASSWORD, "ann"), "token": token}
        writer = Login("team", WRITE, "team")
        release = post_file(
            server.at("/", *writer.pair), wheel_name("logins", "1.0"), make_wheel("logins", "1.0")
        )
        assert release == (200, "")
        reader = Login("team", READ, "")
        yield Office(server, index, {**both, "secret": reader}, {**both, "secret": writer})
        index.close()
    assert server.problems() == []
    assert not [word for word in (PASSWORD, token.password, READ, WRITE) if word in server.text()]


def stated(folder: Path, directory: Slapd) -> dict[str, str]:
    """Return the settings of the index."""
    ldap = {
        "servers": directory.url,
        "ca": str(directory.certificates / "ca.pem"),
        "bind_dn": SERVICE,
        "bind_password": SERVICE_PASSWORD,
        "user_base": f"ou=people,{BASE}",
        "groups": "search",
        "group_base": f"ou=groups,{BASE}",
    }
    return {
        "pypi.plugins": "ldap",
        "pypi.catalog": f"sqlite:///{folder}/catalog.db",
        "pypi.authenticators": "tokens htpasswd staff",
        "pypi.auth.htpasswd.path": f"{folder}/htpasswd",
        "pypi.auth.staff": "ldap",
        **{f"pypi.auth.staff.{key}": value for key, value in ldap.items()},
        # The tests are wrong about passwords on purpose, all from one address.
        "pypi.login.failures": "10000",
        "pypi.repositories": "team",
        "pypi.repo.team": "hosted",
        "pypi.repo.team.storage": "filesystem",
        "pypi.repo.team.storage.path": f"{folder}/team",
        "pypi.repo.team.read": "authenticated",
        "pypi.repo.team.upload": f"user:{CAROL[0]} group:release",
        "pypi.repo.team.read_secret": READ,
        "pypi.repo.team.write_secret": WRITE,
    }


def twine(client: Client, url: str, who: tuple[str, str], wheel: Path) -> tuple[int, str]:
    """Publish with twine."""
    return client.run(
        *("upload", "--non-interactive", "--repository-url", url, "-u", who[0], "-p", who[1], wheel)
    )


def uv(client: Client, url: str, who: tuple[str, str], wheel: Path) -> tuple[int, str]:
    """Publish with uv."""
    credentials = ("--username", who[0], "--password", who[1])
    return client.run("publish", "--trusted-publishing", "never", "--publish-url", url, *credentials, wheel)


def poetry(client: Client, url: str, who: tuple[str, str], wheel: Path) -> tuple[int, str]:
    """Publish with poetry, which looks into `dist` for what the project is called."""
    name, version = wheel.name.split("-")[:2]
    project = f'[project]\nname = "{name}"\nversion = "{version}"\ndescription = ""\n'
    client.cwd.joinpath("pyproject.toml").write_text(f'{project}requires-python = ">=3.11"\n')
    return client.run(
        *("publish", "--repository", "house"),
        POETRY_REPOSITORIES_HOUSE_URL=url,
        POETRY_HTTP_BASIC_HOUSE_USERNAME=who[0],
        POETRY_HTTP_BASIC_HOUSE_PASSWORD=who[1],
    )


PUBLISHERS = {"twine": twine, "uv": uv, "poetry": poetry}
READERS = ["pip", "uv", "poetry"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("client", READERS)
def test_whoever_logs_in_installs(
    client: str, way: str, office: Office, start: Callable[[str], Client]
) -> None:
    login = office.readers[way]

    done = install(client, start(client), office.server.at("/simple/", *login.pair), "logins")

    assert done.version("logins") == "1.0"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("client", READERS)
def test_a_wrong_password_installs_nothing(
    client: str, way: str, office: Office, start: Callable[[str], Client]
) -> None:
    before = len(office.server.access())

    done = INSTALLERS[client](start(client), office.server.at("/simple/", *WRONG[way]), "logins")

    assert done.code != 0, done.said
    assert {line["status"] for line in office.server.access()[before:]} == {401}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("client", PUBLISHERS)
def test_whoever_logs_in_publishes(
    client: str, way: str, office: Office, start: Callable[[str], Client]
) -> None:
    login, program = office.uploaders[way], start(client)
    wheel = save(program.cwd / "dist", f"{way}-{client}", "1.0")

    code, said = PUBLISHERS[client](program, office.server.at("/"), login.pair, wheel)

    assert code == 0, said
    assert office.index.served("team").repository.file(wheel.name).uploaded_by == login.who


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("client", PUBLISHERS)
def test_a_wrong_password_publishes_nothing(
    client: str, way: str, office: Office, start: Callable[[str], Client]
) -> None:
    program = start(client)
    wheel = save(program.cwd / "dist", f"wrong-{way}-{client}", "1.0")
    before = len(office.server.access())

    code, said = PUBLISHERS[client](program, office.server.at("/"), WRONG[way], wheel)

    assert code != 0, said
    assert {line["status"] for line in office.server.access()[before:]} == {401}
