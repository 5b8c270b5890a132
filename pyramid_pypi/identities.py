"""Who asks, and what they may be allowed; part of `pyramid_pypi.model`, where everybody finds it."""

from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal, TypeAlias

__all__ = [
    "ANONYMOUS",
    "AUTHENTICATED",
    "EVERYONE",
    "OPERATOR",
    "PERMISSIONS",
    "PUBLISHER",
    "Credentials",
    "Identity",
    "Network",
    "Permission",
    "Scope",
]

EVERYONE = "everyone"
AUTHENTICATED = "authenticated"
PUBLISHER = "publisher"
"""The principal of a publisher, whose token is the right to do what its scope says."""

OPERATOR = "operator"
"""The principal of whoever runs commands on the machine of the index, and may do everything there."""

Permission = Literal["read", "upload", "yank", "delete", "manage"]
PERMISSIONS: tuple[Permission, ...] = ("read", "upload", "yank", "delete", "manage")

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client showed: a name, a password and the address that it came from."""

    username: str
    password: str = field(repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is limited to, beyond the rights of its owner.

    `projects` are patterns of normalised names, `expires_at` is in UTC. Empty `repositories`,
    `projects` and `networks` are no limits, and None never expires.
    """

    permissions: frozenset[Permission]
    repositories: frozenset[str] = frozenset()
    projects: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    expires_at: datetime | None = None

    def allows(self, permission: Permission, repository: str, project: str = "") -> bool:
        """Tell whether `permission` is meant for `project`, without one for all of `repository`."""
        if not self.allows_somewhere(permission, repository):
            return False
        return not self.projects or any(fnmatchcase(project, pattern) for pattern in self.projects)

    def allows_somewhere(self, permission: Permission, repository: str) -> bool:
        """Tell whether `permission` is meant for some project of `repository`."""
        return permission in self.permissions and (not self.repositories or repository in self.repositories)

    def admits(self, address: str) -> bool:
        """Tell whether a client at this IP address may use it."""
        if not self.networks:
            return True
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
        return any((mapped or found) in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. `name` is empty for a caller who is not logged in.

    Who came with a token is limited to its `scope`, and `token` is its public number.
    """

    name: str
    principals: frozenset[str] = frozenset({EVERYONE})
    scope: Scope | None = None
    token: str = ""

    @classmethod
    def user(cls, name: str, groups: frozenset[str] | tuple[str, ...] = ()) -> "Identity":
        """Return the identity of a logged-in user and the groups that it belongs to."""
        own = {EVERYONE, AUTHENTICATED, f"user:{name}"}
        return cls(name, frozenset(own | {f"group:{group}" for group in groups}))

    @classmethod
    def operator(cls, name: str) -> "Identity":
        """Return the identity of somebody who runs commands on the machine of the index."""
        return cls(name, frozenset({EVERYONE, AUTHENTICATED, OPERATOR, f"user:{name}"}))

    @property
    def label(self) -> str:
        """Who it is, at the beginning of a sentence."""
        return f"{'This token of' if self.scope else 'The user'} {self.name!r}"

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that it belongs to, sorted."""
        return tuple(
            sorted(one.removeprefix("group:") for one in self.principals if one.startswith("group:"))
        )

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is logged in."""
        return not self.name


ANONYMOUS = Identity("")
