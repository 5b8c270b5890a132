"""Promoting a release to another repository."""

from dataclasses import replace

import pytest

from pyramid_pypi.errors import (
    BadRequest,
    DigestMismatch,
    FileConflict,
    Forbidden,
    InvalidUpload,
    ProjectClosed,
    ProjectNotFound,
    TooLarge,
)
from pyramid_pypi.model import Hashes, Identity
from pyramid_pypi.publish.promoting import promote
from pyramid_pypi.storage.reading import read_blob
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.unit.publish.conftest import SDIST, WHEEL, Caller, add

ANN = Caller("upload")


@pytest.fixture
def source(index, listener):
    listener.heard.clear()
    return index.served("private")


@pytest.fixture
def target(index):
    return index.served("stable")


def test_a_promoted_release_has_the_same_bytes_and_is_new(source, target, listener):
    source.takes.yank_release("holy-grail", "1.0", "not yet", Caller("yank"))
    listener.heard.clear()
    before = {file.filename: file for file in source.repository.project("holy-grail").files}

    found = promote(source, target, "holy-grail", "1.0", ANN)

    assert found == list(target.repository.project("holy-grail").files)
    for file in found:
        old = before[file.filename]
        assert (file.hashes, file.comment, file.signed) == (old.hashes, old.comment, old.signed)
        assert file.yanked is None
        assert file.uploaded_at > old.uploaded_at
    assert sorted(listener.heard) == [("added", WHEEL, "stable", "ann"), ("added", SDIST, "stable", "ann")]


def test_signature_and_metadata_come_along(source, target):
    promote(source, target, "holy-grail", "1.0", ANN)

    repository = target.repository
    assert b"".join(read_blob(repository.signature(repository.file(SDIST)))) == b"signed"
    assert b"Name: holy-grail" in repository.metadata(repository.file(WHEEL))


def test_what_is_there_with_the_same_bytes_is_a_success(source, target, listener):
    add(target, WHEEL, make_wheel("holy-grail", "1.0"))
    listener.heard.clear()

    for _ in range(2):
        assert len(promote(source, target, "holy-grail", "1.0", ANN)) == 2

    assert listener.heard == [("added", SDIST, "stable", "ann")]


def test_other_bytes_under_a_name_are_told_before_anything_is_done(source, target):
    add(target, SDIST.replace("1.0", "0.9"), make_sdist("holy-grail", "0.9"))
    add(target, WHEEL, make_wheel("holy-grail", "1.0", summary="another"))

    with pytest.raises(FileConflict, match=r"File already exists .* 'stable'"):
        promote(source, target, "holy-grail", "1.0", ANN)

    assert len(target.repository.project("holy-grail").files) == 2


def test_a_group_is_a_source_as_well(index, target):
    found = promote(index.served("all"), target, "holy-grail", "1.0", Caller("upload"))

    assert len(found) == 2


def test_a_group_as_target_is_what_takes_its_uploads(index, source):
    promote(source, index.published("all"), "holy-grail", "1.0", ANN)

    assert len(index.served("stable").repository.project("holy-grail").files) == 2
    with pytest.raises(Forbidden, match="publish to a hosted one"):
        promote(source, replace(index.served("all"), publish=""), "holy-grail", "1.0", ANN)


def test_it_takes_the_right_to_read_here_and_to_upload_there(source, target):
    with pytest.raises(ProjectNotFound):
        promote(source, target, "holy-grail", "1.0", Caller("upload", identity=Identity.user("bob")))
    with pytest.raises(Forbidden, match="upload"):
        promote(source, target, "holy-grail", "1.0", Caller("read", "yank"))


def test_the_repository_itself_is_no_target(source):
    with pytest.raises(BadRequest, match="name another repository"):
        promote(source, source, "holy-grail", "1.0", ANN)


