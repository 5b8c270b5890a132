"""Stories and what they begin with."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.clients.toolbox import Toolbox
from tests.clients.wheelhouse import wheelhouse
from tests.docs.story import Story

Teller = Callable[..., Story]

_OWN = ("pserve", "pyramid-pypi")


@pytest.fixture(scope="session")
def toolbox() -> Toolbox:
    """The clients."""
    return Toolbox()


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        found = listener.getsockname()[1]
    return found


@pytest.fixture
def public(toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeUpstream]:
    """The stand-in for PyPI of every server that is started in this test; it has `six`."""
    with FakeUpstream() as upstream:
        for path in wheelhouse(toolbox):
            if path.name.startswith("six-"):
                upstream.add_path(path.name, path)
        monkeypatch.setenv("PYPI_REPO_PYPI_UPSTREAM_URL", upstream.url)
        monkeypatch.setenv("PYPI_REPO_PYPI_UPSTREAM_PROXY", "none")
        yield upstream


@pytest.fixture
def tell(tmp_path: Path, toolbox: Toolbox) -> Teller:
    """Return a function that makes a story with the clients that it names."""

    def make(port: int, *clients: str, **replacements: str) -> Story:
        story = Story(tmp_path, port, replacements)
        own = [Path(sys.executable).parent / name for name in _OWN]
        story.install([*own, *(toolbox.program(name) for name in clients)])
        return story

    return make
