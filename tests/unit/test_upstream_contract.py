"""The contract of upstreams holds for what is no index at all, and notices upstreams that break it."""

import hashlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from pyramid_pypi.distribution import guess_filename
from pyramid_pypi.errors import FileMissing, ProjectNotFound, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import File, Hashes, ProjectName
from pyramid_pypi.testing.upstream_contract import UpstreamContract, UpstreamSource, offer_source
from pyramid_pypi.testing.upstreams import FakeUpstream
from pyramid_pypi.upstream.base import NameList, Transfer, UpstreamPage, Validator
from pyramid_pypi.upstream.places import place_of

SECRET = "correct-horse-battery"


class MemoryUpstream:
    """Has the files of a source in memory."""

    def __init__(self, source: UpstreamSource) -> None:
        self.source = source
        self.contents = dict(source.contents)
        self.is_down = False

    def take_down(self) -> None:
        self.is_down = True

    def ask(self) -> Validator:
        """Fail like a connection, or return what is true now."""
        if self.is_down:
            raise UpstreamUnavailable("The memory cannot be reached.")
        return Validator(etag=str(len(self.contents)))

    def project(self, name: str, validator: Validator | None = None) -> UpstreamPage | None:
        current = self.ask()
        if name != self.source.project:
            raise ProjectNotFound(f"The memory has no {name}.")
        if validator == current:
            return None
        return UpstreamPage(name, tuple(map(self.file, self.contents)), current)

    def file(self, filename: str) -> File:
        content = self.contents[filename]
        name = guess_filename(filename)
        hashes = Hashes(sha256=hashlib.sha256(content).hexdigest())
        url = f"https://memory.example/{filename}"
        return File(
            project=name.project,
            filename=filename,
            version=name.version,
            packagetype=name.packagetype,
            size=len(content),
            hashes=hashes,
            uploaded_at=None,
            uploaded_by="",
            key="",
            metadata_sha256="" if filename in self.source.metadata else None,
            url=url,
            place=place_of(url, filename, hashes),
        )

    def projects(self, validator: Validator | None = None) -> NameList | None:
        current = self.ask()
        if validator == current:
            return None
        return NameList(iter([ProjectName(self.source.project, self.source.project, 0)]), current)

    def metadata(self, file: File) -> bytes:
        self.ask()
        if file.filename not in self.source.metadata:
            raise FileMissing(f"The memory has no metadata of {file.filename}.")
        return self.source.metadata[file.filename]

    def download(self, file: File, start: int = 0, stop: int | None = None) -> Transfer:
        self.ask()
        content = self.contents[file.filename]
        begin = start % len(content)
        rest = content[begin:stop]
        chunks = iter([rest[:10], rest[10:]])
        return Transfer(chunks, len(content), begin)

    def page_url(self, name: str) -> str:
        return f"https://memory.example/{name}/"

    def file_url(self, file: File) -> str:
        return file.url

    def close(self) -> None:
        pass


class SeesNoChange(MemoryUpstream):
    def project(self, name, validator=None):
        return None if validator else super().project(name)


class SendsThePageAgain(MemoryUpstream):
    def project(self, name, validator=None):
        return super().project(name)


class SendsTheListAgain(MemoryUpstream):
    def projects(self, validator=None):
        return super().projects()


class ListsTwice(MemoryUpstream):
    def projects(self, validator=None):
        return NameList(itertools.chain(super().projects().names, super().projects().names))


class MissesWhatItCannotAsk(MemoryUpstream):
    def project(self, name, validator=None):
        try:
            return super().project(name, validator)
        except UpstreamUnavailable as error:
            raise ProjectNotFound(name) from error


class ListsNothingWhenDown(MemoryUpstream):
    def projects(self, validator=None):
        return NameList(iter(())) if self.is_down else super().projects(validator)


class ShowsThePasswordInMessages(MemoryUpstream):
    def ask(self):
        if self.is_down:
            raise UpstreamUnavailable(f"https://alice:{SECRET}@memory.example/ cannot be reached.")
        return super().ask()


class ShowsThePasswordInUrls(MemoryUpstream):
    def page_url(self, name):
        return f"https://alice:{SECRET}@memory.example/{name}/"


class HasAnEmptyPage(MemoryUpstream):
    def project(self, name, validator=None):
        self.ask()
        return UpstreamPage(name, ())


class TellsWrongHashes(MemoryUpstream):
    def file(self, filename):
        return replace(super().file(filename), hashes=Hashes(sha256="0" * 64))


