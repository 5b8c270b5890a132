"""Where bytes are; part of `pyramid_pypi.model`, where everybody finds it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

__all__ = ["Arriving", "Blob", "LocalFile", "Redirect", "StoredBlob", "Stream"]


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob in a listing of a storage: key, size in bytes, time of the last change (UTC).

    `placed_at` is when the bytes were put under this key, which copying tools do not preserve. `tag`
    is the storage's own, for its `open_listed` if it has one.
    """

    key: str
    size: int
    modified_at: datetime
    placed_at: datetime
    tag: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """Bytes in a file of this machine; `handoff` names it to a web server in front, if any.

    `handoff` is a response header and its value, such as `("X-Accel-Redirect", "/files/x.whl")`.
    """

    path: Path
    size: int
    modified_at: datetime
    handoff: tuple[str, str] | None = None


class Arriving(Protocol):
    """Bytes that are still on their way to a local file, for servers that can wait without a thread."""

    def ready(self) -> int:
        """Return how many bytes from the beginning may be sent now. Raises PypiError when it failed."""
        ...

    def read(self, start: int, amount: int) -> bytes:
        """Return at most `amount` bytes from `start`, all of them ready."""
        ...

    def subscribe(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call `tell`, from any thread, whenever `ready` changes; return what ends that."""
        ...


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes that arrive in chunks; `open(start, stop)` yields those of one range.

    `size` is None, as rarely as an upstream does not tell it, and `stop` then too.
    """

    size: int | None
    modified_at: datetime | None
    open: Callable[[int, int | None], Iterator[bytes]]
    arriving: Arriving | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Bytes that the client fetches elsewhere; `stream` gives them to those who read them here."""

    url: str
    stream: Stream | None = None


Blob: TypeAlias = LocalFile | Stream | Redirect
