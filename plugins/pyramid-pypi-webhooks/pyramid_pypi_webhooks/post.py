"""What one index tells: hooks become letters, and a server delivers them."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyramid_pypi import hookimpl
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.model import File, Identity
from pyramid_pypi_webhooks.courier import Courier
from pyramid_pypi_webhooks.events import Event, EventName, about_file
from pyramid_pypi_webhooks.queue import MOST, OWNER, Queue
from pyramid_pypi_webhooks.settings import Webhook

if TYPE_CHECKING:
    from pyramid_pypi.app import PackageIndex

__all__ = ["Post"]

_LONGEST_NAME = 200

_log = logging.getLogger("pyramid_pypi.webhooks")


class Post:
    """Keeps letters in whatever process something happens; threads are where an application is."""

    def __init__(self, index: "PackageIndex", webhooks: Sequence[Webhook]) -> None:
        self._base_url = index.settings.base_url
        self._queue = Queue(Notes(index.catalog, OWNER))
        self._couriers = [Courier(one, self._queue) for one in webhooks]

    @hookimpl
    def pypi_configure(self, config: Any) -> None:
        from pyramid.events import ApplicationCreated  # noqa: PLC0415 - commands need no Pyramid

        def start(_event: object) -> None:
            for courier in self._couriers:
                courier.start()

        config.add_subscriber(start, ApplicationCreated)

    @hookimpl
    def pypi_index_closed(self) -> None:
        # All of them end at the same time.
        for courier in self._couriers:
            courier.stop()
        for courier in self._couriers:
            courier.join()

    @hookimpl
    def pypi_file_added(self, file: File, repository: str, identity: Identity) -> None:
        self._tell("file-added", {**about_file(file, repository), "by": identity.name})

    @hookimpl
    def pypi_file_removed(self, file: File, repository: str, identity: Identity) -> None:
        self._tell("file-removed", {**about_file(file, repository), "by": identity.name})

    @hookimpl
    def pypi_file_yanked(self, file: File, repository: str, identity: Identity) -> None:
        about = {**about_file(file, repository), "by": identity.name}
        if file.yanked is None:
            self._tell("file-unyanked", about)
        else:
            self._tell("file-yanked", {**about, "reason": file.yanked})

    @hookimpl
    def pypi_status_changed(
        self, project: str, repository: str, status: str, reason: str, identity: Identity
    ) -> None:
        about = {"repository": repository, "project": project, "status": status, "reason": reason}
        self._tell("status-changed", {**about, "by": identity.name})

    @hookimpl
    def pypi_upstream_fetched(self, file: File, repository: str) -> None:
        self._tell("upstream-fetched", about_file(file, repository))

    @hookimpl
    def pypi_login_failed(self, username: str, address: str, reason: str) -> None:
        # A stranger has chosen it, and how long it is.
        name = username[:_LONGEST_NAME]
        self._tell("login-failed", {"username": name, "address": address, "reason": reason})

    def _tell(self, name: EventName, data: dict[str, str | int | None]) -> None:
        """Keep a letter for each webhook that wants it. Raises CatalogUnavailable."""
        if self._base_url and "project" in data:
            data["url"] = f"{self._base_url}/{data['repository']}/project/{data['project']}/"
        event = Event(name, self._queue.notes.clock(), data)
        for courier in self._couriers:
            webhook = courier.webhook
            if not webhook.wants(event):
                continue
            if self._queue.is_full(webhook.name):
                _log.error(
                    "The webhook %r is not told of %s: %s letters wait already", webhook.name, name, MOST
                )
                continue
            self._queue.add(webhook.name, event)
            courier.wake()
