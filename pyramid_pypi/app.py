"""The composition root: settings and plugins become one index. No Pyramid here."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pyramid_pypi.auth.base import Authenticator
from pyramid_pypi.auth.login import Login
from pyramid_pypi.auth.remote import RemoteUsers
from pyramid_pypi.auth.repository_secrets import LoneSecretAuthenticator, SecretAuthenticator
from pyramid_pypi.auth.sessions import Browsers
from pyramid_pypi.auth.throttle import Throttle
from pyramid_pypi.auth.tokens import TokenAuthenticator
from pyramid_pypi.auth.verified import VerifiedCredentials
from pyramid_pypi.browse.indexing import Indexing
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.roles import Roles
from pyramid_pypi.catalog.sessions import Sessions
from pyramid_pypi.catalog.tokens import Tokens
from pyramid_pypi.distribution import PROFILES
from pyramid_pypi.errors import RepositoryNotFound, StorageUnavailable
from pyramid_pypi.model import ANONYMOUS, Identity
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.publish.publisher import Publisher
from pyramid_pypi.repositories import Hosted, Repository
from pyramid_pypi.repositories.group import Group, Member
from pyramid_pypi.repositories.redirect import Redirecting
from pyramid_pypi.repositories.watching import Watcher
from pyramid_pypi.rights import JointRights
from pyramid_pypi.ruling import RuleBook
from pyramid_pypi.served import Served
from pyramid_pypi.settings import (
    GroupSettings,
    HostedSettings,
    ProxySettings,
    RedirectSettings,
    RepositorySettings,
    Settings,
)
from pyramid_pypi.settings.groups import flatten, groups_within
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.upstream.waiting import WaitingRoom
from pyramid_pypi.web.late import Wakes
from pyramid_pypi.web.ready import Group as PageGroup
from pyramid_pypi.web.ready import ReadyCache

__all__ = ["PackageIndex", "compose"]

log = logging.getLogger(__name__)

_MANY_CHANGES = 5_000


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """One application: its repositories by name and everything that they share."""

    settings: Settings
    plugins: Plugins
    catalog: Catalog
    repositories: Mapping[str, Served]
    tokens: Tokens
    verified: VerifiedCredentials
    login: Login
    browsers: Browsers
    pages: ReadyCache
    indexing: Indexing
    wakes: Wakes = field(default_factory=Wakes)
    remote_users: RemoteUsers | None = field(default=None)
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

    def published(self, name: str) -> Served:
        """Return what takes the uploads to a repository: itself, or whom a group names."""
        served = self.served(name)
        return self.served(served.publish) if served.publish else served

    @property
    def hosted_names(self) -> tuple[str, ...]:
        """The names of the repositories that have files of their own."""
        return tuple(name for name, one in self.repositories.items() if isinstance(one.source, Hosted))

    def identify(self, header: str | None, address: str, *, write: bool) -> Identity:
        """Return who sent an `Authorization` header; nobody where no password is known."""
        if not self.settings.knows_passwords:
            return ANONYMOUS
        return self.login.identify(header, address, write=write)

    def start(self) -> None:
        """Start the threads that look for files which other tools bring."""
        for watcher in self.watchers:
            watcher.start()

    def close(self) -> None:
        """Stop the threads and close the catalog, after the plugins have been told."""
        self.plugins.notify("pypi_index_closed", index=self)
        for watcher in self.watchers:
            watcher.stop()
        for watcher in self.watchers:
            watcher.join()
        for served in self.repositories.values():
            served.repository.close()
        self.login.close()
        self.indexing.close()
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
    named = {repository.name: repository for repository in settings.repositories}
    containers = _containers(named)
    pages = ReadyCache(
        stamp=catalog.stamp.read,
        changed_since=lambda serial: _changed_since(catalog, serial, containers),
        budget=settings.page_cache,
    )
    assembly = _Assembly(named, containers, catalog, plugins, pages)
    repositories = {name: assembly.serve(one) for name, one in named.items()}
    tokens = Tokens(catalog)
    login = _login(settings, plugins, verified, catalog, tokens)
    index = PackageIndex(
        settings=settings,
        plugins=plugins,
        catalog=catalog,
        repositories=repositories,
        tokens=tokens,
        verified=verified,
        login=login,
        browsers=Browsers(Sessions(catalog, settings.sessions), login),
        pages=pages,
        indexing=Indexing(catalog),
        remote_users=RemoteUsers(settings.remote_users) if settings.remote_users else None,
        watchers=tuple(
            Watcher(repository, repository.storage)
            for repository in (served.source for served in repositories.values())
            if isinstance(repository, Hosted) and isinstance(repository.storage, FilesystemStorage)
        ),
    )
    plugins.opened(index)
    return index


class _Assembly:
    """Builds the repositories, those first that a group stands on."""

    def __init__(
        self,
        named: Mapping[str, RepositorySettings],
        containers: Mapping[str, Sequence[str]],
        catalog: Catalog,
        plugins: Plugins,
        pages: ReadyCache,
    ) -> None:
        self._named = named
        self._containers = containers
        self._catalog = catalog
        self._plugins = plugins
        self._pages = pages
        self._waiting = WaitingRoom()
        self._rules = RuleBook(named)
        self._built: dict[str, Served] = {}

    def serve(self, settings: RepositorySettings) -> Served:
        """Return the repository, the same one each time."""
        found = self._built.get(settings.name)
        if found is None:
            found = self._build(settings)
            found = replace(found, repository=self._rules.apply(found.repository))
            self._built[settings.name] = found
        return found

    def _build(self, settings: RepositorySettings) -> Served:
        match settings:
            case HostedSettings():
                return self._hosted(settings)
            case ProxySettings():
                # An HTTP client costs time at the start, which only those pay who follow an upstream.
                from pyramid_pypi.following import build_proxy  # noqa: PLC0415

                repository: Repository = build_proxy(
                    settings, self._plugins, self._teller(settings.name), self._waiting
                )
            case RedirectSettings():
                repository = Redirecting(settings.name, upstream=settings.upstream.build())
            case GroupSettings():
                return self._group(settings)
        return Served(repository, settings.rights, description=settings.description)

    def _hosted(self, settings: HostedSettings) -> Served:
        storage = settings.storage.build()
        _offer_catalog(storage, self._catalog)
        repository = Hosted(settings.name, storage=storage, catalog=self._catalog)
        if not isinstance(storage, FilesystemStorage):
            # What is there already is listed by `reindex`, and until then nobody can tell that a
            # project is not there. A storage that is away must not keep the other repositories waiting.
            try:
                repository.look()
            except StorageUnavailable as error:
                log.warning("%s: %s", settings.name, error.message)
        roles = Roles(self._catalog, settings.name) if settings.ownership == "first-uploader" else None
        return Served(
            repository,
            settings.rights,
            Publisher(repository, PROFILES[settings.accept], self._plugins, roles),
            settings.max_upload_size,
            settings.description,
            roles=roles,
        )

    def _group(self, settings: GroupSettings) -> Served:
        members = []
        rights = [group.rights for group in groups_within(settings, self._named)]
        for name, reserved in flatten(settings, self._named).items():
            member = self.serve(self._named[name])
            repository = self._rules.apply_within(member.repository, settings)
            members.append(Member(repository, reserved if repository.outside else ()))
            rights.append(self._named[name].rights)
        group = Group(settings.name, members, merge=settings.merge)
        joint = JointRights(tuple(rights))
        return Served(group, joint, description=settings.description, publish=settings.publish)

    def _teller(self, repository: str) -> Callable[[str], None]:
        """Return what forgets the ready pages of a project, here and in groups."""
        names = (repository, *self._containers[repository])

        def tell(project: str) -> None:
            for name in names:
                self._pages.drop((name, project))

        return tell


def _containers(named: Mapping[str, RepositorySettings]) -> dict[str, list[str]]:
    """Return by repository the groups that it is in."""
    found: dict[str, list[str]] = {name: [] for name in named}
    for group in named.values():
        if isinstance(group, GroupSettings):
            for name in flatten(group, named):
                found[name].append(group.name)
    return found


def _login(
    settings: Settings, plugins: Plugins, verified: VerifiedCredentials, catalog: Catalog, tokens: Tokens
) -> Login:
    def tell(username: str, address: str, reason: str) -> None:
        plugins.notify("pypi_login_failed", username=username, address=address, reason=reason)

    members = [(instance.name, instance.build()) for instance in settings.authenticators]
    login = Login(
        [*_secrets(settings), *members],
        verified=verified,
        throttle=Throttle(Throttle.Options(failures=settings.login.failures, window=settings.login.window)),
        on_failure=tell,
        workers=settings.login.workers,
    )
    for _name, member in members:
        if isinstance(member, TokenAuthenticator):
            member.attach(tokens, login.find)
        _offer_catalog(member, catalog)
    return login


def _offer_catalog(part: object, catalog: Catalog) -> None:
    """Give the catalog to a storage or an authenticator that keeps something there."""
    use_catalog = getattr(part, "use_catalog", None)
    if callable(use_catalog):
        use_catalog(catalog)


def _secrets(settings: Settings) -> list[tuple[str, Authenticator]]:
    """Return who knows the secrets of repositories, if they have any."""
    if not settings.secrets:
        return []
    kind = SecretAuthenticator if settings.authenticators else LoneSecretAuthenticator
    return [("secrets of repositories", kind(settings.secrets))]


def _changed_since(
    catalog: Catalog, serial: int, containers: Mapping[str, Sequence[str]]
) -> tuple[int, Iterable[PageGroup] | None]:
    """Return the newest serial, and the groups that changed after `serial`, None for all."""
    if not serial:
        return catalog.last_serial(), None
    changes = catalog.changes_since(serial, limit=_MANY_CHANGES)
    if not changes:
        last = catalog.last_serial()
        # A database that was put back, or took over from another one, knows less than we did.
        return (serial, ()) if last >= serial else (last, None)
    if len(changes) == _MANY_CHANGES:
        return catalog.last_serial(), None
    groups = {
        (repository, project)
        for change in changes
        for repository in (change.repository, *containers.get(change.repository, ()))
        for project in (change.project, "")
    }
    return changes[-1].serial, groups
