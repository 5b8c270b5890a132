"""All repositories keep their contract: hosted ones, those that follow an index, and groups of them."""

from contextlib import closing
from functools import partial
from urllib.request import ProxyHandler, build_opener

import pytest

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.following import build_proxy
from pyramid_pypi.model import Redirect
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.group import Group, Member
from pyramid_pypi.repositories.proxy import Proxy
from pyramid_pypi.repositories.redirect import Redirecting
from pyramid_pypi.rights import Rights
from pyramid_pypi.settings import Instance, ProxySettings
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.testing.repositories import (
    Offered,
    RepositoryContract,
    WritableContract,
    offer_files,
    publish_file,
)
from pyramid_pypi.testing.upstreams import FakeUpstream
from pyramid_pypi.upstream.pagecache import Ages
from pyramid_pypi.upstream.simple import SimpleUpstream

FIRST = "holy_grail-1.0-py3-none-any.whl"


@pytest.fixture
def catalog(tmp_path):
    with closing(Catalog(f"sqlite:///{tmp_path}/catalog.db")) as catalog:
        yield catalog


@pytest.fixture
def hosted(tmp_path, catalog: Catalog) -> Hosted:
    storage = FilesystemStorage(FilesystemStorage.Options(path=tmp_path / "packages", durable=False))
    catalog.mark_scanned("private")
    return Hosted("private", storage=storage, catalog=catalog)


@pytest.fixture
def files() -> str:
    """What proxies do with files."""
    return "cache"


@pytest.fixture
def proxy(tmp_path, pypi_upstream: FakeUpstream, files: str):
    folder = tmp_path / "cache"
    storage = FilesystemStorage.Options(path=folder / "files", durable=False)
    settings = ProxySettings(
        name="pypi",
        rights=Rights({}),
        description="",
        upstream=Instance("pypi", "simple", SimpleUpstream, following(pypi_upstream)),
        files=files,
        folder=folder,
        storage=Instance("pypi", "filesystem", FilesystemStorage, storage) if files == "cache" else None,
        max_size=None,
        withdrawn="keep",
        backfill=3,
        ages=Ages(),
        offline=False,
        offline_file=None,
    )
    with closing(build_proxy(settings, Plugins(), lambda project: None)) as proxy:
        yield proxy


def following(upstream: FakeUpstream) -> SimpleUpstream.Options:
    return SimpleUpstream.Options(url=upstream.url, proxy="none")


class TestHosted(WritableContract):
    """Its own files in a folder."""

    @pytest.fixture
    def repository(self, hosted: Hosted) -> Hosted:
        return hosted

    @pytest.fixture
    def offered(self, repository: Hosted) -> Offered:
        return offer_files(partial(publish_file, repository))


class TestProxyThatKeeps(RepositoryContract):
    """A proxy that keeps files."""

    @pytest.fixture
    def repository(self, proxy: Proxy) -> Proxy:
        return proxy

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
    def files(self) -> str:
        return "stream"


class TestProxyThatRedirects(TestProxyThatKeeps):
    """A proxy that sends clients to the index for files."""

    @pytest.fixture
    def files(self) -> str:
        return "redirect"

    def read(self, blob: Redirect) -> bytes:
        with build_opener(ProxyHandler({})).open(blob.url) as answer:
            return answer.read()


class GroupContract(RepositoryContract):
    """A group of a hosted repository and a proxy."""

    @pytest.fixture
    def merge(self) -> tuple[str, ...]:
        return ()

    @pytest.fixture
    def repository(self, hosted: Hosted, proxy: Proxy, merge: tuple[str, ...]) -> Group:
        return Group("all", [Member(hosted), Member(proxy, ("acme-*",))], merge=merge)


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
    def merge(self) -> tuple[str, ...]:
        return ("holy-*",)

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
    def pypi_upstream(self):
        upstream = FakeUpstream()
        with upstream:
            upstream.down()
            yield upstream

    @pytest.fixture
    def repository(self, pypi_upstream: FakeUpstream) -> Redirecting:
        return Redirecting("pypi", upstream=SimpleUpstream(following(pypi_upstream)))

    @pytest.fixture
    def offered(self, pypi_upstream: FakeUpstream) -> Offered:
        return offer_files(pypi_upstream.add, redirects=True)
