"""What the plugin does during work, for one application: rules of its own, and counting."""

import threading
from collections import Counter
from collections.abc import Mapping

from pyramid_pypi import hookimpl
from pyramid_pypi.distribution import normalise
from pyramid_pypi.model import File, Identity
from pyramid_pypi.publish.upload import Upload

__all__ = ["Watch"]


class Watch:
    """Refuses uploads of other names than `prefix…`, refuses embargoed downloads, and counts."""

    def __init__(self, *, prefix: str = "", embargo: frozenset[str] = frozenset()) -> None:
        self.prefix = prefix
        self.embargo = embargo
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    @classmethod
    def of_settings(cls, settings: Mapping[str, str]) -> "Watch":
        """Return what `example.prefix` and `example.embargo`, names between white space, say."""
        names = settings.get("example.embargo", "").split()
        return cls(
            prefix=settings.get("example.prefix", "").strip(), embargo=frozenset(map(normalise, names))
        )

    def counts(self) -> dict[str, int]:
        """Return how often each thing happened."""
        with self._lock:
            return dict(self._seen)

    def _count(self, what: str) -> None:
        with self._lock:
            self._seen[what] += 1

    @hookimpl
    def pypi_check_upload(self, upload: Upload) -> str | None:
        if upload.project.startswith(self.prefix):
            return None
        return f"The name {upload.project!r} does not begin with {self.prefix!r}; rename the project"

    @hookimpl
    def pypi_authorize_download(self, file: File, identity: Identity) -> str | None:
        is_uploader = identity.name == file.uploaded_by and not identity.is_anonymous
        if is_uploader or file.project not in self.embargo:
            return None
        return f"{file.filename} is not published yet; ask {file.uploaded_by or 'the operator'}"

    @hookimpl
    def pypi_file_added(self) -> None:
        self._count("added")

    @hookimpl
    def pypi_file_removed(self) -> None:
        self._count("removed")

    @hookimpl
    def pypi_file_yanked(self, file: File) -> None:
        self._count("unyanked" if file.yanked is None else "yanked")

    @hookimpl
    def pypi_file_served(self) -> None:
        self._count("served")

    @hookimpl
    def pypi_upstream_fetched(self) -> None:
        self._count("fetched")

    @hookimpl
    def pypi_login_failed(self) -> None:
        self._count("login failed")
