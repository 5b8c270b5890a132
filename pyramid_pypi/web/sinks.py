"""Who learns of requests: the access log, the counter of downloads, and plugins."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.browse.downloads import DownloadCounter
from pyramid_pypi.catalog.downloads import Downloaded
from pyramid_pypi.model import Answered
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.web.accesslog import AccessLog
from pyramid_pypi.web.observe import ORIGIN
from pyramid_pypi.web.observer import Exchange, Sink

__all__ = ["DownloadSink", "HookSink", "counters_of", "logs_of"]

_HOOK = "pypi_request_answered"
_DAY = 24 * 3600
_SIDECARS = (".metadata", ".asc")
# The second one sends the client to where the bytes are, such as a bucket.
_SENT = {HTTPStatus.OK, HTTPStatus.FOUND}


def logs_of(index: PackageIndex) -> list[Sink]:
    """Return what writes the access log."""
    return [AccessLog()] if index.settings.access_log else []


def counters_of(index: PackageIndex) -> list[Sink]:
    """Return who counts what is asked for: downloads, and plugins."""
    sinks: list[Sink] = []
    if index.settings.downloads:
        sinks.append(DownloadSink(DownloadCounter(index.catalog)))
    if index.plugins.has(_HOOK):
        sinks.append(HookSink(index.plugins))
    return sinks


class DownloadSink:
    """Counts the answers that are a whole file, or the way to it."""

    def __init__(self, counter: DownloadCounter) -> None:
        self._counter = counter

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Count them in memory."""
        self._counter.count(_downloaded(exchanges))

    def flush(self) -> None:
        """Write the counts."""
        self._counter.flush()


class HookSink:
    """Tells plugins of every request."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Tell them."""
        for one in exchanges:
            self._plugins.notify(_HOOK, request=_answered(one))

    def flush(self) -> None:
        """Do nothing: they have been told."""


def _downloaded(exchanges: Sequence[Exchange]) -> Iterator[Downloaded]:
    for one in exchanges:
        asked, project, file = one.seen
        if not (file and project) or one.method != "GET" or one.status not in _SENT:
            continue
        if one.route == "file" and not file.endswith(_SIDECARS):
            origin = dict(one.headers).get(ORIGIN, asked)
            yield Downloaded(origin, project, file, int(one.at) // _DAY)


def _answered(one: Exchange) -> Answered:
    repository, project, file = one.seen
    return Answered(
        at=datetime.fromtimestamp(one.at, UTC) - timedelta(seconds=one.seconds),
        seconds=one.seconds,
        method=one.method,
        route=one.route,
        status=one.status,
        size=one.size,
        repository=repository,
        project=project,
        file=file,
        identity=one.identity,
    )
