"""Delivering the letters of one webhook, in a thread of its own."""

import logging
import random
import secrets
import threading
from collections.abc import Callable

from pyramid_pypi.errors import CatalogUnavailable
from pyramid_pypi_webhooks.queue import Letter, Queue
from pyramid_pypi_webhooks.sending import Outcome, Send, send
from pyramid_pypi_webhooks.settings import Webhook

__all__ = ["Courier"]

# How often, in seconds, it looks for letters of other processes, and for those that are due again.
_LOOK = 2.0
_LOOK_WITHOUT_CATALOG = 30.0
_AT_ONCE = 20
_FACTOR = 4.0
# A receiver that does not work is tried with its next letter after this at most, in seconds.
_LONGEST_REST = 60.0
_LEASE_MORE = 20.0

_log = logging.getLogger("pyramid_pypi.webhooks")


class Courier:
    """Delivers to one webhook; of all couriers of a webhook, in whatever process, one is at work.

    Whoever is has a lease, which ends by itself a while after its process has died.
    """

    def __init__(
        self,
        webhook: Webhook,
        queue: Queue,
        *,
        send: Send = send,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.webhook = webhook
        self._queue = queue
        self._send = send
        self._jitter = jitter
        self._holder = secrets.token_hex(8)
        self._closed = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, once."""
        if self._thread is None:
            name = f"pypi-webhook-{self.webhook.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Tell that there is a new letter."""
        self._wake.set()

    def stop(self) -> None:
        """Have the thread end after the letter that is on its way."""
        self._closed.set()
        self._wake.set()

    def join(self) -> None:
        """Wait for the end of the thread, for no longer than a letter may take."""
        if self._thread is not None:
            self._thread.join(self._lease)
            self._thread = None

    def work(self) -> None:
        """Deliver what is due, until nothing is or the receiver does not work.

        Raises CatalogUnavailable.
        """
        name, seconds = self.webhook.name, self._lease
        if not self._queue.due(name, limit=1) or not self._queue.lease(name, self._holder, seconds):
            return
        rest = 0.0
        while not rest and (letters := self._queue.due(name, limit=_AT_ONCE)):
            for letter in letters:
                if self._closed.is_set():
                    break
                if not self._queue.renew(name, self._holder, seconds):
                    # This process was asleep for longer than its lease, and another one is at work.
                    return
                rest = self._deliver(letter)
                if rest:
                    break
            if self._closed.is_set():
                break
        self._queue.release(name, rest)

    @property
    def _lease(self) -> float:
        # The timeout counts for the connection and for the answer, each by itself.
        return 2 * self.webhook.options.timeout + _LEASE_MORE

    def _deliver(self, letter: Letter) -> float:
        """Try one letter; return for how many seconds the receiver is left alone."""
        outcome = self._send(self.webhook, letter, self._queue.notes.clock())
        if outcome.is_success:
            self._queue.done(letter)
            return 0.0
        tried, most = letter.attempts + 1, self.webhook.options.attempts
        what = f"The webhook {self.webhook.name!r} did not take {letter.id} ({letter.event.name})"
        seconds = self._pause(tried, outcome)
        if outcome.is_gone or tried >= most:
            self._queue.bury(letter, outcome.said)
            _log.error("%s: %s; given up after %s attempts", what, outcome.said, tried)
        else:
            self._queue.postpone(letter, seconds, outcome.said)
            _log.warning(
                "%s: %s; attempt %s of %s, the next in %.0f seconds", what, outcome.said, tried, most, seconds
            )
        if not outcome.is_down:
            return 0.0
        return outcome.retry_after or min(seconds, _LONGEST_REST)

    def _pause(self, tried: int, outcome: Outcome) -> float:
        """Return how many seconds to wait: each time four times as long, less up to a half by chance."""
        options = self.webhook.options
        longest: float = min(options.first_retry * _FACTOR ** min(tried - 1, 20), options.longest_retry)
        return max(longest * (1 - self._jitter() / 2), outcome.retry_after)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.clear()
            look = _LOOK
            try:
                self.work()
            except CatalogUnavailable as error:
                _log.warning("The webhook %r waits for the catalog: %s", self.webhook.name, error.message)
                look = _LOOK_WITHOUT_CATALOG
            except Exception:  # noqa: BLE001 - whatever it is, later letters may still be delivered
                _log.exception("The webhook %r failed", self.webhook.name)
                look = _LOOK_WITHOUT_CATALOG
            if not self._closed.is_set():
                self._wake.wait(look)
