"""What is looked up when somebody asks: states, sizes, and the threads of the server."""

import platform
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pyramid_pypi.browse.status import parts
from pyramid_pypi.errors import Unavailable
from pyramid_pypi.version import __version__

if TYPE_CHECKING:
    from pyramid_pypi.app import PackageIndex

__all__ = ["Gauges", "ServerThreads"]


class Gauges(Collector):
    """The state of one index. What cannot be told just now is left out."""

    def __init__(self, index: "PackageIndex") -> None:
        self._index = index

    def collect(self) -> Iterator[Metric]:
        """Return the metrics."""
        versions = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("pypi", "Which program this is.", versions)
        up = GaugeMetricFamily("pypi_part_up", "Whether a part of the index works.", labels=("kind", "name"))
        for part in parts(self._index):
            up.add_metric((part.kind, part.name), float(part.ok))
        yield up
        pages = self._index.pages
        yield GaugeMetricFamily("pypi_ready_pages_bytes", "Memory of ready answers.", pages.weight)
        yield CounterMetricFamily("pypi_pages_made", "Answers that were not ready.", pages.made)
        serial = GaugeMetricFamily("pypi_journal_serial", "The number of the newest change.")
        with suppress(Unavailable):
            serial.add_metric((), self._index.catalog.last_serial())
        yield serial
        yield GaugeMetricFamily("pypi_threads", "Threads of the process.", threading.active_count())


class ServerThreads(Collector):
    """The threads of waitress that answer, and the requests that wait for one of them.

    Where another server answers, there are none of these.
    """

    def __init__(self) -> None:
        self._dispatcher: Any = None

    def look(self, environ: Mapping[str, Any]) -> None:
        """Find the server of a request; waitress hands over a method of the connection that it has."""
        connection = getattr(environ.get("waitress.client_disconnected"), "__self__", None)
        self._dispatcher = getattr(getattr(connection, "server", None), "task_dispatcher", None)

    def collect(self) -> Iterator[Metric]:
        """Return the metrics."""
        dispatcher = self._dispatcher
        try:
            total, busy, waiting = len(dispatcher.threads), dispatcher.active_count, len(dispatcher.queue)
        except AttributeError:
            return
        yield GaugeMetricFamily("pypi_server_threads", "Threads that answer requests.", total)
        yield GaugeMetricFamily("pypi_server_threads_busy", "Those that do so now, one for this.", busy)
        yield GaugeMetricFamily("pypi_server_queue_length", "Requests that wait for a thread.", waiting)
