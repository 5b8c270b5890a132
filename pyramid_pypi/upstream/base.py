"""The contract of upstreams, and what they answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from pyramid_pypi.model import File, ProjectName, ProjectStatus

__all__ = ["NameList", "Transfer", "Upstream", "UpstreamPage", "Validator"]


@dataclass(frozen=True, slots=True)
class Validator:
    """What a later request says it has already (RFC 9110 §8.8), as header values; empty: unknown."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamPage:
    """What an upstream says about one project.

    `name` is normalised. Each file has a `url`; its `key` is empty, and its `place` is where this
    index is to offer it (see `pyramid_pypi.upstream.places`). Files whose names nobody can read
    are left out.
    """

    name: str
    files: tuple[File, ...]
    validator: Validator = Validator()
    status: ProjectStatus = "active"
    status_reason: str = ""
    serial: int = 0


@dataclass(frozen=True, slots=True)
class NameList:
    """The projects of an upstream, in any order, read while they arrive.

    Iterating raises UpstreamUnavailable when the list breaks off.
    """

    names: Iterator[ProjectName] = field(repr=False)
    validator: Validator = Validator()


@dataclass(slots=True)
class Transfer:
    """Bytes of a file that are arriving; a context manager that lets the connection go.

    `chunks` begins with byte `start` of the file, which is 0 when the upstream does not do ranges.
    `size` is that of the whole file, None when the upstream does not tell. When the bytes break
    off before their announced end, `chunks` raises UpstreamUnavailable.
    """

    chunks: Iterator[bytes] = field(repr=False)
    size: int | None
    start: int = 0
    modified_at: datetime | None = None
    close: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@runtime_checkable
class Upstream(Protocol):
    """An index elsewhere, asked on behalf of one proxy repository. Names arrive normalised.

    Every method may raise UpstreamUnavailable (502) and UpstreamTimeout (504), with a sentence
    that names the upstream, shows no credentials, and says what was wrong. No method ever makes a
    request to a host that the settings do not allow, whatever a page or a redirect says, nor
    passes on anything that a client of ours has sent. An implementation is used by many threads.
    """

    def project(self, name: str, validator: Validator | None = None) -> UpstreamPage | None:
        """Return the project, None when nothing has changed since `validator` was given.

        Raises ProjectNotFound only when the upstream has said that there is no such project.
        """
        ...

    def projects(self, validator: Validator | None = None) -> NameList | None:
        """Return the projects, None when nothing has changed since `validator` was given."""
        ...

    def metadata(self, file: File) -> bytes:
        """Return the core metadata that the upstream offers beside `file` (PEP 658), unchecked.

        Raises FileMissing when it is not there.
        """
        ...

    def download(self, file: File, start: int = 0, stop: int | None = None) -> Transfer:
        """Begin to fetch the bytes from `start` up to but without `stop`, or to the end.

        A negative `start` counts from the end of the file. An upstream without ranges sends the
        whole file, and the answer says so. Raises FileMissing when the upstream has no such file.
        """
        ...

    def page_url(self, name: str) -> str:
        """Return where a person or an installer finds the project, without credentials."""
        ...

    def file_url(self, file: File) -> str:
        """Return where an installer gets the bytes itself, without credentials.

        Raises UpstreamUnavailable for a place that the settings do not allow.
        """
        ...

    def close(self) -> None:
        """Let all connections go."""
        ...
