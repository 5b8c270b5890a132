"""How an upstream is doing, and leaving it alone for a while when it does not answer."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyramid_pypi.errors import UpstreamDown, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import File
from pyramid_pypi.upstream.base import NameList, Transfer, Upstream, UpstreamPage, Validator

__all__ = ["Guarded", "Health"]

_IN_A_ROW = 3
# Clients that try again for some seconds outlast it.
_REST = 5.0
_LONGEST_REST = 60.0


class Health:
    """Whether an upstream may be asked.

    After three times in a row in which it was down or slow, or when it says so itself, nobody asks
    for a while, and its failure is told at once. That it answers wrongly does not count:
    the next thing may be right.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0
        self._last: UpstreamUnavailable | None = None

    @property
    def rests_for(self) -> float:
        """For how many seconds nobody asks, 0 when everybody may."""
        return max(0.0, self._rests_until - self._clock())

    @property
    def failure(self) -> UpstreamUnavailable | None:
        """How the last question failed that did, None as soon as another one has worked."""
        return self._last

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask within this. Raises a failure of the last one's class while nobody may."""
        last = self._last
        if last is not None and self.rests_for:
            seconds = math.ceil(self.rests_for)
            # What it said was about something else, which is nobody's business here.
            message = f"The upstream does not answer just now and is left alone for {seconds} seconds"
            raise type(last)(message, retry_after=seconds)
        try:
            yield
        except UpstreamUnavailable as error:
            if error.retry_after or isinstance(error, UpstreamDown | UpstreamTimeout):
                self._failed(error)
            raise
        except LookupError:
            # "There is none" is an answer.
            self._worked()
            raise
        else:
            self._worked()

    def _worked(self) -> None:
        with self._lock:
            self._failures, self._last, self._rests_until = 0, None, 0.0

    def _failed(self, error: UpstreamUnavailable) -> None:
        with self._lock:
            self._failures += 1
            self._last = error
            if error.retry_after:
                self._rests_until = self._clock() + min(error.retry_after, _LONGEST_REST)
            elif self._failures >= _IN_A_ROW:
                self._rests_until = self._clock() + _REST


class Guarded:
    """An upstream that is left alone while it does not answer; pages and files count apart."""

    def __init__(self, upstream: Upstream, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._upstream = upstream
        self._pages = Health(clock=clock)
        self._files = Health(clock=clock)
        self.page_url = upstream.page_url
        self.file_url = upstream.file_url
        self.close = upstream.close

    @property
    def failing(self) -> Health | None:
        """What tells of the failure when pages, or files, could not be had just now."""
        return next((one for one in (self._pages, self._files) if one.failure), None)

    def project(self, name: str, validator: Validator | None = None) -> UpstreamPage | None:
        """Return what the upstream says."""
        with self._pages.asking():
            return self._upstream.project(name, validator)

    def projects(self, validator: Validator | None = None) -> NameList | None:
        """Return what the upstream says."""
        with self._pages.asking():
            return self._upstream.projects(validator)

    def metadata(self, file: File) -> bytes:
        """Return what the upstream says."""
        with self._files.asking():
            return self._upstream.metadata(file)

    def download(self, file: File, start: int = 0, stop: int | None = None) -> Transfer:
        """Begin what the upstream sends."""
        with self._files.asking():
            return self._upstream.download(file, start, stop)
