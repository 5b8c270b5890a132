"""A plugin with kinds that open nothing, and the smallest settings that work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from pyramid_pypi.hookspecs import hookimpl
from pyramid_pypi.options import Principals, Seconds, Secret, Size
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import Problem, Settings, UnusableSettings, load

MINIMAL = {
    "pypi.catalog": "sqlite:////srv/catalog.db",
    "pypi.repositories": "private",
    "pypi.repo.private": "hosted",
    "pypi.repo.private.storage": "folder",
    "pypi.repo.private.storage.path": "/srv/packages",
}


class Folder:
    """A storage with one required option."""

    @dataclass(frozen=True, slots=True)
    class Options:
        path: Path
        layout: Literal["project", "flat"] = "project"

    def __init__(self, options: Options) -> None:
        self.options = options


class Bucket:
    """A storage with an option of every type."""

    @dataclass(frozen=True, slots=True)
    class Options:
        url: str = field(metadata={"help": "where the bucket is"})
        key: Secret
        retries: int = 3
        signed: bool = True
        cache: Path | None = None
        regions: tuple[str, ...] = ()
        verbs: tuple[Literal["get", "put"], ...] = ("get",)
        chunk: Size = 1024
        timeout: Seconds = 30
        admins: Principals = frozenset()
        token: Secret | None = None

        def __post_init__(self) -> None:
            if self.retries > 9:
                raise ValueError("more than nine retries are too many")

    def __init__(self, options: Options) -> None:
        self.options = options


class Memory:
    """A storage that takes no options."""


class Directory:
    """An authenticator with a required secret."""

    @dataclass(frozen=True, slots=True)
    class Options:
        url: str
        bind_password: Secret

    def __init__(self, options: Options) -> None:
        self.options = options


class Staff:
    """An authenticator without a required option."""

    @dataclass(frozen=True, slots=True)
    class Options:
        groups: tuple[str, ...] = ()

    def __init__(self, options: Options) -> None:
        self.options = options


class Kinds:
    """The plugin that offers the classes above."""

    @hookimpl
    def pypi_storage_backends(self) -> dict[str, type]:
        return {"folder": Folder, "bucket": Bucket, "memory": Memory}

    @hookimpl
    def pypi_auth_backends(self) -> dict[str, type]:
        return {"directory": Directory, "staff": Staff}


@pytest.fixture
def kinds() -> SimpleNamespace:
    """Return the classes that the fake plugin offers."""
    return SimpleNamespace(Folder=Folder, Bucket=Bucket, Memory=Memory, Directory=Directory, Staff=Staff)


@pytest.fixture
def plugins() -> Plugins:
    """Return the core's plugin and the fake one."""
    found = Plugins.load([])
    found.register("fakes", Kinds())
    return found


@pytest.fixture
def read(plugins: Plugins) -> Callable[..., Settings]:
    """Return a function that loads the smallest settings, changed; None removes a key."""

    def read(
        changes: Mapping[str, str | None] | None = None, environ: Mapping[str, str] | None = None
    ) -> Settings:
        merged = {**MINIMAL, **(changes or {})}
        return load(
            {key: value for key, value in merged.items() if value is not None}, plugins, environ or {}
        )

    return read


@pytest.fixture
def refuse(read: Callable[..., Settings]) -> Callable[..., tuple[Problem, ...]]:
    """Return a function that loads as `read` does and returns the problems, of which there must be some."""

    def refuse(
        changes: Mapping[str, str | None] | None = None, environ: Mapping[str, str] | None = None
    ) -> tuple[Problem, ...]:
        with pytest.raises(UnusableSettings) as caught:
            read(changes, environ)
        return caught.value.problems

    return refuse
