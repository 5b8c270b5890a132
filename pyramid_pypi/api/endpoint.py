"""An endpoint of the API, as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["BASE", "Endpoint", "Option", "limit_of"]

BASE: Final = "/-/api/v1/"
"""Where the paths of endpoints begin, below the root of the index."""

_ALWAYS = (400, 401, 403, 404, 405, 429, 503)


@dataclass(frozen=True, slots=True)
class Option:
    """An option in the query of the URL; `schema` is what JSON Schema says about its value."""

    name: str
    about: str
    schema: Mapping[str, object] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method of a path below `BASE`, whose parameters are in braces.

    `takes` names a class of `bodies`, `gives` is what the view returns and `status` that of a
    success. An endpoint that `asks_upstreams` also answers as those do. With `is_for_accounts` it is
    about what this index keeps of users, and is not there where a host application knows them.
    """

    method: str
    path: str
    name: str
    view: Callable[..., Any]
    gives: Any
    takes: str = ""
    options: tuple[Option, ...] = ()
    status: int = 200
    asks_upstreams: bool = False
    is_for_accounts: bool = False

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (self.view.__doc__ or "").partition(".")[0].partition("\n")[0]

    @property
    def problems(self) -> tuple[int, ...]:
        """The statuses of what can go wrong."""
        found = {*_ALWAYS}
        found |= {413} if self.takes else set()
        found |= {502, 504, 507} if self.asks_upstreams else set()
        return tuple(sorted(found))


def limit_of(default: int) -> Option:
    """Return the option that limits a list."""
    schema = {"type": "integer", "minimum": 1, "maximum": 500, "default": default}
    return Option("limit", "how many items at most", schema)
