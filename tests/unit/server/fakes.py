"""Bytes whose arrival a test decides."""

import threading

from pyramid_pypi.errors import UpstreamUnavailable


class FakeArriving:
    """An `Arriving` of `content`; `arrive` and `fail` are what the upstream does."""

    def __init__(self, content, *, ready=0):
        self.content = content
        self.failed = False
        self.followers = set()
        self.subscribed = threading.Semaphore(0)
        self.unsubscribed = threading.Semaphore(0)
        self._ready = ready
        self._lock = threading.Lock()

    def ready(self):
        with self._lock:
            if self.failed:
                raise UpstreamUnavailable("the upstream has hung up")
            return self._ready

    def read(self, start, amount):
        assert start + amount <= self._ready
        return self.content[start : start + amount]

    def subscribe(self, tell):
        key = object()
        with self._lock:
            self.followers.add((key, tell))
        self.subscribed.release()

        def end():
            with self._lock:
                self.followers.discard((key, tell))
            self.unsubscribed.release()

        return end

    def arrive(self, amount=None):
        with self._lock:
            self._ready = len(self.content) if amount is None else self._ready + amount
        self._tell_all()

    def fail(self):
        with self._lock:
            self.failed = True
        self._tell_all()

    def _tell_all(self):
        with self._lock:
            followers = list(self.followers)
        for _, tell in followers:
            tell()
