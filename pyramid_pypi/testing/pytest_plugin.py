"""Fixtures for authors of plugins, active wherever this library is installed.

===============  ===================================================================================
`pypi_wheel`     makes a wheel: `pypi_wheel("holy-grail", "1.0")`
`pypi_index`     composes an index in `tmp_path`: `pypi_index(plugins=["ldap"], settings={…})`
`pypi_publish`   uploads a file to such an index: `pypi_publish(index, pypi_wheel("a", "1"))`
`pypi_upstream`  another index, on loopback, that does what a test tells it
===============  ===================================================================================

The application is imported by the first fixture that needs it, so that other test runs pay nothing.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from pyramid_pypi.testing.clients import NamedFile
    from pyramid_pypi.testing.upstreams import FakeUpstream

__all__ = ["ComposeIndex", "pypi_index", "pypi_publish", "pypi_upstream", "pypi_wheel"]

pytest.register_assert_rewrite(
    "pyramid_pypi.testing._repository_contract",
    "pyramid_pypi.testing._repository_harness",
    "pyramid_pypi.testing._storage_harness",
    "pyramid_pypi.testing._storage_outages",
    "pyramid_pypi.testing._storage_records",
    "pyramid_pypi.testing._storage_writing",
    "pyramid_pypi.testing._writable_contract",
    "pyramid_pypi.testing.authenticators",
    "pyramid_pypi.testing.clients",
    "pyramid_pypi.testing.rules",
    "pyramid_pypi.testing.storages",
    "pyramid_pypi.testing.upstream_contract",
)


class ComposeIndex(Protocol):
    """What the fixture `pypi_index` is."""

    def __call__(
        self, *, plugins: Sequence[object] = (), settings: Mapping[str, str | None] | None = None
    ) -> Any:
        """Return a `webtest.TestApp`; its `app.index` is the index.

        `plugins` are names as in `pypi.plugins`, or plugins themselves. `settings` are keys of the
        ini over those of `pyramid_pypi.testing.clients.open_settings`; None takes a key away.
        """
        ...


@pytest.fixture
def pypi_wheel() -> "Callable[..., NamedFile]":
    """Return a function of a name, a version and the options of `make_wheel` that makes a wheel."""
    from pyramid_pypi.testing.clients import wheel  # noqa: PLC0415 - see above

    return wheel


@pytest.fixture
def pypi_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ComposeIndex]:
    """Return a function that composes an index; what it composed is closed after the test."""
    from pyramid_pypi.testing.clients import compose_client  # noqa: PLC0415 - see above

    clients: list[Any] = []

    def compose(*, plugins: Sequence[object] = (), settings: Mapping[str, str | None] | None = None) -> Any:
        folder = tmp_path / f"index-{len(clients)}"
        names = [_listed(plugin, monkeypatch) for plugin in plugins]
        stated = {"pypi.plugins": " ".join(names), **(settings or {})}
        clients.append(compose_client(folder, stated))
        return clients[-1]

    yield compose
    for client in clients:
        client.app.close()


@pytest.fixture
def pypi_publish() -> Callable[..., Any]:
    """Return a function that uploads a file as upload tools do."""
    from pyramid_pypi.testing.clients import publish  # noqa: PLC0415 - see above

    return publish


@pytest.fixture
def pypi_upstream() -> "Iterator[FakeUpstream]":
    """Yield a `FakeUpstream` that answers until the test is over."""
    from pyramid_pypi.testing.upstreams import FakeUpstream  # noqa: PLC0415 - see above

    with FakeUpstream() as upstream:
        yield upstream


def _listed(plugin: object, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a plugin; one that is an object becomes importable during the test."""
    if isinstance(plugin, str):
        return plugin
    name = f"pypi_plugin_{id(plugin):x}"
    monkeypatch.setitem(sys.modules, name, plugin)
    return name
