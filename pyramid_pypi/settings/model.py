"""The settings as frozen data."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pyramid_pypi.rights import Rights

__all__ = ["CredentialSettings", "Instance", "LoginSettings", "RepositorySettings", "Security", "Settings"]

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
class RepositorySettings:
    """A hosted repository; `max_upload_size` is in bytes."""

    name: str
    kind: str
    storage: Instance
    rights: Rights
    accept: str
    max_upload_size: int
    description: str


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
    `warnings` are sentences about what works and is probably not wanted.
    """

    plugins: tuple[str, ...]
    catalog: str
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
    warnings: tuple[str, ...] = field(default=())