def test_an_unknown_version_is_told(source, target):
    with pytest.raises(ProjectNotFound, match="has no version"):
        promote(source, target, "holy-grail", "3.0", ANN)


def test_a_quarantined_project_is_not_promoted_and_a_closed_one_takes_nothing(source, target):
    source.takes.set_status("holy-grail", "quarantined", "", Caller("manage"))
    with pytest.raises(ProjectClosed, match="quarantined"):
        promote(source, target, "holy-grail", "1.0", ANN)

    source.takes.set_status("holy-grail", "active", "", Caller("manage"))
    add(target, "holy_grail-0.1-py3-none-any.whl", make_wheel("holy-grail", "0.1"))
    target.takes.set_status("holy-grail", "archived", "", Caller("manage"))
    with pytest.raises(ProjectClosed, match="archived"):
        promote(source, target, "holy-grail", "1.0", ANN)


def test_plugins_are_asked_as_for_a_download_and_an_upload(source, target, listener):
    listener.no_download = "infected"
    with pytest.raises(Forbidden, match="infected in private"):
        promote(source, target, "holy-grail", "1.0", ANN)
    listener.no_download, listener.refusal = None, "no licence"
    with pytest.raises(InvalidUpload, match="no licence"):
        promote(source, target, "holy-grail", "1.0", ANN)

    assert target.takes.repository.own_projects() == []


def test_the_target_has_its_own_profile_and_limit(open_index):
    index = open_index(**{"pypi.repo.stable.accept": "strict", "pypi.repo.stable.max_upload_size": "300"})
    source, target = index.served("private"), index.served("stable")
    add(source, "holy_grail-1.0+local-py3-none-any.whl", make_wheel("holy-grail", "1.0+local"))
    add(source, WHEEL, make_wheel("holy-grail", "1.0"))

    with pytest.raises(TooLarge, match="300 bytes"):
        promote(source, target, "holy-grail", "1.0", ANN)
    with pytest.raises(InvalidUpload, match="local versions"):
        promote(source, replace(target, max_upload_size=10**6), "holy-grail", "1.0+local", ANN)


@pytest.mark.parametrize(
    ("identity", "roles"),
    [(Identity.user("ann"), {"user:ann": "owner"}), (Identity.operator("root"), {})],
    ids=["a user", "a command on the machine of the index"],
)
def test_the_first_user_in_the_target_owns_it(open_index, identity, roles):
    index = open_index(**{"pypi.repo.stable.ownership": "first-uploader"})
    add(index.served("private"), WHEEL, make_wheel("holy-grail", "1.0"))

    by = Caller("upload", identity=identity)
    promote(index.served("private"), index.served("stable"), "holy-grail", "1.0", by)

    assert index.served("stable").roles.of("holy-grail") == roles


class Lying:
    """A repository whose storage has other bytes than it says."""

    def __init__(self, source, **changes):
        self.source = source
        self.changes = changes

    def __getattr__(self, name):
        return getattr(self.source, name)

    def file(self, filename):
        return replace(self.source.file(filename), **self.changes)


@pytest.mark.parametrize(
    "changes",
    [{"hashes": Hashes(sha256="0" * 64)}, {"hashes": Hashes(md5="0" * 32)}, {"size": 1}],
    ids=["sha256", "md5", "size"],
)
def test_damaged_bytes_are_not_promoted(source, target, changes):
    damaged = replace(source, repository=Lying(source.repository, **changes))

    with pytest.raises(DigestMismatch, match="are not those"):
        promote(damaged, target, "holy-grail", "1.0", ANN)

    assert target.takes.repository.own_projects() == []


def test_a_file_without_digests_is_compared_when_its_bytes_are_here(source, target):
    add(target, WHEEL, make_wheel("holy-grail", "1.0", summary="another"))
    silent = replace(source, repository=Lying(source.repository, hashes=Hashes()))

    with pytest.raises(FileConflict):
        promote(silent, target, "holy-grail", "1.0", ANN)
