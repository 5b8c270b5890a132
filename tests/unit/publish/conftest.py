import pytest

from pyramid_pypi.app import compose
from pyramid_pypi.errors import Forbidden
from pyramid_pypi.hookspecs import hookimpl
from pyramid_pypi.model import Identity
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.publish.receive import ReceivedFile, ReceivedForm
from pyramid_pypi.settings import load
from pyramid_pypi.storage.reading import hash_blob
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.functional.support import settings
from tests.postgres import forget_catalogs

WHEEL = "holy_grail-1.0-py3-none-any.whl"
SDIST = "holy_grail-1.0.tar.gz"


class Caller:
    """Somebody who has some permissions on every project."""

    def __init__(self, *permissions, identity=None):
        self.permissions = permissions
        self.identity = identity or Identity.user("ann")

    def require(self, permission, project):
        if permission not in self.permissions:
            raise Forbidden(f"{self.identity.name} isn't allowed to {permission} project {project!r}")


class Listener:
    """A plugin that notes what it is told, and refuses what it is told to."""

    def __init__(self):
        self.heard = []
        self.refusal = None
        self.no_download = None

    @hookimpl
    def pypi_check_upload(self):
        return self.refusal

    @hookimpl
    def pypi_authorize_download(self, repository):
        return self.no_download and f"{self.no_download} in {repository}"

    @hookimpl
    def pypi_file_added(self, file, repository, identity):
        self.heard.append(("added", file.filename, repository, identity.name))

    @hookimpl
    def pypi_file_removed(self, file, repository, identity):
        self.heard.append(("removed", file.filename, repository, identity.name))

    @hookimpl
    def pypi_file_yanked(self, file, repository, identity):
        self.heard.append(("yanked", file.filename, file.yanked, identity.name))

    @hookimpl
    def pypi_status_changed(self, project, repository, status, reason, identity):
        self.heard.append((project, repository, status, reason, identity.name))


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def open_index(tmp_path, listener):
    """Return what opens an index of `staging`, `stable` and the group `all`, with changed settings."""
    opened = []

    def open_one(**changes):
        stable = {
            "pypi.repositories": "private stable all",
            "pypi.default": "private",
            "pypi.repo.private.read": "user:ann",
            "pypi.repo.stable": "hosted",
            "pypi.repo.stable.storage": "filesystem",
            "pypi.repo.stable.storage.path": "stable",
            "pypi.repo.stable.read": "everyone",
            "pypi.repo.all": "group",
            "pypi.repo.all.members": "stable private",
            "pypi.repo.all.publish": "stable",
            "pypi.repo.all.read": "everyone",
            "pypi.authenticators": "tokens",
        }
        plugins = Plugins()
        plugins.register("listener", listener)
        found = compose(load(settings(tmp_path, **{**stable, **changes}), plugins), plugins)
        opened.append(found)
        for name in ("private", "stable"):
            found.catalog.mark_scanned(name)
        return found

    yield open_one
    for one in opened:
        one.close()
    forget_catalogs()


@pytest.fixture
def index(open_index):
    """An index where `private` has a wheel and an sdist of holy-grail 1.0."""
    found = open_index()
    add(found.served("private"), WHEEL, make_wheel("holy-grail", "1.0"), comment="found it")
    add(found.served("private"), SDIST, make_sdist("holy-grail", "1.0"), signature=b"signed")
    return found


def add(served, filename, content, *, comment="", signature=None):
    """Upload a file."""
    publisher = served.takes
    with publisher.repository.stage() as staged:
        staged.write(content)
        received = ReceivedFile(filename, len(content), hash_blob([content]))
        form = ReceivedForm({"comment": comment}, received, signature)
        return publisher.publish(form, staged, Caller("upload"))[0]
