"""Processes for tests, which talk to their parent through a pipe."""

import multiprocessing

import pytest

_CONTEXT = multiprocessing.get_context("spawn")


class Child:
    """A process that runs `target(folder, pipe)`."""

    def __init__(self, target, folder):
        self._pipe, self._theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=target, args=(folder, self._theirs), daemon=True)

    def start(self):
        self.process.start()
        self._theirs.close()

    def next(self):
        """Return what it sends, None once it has ended."""
        assert self._pipe.poll(30)
        try:
            return self._pipe.recv()
        except EOFError:
            return None

    def tell(self, text):
        self._pipe.send(text)

    def end(self):
        if self.process.pid is not None:
            self.process.kill()
            self.process.join(30)
        self._pipe.close()
        self._theirs.close()


@pytest.fixture
def processes():
    """Return a function that makes a process, which ends with the test."""
    made = []

    def make(target, folder):
        made.append(Child(target, folder))
        return made[-1]

    yield make
    for one in made:
        one.end()
