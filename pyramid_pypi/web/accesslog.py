"""One line for each request, with what the index knows about it."""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from pyramid_pypi.web.observer import Exchange

__all__ = ["AccessLog"]

log = logging.getLogger("pyramid_pypi.access")


class AccessLog:
    """Writes JSON lines to a logger; see `Sink`.

    `duration_ms` is the time until the answer began, in milliseconds.
    """

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Write a line for each."""
        if not log.isEnabledFor(logging.INFO):
            return
        for one in exchanges:
            try:
                log.info("%s", _format(one))
            except Exception:
                # One line that cannot be written must not end all of them.
                log.exception("A line of the access log is lost")

    def flush(self) -> None:
        """Do nothing: handlers write at once."""


def _format(one: Exchange) -> str:
    repository, project, file = one.seen
    line = {
        "time": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds"),
        "address": one.address,
        "identity": "" if one.identity is None else one.identity.name,
        "token": "" if one.identity is None else one.identity.token,
        "method": one.method,
        "path": one.path,
        "status": one.status,
        "bytes": one.size or 0,
        "duration_ms": round(one.seconds * 1000, 3),
        "repository": repository,
        "project": project,
        "file": file,
        "agent": one.agent,
    }
    return json.dumps(line)
