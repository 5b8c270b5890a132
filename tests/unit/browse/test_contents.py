"""What is inside wheels and sdists."""

import gzip
import io
import tarfile
from dataclasses import replace

import pytest

from pyramid_pypi import hookimpl
from pyramid_pypi.browse import contents as module
from pyramid_pypi.browse.contents import contents
from pyramid_pypi.browse.facts import EntryFacts
from pyramid_pypi.errors import BadRequest, BlobMissing, FileHidden, FileMissing, Forbidden, Unavailable
from pyramid_pypi.model import Redirect, Stream
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.unit.browse.indexes import ANN, BOB

WHEEL = "holy_grail-1.0-py3-none-any.whl"
SDIST = "holy_grail-1.0.tar.gz"
KNIGHT = "knight-1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """No list of another test: many files are the same, byte for byte."""
    monkeypatch.setattr(module, "_KEPT", module._Kept())


def test_the_members_of_a_wheel_are_listed_with_their_sizes(opened):
    index = opened()
    index.wheel(files={"holy_grail/data.txt": "x" * 1234})

    found = contents(index.viewer(), WHEEL)

    assert (found.filename, found.total) == (WHEEL, len(found.entries))
    assert EntryFacts("holy_grail/data.txt", 1234) in found.entries
    assert "holy_grail-1.0.dist-info/METADATA" in [one.path for one in found.entries]


def test_the_members_of_an_sdist_are_listed_without_directories(opened):
    index = opened()
    index.sdist(files={"docs/index.txt": "y" * 77})

    found = contents(index.viewer(), SDIST)

    assert EntryFacts("holy_grail-1.0/docs/index.txt", 77) in found.entries
    assert "holy_grail-1.0/PKG-INFO" in [one.path for one in found.entries]
    assert "holy_grail-1.0/docs" not in [one.path for one in found.entries]


def test_of_many_members_the_first_are_shown_and_all_are_counted(opened):
    index = opened()
    index.wheel(files={f"holy_grail/{number:04}.txt": "" for number in range(1200)})

    found = contents(index.viewer(), WHEEL)

    assert len(found.entries) == 1000
    assert found.total > 1200


def test_a_proxied_file_is_fetched_to_look_into_it_and_kept(opened, upstream):
    index = opened()
    offered = upstream.add(KNIGHT, make_wheel("knight", "1.0", files={"knight/ni.txt": "Ni!"}))
    viewer = index.viewer()

    first = contents(viewer, KNIGHT)
    upstream.down()
    second = contents(viewer, KNIGHT)

    assert EntryFacts("knight/ni.txt", 3) in first.entries
    assert second == first
    assert offered.filename == KNIGHT


def test_a_file_that_is_only_linked_is_not_looked_into(opened, upstream):
    index = opened({"pypi.repo.pypi.files": "redirect"})
    upstream.add(KNIGHT, make_wheel("knight", "1.0"))

    with pytest.raises(FileMissing, match="not kept here"):
        contents(index.viewer(), KNIGHT)


def test_a_file_that_an_upstream_does_not_give_is_unavailable(opened, upstream):
    index = opened()
    upstream.add(KNIGHT, make_wheel("knight", "1.0"))
    viewer = index.viewer()
    viewer.served.repository.project("knight")
    upstream.down()

    with pytest.raises(Unavailable):
        contents(viewer, KNIGHT)


class Elsewhere:
    """A repository whose bytes come as a stream, as from a bucket."""

    def __init__(self, repository, content, *, size, redirects=False):
        self._repository = repository
        self._content = content
        self._size = size
        self._redirects = redirects

    def __getattr__(self, name):
        return getattr(self._repository, name)

    def open(self, file, *, partly=False):
        stream = Stream(self._size, None, lambda start, stop: iter([self._content[start:stop]]))
        return Redirect("https://bucket.example.org/x", stream) if self._redirects else stream


@pytest.mark.parametrize("redirects", [False, True], ids=["stream", "redirect"])
@pytest.mark.parametrize("sized", [False, True], ids=["of-unknown-size", "of-known-size"])
def test_bytes_from_elsewhere_are_fetched_up_to_a_limit(sized, redirects, opened, monkeypatch):
    index = opened()
    index.wheel()
    content = make_wheel("holy-grail", "1.0")
    viewer = index.viewer("private")
    size = len(content) if sized else None
    source = Elsewhere(viewer.served.repository, content, size=size, redirects=redirects)
    viewer = replace(viewer, served=replace(viewer.served, repository=source))

    assert contents(viewer, WHEEL).total == contents(index.viewer("private"), WHEEL).total
    monkeypatch.setattr(module, "_MOST_FETCHED", len(content) - 1)
    monkeypatch.setattr(module, "_KEPT", module._Kept())
    with pytest.raises(BadRequest, match="is not fetched to look into it"):
        contents(viewer, WHEEL)


def test_bytes_that_take_too_long_are_not_waited_for(opened, monkeypatch):
    index = opened()
    index.wheel()
    content = make_wheel("holy-grail", "1.0")
    viewer = index.viewer("private")
    source = Elsewhere(viewer.served.repository, content, size=len(content))
    viewer = replace(viewer, served=replace(viewer.served, repository=source))
    monkeypatch.setattr(module, "_FETCHING_TAKES", -1.0)

    with pytest.raises(Unavailable, match="takes long to arrive"):
        contents(viewer, WHEEL)


def tar_of_zeros(size):
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("knight-1.0/zeros")
        info.size = size
        tar.addfile(info, io.BytesIO(bytes(size)))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        (KNIGHT, b"no zip file at all" * 100),
        ("knight-1.0.tar.gz", b"no tar file at all" * 100),
        ("knight-1.0.tar.gz", make_sdist("knight", "1.0")[:200]),
        ("knight-1.0.tar.gz", tar_of_zeros(2_000_000)),
        ("knight-1.0.zip", b""),
    ],
    ids=["zip", "tar", "cut-off", "bomb", "empty"],
)
def test_what_is_no_archive_is_told_in_a_sentence(filename, content, opened, upstream, monkeypatch):
    monkeypatch.setattr(module, "_MOST_UNPACKED", 1_000_000)
    index = opened()
    upstream.add(filename, content, core_metadata=False)

    with pytest.raises(BadRequest, match=f"{filename} cannot be listed. Invalid distribution file. "):
        contents(index.viewer(), filename)


def test_what_may_not_be_had_is_not_looked_into(opened):
    index = opened({"pypi.repo.private.project.holy*.read": "user:ann"})
    index.wheel()

    assert contents(index.viewer("private", ANN), WHEEL).total
    with pytest.raises(FileMissing):
        contents(index.viewer("private", BOB), WHEEL)
    with pytest.raises(FileMissing):
        contents(index.viewer("private", ANN), "holy_grail-2.0-py3-none-any.whl")

    index.hosted().set_status("holy-grail", "quarantined", "", ANN)
    with pytest.raises(FileHidden):
        contents(index.viewer("private", ANN), WHEEL)


def test_who_may_not_fetch_a_file_may_not_look_into_it(opened):
    class Embargo:
        @hookimpl
        def pypi_authorize_download(self, identity):
            return None if identity == ANN else "This file is for friends"

    index = opened()
    index.wheel()
    index.composed.plugins.register("embargo", Embargo())

    assert contents(index.viewer("private", ANN), WHEEL).total
    with pytest.raises(Forbidden, match="^This file is for friends$"):
        contents(index.viewer("private", BOB), WHEEL)


def test_bytes_that_have_disappeared_are_missing(opened, tmp_path):
    index = opened()
    index.wheel()
    for path in (tmp_path / "packages").rglob(WHEEL):
        path.unlink()

    with pytest.raises(BlobMissing):
        contents(index.viewer(), WHEEL)


def test_a_file_is_listed_once_for_all_who_may_look(opened, monkeypatch):
    index = opened()
    index.wheel()
    found = contents(index.viewer(), WHEEL)
    monkeypatch.setattr(module, "check_zip", None)

    assert contents(index.viewer("private", ANN), WHEEL) == found


def test_what_is_kept_is_still_hidden_from_whom_it_was_hidden(opened):
    index = opened({"pypi.repo.private.project.holy-*.read": "user:ann"})
    index.wheel()
    contents(index.viewer("private", ANN), WHEEL)

    with pytest.raises(FileMissing):
        contents(index.viewer("private", BOB), WHEEL)


def test_only_the_last_lists_are_kept(opened, monkeypatch):
    index = opened()
    monkeypatch.setattr(module, "_MOST_KEPT", 2)
    for version in ("1.0", "2.0", "3.0"):
        index.wheel(version=version)
        contents(index.viewer(), f"holy_grail-{version}-py3-none-any.whl")

    assert len(module._KEPT._lists) == 2
