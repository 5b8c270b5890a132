"""`/-/metrics`: who may look, and in which of its formats Prometheus gets the numbers."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from pyramid.security import NO_PERMISSION_REQUIRED

from pyramid_pypi.auth.basic import TOKEN_PREFIX
from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.errors import Forbidden, Unauthorized
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.failures import method_not_allowed
from pyramid_pypi_metrics.gauges import Gauges, ServerThreads
from pyramid_pypi_metrics.meters import Meters
from pyramid_pypi_metrics.settings import Metrics

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

    from pyramid_pypi.app import PackageIndex

__all__ = ["configure"]

_ROUTE = "pypi.metrics"
_LONGEST_ACCEPT = 1000


def configure(config: "Configurator", index: "PackageIndex") -> None:
    """Begin to count, and add the page."""
    options = index.settings.section(Metrics.Options)
    registry = CollectorRegistry()
    threads = ServerThreads()
    for collector in (Gauges(index), threads):
        registry.register(collector)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    index.plugins.register("metrics meters", Meters(registry, projects=options.projects))
    page = _Page(options, _Lean(registry), threads)
    config.add_route(_ROUTE, "/-/metrics", factory=Operation.of)
    for view, allowed in ((page.show, {"request_method": ("GET", "HEAD")}), (method_not_allowed, {})):
        config.add_view(
            view, route_name=_ROUTE, permission=NO_PERMISSION_REQUIRED, require_csrf=False, **allowed
        )


class _Lean(Collector):
    """All metrics without the times at which each began, which would be as many again."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Return the metrics."""
        for metric in self._registry.collect():
            metric.samples = [one for one in metric.samples if not one.name.endswith("_created")]
            yield metric


@dataclass(frozen=True, slots=True)
class _Page:
    """The view, with what it shows."""

    options: Metrics.Options
    metrics: Collector
    threads: ServerThreads

    def show(self, context: Operation, request: "Request") -> Answer:
        """Show the numbers. Raises Unauthorized, Forbidden."""
        self._require(context, request)
        self.threads.look(request.environ)
        accept = request.environ.get("HTTP_ACCEPT", "")[:_LONGEST_ACCEPT]
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):
            # The version that it asks for is none.
            encode, content_type = choose_encoder("")
        headers = [("Content-Type", content_type), ("Cache-Control", "no-store"), ("Vary", "Accept")]
        body = encode(self.metrics)
        headers.append(("Content-Length", str(len(body))))
        return Answer(status="200 OK", headerlist=headers, app_iter=[body])

    def _require(self, context: Operation, request: "Request") -> None:
        if self.options.public:
            return
        scheme, _, given = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if self.options.token is not None and scheme.lower() == "bearer":
            expected = self.options.token.reveal().encode()
            if hmac.compare_digest(given.strip().encode("latin-1", "replace"), expected):
                return
            if not given.startswith(TOKEN_PREFIX):
                raise Unauthorized("The token for the metrics is wrong")
        if request.has_permission("manage", context):
            return
        if identity_of(request).is_anonymous:
            raise Unauthorized("Log in to see the metrics")
        raise Forbidden("The metrics are for those who have `manage` on a repository")
