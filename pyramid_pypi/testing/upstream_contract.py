"""The contract of upstreams as tests.

Subclass `UpstreamContract` and give its fixtures; where the index that is followed speaks the
simple API, `FakeUpstream` can be it::

    class TestMyUpstream(UpstreamContract):
        @pytest.fixture
        def source(self, pypi_upstream):
            return offer_source(pypi_upstream)

        @pytest.fixture
        def upstream(self, pypi_upstream, source):
            return MyUpstream(MyUpstream.Options(url=pypi_upstream.url))
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import pytest

from pyramid_pypi.errors import FileMissing, ProjectNotFound, UpstreamUnavailable
from pyramid_pypi.model import File
from pyramid_pypi.testing.artefacts import make_metadata, make_sdist, make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from pyramid_pypi.upstream.base import Transfer, Upstream, UpstreamPage, Validator

__all__ = ["UpstreamContract", "UpstreamSource", "offer_source"]

THREADS = 8
SEVERAL_CHUNKS = 3 << 20
ADDED = "holy_grail-3.0-py3-none-any.whl"


@dataclass(frozen=True, slots=True)
class UpstreamSource:
    """What the upstream under test has.

    `contents` are the files of `project`, by filename: two wheels and an sdist, one of them larger
    than what an operating system keeps for a connection. `metadata` is what is offered beside
    them. Nothing has the name `absent`. `take_down` makes the index unreachable, and `add` gives
    the project one more file, where a test can do that. `secret` is the password that the upstream
    logs in with, if it does.
    """

    project: str
    contents: Mapping[str, bytes]
    metadata: Mapping[str, bytes]
    absent: str
    take_down: Callable[[], None]
    add: Callable[[str, bytes], object] | None = None
    secret: str = ""


def offer_source(upstream: FakeUpstream, secret: str = "") -> UpstreamSource:
    """Offer the files of the contract, and return what tests know about them."""
    contents = _distributions()
    for filename, content in contents.items():
        upstream.add(filename, content)
    return UpstreamSource(
        project="holy-grail",
        contents=contents,
        metadata={
            f"holy_grail-{version}-py3-none-any.whl": make_metadata("holy-grail", version)
            for version in ("1.0", "2.0")
        },
        absent="black-knight",
        take_down=upstream.down,
        add=upstream.add,
        secret=secret,
    )


@cache
def _distributions() -> Mapping[str, bytes]:
    return {
        "holy_grail-1.0-py3-none-any.whl": make_wheel("holy-grail", "1.0"),
        "holy_grail-2.0-py3-none-any.whl": make_wheel("holy-grail", "2.0", size=SEVERAL_CHUNKS),
        "holy_grail-2.0.tar.gz": make_sdist("holy-grail", "2.0"),
    }


class UpstreamContract:
    """What every upstream does. Override `upstream` and `source`."""

    @pytest.fixture
    def source(self) -> UpstreamSource:
        """Return what the upstream has."""
        raise NotImplementedError

    @pytest.fixture
    def upstream(self, source: UpstreamSource) -> Upstream:
        """Return the upstream under test, which follows an index that has `source`."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _closed(self, upstream: Upstream) -> Iterator[None]:
        with closing(upstream):
            yield

    @pytest.fixture
    def page(self, upstream: Upstream, source: UpstreamSource) -> UpstreamPage:
        """Return the page of the project."""
        page = upstream.project(source.project)
        assert page is not None
        return page

    @pytest.fixture
    def large(self, page: UpstreamPage, source: UpstreamSource) -> File:
        """Return the largest file."""
        return max(page.files, key=lambda file: len(source.contents[file.filename]))

    def test_is_an_upstream(self, upstream: Upstream) -> None:
        """It has the methods of the protocol."""
        assert isinstance(upstream, Upstream)

    def test_page_has_the_files(self, page: UpstreamPage, source: UpstreamSource) -> None:
        """All of them, under their names, and not as files that are stored here."""
        assert page.name == source.project
        assert sorted(file.filename for file in page.files) == sorted(source.contents)
        for file in page.files:
            assert (file.project, file.key) == (source.project, "")
            assert file.url
            assert file.packagetype == ("bdist_wheel" if file.filename.endswith(".whl") else "sdist")

    def test_page_says_nothing_wrong(self, page: UpstreamPage, source: UpstreamSource) -> None:
        """What is known of a file is right, and the rest is unknown."""
        for file in page.files:
            content = source.contents[file.filename]
            known = file.hashes.known()

            assert file.size in {None, len(content)}
            assert known == {name: hashlib.new(name, content).hexdigest() for name in known}

    def test_each_file_has_a_place_of_its_own(self, upstream: Upstream, page: UpstreamPage) -> None:
        """It is that of the next answer too, because lock files keep it."""
        again = upstream.project(page.name)
        places = {file.filename: file.place for file in page.files}

        assert again is not None
        assert {file.filename: file.place for file in again.files} == places
        assert len(set(places.values())) == len(places)
        for filename, place in places.items():
            assert [len(part) for part in place.split("/")] == [2, 2, 60, len(filename)]
            assert place.endswith(f"/{filename}")

    def test_absent_project_is_not_found(self, upstream: Upstream, source: UpstreamSource) -> None:
        """The index has said so."""
        with pytest.raises(ProjectNotFound) as caught:
            upstream.project(source.absent)

        self.check_message(caught.value, source)

    def test_unchanged_page_is_not_sent_again(self, upstream: Upstream, page: UpstreamPage) -> None:
        """None stands for the page that the caller has."""
        if page.validator == Validator():
            pytest.skip("this upstream gives no validators")

        assert upstream.project(page.name, page.validator) is None

    def test_changed_page_is_sent(
        self, upstream: Upstream, page: UpstreamPage, source: UpstreamSource
    ) -> None:
        """With what is new, and with a validator of its own."""
        if source.add is None:
            pytest.skip("the tests cannot change this index")
        source.add(ADDED, make_wheel("holy-grail", "3.0"))
        changed = upstream.project(page.name, page.validator)

        assert changed is not None
        assert {file.filename for file in changed.files} == {*source.contents, ADDED}
        assert changed.validator == Validator() or changed.validator != page.validator

    def test_project_is_listed_once(self, upstream: Upstream, source: UpstreamSource) -> None:
        """By its normalised name."""
        listed = upstream.projects()
        assert listed is not None
        names = [project.name for project in listed.names]

        assert names.count(source.project) == 1
        assert source.absent not in names

    def test_unchanged_list_is_not_sent_again(self, upstream: Upstream) -> None:
        """As with pages."""
        listed = upstream.projects()
        assert listed is not None
        names = list(listed.names)
        if listed.validator == Validator():
            pytest.skip("this upstream gives no validators for its list")

        assert names
        assert upstream.projects(listed.validator) is None

    def test_whole_file_arrives(self, upstream: Upstream, page: UpstreamPage, source: UpstreamSource) -> None:
        """Byte for byte."""
        for file in page.files:
            content = source.contents[file.filename]
            with upstream.download(file) as transfer:
                assert transfer.start == 0
                assert transfer.size in {None, len(content)}
                assert b"".join(transfer.chunks) == content

    @pytest.mark.parametrize(("start", "stop"), [(1, None), (1000, None), (0, 10), (7, 1000), (-100, None)])
    def test_range_arrives_or_the_whole_file(
        self, upstream: Upstream, large: File, source: UpstreamSource, start: int, stop: int | None
    ) -> None:
        """The answer says where it begins."""
        content = source.contents[large.filename]
        with upstream.download(large, start, stop) as transfer:
            received = b"".join(transfer.chunks)

        assert transfer.size in {None, len(content)}
        assert (transfer.start, received) in [
            (start % len(content), content[start:stop]),
            (0, content),
        ]

    def test_transfer_may_be_closed_half_way(
        self, upstream: Upstream, large: File, source: UpstreamSource
    ) -> None:
        """Nothing of it is left for those that follow, however many there are."""
        for _ in range(THREADS * 3):
            with upstream.download(large) as transfer:
                next(transfer.chunks)

        assert self.read(upstream.download(large)) == source.contents[large.filename]

    def test_transfer_that_nobody_reads_can_be_closed(
        self, upstream: Upstream, large: File, source: UpstreamSource
    ) -> None:
        """Closing twice is no error."""
        for _ in range(THREADS * 3):
            transfer = upstream.download(large)
            transfer.close()
            transfer.close()

        assert self.read(upstream.download(large)) == source.contents[large.filename]

    def test_metadata_is_that_of_the_file_or_missing(
        self, upstream: Upstream, page: UpstreamPage, source: UpstreamSource
    ) -> None:
        """What a page promises is there."""
        for file in page.files:
            try:
                found = upstream.metadata(file)
            except FileMissing as missing:
                assert not file.serves_metadata
                self.check_message(missing, source)
            else:
                assert found == source.metadata.get(file.filename)

    def test_urls_for_clients_show_no_password(
        self, upstream: Upstream, page: UpstreamPage, source: UpstreamSource
    ) -> None:
        """They are whole URLs of the web."""
        for url in [upstream.page_url(page.name), *map(upstream.file_url, page.files)]:
            parts = urlsplit(url)
            assert parts.scheme in {"http", "https"}
            assert parts.hostname
            assert parts.username is parts.password is None
            assert not source.secret or source.secret not in url

    def test_threads_get_the_same_answers(
        self, upstream: Upstream, page: UpstreamPage, source: UpstreamSource
    ) -> None:
        """Several ask for everything at once."""

        def ask(number: int) -> None:
            file = page.files[number % len(page.files)]
            assert upstream.project(source.project) == page
            assert self.read(upstream.download(file)) == source.contents[file.filename]
            with pytest.raises(ProjectNotFound):
                upstream.project(source.absent)

        with ThreadPoolExecutor(THREADS) as pool:
            assert list(pool.map(ask, range(THREADS * 2))) == [None] * THREADS * 2

    def test_index_that_is_down_is_unavailable(
        self, upstream: Upstream, page: UpstreamPage, source: UpstreamSource
    ) -> None:
        """Nobody may think that a project is absent, or a list empty, because nobody has answered."""
        source.take_down()
        questions: list[Callable[[], object]] = [
            lambda: upstream.project(source.project),
            lambda: upstream.project(source.project, page.validator),
            lambda: upstream.project(source.absent),
            lambda: [list(listed.names) for listed in [upstream.projects()] if listed],
            lambda: self.read(upstream.download(page.files[0])),
            lambda: upstream.metadata(page.files[0]),
        ]
        for question in questions:
            with pytest.raises(UpstreamUnavailable) as caught:
                question()
            self.check_message(caught.value, source)

    def test_urls_for_clients_need_no_index(
        self, upstream: Upstream, page: UpstreamPage, source: UpstreamSource
    ) -> None:
        """They are known without asking."""
        before = upstream.page_url(page.name), upstream.file_url(page.files[0])
        source.take_down()

        assert (upstream.page_url(page.name), upstream.file_url(page.files[0])) == before

    def read(self, transfer: Transfer) -> bytes:
        """Return all bytes of a transfer and close it."""
        with transfer:
            return b"".join(transfer.chunks)

    def check_message(self, error: Exception, source: UpstreamSource) -> None:
        """Check a message, which goes to clients and logs: it says something, and no password."""
        assert str(error).strip()
        assert not source.secret or source.secret not in str(error) + repr(error)
