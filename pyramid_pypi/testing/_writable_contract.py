"""The contract of repositories that take files; see `pyramid_pypi.testing.repositories`."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pyramid_pypi.distribution import normalise
from pyramid_pypi.errors import FileConflict, FileHidden, FileMissing, ProjectClosed, ProjectNotFound
from pyramid_pypi.model import File, ProjectPage, ProjectStatus
from pyramid_pypi.repositories.base import Writable
from pyramid_pypi.testing._repository_contract import THREADS, RepositoryContract
from pyramid_pypi.testing._repository_offer import PUBLISHER, Offered, publish_file
from pyramid_pypi.testing.artefacts import make_wheel

__all__ = ["WritableContract"]

NEW = "holy_grail-3.0-py3-none-any.whl"


class WritableContract(RepositoryContract):
    """What every repository does that takes files. Override `repository` and `offered`."""

    @pytest.fixture
    def repository(self) -> Writable:
        """Return the repository under test."""
        raise NotImplementedError

    @pytest.fixture
    def file(self, repository: Writable, offered: Offered) -> File:
        """Return the file that tests change."""
        return repository.file(min(offered.contents))

    def page_of(self, repository: Writable, offered: Offered) -> ProjectPage:
        """Return the page of the project as it is now."""
        return repository.project(offered.project)

    def other(self, offered: Offered, filename: str) -> bytes:
        """Return sound bytes for the name of a wheel that are not those which are offered."""
        content = make_wheel(offered.project, filename.split("-")[1], summary="Another one")
        assert content != offered.contents.get(filename)
        return content

    def test_is_writable(self, repository: Writable) -> None:
        """It has the methods of the protocol, and what it takes is its own."""
        assert isinstance(repository, Writable)
        assert not repository.outside

    def test_added_file_is_offered(self, repository: Writable, offered: Offered) -> None:
        """On its page, by its name, with its bytes and metadata, and with whom it is from."""
        content = make_wheel(offered.project, "3.0")
        file, is_new = publish_file(repository, NEW, content)
        found = repository.file(NEW)

        assert is_new
        assert replace(found, key="", uploaded_at=None) == replace(file, key="", uploaded_at=None)
        assert file.uploaded_by == PUBLISHER.name
        assert NEW in {one.filename for one in self.page_of(repository, offered).files}
        assert self.read(repository.open(found)) == content
        assert b"Version: 3.0\n" in repository.metadata(found)

    def test_first_file_makes_a_project(self, repository: Writable, offered: Offered) -> None:
        """Listed from then on, with the name as its authors write it."""
        name = offered.absent.title()
        publish_file(repository, f"{name.replace('-', '_')}-1.0-py3-none-any.whl", make_wheel(name, "1.0"))

        assert normalise(name) in self.listed(repository)
        assert repository.project(offered.absent).display == name

    def test_page_changes_its_serial(self, repository: Writable, offered: Offered) -> None:
        """So that those who keep pages know."""
        before = self.page_of(repository, offered)
        publish_file(repository, NEW, make_wheel(offered.project, "3.0"))

        assert self.page_of(repository, offered).serial > before.serial

    def test_same_bytes_again_change_nothing(
        self, repository: Writable, offered: Offered, file: File
    ) -> None:
        """And are a success."""
        before = self.page_of(repository, offered)
        again, is_new = publish_file(repository, file.filename, offered.contents[file.filename])

        assert (again, is_new) == (file, False)
        assert self.page_of(repository, offered) == before

    def test_other_bytes_are_refused(self, repository: Writable, offered: Offered, file: File) -> None:
        """With the words that upload tools look for; the first bytes stay."""
        before = self.page_of(repository, offered)
        with self.refused(FileConflict, "File already exists"):
            publish_file(repository, file.filename, self.other(offered, file.filename))

        assert self.page_of(repository, offered) == before
        assert self.read(repository.open(file)) == offered.contents[file.filename]

    def test_one_of_several_uploads_wins(self, repository: Writable, offered: Offered) -> None:
        """Different bytes under one name at the same moment."""
        contents = [make_wheel(offered.project, "3.0", summary=f"No. {n}") for n in range(THREADS)]
        winners = [content for content in self.at_once(repository, contents) if content]

        assert len(winners) == 1
        assert self.read(repository.open(repository.file(NEW))) == winners[0]

    def test_one_of_several_identical_uploads_is_new(self, repository: Writable, offered: Offered) -> None:
        """The others are a success too."""
        content = make_wheel(offered.project, "3.0")
        assert [one for one in self.at_once(repository, [content] * THREADS) if one] == [content]
        assert self.read(repository.open(repository.file(NEW))) == content

    def at_once(self, repository: Writable, contents: list[bytes]) -> list[bytes | None]:
        """Publish each content by a thread of its own; return those that were new, None for the rest."""
        together = threading.Barrier(len(contents), timeout=self.patience)

        def publish(content: bytes) -> bytes | None:
            together.wait()
            try:
                return content if publish_file(repository, NEW, content)[1] else None
            except FileConflict:
                return None

        with ThreadPoolExecutor(len(contents)) as pool:
            return list(pool.map(publish, contents))

    def test_staged_file_is_visible_to_nobody(self, repository: Writable, offered: Offered) -> None:
        """An upload that stops half-way leaves nothing behind."""
        before = self.page_of(repository, offered)
        with repository.stage() as staged:
            staged.write(b"half of it")

        assert self.page_of(repository, offered) == before
        assert not staged.path.exists()

    def test_signature_comes_back(self, repository: Writable, offered: Offered) -> None:
        """Byte for byte, as long as the file is there."""
        publish_file(repository, NEW, make_wheel(offered.project, "3.0"), signature=b"-----BEGIN PGP")
        file = repository.file(NEW)
        signature = self.read(repository.signature(file))
        repository.delete(file, PUBLISHER)

        assert (file.signed, signature) == (True, b"-----BEGIN PGP")
        with self.refused(FileMissing):
            repository.signature(file)

    @pytest.mark.parametrize("reason", ["It explodes", ""])
    def test_yanked_file_says_so_and_is_still_there(
        self, repository: Writable, offered: Offered, file: File, reason: str
    ) -> None:
        """An empty reason is a reason."""
        yanked = repository.yank(file, reason, PUBLISHER)
        (shown,) = (one for one in self.page_of(repository, offered).files if one.filename == file.filename)

        assert yanked == repository.file(file.filename) == replace(file, yanked=reason)
        assert shown.yanked == reason
        assert self.read(repository.open(yanked)) == offered.contents[file.filename]

    def test_unyanked_file_is_as_before(self, repository: Writable, offered: Offered, file: File) -> None:
        """The other files were never concerned."""
        before = self.page_of(repository, offered)
        yanked = repository.yank(file, "It explodes", PUBLISHER)

        assert repository.unyank(yanked, PUBLISHER) == repository.file(file.filename) == file
        assert self.page_of(repository, offered).files == before.files

    def test_deleted_file_is_gone_and_the_others_are_not(
        self, repository: Writable, offered: Offered, file: File
    ) -> None:
        """Also for those who remember where it was."""
        repository.delete(file, PUBLISHER)
        left = {one.filename for one in self.page_of(repository, offered).files}

        assert left == set(offered.contents) - {file.filename}
        with self.refused(FileMissing):
            repository.file(file.filename)
        with self.refused(FileMissing):
            self.read(repository.open(file))
        for name in left:
            assert self.read(repository.open(repository.file(name))) == offered.contents[name]

    def test_name_of_a_deleted_file_is_kept_for_its_bytes(
        self, repository: Writable, offered: Offered, file: File
    ) -> None:
        """Others are refused, and the same ones are a new file."""
        repository.delete(file, PUBLISHER)
        with self.refused(FileConflict, "File already exists"):
            publish_file(repository, file.filename, self.other(offered, file.filename))
        content = offered.contents[file.filename]

        assert publish_file(repository, file.filename, content)[1]
        assert self.read(repository.open(repository.file(file.filename))) == content

    @pytest.mark.parametrize("status", ["active", "deprecated", "archived"])
    def test_status_is_shown_with_its_reason(
        self, repository: Writable, offered: Offered, status: ProjectStatus
    ) -> None:
        """The files stay; only an archived project takes no more (PEP 792)."""
        before = self.page_of(repository, offered)
        repository.set_status(offered.project, status, "There are better ones", PUBLISHER)
        page = self.page_of(repository, offered)

        assert (page.status, page.status_reason) == (status, "There are better ones")
        assert page.files == before.files
        for name, content in offered.contents.items():
            assert self.read(repository.open(repository.file(name))) == content
        if status == "archived":
            with self.refused(ProjectClosed, offered.project):
                publish_file(repository, NEW, make_wheel(offered.project, "3.0"))
        else:
            assert publish_file(repository, NEW, make_wheel(offered.project, "3.0"))[1]

    def test_quarantined_project_offers_and_takes_nothing(
        self, repository: Writable, offered: Offered, file: File
    ) -> None:
        """Also to those who know a file from before; its name stays taken (PEP 792)."""
        repository.set_status(offered.project, "quarantined", "Malware", PUBLISHER)
        page = self.page_of(repository, offered)

        assert (page.files, page.status) == ((), "quarantined")
        assert offered.project in self.listed(repository)
        with self.refused(FileHidden, offered.project):
            repository.open(file)
        with self.refused(FileHidden, offered.project):
            repository.metadata(file)
        with self.refused(ProjectClosed, offered.project):
            publish_file(repository, NEW, make_wheel(offered.project, "3.0"))

    def test_project_is_as_before_when_its_status_is(self, repository: Writable, offered: Offered) -> None:
        """Nothing was lost."""
        before = self.page_of(repository, offered)
        repository.set_status(offered.project, "quarantined", "Malware", PUBLISHER)
        repository.set_status(offered.project, "active", "", PUBLISHER)
        after = self.page_of(repository, offered)

        assert replace(after, serial=before.serial) == before

    def test_absent_project_has_no_status(self, repository: Writable, offered: Offered) -> None:
        """Nor does it get one."""
        with self.refused(ProjectNotFound, offered.absent):
            repository.set_status(offered.absent, "archived", "", PUBLISHER)

        assert offered.absent not in self.listed(repository)
