"""The contract of all repositories; see `pyramid_pypi.testing.repositories`."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from pyramid_pypi.distribution import guess_filename, normalise
from pyramid_pypi.errors import FileMissing, ProjectNotFound
from pyramid_pypi.model import File, ProjectPage, Redirect, Stream
from pyramid_pypi.repositories.base import Repository
from pyramid_pypi.testing._repository_harness import RepositoryHarness
from pyramid_pypi.testing._repository_offer import Offered

__all__ = ["RepositoryContract"]

THREADS = 8
HEXADECIMAL = set("0123456789abcdef")
ODD_FILENAMES = (
    "",
    ".",
    "..",
    "/",
    "holy_grail",
    "holy_grail-9.0.tar.gz",
    "black_knight-1.0.tar.gz",
    "holy_grail-1.0-py3-none-any.WHL",
    "Holy_Grail-1.0-py3-none-any.whl",
    "holy-grail-1.0-py3-none-any.whl",
    "holy_grail-1.0.0-py3-none-any.whl",
    "holy_grail-1.0-py3-none-any.whl.metadata",
    "holy_grail-1.0-py3-none-any.whl.asc",
    "holy_grail-1.0-py3-none-any.whl ",
    "holy_grail-1.0-py3-none-any.whl\n",
    "holy_grail-1.0-py3-none-any.whl\x00",
    "holy_grail-1.0-py3-none-any%2Ewhl",
    "holy_grail-1.0-py3-none-an_.whl",
    "../holy_grail-1.0-py3-none-any.whl",
    "holy-grail/holy_grail-1.0-py3-none-any.whl",
    "holy_grail-%.tar.gz",
    "holy_grail-1!1.0+acme.1.tar.gz",
    "höly_grail-1.0.tar.gz",
    "\N{SNOWMAN}-1.0.zip",
    "\udcff-1.0.zip",
    "holy_grail-" + "9" * 5000 + ".tar.gz",
)


class RepositoryContract(RepositoryHarness):
    """What every repository does. Override `repository` and `offered`, and `read` for redirects."""

    def test_is_a_repository(self, repository: Repository) -> None:
        """It has the methods of the protocol, and a name that tells it from others."""
        assert isinstance(repository, Repository)
        assert isinstance(repository.name, str)
        assert isinstance(repository.outside, bool)
        assert repository.name

    def test_check_passes(self, repository: Repository) -> None:
        """A repository that can be used says so by returning."""
        repository.check()

    def test_page_has_the_files(self, page: ProjectPage, offered: Offered) -> None:
        """All of them, under the normalised name, and it says whose they are."""
        assert page.name == offered.project == normalise(page.name)
        assert normalise(page.display) == page.name
        assert page.repository
        assert page.status == "active"
        assert sorted(file.filename for file in page.files) == sorted(offered.contents)

    def test_files_are_what_their_names_say(self, page: ProjectPage) -> None:
        """Project, version and type; and the page has the versions of its files."""
        for file in page.files:
            said = guess_filename(file.filename)
            assert said is not None
            assert (file.project, file.version) == (page.name, said.version)
            assert (file.packagetype, file.yanked) == (said.packagetype, None)
        assert set(page.versions) == {file.version for file in page.files}

    def test_page_says_nothing_wrong(
        self, repository: Repository, page: ProjectPage, offered: Offered
    ) -> None:
        """What is known of a file is right; the rest is unknown, and only of files from outside."""
        for file in page.files:
            content = offered.contents[file.filename]
            known = file.hashes.known()

            assert file.size in {None, len(content)}
            assert known == {name: hashlib.new(name, content).hexdigest() for name in known}
            assert file.uploaded_at is None or file.uploaded_at.utcoffset() == timedelta(0)
            assert repository.outside or (file.size and file.uploaded_at and file.hashes.sha256)

    def test_absent_project_is_not_found(self, repository: Repository, offered: Offered) -> None:
        """The sentence names it."""
        if offered.redirects:
            pytest.skip("it does not know what exists")
        with self.refused(ProjectNotFound, offered.absent):
            repository.project(offered.absent)

    def test_project_that_is_elsewhere_has_a_whole_url(
        self, repository: Repository, offered: Offered
    ) -> None:
        """And one without a password in it."""
        if not offered.redirects:
            pytest.skip("its pages are here")
        for name in (offered.project, offered.absent):
            found = repository.project(name)
            assert isinstance(found, Redirect)
            self.check_url(found.url)
            assert name in found.url

    def test_projects_are_listed_once_and_in_order(self, repository: Repository, offered: Offered) -> None:
        """By normalised name, each time the list is asked for; what is elsewhere is not listed."""
        names = self.listed(repository)

        assert names == sorted(set(names)) == self.listed(repository)
        assert names == [normalise(name) for name in names]
        assert (offered.project in names) is not offered.redirects
        assert offered.absent not in names

    def test_own_projects_are_those_that_are_not_from_outside(
        self, repository: Repository, offered: Offered
    ) -> None:
        """All of them, where nothing is from outside; pages that are elsewhere are outside."""
        names = [project.name for project in repository.own_projects()]

        assert names == sorted(set(names))
        assert set(names) <= set(self.listed(repository))
        assert repository.outside or names == self.listed(repository)
        assert repository.outside or not offered.redirects

    def test_file_is_what_the_page_says(
        self, repository: Repository, page: ProjectPage, offered: Offered
    ) -> None:
        """Apart from where its bytes are kept, and by whom."""
        found = {name: repository.file(name) for name in offered.contents}
        listed = {file.filename: replace(file, key="", repository="") for file in page.files}

        assert {name: replace(file, key="", repository="") for name, file in found.items()} == listed

    def test_filename_of_no_file_is_missing(self, repository: Repository, offered: Offered) -> None:
        """Names count letter by letter, whether the project is there or not."""
        answers: dict[str, object] = {}
        for filename in {*ODD_FILENAMES} - {*offered.contents}:
            try:
                answers[filename] = repository.file(filename)
            except FileMissing as error:
                answers[filename] = " " in error.message or "no sentence"
            except Exception as error:  # noqa: BLE001 - it is looked at below
                answers[filename] = error

        assert answers == dict.fromkeys(answers, True)

    def test_each_file_has_a_path_of_its_own(
        self, repository: Repository, page: ProjectPage, offered: Offered
    ) -> None:
        """It has PyPI's shape, and stays when the file has been read, because lock files keep it."""
        paths = {file.filename: file.path for file in page.files}

        assert len(set(paths.values())) == len(paths)
        for filename, path in paths.items():
            *digest, last = path.split("/")
            assert last == filename
            assert [len(part) for part in digest] == [2, 2, 60]
            assert set("".join(digest)) <= HEXADECIMAL
        for filename, content in offered.contents.items():
            file = repository.file(filename)
            assert self.read(repository.open(file)) == content
            assert repository.file(filename).path == file.path == paths[filename]

    @pytest.mark.parametrize("partly", [False, True])
    def test_whole_file_is_read(
        self, repository: Repository, page: ProjectPage, offered: Offered, partly: bool
    ) -> None:
        """Byte for byte, the first time and the second, of which one may be from a cache."""
        for name in (file.filename for file in page.files):
            for _ in range(2):
                blob = repository.open(repository.file(name), partly=partly)

                self.check_blob(blob, offered.contents[name])
                assert self.read(blob) == offered.contents[name]

    def test_blob_of_a_part_is_that_of_the_whole(
        self, repository: Repository, large: File, offered: Offered
    ) -> None:
        """Asked for in one order and in the other."""
        file = repository.file(large.filename)
        read = [self.read(repository.open(file, partly=partly)) for partly in (True, False, True)]

        assert read == [offered.contents[file.filename]] * 3

    @pytest.mark.parametrize("partly", [False, True])
    def test_stream_gives_ranges(
        self, repository: Repository, large: File, offered: Offered, partly: bool
    ) -> None:
        """The first byte is included and the last is not; a blob is not used up."""
        content = offered.contents[large.filename]
        size = len(content)
        blob = repository.open(repository.file(large.filename), partly=partly)
        if not isinstance(blob, Stream):
            pytest.skip("does not stream")

        middle = (size // 2, size // 2 + 1)
        for start, stop in [(0, 1), (1, 1000), (7, size - 1), middle, (size - 100, size), (0, 1)]:
            assert b"".join(blob.open(start, stop)) == content[start:stop]

    @pytest.mark.parametrize("partly", [False, True])
    def test_reading_may_stop_half_way(
        self, repository: Repository, large: File, offered: Offered, partly: bool
    ) -> None:
        """Nothing of it is in the way of those that follow, however many there are."""
        file = repository.file(large.filename)
        for _ in range(THREADS * 3):
            self.begin(repository.open(file, partly=partly)).close()

        assert self.read(repository.open(file)) == offered.contents[file.filename]

    def test_metadata_is_what_the_page_says(
        self, repository: Repository, page: ProjectPage, offered: Offered
    ) -> None:
        """Byte for byte; that of an sdist may be had, but is not offered beside it."""
        offering = {file.filename for file in page.files if file.serves_metadata}
        assert offering == set(offered.metadata)
        for file in (repository.file(file.filename) for file in page.files):
            try:
                found = repository.metadata(file)
            except FileMissing:
                assert not file.serves_metadata
            else:
                assert found == offered.metadata.get(file.filename, found)
                assert file.metadata_sha256 in {"", hashlib.sha256(found).hexdigest()}

    def test_unsigned_file_has_no_signature(self, repository: Repository, page: ProjectPage) -> None:
        """The page says so too."""
        for listed in page.files:
            assert not listed.signed
            with self.refused(FileMissing):
                repository.signature(repository.file(listed.filename))

    def test_threads_get_the_same_answers(self, repository: Repository, offered: Offered) -> None:
        """Several ask for everything at once, before anybody else has asked."""
        if offered.redirects:
            pytest.skip("its pages are elsewhere")
        together = threading.Barrier(THREADS, timeout=self.patience)

        def ask(number: int) -> str:
            name = sorted(offered.contents)[number % len(offered.contents)]
            together.wait()
            page = repository.project(offered.project)
            assert isinstance(page, ProjectPage)
            assert {file.filename for file in page.files} == set(offered.contents)
            file = repository.file(name)
            assert self.read(repository.open(file)) == offered.contents[name]
            assert not file.serves_metadata or repository.metadata(file) == offered.metadata[name]
            assert offered.project in self.listed(repository)
            with self.refused(ProjectNotFound):
                repository.project(offered.absent)
            return file.path

        with ThreadPoolExecutor(THREADS) as pool:
            paths = list(pool.map(ask, range(THREADS)))
        assert len(set(paths)) == len(offered.contents)

    def test_nothing_hangs_after_closing(self, repository: Repository, offered: Offered) -> None:
        """Closing twice is no error; what is asked then is answered or refused, also what had begun."""
        questions: list[Callable[[], object]] = [
            lambda: repository.project(offered.project),
            lambda: repository.project(offered.absent),
            lambda: self.listed(repository),
            repository.own_projects,
            repository.check,
        ]
        if not offered.redirects:
            questions += self.questions_of_files(repository, offered)
        self.in_time(repository.close)
        self.in_time(repository.close)
        for question in questions:
            self.in_time(question)

    def questions_of_files(self, repository: Repository, offered: Offered) -> list[Callable[[], object]]:
        """Begin to read all files, and return what else can be asked of them."""
        files = [repository.file(name) for name in offered.contents]
        begun = [
            self.begin(repository.open(file, partly=partly)) for file in files for partly in (False, True)
        ]
        return [
            *(lambda chunks=chunks: list(chunks) for chunks in begun),
            *(lambda file=file: list(self.begin(repository.open(file))) for file in files),
            *(lambda file=file: repository.metadata(file) for file in files),
            *(lambda file=file: repository.file(file.filename) for file in files),
        ]
