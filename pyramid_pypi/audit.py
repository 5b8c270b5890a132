"""Who did what from where: one JSON line for each event, to the logger `pyramid_pypi.audit`.

What is written has no secrets: tokens are named by their public numbers.
"""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pyramid_pypi.identities import Identity

__all__ = ["Event", "acting_from", "record"]

Event: TypeAlias = Literal[
    "catalog backed up",
    "catalog restored",
    "file added",
    "file removed",
    "file yanked",
    "file unyanked",
    "logged in",
    "logged out",
    "login failed",
    "publisher added",
    "publisher removed",
    "refused",
    "role granted",
    "role revoked",
    "status changed",
    "token created",
    "token revoked",
    "token used",
]

_log = logging.getLogger("pyramid_pypi.audit")
_address: ContextVar[str] = ContextVar("pyramid_pypi.address", default="")


def acting_from(address: str) -> None:
    """Take `address` for where the events of this thread come from, until it is told another one."""
    _address.set(address)


def record(event: Event, by: Identity | str, **about: str) -> None:
    """Write an event, who caused it, and what it is about."""
    identity = Identity(by) if isinstance(by, str) else by
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": event,
        "identity": identity.name,
        "token": identity.token,
        "address": _address.get(),
        **about,
    }
    _log.info("%s", json.dumps(line))
