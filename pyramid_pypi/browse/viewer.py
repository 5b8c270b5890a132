"""Who looks at which repository."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyramid_pypi.errors import ProjectNotFound
from pyramid_pypi.model import Identity
from pyramid_pypi.served import Served

if TYPE_CHECKING:
    from pyramid_pypi.app import PackageIndex

__all__ = ["Viewer", "sees_people"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at a repository of an index."""

    index: "PackageIndex"
    served: Served
    identity: Identity

    @property
    def sees_people(self) -> bool:
        """Whether names of people may be shown: not to strangers where there are users."""
        return sees_people(self.index, self.identity)

    def require(self, name: str) -> None:
        """Raise ProjectNotFound when the project may not be read, as if there were none."""
        if not self.served.permits(self.identity, "read", name):
            raise ProjectNotFound(f"{self.served.name!r} has no project {name!r}")


def sees_people(index: "PackageIndex", identity: Identity) -> bool:
    """Tell whether somebody may see who did what: not strangers, where there are users."""
    settings = index.settings
    # A host that decides itself knows its users itself.
    has_users = settings.knows_passwords or settings.remote_users or settings.security == "host"
    return not (identity.is_anonymous and has_users)
