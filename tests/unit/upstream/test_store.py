import sqlite3
import threading

import pytest

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi.upstream.store import CachedFile, CacheStore, Facts, StoredPage

PAGE = StoredPage("holy-grail", b"body" * 100, 1000.5, '"1"', "Wed, 21 Oct 2015 07:28:00 GMT")
ABSENT = StoredPage("holy-grail", None, 1000.0)


def cached(place, project="holy-grail", size=5, used_at=1000.0, **changes):
    return CachedFile(place, project, b"record", size, used_at, **changes)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "cache.db"


@pytest.fixture
def store(path):
    found = CacheStore(path)
    yield found
    found.close()


def in_threads(count, work):
    """Run `work(number)` in that many threads at once; return what went wrong."""
    problems, ready = [], threading.Barrier(count)

    def run(number):
        ready.wait(30)
        try:
            work(number)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return problems


@pytest.mark.parametrize("page", [PAGE, ABSENT, StoredPage("holy-grail", b"", 1.0)])
def test_a_page_is_kept(store, path, page):
    store.put_page(page)

    assert store.page("holy-grail") == page
    again = CacheStore(path)
    assert again.page("holy-grail") == page
    again.close()


def test_what_was_never_seen_is_none(store):
    assert store.page("holy-grail") is None
    assert store.file("a") is None
    assert store.metadata("ab") is None
    assert store.facts("holy-grail") == {}
    assert (store.pages(), store.files(), store.total_size()) == (0, [], 0)


def test_a_page_takes_the_place_of_an_older_one(store):
    store.put_page(PAGE)
    store.put_page(ABSENT)

    assert store.page("holy-grail") == ABSENT


def test_a_page_is_confirmed(store):
    store.put_page(PAGE)
    store.confirm_page("holy-grail", 2000.0)

    assert store.page("holy-grail") == StoredPage(
        PAGE.project, PAGE.body, 2000.0, PAGE.etag, PAGE.last_modified
    )


def test_absent_projects_are_not_counted_as_pages(store):
    store.put_page(ABSENT)
    store.put_page(StoredPage("another", b"", 1.0))

    assert store.pages() == 1


def test_a_damaged_page_was_never_seen(store):
    store.put_page(PAGE)
    store._run("UPDATE pages SET body = ?", (b"\x78\x01 damaged",))

    assert store.page("holy-grail") is None


def test_facts_are_added_and_what_is_unknown_changes_nothing(store):
    store.add_facts("a", "holy-grail", Facts(size=5))
    store.add_facts("a", "holy-grail", Facts(sha256="ab"))
    store.add_facts("a", "holy-grail", Facts(modified_at=1.5, metadata_sha256="cd"))
    store.add_facts("a", "holy-grail", Facts())
    store.add_facts("b", "holy-grail", Facts(size=7))
    store.add_facts("c", "another", Facts(size=9))

    assert store.facts("holy-grail") == {"a": Facts(5, "ab", 1.5, "cd"), "b": Facts(size=7)}


def test_newer_facts_win(store):
    store.add_facts("a", "holy-grail", Facts(5, "ab", 1.5, "cd"))
    store.add_facts("a", "holy-grail", Facts(0, "ef", 0.0, ""))

    assert store.facts("holy-grail") == {"a": Facts(0, "ef", 0.0, "")}


def test_metadata_is_kept_by_its_digest(store):
    store.put_metadata("ab", b"Metadata-Version: 2.1\n")
    store.put_metadata("ab", b"Metadata-Version: 2.1\n")

    assert store.metadata("ab") == b"Metadata-Version: 2.1\n"


def test_files_are_listed_those_unused_for_longest_first(store):
    files = [cached("a", used_at=3.0), cached("b", used_at=1.0), cached("c", "another", used_at=2.0)]
    for file in files:
        store.put_file(file)

    assert store.files() == [files[1], files[2], files[0]]
    assert store.files("holy-grail") == [files[1], files[0]]
    assert store.file("c") == files[2]
    assert store.total_size() == 15


def test_use_changes_the_order(store):
    for place in "abc":
        store.put_file(cached(place))
    store.use_files([("a", 2000.0), ("c", 1500.0), ("gone", 1.0)])

    assert [file.place for file in store.files()] == ["b", "c", "a"]


