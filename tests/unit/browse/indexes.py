"""An index without the web: repositories in a folder, and files that are put there."""

from pyramid_pypi.app import compose
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.model import ANONYMOUS, Identity
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import load, plugin_names
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi.testing.repositories import publish_file
from tests.following import following_settings

ANN = Identity.user("ann")
BOB = Identity.user("bob")
NOWHERE = "http://127.0.0.1:9/"

TEAM_FIRST = {
    "pypi.repositories": "private team pypi all",
    "pypi.repo.team": "hosted",
    "pypi.repo.team.storage": "filesystem",
    "pypi.repo.team.storage.path": "team",
    "pypi.repo.team.read": "everyone",
    "pypi.repo.all.members": "team private pypi",
}
"""Another hosted repository, before `private` in the group."""


class Index:
    """`private` is hosted, `pypi` follows `upstream`, and `all`, the default, has both."""

    def __init__(self, folder, changes=None, *, upstream=NOWHERE):
        (folder / "htpasswd").touch()
        users = {"pypi.authenticators": "htpasswd", "pypi.auth.htpasswd": "htpasswd"}
        users["pypi.auth.htpasswd.path"] = str(folder / "htpasswd")
        stated = {"pypi.repo.private.manage": "user:ann", **users, **(changes or {})}
        given = following_settings(folder, upstream, stated)
        plugins = Plugins.load(plugin_names(given))
        self.composed = compose(load(given, plugins), plugins)
        for name in self.composed.hosted_names:
            self.composed.catalog.mark_scanned(name)

    def close(self):
        self.composed.close()

    def viewer(self, repository="all", identity=ANONYMOUS):
        return Viewer(self.composed, self.composed.served(repository), identity)

    def hosted(self, repository="private"):
        return self.composed.served(repository).hosted

    def wheel(self, name="holy-grail", version="1.0", *, to="private", by=ANN, **options):
        """Put a wheel into a hosted repository and return it as a file."""
        tag = options.get("tag", "py3-none-any")
        filename = f"{name.lower().replace('-', '_')}-{version}-{tag}.whl"
        return publish_file(self.hosted(to), filename, make_wheel(name, version, **options), by=by)[0]

    def sdist(self, name="holy-grail", version="1.0", *, to="private", by=ANN, **options):
        """Put an sdist into a hosted repository and return it as a file."""
        filename = f"{name.lower().replace('-', '_')}-{version}.tar.gz"
        return publish_file(self.hosted(to), filename, make_sdist(name, version, **options), by=by)[0]
