"""Servers, clients and distributions for the tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyramid.paster import get_appsettings

from pyramid_pypi.app import PackageIndex, compose
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import load, plugin_names
from tests.clients.client import Client, clean_environment
from tests.clients.people import PASSWORDS
from tests.clients.toolbox import Toolbox
from tests.clients.wheelhouse import wheelhouse
from tests.live import LiveServer, post_file, write_htpasswd, write_ini

Starter = Callable[[str], Client]

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def toolbox() -> Toolbox:
    """The clients."""
    return Toolbox()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """An index with an open repository, `private`, and one for people with passwords, `team`."""
    folder = tmp_path_factory.mktemp("server")
    write_htpasswd(folder, *PASSWORDS.items())
    (folder / "groups").write_text("release: carol\n")
    settings = {
        "pypi.catalog": f"sqlite:///{folder}/catalog.db",
        "pypi.authenticators": "tokens htpasswd",
        "pypi.auth.htpasswd.path": f"{folder}/htpasswd",
        "pypi.auth.htpasswd.groups": f"{folder}/groups",
        # The tests are wrong about passwords on purpose, all from one address.
        "pypi.login.failures": "10000",
        "pypi.repositories": "private team",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": f"{folder}/private",
        "pypi.repo.private.read": "everyone",
        "pypi.repo.private.upload": "everyone",
        "pypi.repo.team": "hosted",
        "pypi.repo.team.storage": "filesystem",
        "pypi.repo.team.storage.path": f"{folder}/team",
        "pypi.repo.team.read": "authenticated",
        "pypi.repo.team.upload": "user:ann group:release",
    }
    yield from _serve(LiveServer(write_ini(folder / "index.ini", settings), folder / "log"))


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The index of development.ini, where nobody has a password and any credentials will do."""
    folder = tmp_path_factory.mktemp("desk")
    yield from _serve(LiveServer(_ROOT / "development.ini", folder / "log", var=str(folder / "var")))


def _serve(server: LiveServer) -> Iterator[LiveServer]:
    with server:
        yield server
    problems = server.problems()

    assert not problems, "\n".join(problems)


@pytest.fixture(scope="session")
def index(server: LiveServer) -> Iterator[PackageIndex]:
    """The index of `server`, opened by this process as well: another one on the same data."""
    settings = get_appsettings(str(server.ini))
    plugins = Plugins.load(plugin_names(settings))
    opened = compose(load(settings, plugins), plugins)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def stocked(server: LiveServer, toolbox: Toolbox) -> LiveServer:
    """`server` with distributions of others in `private`: build backends, big wheels, sdists."""
    for path in wheelhouse(toolbox):
        assert post_file(f"{server.url}/", path.name, path.read_bytes()) == (200, "")
    return server


@pytest.fixture
def start(toolbox: Toolbox, tmp_path: Path) -> Starter:
    """Return a client by name, with a home and a working folder of its own."""

    def client(name: str) -> Client:
        program = toolbox.program(name)
        home, cwd = tmp_path / f"{name}-home", tmp_path / "work"
        home.mkdir()
        cwd.mkdir(exist_ok=True)
        return Client(program, cwd, clean_environment(home, program.parent))

    return client


@pytest.fixture
def pip(start: Starter) -> Client:
    """Run pip."""
    return start("pip")


@pytest.fixture
def twine(start: Starter) -> Client:
    """Run twine."""
    return start("twine")


@pytest.fixture
def uv(start: Starter) -> Client:
    """Run uv."""
    return start("uv")


@pytest.fixture
def flit(start: Starter) -> Client:
    """Run flit."""
    return start("flit")


@pytest.fixture
def hatch(start: Starter) -> Client:
    """Run hatch."""
    return start("hatch")


@pytest.fixture
def poetry(start: Starter) -> Client:
    """Run poetry."""
    return start("poetry")


@pytest.fixture
def pdm(start: Starter) -> Client:
    """Run pdm."""
    return start("pdm")


@pytest.fixture
def pipenv(start: Starter) -> Client:
    """Run pipenv."""
    return start("pipenv")


@pytest.fixture
def curl(start: Starter) -> Client:
    """Run curl."""
    return start("curl")


@pytest.fixture
def wget(start: Starter) -> Client:
    """Run wget."""
    return start("wget")
