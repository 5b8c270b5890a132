"""Indexes with the simple API keep the contract of upstreams, however they write their pages."""

from dataclasses import replace

import pytest

from pyramid_pypi.options import Secret
from pyramid_pypi.testing.upstream_contract import UpstreamContract, UpstreamSource, offer_source
from pyramid_pypi.testing.upstreams import FakeUpstream
from pyramid_pypi.upstream.simple import SimpleUpstream

PASSWORD = "correct-horse-battery"


class SimpleContract(UpstreamContract):
    """Asks a fake index."""

    @pytest.fixture
    def source(self, pypi_upstream: FakeUpstream) -> UpstreamSource:
        return offer_source(pypi_upstream)

    @pytest.fixture
    def upstream(self, pypi_upstream: FakeUpstream, source: UpstreamSource) -> SimpleUpstream:
        options = SimpleUpstream.Options(url=pypi_upstream.url, proxy="none")
        return SimpleUpstream(options, sleep=lambda _: None)


class TestJson(SimpleContract):
    """An index like PyPI."""


class TestHtmlWithRelativeLinks(SimpleContract):
    """An old index without validators, ranges, sizes and compression."""

    @pytest.fixture
    def pypi_upstream(self, pypi_upstream: FakeUpstream) -> FakeUpstream:
        pypi_upstream.formats = {"html"}
        pypi_upstream.links = "relative"
        pypi_upstream.validators = set()
        pypi_upstream.ranges = False
        pypi_upstream.gzip = False
        return pypi_upstream


class TestHtmlWithBase(SimpleContract):
    """An index whose pages say where their links begin, and whose server promises ranges in vain."""

    @pytest.fixture
    def pypi_upstream(self, pypi_upstream: FakeUpstream) -> FakeUpstream:
        pypi_upstream.formats = {"html"}
        pypi_upstream.links = "base"
        pypi_upstream.validators = {"last-modified"}
        pypi_upstream.ranges = "ignored"
        return pypi_upstream


class TestWithPassword(SimpleContract):
    """An index that wants to know who asks."""

    @pytest.fixture
    def pypi_upstream(self):
        with FakeUpstream(credentials=("alice", PASSWORD)) as upstream:
            yield upstream

    @pytest.fixture
    def source(self, pypi_upstream: FakeUpstream) -> UpstreamSource:
        return offer_source(pypi_upstream, secret=PASSWORD)

    @pytest.fixture
    def upstream(self, pypi_upstream: FakeUpstream, source: UpstreamSource) -> SimpleUpstream:
        options = SimpleUpstream.Options(
            url=pypi_upstream.url, user="alice", password=Secret(PASSWORD), proxy="none"
        )
        return SimpleUpstream(options, sleep=lambda _: None)


class TestFilesElsewhere(SimpleContract):
    """An index whose files are on another host, as those of PyPI are."""

    @pytest.fixture
    def pypi_upstream(self):
        with FakeUpstream() as files, FakeUpstream(files=files) as upstream:
            self.files = files
            yield upstream

    @pytest.fixture
    def source(self, pypi_upstream: FakeUpstream) -> UpstreamSource:
        source = offer_source(pypi_upstream)
        return replace(source, take_down=lambda: (pypi_upstream.down(), self.files.down()))

    @pytest.fixture
    def upstream(self, pypi_upstream: FakeUpstream, source: UpstreamSource) -> SimpleUpstream:
        options = SimpleUpstream.Options(
            url=pypi_upstream.url, hosts=(f"{self.files.host}:{self.files.port}",), proxy="none"
        )
        return SimpleUpstream(options, sleep=lambda _: None)
