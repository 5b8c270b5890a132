"""The composition root: settings and plugins become one index. No Pyramid here."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyramid_pypi.auth.login import Login
from pyramid_pypi.auth.throttle import Throttle
from pyramid_pypi.auth.verified import VerifiedCredentials
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.distribution import PROFILES
from pyramid_pypi.errors import RepositoryNotFound
from pyramid_pypi.model import ANONYMOUS, Identity, ProjectName
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.publish.publisher import Publisher
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.watching import Watcher
from pyramid_pypi.rights import Rights
from pyramid_pypi.settings import RepositorySettings, Settings
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.web.ready import Group, ReadyCache

__all__ = ["PackageIndex", "Served", "compose"]

log = logging.getLogger(__name__)

_MANY_CHANGES = 5_000


@dataclass(frozen=True, slots=True)
class Served:
    """A repository with what surrounds it: rights, the way in, and limits (in bytes)."""

    repository: Hosted
    rights: Rights
    publisher: Publisher
    max_upload_size: int
    description: str = ""

    @property
    def name(self) -> str:
        """The name in the settings and in URLs."""
        return self.repository.name

    def visible(self, identity: Identity) -> list[ProjectName]:
        """Return the projects that `identity` may read."""
        found = self.repository.projects()
        if not self.rights.hides_projects():
            return list(found)
        return [project for project in found if self.rights.permits(identity, "read", project.name)]


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """One application: its repositories by name and everything that they share."""

    settings: Settings
    plugins: Plugins
    catalog: Catalog
    repositories: Mapping[str, Served]
    verified: VerifiedCredentials
    login: Login
    pages: ReadyCache
    watchers: tuple[Watcher, ...] = field(default=())

    @property
    def default(self) -> Served:
        """The repository that is served without a name in the URL."""
        return self.repositories[self.settings.default]

    def served(self, name: str) -> Served:
        """Return a repository by name. Raises RepositoryNotFound."""
        try:
            return self.repositories[name]
        except KeyError:
            raise RepositoryNotFound(f"There is no repository {name!r}") from None

    def identify(self, header: str | None, address: str, *, write: bool) -> Identity:
        """Return who sent an `Authorization` header; without authenticators nobody can log in."""
        if not self.settings.authenticators:
            return ANONYMOUS
        return self.login.identify(header, address, write=write)

    def start(self) -> None:
        """Start the threads that look for files which other tools bring."""
        for watcher in self.watchers:
            watcher.start()

    def close(self) -> None:
        """Stop the threads and close the catalog."""
        for watcher in self.watchers:
            watcher.stop()
        self.catalog.close()


def compose(settings: Settings, plugins: Plugins) -> PackageIndex:
    """Build the index that `settings` describes. Raises CatalogUnavailable and what kinds raise."""
    for warning in settings.warnings:
        log.warning("%s", warning)
    catalog = Catalog(settings.catalog)
    ttl = settings.credentials
    verified = VerifiedCredentials(
        VerifiedCredentials.Options(read_ttl=ttl.read_ttl, write_ttl=ttl.write_ttl)
    )
    repositories = {
        repository.name: _serve(repository, catalog, plugins) for repository in settings.repositories
    }
    return PackageIndex(
        settings=settings,
        plugins=plugins,
        catalog=catalog,
        repositories=repositories,
        verified=verified,
        login=_login(settings, plugins, verified),
        pages=ReadyCache(
            stamp=catalog.stamp.read,
            changed_since=lambda serial: _changed_since(catalog, serial),
            budget=settings.page_cache,
        ),
        watchers=tuple(
            Watcher(served.repository, served.repository.storage)
            for served in repositories.values()
            if isinstance(served.repository.storage, FilesystemStorage)
        ),
    )


def _serve(settings: RepositorySettings, catalog: Catalog, plugins: Plugins) -> Served:
    storage = settings.storage.build()
    repository = Hosted(settings.name, storage=storage, catalog=catalog)
    if not isinstance(storage, FilesystemStorage):
        # Only a folder is filled by other tools; what is elsewhere is listed by `reindex`.
        catalog.mark_scanned(settings.name)
    profile = PROFILES[settings.accept]
    publisher = Publisher(repository, profile, plugins)
    return Served(repository, settings.rights, publisher, settings.max_upload_size, settings.description)


def _login(settings: Settings, plugins: Plugins, verified: VerifiedCredentials) -> Login:
    def tell(username: str, address: str, reason: str) -> None:
        plugins.notify("pypi_login_failed", username=username, address=address, reason=reason)

    return Login(
        [(instance.name, instance.build()) for instance in settings.authenticators],
        verified=verified,
        throttle=Throttle(Throttle.Options(failures=settings.login.failures, window=settings.login.window)),
        on_failure=tell,
        workers=settings.login.workers,
    )


def _changed_since(catalog: Catalog, serial: int) -> tuple[int, Iterable[Group] | None]:
    """Return the newest serial, and the groups that changed after `serial`, None for all."""
    if not serial:
        return catalog.last_serial(), None
    changes = catalog.changes_since(serial, limit=_MANY_CHANGES)
    if not changes:
        return serial, ()
    if len(changes) == _MANY_CHANGES:
        return catalog.last_serial(), None
    groups = {(change.repository, change.project) for change in changes}
    return changes[-1].serial, groups | {(repository, "") for repository, _ in groups}