def test_a_forgotten_file_is_not_here_any_more(store):
    store.put_file(cached("a"))
    store.forget_file("a")
    store.forget_file("a")

    assert (store.file("a"), store.total_size()) == (None, 0)


def test_withdrawing_marks_the_files_of_a_project_and_tells_which(store):
    for file in (cached("a"), cached("b"), cached("c", "another")):
        store.put_file(file)

    marked = store.withdraw("holy-grail", "deleted")

    assert sorted(marked, key=lambda file: file.place) == [
        cached(place, withdrawn="deleted") for place in "ab"
    ]
    assert store.withdraw("holy-grail", "deleted") == []
    assert [file.withdrawn for file in store.files("another")] == [""]


def test_a_mark_changes_and_is_taken_away(store):
    store.put_file(cached("a"))
    store.withdraw("holy-grail", "deleted")

    assert store.withdraw("holy-grail", "quarantined") == [cached("a", withdrawn="quarantined")]
    assert store.withdraw("holy-grail", "") == [cached("a")]
    assert store.withdraw("holy-grail", "") == []


def test_another_layout_is_dropped_and_made_anew(path):
    path.parent.mkdir()
    old = sqlite3.connect(path)
    old.executescript("CREATE TABLE pages (x); CREATE TABLE old (y); PRAGMA user_version = 99;")
    old.close()

    store = CacheStore(path)

    assert store.page("holy-grail") is None
    store.put_page(PAGE)
    tables = {name for (name,) in store._run("SELECT name FROM sqlite_master WHERE type = 'table'", ())}
    assert "old" not in tables
    store.close()


def test_the_same_layout_keeps_everything(path, store):
    store.put_page(PAGE)
    store.put_file(cached("a"))

    again = CacheStore(path)

    assert (again.pages(), again.total_size()) == (1, 5)
    again.close()


def test_many_threads_write_at_once(store):
    def work(number):
        for step in range(20):
            store.put_page(StoredPage(f"p{number}", b"x" * 1000, float(step)))
            store.add_facts(f"{number}/{step}", f"p{number}", Facts(size=step))
            store.put_file(cached(f"{number}/{step}", f"p{number}", size=1))
            store.use_files([(f"{number}/{step}", 2000.0 + step)])
            store.withdraw(f"p{number}", "deleted" if step % 2 else "")
            assert store.page(f"p{number}").checked_at == step

    assert in_threads(8, work) == []
    assert (store.pages(), store.total_size()) == (8, 160)


def test_many_start_at_once(tmp_path):
    for number in range(15):
        path = tmp_path / f"{number}.db"

        assert in_threads(8, lambda _, path=path: CacheStore(path).close()) == []


def test_a_broken_transaction_changes_nothing_and_the_next_one_works(store):
    store.put_file(cached("a"))

    with pytest.raises(StorageUnavailable):
        store.use_files([("a", 5.0), ("a", object())])
    assert store.file("a") == cached("a")
    store.use_files([("a", 5.0)])
    assert store.file("a") == cached("a", used_at=5.0)


def test_a_file_that_is_no_database_is_said(path):
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 1000)

    with pytest.raises(StorageUnavailable, match="'cache' cannot be used"):
        CacheStore(path)


def test_damage_that_happens_later_is_said(path, store):
    for number in range(200):
        store.put_page(StoredPage(f"p{number}", b"", 1.0, etag="x" * 500))
    store._run("PRAGMA wal_checkpoint(TRUNCATE)", ())
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (size - 4096))
    damaged = CacheStore(path)

    with pytest.raises(StorageUnavailable):
        damaged.page("p7")
    damaged.close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnavailable):
        CacheStore(tmp_path / "file" / "cache.db")


def test_after_closing_nothing_works(store):
    store.close()

    with pytest.raises(StorageUnavailable):
        store.page("holy-grail")


def test_following_another_upstream_forgets_what_the_last_one_said_but_no_files(store):
    assert store.follow("https://one.example/simple/") is False
    store.put_page(PAGE)
    store.add_facts("a", "holy-grail", Facts(size=5))
    store.put_file(cached("a"))
    assert store.follow("https://one.example/simple/") is False
    assert store.page("holy-grail") == PAGE

    assert store.follow("https://two.example/simple/") is True
    assert store.page("holy-grail") is None
    assert store.facts("holy-grail") == {}
    assert store.file("a") == cached("a")
    assert store.follow("https://two.example/simple/") is False
