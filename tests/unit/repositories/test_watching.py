import logging
import os
import threading
import time
from pathlib import Path

import pytest

from pyramid_pypi.catalog import Catalog, reading
from pyramid_pypi.errors import CatalogUnavailable
from pyramid_pypi.model import Identity
from pyramid_pypi.repositories import Hosted, adoption
from pyramid_pypi.repositories.watching import Watcher
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.unit.cli.upkeeping import put

WHEEL = "holy_grail-1.0-py3-none-any.whl"
CONTENT = make_wheel("Holy-Grail", "1.0", requires_python=">=3.9")
ANN = Identity.user("ann")


class Tree:
    """A folder that other tools fill, and the repository that serves it."""

    def __init__(self, folder: Path, catalog_url: str):
        self.folder = folder / "packages"
        self.folder.mkdir(exist_ok=True)
        self.catalog_url = catalog_url
        self.open()

    def open(self):
        self.catalog = Catalog(self.catalog_url)
        self.storage = FilesystemStorage(FilesystemStorage.Options(path=self.folder, rescan=1))
        self.repository = Hosted("private", storage=self.storage, catalog=self.catalog)
        self.watcher = Watcher(self.repository, self.storage)

    def drop(self, name, content=CONTENT, *, age=10.0):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        then = time.time() - age
        os.utime(path, (then, then))
        return path

    @property
    def listed(self):
        return sorted(file.key for file in self.catalog.files("private"))


@pytest.fixture
def tree(tmp_path, catalog_url):
    found = Tree(tmp_path, catalog_url)
    yield found
    found.catalog.close()


@pytest.mark.parametrize("place", ["", "holy-grail/", "old/2019/", "Holy_Grail/1.0/"])
def test_files_are_served_where_they_lie(tree, place):
    tree.drop(f"{place}{WHEEL}")

    tree.watcher.round()

    (file,) = tree.repository.project("holy-grail").files
    assert (file.key, file.version, file.requires_python) == (f"{place}{WHEEL}", "1.0", ">=3.9")
    assert file.metadata_sha256 is not None
    assert (tree.folder / place / WHEEL).read_bytes() == CONTENT


def test_a_file_that_is_dropped_later_shows_up(tree):
    tree.watcher.round()
    tree.drop(f"holy-grail/{WHEEL}")
    tree.drop("holy-grail/holy_grail-1.0.tar.gz", make_sdist("holy-grail", "1.0"))

    tree.watcher.round()

    assert tree.listed == [f"holy-grail/{WHEEL}", "holy-grail/holy_grail-1.0.tar.gz"]


@pytest.mark.parametrize(
    "name",
    [
        f".{WHEEL}",
        f".hidden/{WHEEL}",
        f"{WHEEL}.part",
        f"{WHEEL}.asc",
        f"{WHEEL}.metadata",
        "README.txt",
        "x.whl",
    ],
)
def test_other_files_never_show_up(tree, name):
    tree.drop(name)

    tree.watcher.round()

    assert tree.listed == []


@pytest.mark.parametrize(
    ("name", "content"), [(WHEEL, CONTENT), ("holy_grail-1.0.tar.gz", make_sdist("holy-grail", "1.0"))]
)
def test_a_file_that_is_still_arriving_waits_until_it_is_whole(tree, name, content):
    path = tree.drop(name, content[:-20], age=0)
    tree.watcher.round()
    assert tree.listed == []

    path.write_bytes(content)
    tree.watcher.round()

    assert tree.listed == [name]


def test_a_broken_file_is_reported_once_and_left_out(tree, caplog):
    tree.drop(WHEEL, CONTENT[:-20], age=1000)

    tree.watcher.round()
    tree.drop("other-1.0.tar.gz", b"", age=1000)
    tree.watcher.round()

    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert tree.listed == []
    assert len([text for text in warnings if WHEEL in text]) == 1


def test_the_second_of_two_files_with_one_name_is_reported(tree, caplog):
    tree.drop(f"a/{WHEEL}")
    tree.watcher.round()
    tree.drop(f"b/{WHEEL}")

    tree.watcher.round()

    assert tree.listed == [f"a/{WHEEL}"]
    assert f"already served from a/{WHEEL}" in caplog.text


def test_a_file_that_is_taken_away_is_no_longer_listed(tree):
    path = tree.drop(f"holy-grail/{WHEEL}")
    tree.watcher.round()
    path.unlink()

    tree.watcher.round()

    assert tree.listed == []
    assert tree.repository.project("holy-grail").files == ()


