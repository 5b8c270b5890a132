"""All repositories keep their contract: hosted ones, those that follow an index, and groups of them."""

from collections.abc import Iterator
from functools import partial
from urllib.request import ProxyHandler, build_opener

import pytest

from pyramid_pypi.app import PackageIndex, compose
from pyramid_pypi.model import Redirect
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.repositories import Hosted, Repository
from pyramid_pypi.repositories.group import Group, Member
from pyramid_pypi.settings import load
from pyramid_pypi.testing.repositories import (
    Offered,
    RepositoryContract,
    WritableContract,
    offer_files,
    publish_file,
)
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.following import following_settings
from tests.postgres import Postgres

FIRST = "holy_grail-1.0-py3-none-any.whl"


@pytest.fixture
def changes() -> dict[str, str | None]:
    """What a class has otherwise in its settings."""
    return {}


@pytest.fixture
def index(tmp_path, pypi_upstream: FakeUpstream, changes: dict[str, str | None]):
    """Has `private`, `pypi` that follows the upstream, and `all` of both."""
    plugins = Plugins()
    quick = {"pypi.repo.private.storage.durable": "false", **changes}
    index = compose(load(following_settings(tmp_path, pypi_upstream.url, quick), plugins), plugins)
    index.catalog.mark_scanned("private")
    yield index
    index.close()


@pytest.fixture
def hosted(index: PackageIndex) -> Hosted:
    return index.served("private").hosted


class TestHosted(WritableContract):
    """Its own files in a folder."""

    @pytest.fixture
    def repository(self, hosted: Hosted) -> Hosted:
        return hosted

    @pytest.fixture
    def offered(self, repository: Hosted) -> Offered:
        return offer_files(partial(publish_file, repository))


class TestHostedOnPostgreSQL(TestHosted):
    """Its catalog is on a server."""

    @pytest.fixture
    def changes(self, postgres: Postgres) -> Iterator[dict[str, str | None]]:
        url = postgres.create()
        yield {"pypi.catalog": url}
        postgres.drop(url)


class TestProxyThatKeeps(RepositoryContract):
    """A proxy that keeps files."""

    @pytest.fixture
    def repository(self, index: PackageIndex) -> Repository:
        return index.served("pypi").repository

    @pytest.fixture
    def offered(self, pypi_upstream: FakeUpstream) -> Offered:
        return offer_files(pypi_upstream.add)


class TestProxyOfAnOldIndex(TestProxyThatKeeps):
    """It finds out what the pages do not say, and gets whole files where it asks for parts."""

    @pytest.fixture
    def pypi_upstream(self, pypi_upstream: FakeUpstream) -> FakeUpstream:
        pypi_upstream.formats = {"html"}
        pypi_upstream.validators = set()
        pypi_upstream.ranges = False
        return pypi_upstream


class TestProxyThatStreams(TestProxyThatKeeps):
    """A proxy through which files pass."""

    @pytest.fixture
    def changes(self) -> dict[str, str]:
        return {"pypi.repo.pypi.files": "stream"}


class TestProxyThatRedirects(TestProxyThatKeeps):
    """A proxy that sends clients to the index for files."""

    @pytest.fixture
    def changes(self) -> dict[str, str]:
        return {"pypi.repo.pypi.files": "redirect"}

    def read(self, blob: Redirect) -> bytes:
        with build_opener(ProxyHandler({})).open(blob.url) as answer:
            return answer.read()


class GroupContract(RepositoryContract):
    """A group of a hosted repository and a proxy."""

    @pytest.fixture
    def repository(self, index: PackageIndex) -> Repository:
        return index.served("all").repository


class TestGroupWithTheProjectInside(GroupContract):
    """The hosted member has the project, and what the index has under its name is nobody's business."""

    @pytest.fixture
    def offered(self, hosted: Hosted, pypi_upstream: FakeUpstream) -> Offered:
        pypi_upstream.add("holy_grail-9.0.tar.gz", b"Somebody else's")
        return offer_files(partial(publish_file, hosted))


class TestGroupWithTheProjectOutside(GroupContract):
    """Only the index has it."""

    @pytest.fixture
    def offered(self, pypi_upstream: FakeUpstream) -> Offered:
        return offer_files(pypi_upstream.add)


class TestGroupThatMerges(GroupContract):
    """One file is in the hosted member, and the rest at the index, with another one of its name."""

    @pytest.fixture
    def changes(self) -> dict[str, str]:
        return {"pypi.repo.all.merge": "holy-*"}

    @pytest.fixture
    def offered(self, hosted: Hosted, pypi_upstream: FakeUpstream) -> Offered:
        def add(filename: str, content: bytes) -> None:
            if filename == FIRST:
                publish_file(hosted, filename, content)
                content += b"Somebody else's"
            pypi_upstream.add(filename, content)

        return offer_files(add)


class TestGroupOfHosted(GroupContract):
    """Nothing is from outside."""

    @pytest.fixture
    def repository(self, hosted: Hosted) -> Group:
        return Group("all", [Member(hosted)])

    @pytest.fixture
    def offered(self, hosted: Hosted) -> Offered:
        return offer_files(partial(publish_file, hosted))


class TestRedirecting(RepositoryContract):
    """Everything is elsewhere, and nobody asks there."""

    @pytest.fixture
    def changes(self) -> dict[str, str]:
        return {"pypi.repo.pypi": "redirect"}

    @pytest.fixture
    def repository(self, index: PackageIndex, pypi_upstream: FakeUpstream) -> Repository:
        pypi_upstream.down()
        return index.served("pypi").repository

    @pytest.fixture
    def offered(self, pypi_upstream: FakeUpstream) -> Offered:
        return offer_files(pypi_upstream.add, redirects=True)
