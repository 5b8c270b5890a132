"""waitress, fitted to an index: the server behind `use = egg:pyramid_pypi#server`.

It takes the settings of `egg:waitress#main` and differs in this: an answer without a body leaves
the connection open, clients that wait for an upstream's bytes take no thread (see `ARRIVING_WRAPPER`),
files are sent in turns so that pages stay fast, a request whose length can be read in two ways is
refused, and the log does not fill with `Task queue depth`. Nothing in the application needs this server.
"""

import logging
import signal
from functools import partial
from typing import Any

import waitress
from waitress.server import BaseWSGIServer

from pyramid_pypi.server.alarm import Alarm
from pyramid_pypi.server.arriving import ArrivingBody
from pyramid_pypi.server.channel import Channel
from pyramid_pypi.web.slices import ARRIVING_WRAPPER

__all__ = ["ARRIVING_WRAPPER", "ArrivingBody", "create_server", "serve"]

_DEFAULTS = {"threads": 24, "connection_limit": 1000, "asyncore_use_poll": True}
_SEND_BYTES = 65536

_queue_log = logging.getLogger("waitress.queue")


def create_server(application: Any, **settings: Any) -> Any:
    """Return a listening server; `run` serves until the process is told to stop.

    `settings` are those of waitress. Raises ValueError for one that waitress does not know.
    """
    if _queue_log.level == logging.NOTSET:
        # It tells of every request that waits for a thread, which clients with many connections make.
        _queue_log.setLevel(logging.ERROR)
    listening: dict[int, Any] = {}
    server = waitress.create_server(application, listening, **{**_DEFAULTS, **settings})
    if "send_bytes" not in settings:
        # As an argument it would make waitress warn, which is for those who write it themselves.
        server.adj.send_bytes = _SEND_BYTES
    for one in list(listening.values()):
        if isinstance(one, BaseWSGIServer):
            # waitress chooses the class of its servers itself, but asks each for its channels.
            one.channel_class = partial(Channel, alarm=Alarm(one.trigger))
    return server


def serve(application: Any, global_conf: object = None, **settings: Any) -> int:
    """Serve until the process is told to stop; the entry point for `pserve`.

    SIGTERM lets requests that are being worked on come to their end, for five seconds, and what is
    written now and then be written.
    """
    del global_conf
    signal.signal(signal.SIGTERM, _stop)
    server = create_server(application, **settings)
    server.print_listen("Serving on http://{}:{}")
    server.run()
    return 0


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit
