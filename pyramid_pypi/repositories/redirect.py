"""A repository that has nothing and sends clients to an upstream."""

from collections.abc import Sequence

from pyramid_pypi.errors import FileMissing
from pyramid_pypi.model import Blob, File, ProjectName, Redirect
from pyramid_pypi.upstream import Upstream

__all__ = ["Redirecting"]


class Redirecting:
    """Every project is elsewhere: for those who want no traffic through their host.

    What exists there is not asked, so in a group it is the last member that makes sense.
    """

    outside = True

    def __init__(self, name: str, *, upstream: Upstream) -> None:
        self.name = name
        self.upstream = upstream

    def projects(self) -> Sequence[ProjectName]:
        """Return none, because the upstream is not asked."""
        return ()

    own_projects = projects

    def project(self, name: str) -> Redirect:
        """Return the upstream's page of that name."""
        return Redirect(self.upstream.page_url(name))

    def file(self, filename: str) -> File:
        """Refuse: pages of the upstream link to its own files."""
        raise FileMissing(f"{self.name!r} offers no files itself, not even {filename!r}")

    def open(self, file: File, *, partly: bool = False) -> Blob:  # noqa: ARG002 - there is nothing
        """Refuse."""
        raise FileMissing(f"{self.name!r} offers no files itself, not even {file.filename!r}")

    def metadata(self, file: File) -> bytes:
        """Refuse."""
        raise FileMissing(f"{self.name!r} offers no files itself, not even {file.filename!r}")

    def signature(self, file: File) -> Blob:
        """Refuse."""
        return self.open(file)

    def check(self) -> None:
        """Have nothing that could fail."""

    def close(self) -> None:
        """Let the upstream's connections go."""
        self.upstream.close()