def test_the_name_of_a_deleted_file_takes_no_other_content(tree, caplog):
    tree.drop(WHEEL)
    tree.watcher.round()
    tree.repository.delete(tree.repository.file(WHEEL), ANN)
    tree.watcher.round()
    tree.drop(WHEEL, make_wheel("Holy-Grail", "1.0", summary="other"))

    tree.watcher.round()
    assert tree.listed == []
    assert "has been deleted" in caplog.text

    (tree.folder / WHEEL).unlink()
    tree.watcher.round()
    tree.drop(WHEEL)
    tree.watcher.round()
    assert tree.listed == [WHEEL]


def test_a_file_that_was_taken_away_while_nobody_looked_is_no_longer_listed(tree):
    path = tree.drop(WHEEL)
    tree.watcher.round()
    tree.catalog.close()
    path.unlink()
    tree.open()

    tree.watcher.round()

    assert tree.listed == []


def test_a_folder_that_is_not_mounted_empties_nothing(tree):
    tree.drop(WHEEL)
    tree.watcher.round()
    tree.folder.rename(tree.folder.with_name("elsewhere"))
    tree.folder.mkdir()

    with pytest.raises(Exception, match="missing"):
        tree.watcher.round()

    assert tree.listed == [WHEEL]


def test_what_the_record_says_survives_the_loss_of_the_catalog(tree, tmp_path):
    tree.drop(WHEEL)
    tree.watcher.round()
    yanked = tree.repository.yank(tree.repository.file(WHEEL), "why", ANN)
    tree.catalog.close()
    tree.catalog_url = f"sqlite:///{tmp_path}/another.db"
    tree.open()

    tree.watcher.round()

    assert tree.repository.file(WHEEL) == yanked


def test_an_upload_that_is_under_way_is_left_to_its_uploader(tree):
    tree.watcher.round()
    with tree.storage.stage() as staged:
        staged.write(CONTENT)
        tree.storage.put(WHEEL, staged)
        tree.watcher.round()
        assert tree.listed == []

    tree.watcher.round()
    assert tree.listed == [WHEEL]


def test_a_tree_that_cannot_be_written_is_served_all_the_same(tree, tmp_path, monkeypatch):
    tree.drop(WHEEL)
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "no")))
    tree.storage = FilesystemStorage(FilesystemStorage.Options(path=tree.folder))
    repository = Hosted("private", storage=tree.storage, catalog=tree.catalog)

    Watcher(repository, tree.storage).round()

    assert tree.listed == [WHEEL]


@pytest.mark.parametrize("with_events", [True, False])
def test_the_thread_sees_new_files_by_events_or_by_the_clock(tree, monkeypatch, with_events):
    if not with_events:
        monkeypatch.setitem(__import__("sys").modules, "watchfiles", None)
    seen = threading.Event()
    add = adoption.list_found
    monkeypatch.setattr(adoption, "list_found", lambda *a: (add(*a), seen.set())[0])
    tree.watcher.start()

    tree.drop(f"holy-grail/{WHEEL}")

    assert seen.wait(20)
    tree.watcher.stop()
    tree.watcher.join()
    assert tree.listed == [f"holy-grail/{WHEEL}"]


def test_a_round_that_was_cut_off_is_made_up_for(tree, monkeypatch):
    tree.drop(WHEEL)
    tree.drop("other-1.0-py3-none-any.whl", make_wheel("other", "1.0"))
    with monkeypatch.context() as patch:
        patch.setattr(adoption, "list_found", lambda *_: (_ for _ in ()).throw(CatalogUnavailable("no")))
        tree.watcher._safe_round()
    assert tree.listed == []

    tree.watcher._safe_round()

    assert tree.listed == [WHEEL, "other-1.0-py3-none-any.whl"]


def test_uploads_of_our_own_are_looked_for_in_the_catalog_once(tree, monkeypatch):
    monkeypatch.setattr(reading, "_BATCH", 7)
    tree.watcher.round()
    for version in range(20):
        put(tree.repository, "holy-grail", f"{version}", content=CONTENT)
    asked = []
    read = tree.catalog.reading
    monkeypatch.setattr(tree.catalog, "reading", lambda: asked.append(1) or read())

    tree.watcher.round()

    assert asked == [1]


def test_a_quiet_round_lists_no_folder(tree, monkeypatch):
    for number in range(5):
        tree.drop(f"p{number}/p{number}-1.0-py3-none-any.whl", make_wheel(f"p{number}", "1.0"))
    # What changed a moment ago is looked at twice, because clocks tick slowly.
    for folder in [tree.folder, *tree.folder.glob("p*")]:
        os.utime(folder, (1, 1))
    tree.watcher.round()

    def scandir(path):
        raise AssertionError(path)

    monkeypatch.setattr(os, "scandir", scandir)
    tree.watcher.round()