class MovesItsFiles(MemoryUpstream):
    moves = itertools.count()

    def file(self, filename):
        file = super().file(filename)
        return replace(file, place=place_of(f"{file.url}{next(self.moves)}", filename, Hashes()))


class TakesPartsForTheWhole(MemoryUpstream):
    def download(self, file, start=0, stop=None):
        transfer = super().download(file, start, stop)
        transfer.start = 0
        return transfer


class BreaksOff(MemoryUpstream):
    def download(self, file, start=0, stop=None):
        transfer = super().download(file, start, stop)
        transfer.chunks = iter([next(transfer.chunks)])
        return transfer


class KeepsConnections(MemoryUpstream):
    def __init__(self, source):
        super().__init__(source)
        self.free = threading.Semaphore(4)

    def download(self, file, start=0, stop=None):
        if not self.free.acquire(blocking=False):
            raise UpstreamTimeout("No connection is free.")
        return super().download(file, start, stop)


class PromisesMetadata(MemoryUpstream):
    def metadata(self, file):
        raise FileMissing("It is not there.")


class InventsMetadata(MemoryUpstream):
    def metadata(self, file):
        self.ask()
        return b"Name: holy-grail"


def source_of(kind: type[MemoryUpstream]) -> tuple[MemoryUpstream, UpstreamSource]:
    with FakeUpstream() as fake:
        source = offer_source(fake, SECRET)
    upstream = kind(source)
    return upstream, replace(source, take_down=upstream.take_down, add=upstream.contents.__setitem__)


class TestMemoryUpstream(UpstreamContract):
    """An upstream needs no network."""

    @pytest.fixture
    def both(self):
        return source_of(MemoryUpstream)

    @pytest.fixture
    def upstream(self, both) -> MemoryUpstream:
        return both[0]

    @pytest.fixture
    def source(self, both) -> UpstreamSource:
        return both[1]


CONTRACT = UpstreamContract()
BROKEN: list[tuple[type[MemoryUpstream], Callable[..., None]]] = [
    (SeesNoChange, CONTRACT.test_changed_page_is_sent),
    (SendsThePageAgain, CONTRACT.test_unchanged_page_is_not_sent_again),
    (SendsTheListAgain, CONTRACT.test_unchanged_list_is_not_sent_again),
    (ListsTwice, CONTRACT.test_project_is_listed_once),
    (MissesWhatItCannotAsk, CONTRACT.test_index_that_is_down_is_unavailable),
    (ListsNothingWhenDown, CONTRACT.test_index_that_is_down_is_unavailable),
    (ShowsThePasswordInMessages, CONTRACT.test_index_that_is_down_is_unavailable),
    (ShowsThePasswordInUrls, CONTRACT.test_urls_for_clients_show_no_password),
    (HasAnEmptyPage, CONTRACT.test_absent_project_is_not_found),
    (HasAnEmptyPage, CONTRACT.test_page_has_the_files),
    (TellsWrongHashes, CONTRACT.test_page_says_nothing_wrong),
    (MovesItsFiles, CONTRACT.test_each_file_has_a_place_of_its_own),
    (TakesPartsForTheWhole, CONTRACT.test_range_arrives_or_the_whole_file),
    (BreaksOff, CONTRACT.test_whole_file_arrives),
    (BreaksOff, CONTRACT.test_threads_get_the_same_answers),
    (KeepsConnections, CONTRACT.test_transfer_may_be_closed_half_way),
    (KeepsConnections, CONTRACT.test_transfer_that_nobody_reads_can_be_closed),
    (PromisesMetadata, CONTRACT.test_metadata_is_that_of_the_file_or_missing),
    (InventsMetadata, CONTRACT.test_metadata_is_that_of_the_file_or_missing),
]


@pytest.mark.parametrize(("kind", "test"), BROKEN)
def test_broken_upstream_is_noticed(kind, test) -> None:
    """A contract that everything passes would be worth nothing."""
    upstream, source = source_of(kind)
    page = upstream.project(source.project)
    large = upstream.file("holy_grail-2.0-py3-none-any.whl")
    given = {"upstream": upstream, "source": source, "page": page, "large": large, "start": 7, "stop": 1000}
    wanted = test.__code__.co_varnames[1 : test.__code__.co_argcount]

    with pytest.raises((AssertionError, pytest.fail.Exception, ProjectNotFound, UpstreamTimeout)):
        test(**{name: given[name] for name in wanted})
