"""The contract of repositories holds for one in memory, and notices repositories that break it."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from pyramid_pypi.errors import FileMissing, ProjectNotFound, PypiError
from pyramid_pypi.model import ProjectName, ProjectPage, Redirect
from pyramid_pypi.testing.repositories import WritableContract, offer_files, publish_file
from tests.unit.memory import MemoryRepository


class ListsTwice(MemoryRepository):
    def projects(self):
        return super().projects() * 2


class OwnsWhatItDoesNotList(MemoryRepository):
    def own_projects(self):
        return [*super().own_projects(), ProjectName("zoot", "Zoot", 1)]


class OwnsNothing(MemoryRepository):
    def own_projects(self):
        return []


class HasAnEmptyPageForAll(MemoryRepository):
    def project(self, name):
        return super().project(name) if name in self.pages else ProjectPage(self.name, name, name, (), 0)


class SendsNowhere(MemoryRepository):
    def project(self, name):
        return Redirect("/elsewhere")


class SaysNothing(MemoryRepository):
    def project(self, name):
        if name not in self.pages:
            raise ProjectNotFound
        return super().project(name)


class ForgetsASdist(MemoryRepository):
    def project(self, name):
        page = super().project(name)
        return replace(page, files=page.files[:2])


class KeepsTheSpelling(MemoryRepository):
    def project(self, name):
        return replace(super().project(name), name="Holy_Grail")


class TellsAnotherVersion(MemoryRepository):
    def project(self, name):
        page = super().project(name)
        return replace(page, files=tuple(replace(file, version="1.0.0") for file in page.files))


class TellsWrongSizes(MemoryRepository):
    def project(self, name):
        page = super().project(name)
        return replace(page, files=tuple(replace(file, size=1) for file in page.files))


class SaysMoreOnThePage(MemoryRepository):
    def project(self, name):
        page = super().project(name)
        return replace(page, files=tuple(replace(file, requires_python=">=4") for file in page.files))


class IgnoresCase(MemoryRepository):
    def file(self, filename):
        found = (name for name in self.listed if name.lower() == filename.lower())
        return super().file(next(found, filename))


class TripsOverNames(MemoryRepository):
    def file(self, filename):
        return super().file(filename.encode().decode())


class HasNoSuchProject(MemoryRepository):
    def file(self, filename):
        try:
            return super().file(filename)
        except FileMissing as error:
            raise ProjectNotFound("There is no such project") from error


class MovesFiles(MemoryRepository):
    moves = itertools.count()

    def file(self, filename):
        return replace(super().file(filename), place=f"aa/bb/{next(self.moves):060}/{filename}")


class PutsFilesTogether(MemoryRepository):
    def project(self, name):
        page = super().project(name)
        place = f"aa/bb/{'c' * 60}/x.whl"
        return replace(page, files=tuple(replace(file, place=place) for file in page.files))


class BreaksOff(MemoryRepository):
    def stream(self, content, start, stop):
        yield next(super().stream(content, start, stop))


class GivesOnlyPartsOfParts(MemoryRepository):
    def open(self, file, *, partly=False):
        blob = super().open(file)
        return replace(blob, open=lambda start, stop: iter([b""])) if partly else blob


class IgnoresRanges(MemoryRepository):
    def stream(self, content, start, stop):
        yield content


class IsUsedUp(MemoryRepository):
    def open(self, file, *, partly=False):
        blob, begun = super().open(file), {}
        return replace(blob, open=lambda *part: begun.setdefault(part, blob.open(*part)))


class HasFewStreams(MemoryRepository):
    def __init__(self, folder):
        super().__init__(folder)
        self.free = threading.Semaphore(4)

    def open(self, file, *, partly=False):
        if not self.free.acquire(blocking=False):
            raise PypiError("All streams are in use.")
        return super().open(file)


class SendsOtherMetadata(MemoryRepository):
    def metadata(self, file):
        return super().metadata(file) + b"\n"


class PromisesMetadata(MemoryRepository):
    def metadata(self, file):
        raise FileMissing(f"{file.filename} has none")


class InventsSignatures(MemoryRepository):
    def signature(self, file):
        return self.open(file)


class IsForOneThread(MemoryRepository):
    def __init__(self, folder):
        super().__init__(folder)
        self.thread = threading.get_ident()

    def project(self, name):
        if threading.get_ident() != self.thread:
            raise RuntimeError("not from this thread")
        return super().project(name)


class ClosesOnce(MemoryRepository):
    is_closed = False

    def close(self):
        if self.is_closed:
            raise RuntimeError("already closed")
        self.is_closed = True


class WaitsAfterClosing(MemoryRepository):
    waits = False

    def close(self):
        self.waits = True

    def stream(self, content, start, stop):
        for chunk in super().stream(content, start, stop):
            if self.waits:
                threading.Event().wait(60)
            yield chunk


class AddsAnyBytes(MemoryRepository):
    def add(self, upload, by):
        self.digests.pop(upload.filename.filename, None)
        self.listed.pop(upload.filename.filename, None)
        return super().add(upload, by)


class ForgetsDeletedNames(MemoryRepository):
    def delete(self, file, by):
        super().delete(file, by)
        del self.digests[file.filename]


class TakesANameForEver(MemoryRepository):
    def delete(self, file, by):
        super().delete(file, by)
        self.digests[file.filename] = "gone"


class LooksBeforeItAdds(MemoryRepository):
    def __init__(self, folder):
        super().__init__(folder)
        self.between = threading.Barrier(8, timeout=30)

    def remember(self, upload, content, by):
        if upload.version == "3.0":
            self.lock.release()
            self.between.wait()
            self.lock.acquire()
        super().remember(upload, content, by)


class LeavesBytes(MemoryRepository):
    def refuse(self, file):
        pass


class TakesNoReasonForNone(MemoryRepository):
    def yank(self, file, reason, by):
        return super().yank(file, reason or None, by)


class YanksForEver(MemoryRepository):
    def unyank(self, file, by):
        return self.listed[file.filename]


class TakesFilesAlways(MemoryRepository):
    def project_status(self, name):
        return "active"


class ForgetsTheReason(MemoryRepository):
    def change(self, page, **changes):
        super().change(page, **{**changes, "status_reason": ""})


class HasNoSerials(MemoryRepository):
    def change(self, page, **changes):
        self.pages[page.name] = replace(page, **changes)


class GivesStatusToAnything(MemoryRepository):
    def set_status(self, name, status, reason, by):
        page = self.pages.get(name) or ProjectPage(self.name, name, name, (), 0)
        self.change(page, status=status)


class TestMemoryRepository(WritableContract):
    """A repository needs neither a disk nor a database."""

    @pytest.fixture
    def repository(self, tmp_path):
        return MemoryRepository(tmp_path)

    @pytest.fixture
    def offered(self, repository):
        return offer_files(partial(publish_file, repository))


CONTRACT = WritableContract()
BROKEN: list[tuple[type[MemoryRepository], Callable[..., None]]] = [
    (ListsTwice, CONTRACT.test_projects_are_listed_once_and_in_order),
    (OwnsWhatItDoesNotList, CONTRACT.test_own_projects_are_those_that_are_not_from_outside),
    (OwnsNothing, CONTRACT.test_own_projects_are_those_that_are_not_from_outside),
    (HasAnEmptyPageForAll, CONTRACT.test_absent_project_is_not_found),
    (SaysNothing, CONTRACT.test_absent_project_is_not_found),
    (SendsNowhere, CONTRACT.test_project_that_is_elsewhere_has_a_whole_url),
    (ForgetsASdist, CONTRACT.test_page_has_the_files),
    (KeepsTheSpelling, CONTRACT.test_page_has_the_files),
    (TellsAnotherVersion, CONTRACT.test_files_are_what_their_names_say),
    (TellsWrongSizes, CONTRACT.test_page_says_nothing_wrong),
    (SaysMoreOnThePage, CONTRACT.test_file_is_what_the_page_says),
    (IgnoresCase, CONTRACT.test_filename_of_no_file_is_missing),
    (TripsOverNames, CONTRACT.test_filename_of_no_file_is_missing),
    (HasNoSuchProject, CONTRACT.test_filename_of_no_file_is_missing),
    (MovesFiles, CONTRACT.test_each_file_has_a_path_of_its_own),
    (PutsFilesTogether, CONTRACT.test_each_file_has_a_path_of_its_own),
    (BreaksOff, CONTRACT.test_whole_file_is_read),
    (GivesOnlyPartsOfParts, CONTRACT.test_whole_file_is_read),
    (GivesOnlyPartsOfParts, CONTRACT.test_blob_of_a_part_is_that_of_the_whole),
    (IgnoresRanges, CONTRACT.test_stream_gives_ranges),
    (IsUsedUp, CONTRACT.test_stream_gives_ranges),
    (HasFewStreams, CONTRACT.test_reading_may_stop_half_way),
    (SendsOtherMetadata, CONTRACT.test_metadata_is_what_the_page_says),
    (PromisesMetadata, CONTRACT.test_metadata_is_what_the_page_says),
    (InventsSignatures, CONTRACT.test_unsigned_file_has_no_signature),
    (IsForOneThread, CONTRACT.test_threads_get_the_same_answers),
    (ClosesOnce, CONTRACT.test_nothing_hangs_after_closing),
    (WaitsAfterClosing, CONTRACT.test_nothing_hangs_after_closing),
    (AddsAnyBytes, CONTRACT.test_other_bytes_are_refused),
    (AddsAnyBytes, CONTRACT.test_same_bytes_again_change_nothing),
    (ForgetsDeletedNames, CONTRACT.test_name_of_a_deleted_file_is_kept_for_its_bytes),
    (TakesANameForEver, CONTRACT.test_name_of_a_deleted_file_is_kept_for_its_bytes),
    (LooksBeforeItAdds, CONTRACT.test_one_of_several_uploads_wins),
    (LooksBeforeItAdds, CONTRACT.test_one_of_several_identical_uploads_is_new),
    (LeavesBytes, CONTRACT.test_deleted_file_is_gone_and_the_others_are_not),
    (LeavesBytes, CONTRACT.test_quarantined_project_offers_and_takes_nothing),
    (LeavesBytes, CONTRACT.test_signature_comes_back),
    (TakesNoReasonForNone, CONTRACT.test_yanked_file_says_so_and_is_still_there),
    (YanksForEver, CONTRACT.test_unyanked_file_is_as_before),
    (TakesFilesAlways, CONTRACT.test_quarantined_project_offers_and_takes_nothing),
    (TakesFilesAlways, CONTRACT.test_status_is_shown_with_its_reason),
    (ForgetsTheReason, CONTRACT.test_status_is_shown_with_its_reason),
    (HasNoSerials, CONTRACT.test_page_changes_its_serial),
    (GivesStatusToAnything, CONTRACT.test_absent_project_has_no_status),
]


@pytest.mark.parametrize(("kind", "test"), BROKEN)
def test_broken_repository_is_noticed(kind, test, tmp_path, monkeypatch) -> None:
    """A contract that everything passes would be worth nothing."""
    monkeypatch.setattr(WritableContract, "patience", 0.5)
    repository = kind(tmp_path)
    offered = offer_files(partial(publish_file, repository), redirects=kind is SendsNowhere)
    files = sorted(repository.listed.values(), key=lambda file: file.size)
    given = {
        "repository": repository,
        "offered": offered,
        "page": repository.project(offered.project),
        "file": repository.listed[min(offered.contents)],
        "large": files[-1],
        "partly": True,
        "reason": "",
        "status": "archived",
    }
    wanted = test.__code__.co_varnames[1 : test.__code__.co_argcount]

    with pytest.raises((AssertionError, pytest.fail.Exception, PypiError, RuntimeError)):
        test(**{name: given[name] for name in wanted})
