"""One file of an upstream, fetched once and followed by any number of readers while it arrives."""

import copy
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from pyramid_pypi.errors import (
    NotFound,
    PypiError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from pyramid_pypi.model import File
from pyramid_pypi.storage.base import StagedFile
from pyramid_pypi.storage.reading import CHUNK
from pyramid_pypi.upstream._stagedbytes import StagedBytes
from pyramid_pypi.upstream.base import Transfer, Upstream
from pyramid_pypi.upstream.pace import Pace
from pyramid_pypi.upstream.verifying import Verifier, WrongFile

__all__ = ["HELD_BACK", "Download", "Keep"]

log = logging.getLogger(__name__)

HELD_BACK: Final = 64 * 1024
"""How many bytes at the end nobody gets before size and digest are known to be right."""

_ATTEMPTS: Final = 3

Keep: TypeAlias = Callable[[StagedFile, File, datetime | None], bool]
"""Stores a verified file, with the time that the upstream gives it; returns whether it is kept."""


class Download:
    """Fetches `file` into a staged file; keeps the `Arriving` protocol of the model.

    Another thread calls `run`, once. Whoever has a reference can read, even after the bytes have
    been stored, evicted or refused by `keep`: the staged file stays open until the last reference
    is gone. A reader that leaves changes nothing.

    `stopping` is set once the download is cancelled. `superseded` says that it ended without
    bytes because they are in the cache already. `kept` is the file with its true size and
    digests after it was stored, else None. `modified_at` is the time that the upstream gives.
    """

    def __init__(
        self,
        file: File,
        upstream: Upstream,
        stage: Callable[[], StagedFile],
        keep: Keep,
        *,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self.file = file
        self.stopping = threading.Event()
        self.superseded = False
        self.kept: File | None = None
        self.modified_at: datetime | None = None
        self._upstream = upstream
        self._stage = stage
        self._keep = keep
        self._pace = pace
        self._origin = urlsplit(file.url).hostname or "the upstream"
        self._verifier = Verifier(file, origin=self._origin)
        self._changed = threading.Condition()
        self._bytes: StagedBytes | None = None
        self._begun = False
        self._written = 0
        self._done = False
        self._error: PypiError | None = None
        self._listeners: dict[object, Callable[[], None]] = {}

    @property
    def size(self) -> int | None:
        """The size of the whole file in bytes, None as long as nobody has told."""
        return self._written if self._done and self._error is None else self._verifier.size

    @property
    def done(self) -> bool:
        """Whether it is over, well or badly."""
        return self._done

    def wait(self, timeout: float) -> None:
        """Wait until the first byte may be sent, which is after the upstream's headers are known.

        Raises UpstreamTimeout after `timeout` seconds, and what the download failed with.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._done or self._ready() > 0, timeout):
                raise UpstreamTimeout(
                    f"{self.file.filename} has not come from {self._origin} within {timeout:.0f} seconds"
                )
            self._raise_error()

    def wait_until_done(self) -> None:
        """Wait for the end, without a limit. Raises what the download failed with."""
        with self._changed:
            self._changed.wait_for(lambda: self._done)
            self._raise_error()

    def ready(self) -> int:
        """Return how many bytes from the beginning may be sent now."""
        with self._changed:
            self._raise_error()
            return self._ready()

    def read(self, start: int, amount: int) -> bytes:
        """Return at most `amount` bytes from `start`, all of them ready."""
        with self._changed:
            self._raise_error()
            source, amount = self._bytes, min(amount, self._ready() - start)
        return source.read(start, amount) if source is not None and amount > 0 else b""

    def subscribe(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call `tell`, from any thread, whenever `ready` changes; return what ends that."""
        key = object()
        with self._changed:
            if not self._done:
                self._listeners[key] = tell

        def unsubscribe() -> None:
            with self._changed:
                self._listeners.pop(key, None)

        return unsubscribe

    def stream(self, start: int, stop: int | None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to but without `stop`, waiting for those to come.

        Raises what the download failed with, so that the last bytes are never sent.
        """
        at = start
        while stop is None or at < stop:
            self._wait_beyond(at)
            chunk = self.read(at, CHUNK if stop is None else min(CHUNK, stop - at))
            if not chunk:
                return
            at += len(chunk)
            yield chunk

    def cancel(self) -> None:
        """Let all readers fail now, and `run` stop at its next chunk; nothing is stored."""
        self.stopping.set()
        self.fail(UpstreamUnavailable(f"{self.file.filename} is not fetched, as this index is closing"))

    def supersede(self) -> None:
        """End without bytes: they are in the cache, from another process."""
        self.superseded = True
        self._settle()

    def fail(self, error: Exception) -> None:
        """End with `error`, which every reader gets, unless it is over already."""
        if not isinstance(error, PypiError):
            log.error("%s could not be fetched", self.file.filename, exc_info=error)
            error = UpstreamUnavailable(f"{self.file.filename} could not be fetched, as the log explains")
        elif not isinstance(error, NotFound) and not self._done:
            log.warning("%s", error.message)
        self._settle(error)

    def run(self) -> None:
        """Fetch, verify and keep the file. Raises nothing: readers get what went wrong."""
        if self._done:
            return
        try:
            with self._stage() as staged:
                with self._changed:
                    self._bytes = StagedBytes(staged)
                self._fetch(staged)
                self._store(staged)
                self._settle()
        except _Stopped:
            pass
        except Exception as error:  # noqa: BLE001 - readers wait and have to be told
            self.fail(error)

    def _fetch(self, staged: StagedFile) -> None:
        for attempts_left in reversed(range(_ATTEMPTS)):
            try:
                self._transfer(staged)
            except WrongFile:
                raise
            except UpstreamUnavailable as error:
                if self._verifier.complete:
                    return
                # The client of the upstream has tried to connect several times by itself.
                if not attempts_left or not self._begun or error.retry_after:
                    raise
                log.info("%s; resuming %s at %d", error.message, self.file.filename, self._written)
            else:
                return

    def _transfer(self, staged: StagedFile) -> None:
        """Fetch what is missing. Raises UpstreamUnavailable when the upstream breaks off or drips."""
        with self._upstream.download(self.file, self._written) as transfer:
            surplus = self._begin(transfer)
            for received in self._pace.watch(transfer.chunks, f"{self.file.filename} of {self._origin}"):
                if self.stopping.is_set():
                    raise _Stopped
                chunk = received[surplus:]
                surplus -= len(received) - len(chunk)
                if chunk:
                    self._append(staged, chunk)
        if self._verifier.size is not None and not self._verifier.complete:
            raise UpstreamUnavailable(f"{self._origin} has broken off {self.file.filename}")

    def _begin(self, transfer: Transfer) -> int:
        """Compare with what is known; return how many bytes are to be left out, as they are here."""
        surplus = self._written - transfer.start
        if surplus < 0:
            raise WrongFile(
                f"{self._origin} answers with a part of {self.file.filename} that was not asked for"
            )
        if None not in {self.modified_at, transfer.modified_at} and transfer.modified_at != self.modified_at:
            raise WrongFile(f"{self._origin} has changed {self.file.filename} while it was fetched")
        with self._changed:
            self._verifier.announce(transfer.size)
            self.modified_at = transfer.modified_at or self.modified_at
            self._begun = True
        return surplus

    def _append(self, staged: StagedFile, chunk: bytes) -> None:
        self._verifier.update(chunk)
        staged.write(chunk)
        staged.finish(durable=False)
        with self._changed:
            before = self._ready()
            self._written += len(chunk)
            if self._ready() == before:
                return
            self._changed.notify_all()
            listeners = tuple(self._listeners.values())
        self._tell(listeners)

    def _store(self, staged: StagedFile) -> None:
        if self.stopping.is_set():
            raise _Stopped
        file = self._verifier.finish()
        try:
            kept = self._keep(staged, file, self.modified_at)
        except PypiError as error:
            # The bytes are right: readers get them, and the next one fetches them again.
            log.warning("%s is not kept: %s", file.filename, error.message)
        else:
            self.kept = file if kept else None

    def _settle(self, error: PypiError | None = None) -> None:
        with self._changed:
            if self._done:
                return
            if error is not None:
                # A copy has no traceback, whose frames would keep the descriptor open.
                self._error = copy.copy(error)
                self._bytes = None
            self._done = True
            self._changed.notify_all()
            listeners = tuple(self._listeners.values())
            self._listeners.clear()
        self._tell(listeners)

    def _tell(self, listeners: tuple[Callable[[], None], ...]) -> None:
        for tell in listeners:
            try:
                tell()
            except Exception:
                log.exception("A reader of %s could not be told", self.file.filename)

    def _ready(self) -> int:
        if self._done:
            return self._written
        size = self._verifier.size
        return max(0, self._written - HELD_BACK if size is None else min(self._written, size - HELD_BACK))

    def _wait_beyond(self, position: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._done or self._ready() > position)

    def _raise_error(self) -> None:
        if self._error is not None:
            # Several threads raise it, and each adds its own traceback.
            raise copy.copy(self._error)


class _Stopped(Exception):
    """The download was cancelled."""
