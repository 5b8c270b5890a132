"""What the contract of repositories stands on: its fixtures, and ways to read and to be refused."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from re import escape
from urllib.parse import urlsplit

import pytest

from pyramid_pypi.errors import PypiError
from pyramid_pypi.model import Blob, File, LocalFile, ProjectPage, Redirect, Stream
from pyramid_pypi.repositories.base import Repository
from pyramid_pypi.storage.reading import read_blob
from pyramid_pypi.testing._repository_offer import Offered

__all__ = ["RepositoryHarness"]


class RepositoryHarness:
    """Fixtures to override, `repository` and `offered`, and what tests of repositories do again and again."""

    patience = 20.0
    """After so many seconds the tests think that something hangs."""

    @pytest.fixture
    def repository(self) -> Repository:
        """Return the repository under test."""
        raise NotImplementedError

    @pytest.fixture
    def offered(self, repository: Repository) -> Offered:
        """Return what the repository has."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _closed(self, repository: Repository) -> Iterator[None]:
        with closing(repository):
            yield

    @pytest.fixture
    def page(self, repository: Repository, offered: Offered) -> ProjectPage:
        """Return the page of the project."""
        page = repository.project(offered.project)
        if offered.redirects:
            pytest.skip("its pages are elsewhere")
        assert isinstance(page, ProjectPage)
        return page

    @pytest.fixture
    def large(self, page: ProjectPage, offered: Offered) -> File:
        """Return the largest file."""
        return max(page.files, key=lambda file: len(offered.contents[file.filename]))

    def read(self, blob: Blob) -> bytes:
        """Return the bytes of a blob; a repository that redirects may fetch the URL here."""
        if isinstance(blob, Redirect):
            pytest.skip("its files are elsewhere")
        return b"".join(read_blob(blob))

    @contextmanager
    def refused(self, kind: type[PypiError], names: str = "") -> Iterator[None]:
        """Expect an error of this kind, with a sentence that `names` something for who reads it."""
        with pytest.raises(kind, match=escape(names) or None) as caught:
            yield

        assert " " in caught.value.message
        assert str(caught.value) == caught.value.message != caught.value.title

    def listed(self, repository: Repository) -> list[str]:
        """Return the names of all projects, in the order of the list."""
        return [project.name for project in repository.projects()]

    def begin(self, blob: Blob) -> Generator[bytes, None, None]:
        """Return the rest of a blob after its first chunk; there is none of what is elsewhere."""
        chunks = _chunks(blob)
        next(chunks, None)
        return chunks

    def in_time(self, ask: Callable[[], object]) -> None:
        """Check that `ask` ends, well or with an error of this library, and does not take for ever."""
        ended: list[Exception | None] = []

        def run() -> None:
            try:
                ask()
            except PypiError as error:
                ended.append(None if error.message else error)
            except Exception as error:  # noqa: BLE001 - it is looked at below
                ended.append(error)
            else:
                ended.append(None)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(self.patience)
        assert ended == [None]

    def check_blob(self, blob: Blob, content: bytes) -> None:
        """Check what a blob says of itself: bytes, UTC, a whole URL without a password."""
        assert isinstance(blob, LocalFile | Stream | Redirect)
        if isinstance(blob, Redirect):
            self.check_url(blob.url)
            return
        assert blob.size in ({len(content)} if isinstance(blob, LocalFile) else {None, len(content)})
        assert blob.modified_at is None or blob.modified_at.utcoffset() == timedelta(0)

    def check_url(self, url: str) -> None:
        """Check that clients can follow it, and learn no password."""
        parts = urlsplit(url)
        assert parts.scheme in {"http", "https"}
        assert parts.hostname
        assert parts.username is parts.password is None


def _chunks(blob: Blob) -> Generator[bytes, None, None]:
    if not isinstance(blob, Redirect):
        yield from read_blob(blob)
