"""What the plugin does during work, for one application: rules of its own, and counting."""

import logging
import threading
from collections import Counter
from dataclasses import dataclass, field

from pyramid_pypi import hookimpl
from pyramid_pypi.distribution import normalise
from pyramid_pypi.model import Answered, File, Identity, Link
from pyramid_pypi.publish.upload import Upload

__all__ = ["Watch"]

_SLOW = 10.0

_log = logging.getLogger(__name__)


class Watch:
    """Refuses uploads of other names than `prefix…`, refuses embargoed downloads, and counts."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """The keys below `pypi.example`."""

        prefix: str = field(default="", metadata={"help": "what names of projects have to begin with"})
        embargo: tuple[str, ...] = field(default=(), metadata={"help": "projects for their uploaders alone"})

    def __init__(self, options: Options) -> None:
        self.options = options
        self.embargo = frozenset(map(normalise, options.embargo))
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def counts(self) -> dict[str, int]:
        """Return how often each thing happened."""
        with self._lock:
            return dict(self._seen)

    def _count(self, what: str) -> None:
        with self._lock:
            self._seen[what] += 1

    @hookimpl
    def pypi_links(self) -> tuple[Link, ...]:
        return (Link("account", "What was seen", "-/example"),)

    @hookimpl
    def pypi_check_upload(self, upload: Upload) -> str | None:
        prefix = self.options.prefix
        if upload.project.startswith(prefix):
            return None
        return f"The name {upload.project!r} does not begin with {prefix!r}; rename the project"

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

    @hookimpl
    def pypi_status_changed(self) -> None:
        self._count("status changed")

    @hookimpl
    def pypi_request_answered(self, request: Answered) -> None:
        if request.seconds > _SLOW:
            _log.warning("Somebody waited %.0f seconds for %s", request.seconds, request.route or "nothing")

    @hookimpl
    def pypi_index_closed(self) -> None:
        _log.info("Until its end there were %s", self.counts())
