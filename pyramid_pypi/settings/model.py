"""The settings as frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

from pyramid_pypi.auth.remote import RemoteUsers
from pyramid_pypi.auth.repository_secrets import RepositorySecrets
from pyramid_pypi.catalog.sessions import Sessions
from pyramid_pypi.rights import Rights
from pyramid_pypi.upstream.pagecache import Ages

__all__ = [
    "CredentialSettings",
    "FileMode",
    "GroupSettings",
    "HostedSettings",
    "Instance",
    "LoginSettings",
    "Ownership",
    "ProxySettings",
    "RedirectSettings",
    "RepositorySettings",
    "Security",
    "Settings",
]

T = TypeVar("T")
FileMode = Literal["cache", "redirect", "stream"]
Ownership = Literal["none", "first-uploader"]
Security = Literal["pyramid_pypi", "host"]


@dataclass(frozen=True, slots=True)
class Instance:
    """A kind that the ini chose under a name, with its options; `options` is None for a kind without."""

    name: str
    kind: str
    factory: type
    options: object

    def build(self) -> Any:
        """Return what the kind builds; raises what the kind raises."""
        return self.factory() if self.options is None else self.factory(self.options)


@dataclass(frozen=True, slots=True)
class HostedSettings:
    """A hosted repository; `max_upload_size` is in bytes.

    With `ownership`, whoever brings the first file of a project decides who changes it.
    """

    kind: ClassVar = "hosted"

    name: str
    rights: Rights
    description: str
    storage: Instance
    accept: str
    max_upload_size: int
    ownership: Ownership = "none"
    secrets: RepositorySecrets = field(default=RepositorySecrets())
    rules: tuple[Instance, ...] = ()


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """A repository that follows an upstream.

    `folder` is where what is known of the upstream is kept; `storage` keeps files and is None
    unless `files` is `cache`. `max_size` is in bytes, None for no limit; `backfill` is a number
    of versions. While the file `offline_file` exists it is as if `offline` were set.
    """

    kind: ClassVar = "proxy"

    name: str
    rights: Rights
    description: str
    upstream: Instance
    files: FileMode
    folder: Path
    storage: Instance | None
    max_size: int | None
    withdrawn: Literal["keep", "remove"]
    backfill: int
    ages: Ages
    offline: bool
    offline_file: Path | None
    secrets: RepositorySecrets = field(default=RepositorySecrets())
    rules: tuple[Instance, ...] = ()


@dataclass(frozen=True, slots=True)
class RedirectSettings:
    """A repository that sends clients to an upstream."""

    kind: ClassVar = "redirect"
    rules: ClassVar[tuple[Instance, ...]] = ()

    name: str
    rights: Rights
    description: str
    upstream: Instance
    secrets: RepositorySecrets = field(default=RepositorySecrets())


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """An ordered list of repositories; `merge` and `reserve` are patterns of normalised names.

    `publish` names the hosted repository that takes uploads to the group; empty: none does.
    """

    kind: ClassVar = "group"

    name: str
    rights: Rights
    description: str
    members: tuple[str, ...]
    merge: tuple[str, ...]
    reserve: tuple[str, ...]
    publish: str
    secrets: RepositorySecrets = field(default=RepositorySecrets())
    rules: tuple[Instance, ...] = ()


RepositorySettings: TypeAlias = HostedSettings | ProxySettings | RedirectSettings | GroupSettings


@dataclass(frozen=True, slots=True)
class CredentialSettings:
    """How long a verified password is trusted again, in seconds, by what it is used for."""

    read_ttl: int
    write_ttl: int


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """How many threads check passwords, and how many failures within how many seconds block."""

    workers: int
    failures: int
    window: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the ini says.

    `catalog` is an SQLAlchemy URL; `base_url` has no slash at its end; an empty `allowed_hosts`
    allows any; `max_upload_size` and `page_cache` are in bytes. `repositories` and
    `authenticators` are in the order of the ini, and `default` names one of the repositories.
    `downloads` tells whether they are counted. `remote_users` is None where nobody's word about
    users counts. `sections` are what plugins have read, by their names.
    `warnings` are sentences about what works and is probably not wanted.
    """

    plugins: tuple[str, ...]
    # There may be a password in it.
    catalog: str = field(repr=False)
    default: str
    repositories: tuple[RepositorySettings, ...]
    authenticators: tuple[Instance, ...]
    base_url: str | None
    allowed_hosts: tuple[str, ...]
    realm: str
    security: Security
    access_log: bool
    max_upload_size: int
    page_cache: int
    credentials: CredentialSettings
    login: LoginSettings
    downloads: bool = True
    sessions: Sessions.Options = field(default=Sessions.Options())
    remote_users: RemoteUsers.Options | None = field(default=None)
    sections: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = field(default=())

    def section(self, kind: type[T]) -> T:
        """Return what a plugin has read, by its type. Raises LookupError where none has read such."""
        for section in self.sections.values():
            if isinstance(section, kind):
                return section
        raise LookupError(f"no plugin has read a {kind.__qualname__}")

    @property
    def secrets(self) -> dict[str, RepositorySecrets]:
        """The secrets of those repositories that have some, by name."""
        return {one.name: one.secrets for one in self.repositories if one.secrets}

    @property
    def knows_passwords(self) -> bool:
        """Whether anybody can log in with a name and a password."""
        return bool(self.authenticators or self.secrets)

    @property
    def takes_tokens(self) -> bool:
        """Whether programs can show tokens."""
        return any(instance.kind == "tokens" for instance in self.authenticators)
