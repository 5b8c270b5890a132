"""Observing the requests for our routes in an application that is somebody else's."""

import time
from typing import TYPE_CHECKING

from pyramid.events import BeforeTraversal, NewResponse

from pyramid_pypi.auth.policy import is_ours
from pyramid_pypi.web.observe import note_route
from pyramid_pypi.web.observer import Observer

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["OBSERVER", "observe_ours"]

OBSERVER = "pyramid_pypi.observer"
"""The key of the registry that has the observer."""

_STARTED = "pyramid_pypi.started"


def observe_ours(config: "Configurator", observer: Observer) -> None:
    """Tell `observer` of requests for our routes, from when the route is known."""
    config.registry[OBSERVER] = observer

    def begin(event: BeforeTraversal) -> None:
        if is_ours(event.request):
            note_route(event)
            event.request.environ[_STARTED] = time.perf_counter()

    def end(event: NewResponse) -> None:
        environ, response = event.request.environ, event.response
        started = environ.pop(_STARTED, None)
        if started is not None:
            observer.tell(environ, started, response.status, response.headerlist)

    config.add_subscriber(begin, BeforeTraversal)
    config.add_subscriber(end, NewResponse)
