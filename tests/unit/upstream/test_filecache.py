import fcntl
import hashlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pyramid_pypi.errors import FileMissing, StorageUnavailable, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import Hashes, LocalFile, Stream
from pyramid_pypi.storage.base import StagedFile
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.storage.reading import read_blob
from pyramid_pypi.upstream.download import HELD_BACK
from pyramid_pypi.upstream.filecache import FileCache, FileCacheStats
from pyramid_pypi.upstream.locks import HostLocks
from pyramid_pypi.upstream.pace import Pace
from pyramid_pypi.upstream.records import file_from_bytes
from pyramid_pypi.upstream.store import CachedFile, CacheStore, Facts
from tests.unit.upstream.scripted import (
    CHUNK,
    MODIFIED,
    PATIENCE,
    Answer,
    ScriptedUpstream,
    descriptors,
    remote_file,
    some_bytes,
)

SIZE = 8 * CHUNK + 123
CONTENT = some_bytes(SIZE)
FILE = remote_file(CONTENT)
STRAY = f"aa/bb/{'c' * 60}/stray-1.0.tar.gz"


@dataclass
class World:
    """A file cache in a folder, its parts, and what it has reported."""

    folder: Path
    upstream: ScriptedUpstream
    options: FileCache.Options

    def __post_init__(self) -> None:
        self.storage = FilesystemStorage(FilesystemStorage.Options(path=self.folder / "files", durable=False))
        self.store = CacheStore(self.folder / "cache.db")
        self.locks = HostLocks(self.folder / "locks")
        self.now = 1000.0
        self.offline = False
        self.fetched = []
        self.reported = threading.Semaphore(0)
        self.cache = FileCache(
            self.upstream,
            self.storage,
            self.store,
            self.options,
            locks=self.locks,
            on_fetched=self._report,
            offline=lambda: self.offline,
            clock=lambda: self.now,
        )

    def _report(self, file) -> None:
        self.fetched.append(file)
        self.reported.release()

    def fetch(self, *files) -> None:
        """Fetch files one after the other, each a second later, with all that belongs to it."""
        for file in files:
            self.now += 1
            self.cache.fetch(file)
            assert self.reported.acquire(timeout=PATIENCE)

    def blobs(self) -> list:
        return sorted(blob.key for blob in self.storage.keys())

    def staged(self) -> list:
        return list((self.folder / "files/.pyramid_pypi/staging").iterdir())

    def close(self) -> None:
        self.upstream.allow()
        self.cache.close()
        self.store.close()
        self.locks.close()


@pytest.fixture
def world(tmp_path):
    def build(*answers, content=CONTENT, gated=False, **options):
        upstream = ScriptedUpstream(content, *answers, gated=gated)
        made.append(World(tmp_path, upstream, FileCache.Options(**options)))
        return made[-1]

    made = []
    yield build
    for one in made:
        one.close()


def content_of(blob) -> bytes:
    return b"".join(read_blob(blob))


def small(name: str, size: int = 1000):
    """Return the bytes of a small file, and the file."""
    content = some_bytes(size, name)
    return content, remote_file(content, f"{name}-1.0.tar.gz")


def hashes_of(content: bytes, name: str) -> Hashes:
    """Return one digest, which is neither SHA-256 nor MD5."""
    return Hashes(others=((name, hashlib.new(name, content).hexdigest()),))


def serving(one, *pairs) -> list:
    """Let the upstream answer with these files in this order, and return them."""
    one.upstream.answers.extend(Answer(content=content) for content, _ in pairs)
    return [file for _, file in pairs]


def test_fifty_readers_cause_one_download(world):
    one = world(gated=True)
    everybody = threading.Barrier(50)

    def get(_):
        everybody.wait(PATIENCE)
        return content_of(one.cache.open(FILE))

    with ThreadPoolExecutor(50) as readers:
        pending = [readers.submit(get, number) for number in range(50)]
        one.upstream.allow()
        received = [each.result(PATIENCE) for each in pending]

    assert received == [CONTENT] * 50
    assert one.upstream.calls == [0]


def test_the_first_reader_gets_bytes_before_the_download_ends(world):
    one = world(gated=True)
    one.upstream.allow(1)

    blob = one.cache.open(FILE)
    chunks = blob.open(0, blob.size)
    first = next(chunks)

    assert (type(blob), blob.size, blob.modified_at) == (Stream, SIZE, MODIFIED)
    assert (first, one.blobs(), one.cache.stats().running) == (CONTENT[:CHUNK], [], 1)

    one.upstream.allow()

    assert first + b"".join(chunks) == CONTENT


def test_a_stream_can_be_followed_without_a_thread(world):
    one = world(gated=True)
    one.upstream.allow(1)

    arriving = one.cache.open(FILE).arriving

    assert (arriving.ready(), arriving.read(0, 10)) == (CHUNK, CONTENT[:10])


def test_ranges_are_served_during_the_first_download(world):
    one = world(gated=True)
    one.upstream.allow(3)

    blob = one.cache.open(FILE)
    middle = b"".join(blob.open(CHUNK, CHUNK + 10))
    end = blob.open(SIZE - 10, SIZE)
    one.upstream.allow()

    assert (middle, b"".join(end)) == (CONTENT[CHUNK : CHUNK + 10], CONTENT[-10:])
    assert one.upstream.calls == [0]


def test_a_fetched_file_is_served_from_the_storage(world):
    one = world()

    one.fetch(FILE)
    blob = one.cache.open(FILE)

    assert (type(blob), content_of(blob)) == (LocalFile, CONTENT)
    assert one.upstream.calls == [0]
    assert one.blobs() == [FILE.place]
    assert one.staged() == []


def test_a_fetched_file_is_noted_and_reported_with_what_was_found_out(world):
    bare = replace(FILE, size=None, hashes=Hashes())
    one = world()

    one.fetch(bare)

    (known,) = one.fetched
    assert (known.size, known.hashes.sha256) == (SIZE, FILE.hashes.sha256)
    entry = one.store.file(FILE.place)
    assert file_from_bytes(entry.record) == known
    assert (entry.size, entry.withdrawn) == (SIZE, "")
    facts = Facts(size=SIZE, sha256=FILE.hashes.sha256, modified_at=MODIFIED.timestamp())
    assert one.store.facts(FILE.project) == {FILE.place: facts}


def test_a_wrong_file_is_cut_short_for_all_readers_and_not_stored(world):
    evil = CONTENT[:-1] + b"!"
    one = world(Answer(content=evil), gated=True)
    one.upstream.allow(8)

    readers = [one.cache.open(FILE) for _ in range(3)]
    streams = [blob.open(0, blob.size) for blob in readers]
    one.upstream.allow()
    for stream in streams:
        received = []
        with pytest.raises(UpstreamUnavailable, match="digest"):
            received.extend(stream)
        assert len(b"".join(received)) <= SIZE - HELD_BACK

    assert (one.blobs(), one.store.files(), one.fetched) == ([], [], [])
    assert content_of(one.cache.open(FILE)) == CONTENT


def test_a_small_wrong_file_is_an_error_and_no_stream(world):
    content, file = small("shrubbery")
    one = world(Answer(content=content[::-1]))

    with pytest.raises(UpstreamUnavailable, match="digest"):
        one.cache.open(file)


@pytest.mark.parametrize("error", [FileMissing("gone"), UpstreamUnavailable("down"), UpstreamTimeout("slow")])
def test_a_failure_before_the_first_byte_is_raised_by_open(world, error):
    one = world(Answer(error=error))

    with pytest.raises(type(error), match=error.message):
        one.cache.open(FILE)
    assert content_of(one.cache.open(FILE)) == CONTENT


def test_an_upstream_that_sends_nothing_is_a_timeout(world):
    one = world(gated=True, patience=0)

    with pytest.raises(UpstreamTimeout, match="within 0 seconds"):
        one.cache.open(FILE)


def test_the_size_is_that_of_the_headers_when_the_page_has_none(world):
    one = world(gated=True)
    one.upstream.allow(1)

    assert one.cache.open(replace(FILE, size=None)).size == SIZE


def test_a_client_that_leaves_does_not_stop_the_download(world):
    one = world(gated=True)
    one.upstream.allow(1)
    chunks = one.cache.open(FILE).open(0, SIZE)
    next(chunks)

    chunks.close()
    one.upstream.allow()

    assert one.reported.acquire(timeout=PATIENCE)
    assert one.blobs() == [FILE.place]


def test_downloads_beyond_the_connections_wait_for_their_turn(world):
    one = world(gated=True, connections=1)
    pair = [small("spam"), small("eggs")]
    first, second = serving(one, *pair)

    one.cache.fetch(first, wait=False)
    one.cache.fetch(second, wait=False)
    assert one.upstream.began.wait(PATIENCE)
    asked_then = list(one.upstream.asked)
    one.upstream.allow()
    one.cache.fetch(second)

    assert asked_then == [first.filename]
    assert one.upstream.asked == [first.filename, second.filename]
    assert content_of(one.cache.open(second)) == pair[1][0]


def test_offline_serves_what_is_here_and_refuses_the_rest_at_once(world):
    one = world()
    one.fetch(FILE)
    one.offline = True

    assert content_of(one.cache.open(FILE)) == CONTENT
    with pytest.raises(UpstreamTimeout, match=r"spam-1.0.tar.gz is not in the cache, .* is offline"):
        one.cache.open(small("spam")[1])
    assert one.upstream.calls == [0]


def test_a_missing_blob_is_fetched_again(world):
    one = world()
    one.fetch(FILE)
    one.storage.delete(FILE.place)

    assert content_of(one.cache.open(FILE)) == CONTENT
    assert one.upstream.calls == [0, 0]


def test_a_blob_of_another_size_is_fetched_again(world):
    one = world()
    one.fetch(FILE)
    path = one.storage.root / FILE.place
    path.write_bytes(CONTENT[:100])

    assert content_of(one.cache.open(FILE)) == CONTENT
    assert one.upstream.calls == [0, 0]


def test_a_file_with_another_digest_upstream_is_fetched_again(world):
    one = world()
    one.fetch(FILE)
    other = some_bytes(SIZE, "another")
    one.upstream.content = other

    blob = one.cache.open(replace(remote_file(other), place=FILE.place))

    assert content_of(blob) == other


def test_a_page_with_a_digest_of_another_kind_does_not_get_bytes_that_nobody_has_checked(world):
    one = world()
    one.fetch(FILE)
    other = one.upstream.content = some_bytes(SIZE, "another")
    file = replace(FILE, hashes=hashes_of(other, "sha512"))

    first, second = content_of(one.cache.open(file)), content_of(one.cache.open(file))

    assert (first == other, second == other, one.upstream.calls) == (True, True, [0, 0])


def test_a_weak_digest_that_is_wrong_does_not_cause_a_second_download(world):
    one = world()
    file = replace(FILE, hashes=replace(FILE.hashes, md5="0" * 32, others=(("sha1", "0" * 40),)))

    one.fetch(file)

    assert one.cache.fetch(file) is False


@pytest.mark.parametrize("left", [CONTENT, b"half", bytes(SIZE)])
def test_bytes_that_an_ended_process_left_are_no_hindrance(world, left):
    one = world()
    path = one.storage.root / FILE.place
    path.parent.mkdir(parents=True)
    path.write_bytes(left)

    one.fetch(FILE)

    assert path.read_bytes() == CONTENT
    assert content_of(one.cache.open(FILE)) == CONTENT


def test_the_files_unused_for_longest_make_room(world):
    one = world(max_size=3000)
    pairs = [small(name) for name in ("spam", "eggs", "ham", "bacon")]
    spam, eggs, ham, bacon = serving(one, *pairs)
    one.fetch(spam, eggs, ham)
    one.now += 61
    one.cache.open(spam)

    one.fetch(bacon)

    # Three of them are more than 95 % of the limit, so that not every new file removes one.
    assert one.blobs() == sorted([spam.place, bacon.place])
    assert {entry.place for entry in one.store.files()} == {spam.place, bacon.place}


def test_what_was_just_used_does_not_make_room(world):
    one = world(max_size=1500)
    spam, eggs, ham, bacon = serving(one, *[small(name) for name in ("spam", "eggs", "ham", "bacon")])
    one.fetch(spam)
    one.now += 100
    one.cache.open(spam)
    one.now += 29
    one.cache.open(spam)
    one.now += 29

    one.fetch(eggs)
    early = one.blobs()
    one.now += 100
    one.fetch(ham)

    assert early == sorted([spam.place, eggs.place])
    assert one.blobs() == [ham.place]


def test_what_was_fetched_and_not_opened_makes_room_at_once(world):
    one = world(max_size=2000)

    spam, eggs, ham = serving(one, *[small(name) for name in ("spam", "eggs", "ham")])
    one.fetch(spam, eggs, ham)

    assert one.blobs() == [ham.place]


def test_what_was_used_while_room_is_made_stays(world):
    one = world()
    (spam,) = serving(one, small("spam"))
    one.fetch(spam)
    one.now += 100
    listed = one.store.files()
    one.cache.open(spam)
    one.store.files = lambda: listed

    assert one.cache._cached.shrink(10, to=10, unused_for=60) == []
    assert one.blobs() == [spam.place]


def test_a_use_is_seen_by_other_processes_at_once(world):
    one, other = world(), world()
    (spam,) = serving(one, small("spam"))
    one.fetch(spam)
    one.now += 100
    other.now = one.now
    one.cache.open(spam)

    assert other.cache._cached.shrink(10, to=10, unused_for=60) == []


def test_a_removed_file_is_read_to_its_end(world):
    one = world(gated=True)
    one.upstream.allow(1)
    blob = one.cache.open(FILE)
    chunks = blob.open(0, SIZE)
    first = next(chunks)
    one.upstream.allow()
    assert one.reported.acquire(timeout=PATIENCE)

    one.cache.remove(one.store.files())

    assert one.blobs() == []
    assert first + b"".join(chunks) == CONTENT


def test_a_file_larger_than_the_cache_is_streamed_and_not_kept(world):
    one = world(max_size=SIZE - 1)

    assert content_of(one.cache.open(FILE)) == CONTENT
    one.cache.close()
    assert (one.blobs(), one.store.files(), one.fetched) == ([], [], [])
    assert one.store.facts(FILE.project)[FILE.place].sha256 == FILE.hashes.sha256


def test_the_newest_file_stays_however_full_it_makes_the_cache(world):
    one = world(max_size=SIZE)

    one.fetch(FILE)

    assert one.blobs() == [FILE.place]


def test_a_small_file_larger_than_the_cache_is_served(world):
    content, file = small("spam")
    one = world(Answer(content=content), max_size=10)

    assert content_of(one.cache.open(file)) == content


def test_uses_are_written_twice_a_minute(world):
    one = world()
    one.fetch(FILE)
    seen = []
    for moment in (1002.0, 1031.0, 1032.0):
        one.now = moment
        one.cache.open(FILE)
        seen.append(one.store.file(FILE.place).used_at)

    assert seen == [1002.0, 1002.0, 1032.0]


def test_uses_that_cannot_be_written_hinder_nobody(world, caplog, monkeypatch):
    one = world()
    one.fetch(FILE)
    one.now = 2000.0

    def fail(used):
        raise StorageUnavailable("locked")

    monkeypatch.setattr(one.store, "use_files", fail)

    assert content_of(one.cache.open(FILE)) == CONTENT
    assert f"The use of {FILE.place} is not noted: locked" in caplog.text


def test_pruning_removes_what_belongs_to_no_file(world):
    one = world()
    one.fetch(FILE)
    for key in (STRAY, "cache.db"):
        path = one.storage.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    gone = small("gone")[1]
    one.store.put_file(CachedFile(gone.place, gone.project, b"", 1000, 1.0))

    assert one.cache.prune() == (1, 5)
    assert one.blobs() == sorted(["cache.db", FILE.place])
    assert [entry.place for entry in one.store.files()] == [FILE.place]


def test_pruning_removes_files_by_size_age_and_withdrawal(world):
    one = world()
    pairs = [small(name) for name in ("spam", "eggs", "ham", "bacon")]
    spam, eggs, ham, bacon = serving(one, *pairs)
    one.fetch(spam, eggs, ham, bacon)
    one.store.withdraw("ham", "deleted")

    old = one.cache.prune(older_than=62.5), one.blobs()
    withdrawn = one.cache.prune(withdrawn=True), one.blobs()
    large = one.cache.prune(max_size=1000), one.blobs()

    assert old == ((1, 1000), sorted([eggs.place, ham.place, bacon.place]))
    assert withdrawn == ((1, 1000), sorted([eggs.place, bacon.place]))
    assert large == ((1, 1000), [bacon.place])


def test_pruning_leaves_alone_what_is_being_fetched(world):
    one = world(gated=True)
    path = one.storage.root / FILE.place
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    one.cache.fetch(FILE, wait=False)

    assert one.cache.prune() == (0, 0)


def test_stats_count_files_and_their_use(world):
    one = world()
    one.fetch(FILE)
    one.store.withdraw(FILE.project, "deleted")

    one.cache.open(FILE)
    one.cache.open(FILE)
    serving(one, small("spam"))
    one.cache.open(small("spam")[1])
    assert one.reported.acquire(timeout=PATIENCE)

    assert one.cache.stats() == FileCacheStats(
        files=2, bytes=SIZE + 1000, withdrawn=1, hits=2, misses=1, running=0
    )


def test_fetching_tells_whether_it_was_necessary(world):
    one = world()

    assert (one.cache.fetch(FILE), one.cache.fetch(FILE)) == (True, False)


def test_fetching_raises_what_the_download_fails_with(world):
    one = world(*[Answer(breaks_after=CHUNK)] * 3)

    with pytest.raises(UpstreamUnavailable, match="broken off"):
        one.cache.fetch(FILE)


def test_a_file_is_here_while_it_arrives_and_afterwards(world):
    one = world(gated=True)
    before = one.cache.is_here(FILE)
    one.cache.fetch(FILE, wait=False)
    meanwhile = one.cache.is_here(FILE)
    one.upstream.allow()
    one.cache.fetch(FILE)

    assert (before, meanwhile, one.cache.is_here(FILE)) == (False, True, True)


def test_an_upstream_that_drips_does_not_keep_a_download_for_ever(world):
    one = world(connections=1, pace=Pace(rate=10**15, window=0))

    with pytest.raises(UpstreamTimeout, match="bytes per second"):
        one.cache.fetch(FILE)


def test_what_a_killed_process_has_left_is_removed_and_what_is_written_is_not(world, tmp_path):
    one = world()
    with one.storage.stage() as living:
        left = living.path.with_name(".upload-left")
        left.write_bytes(b"half")

        world()

        assert one.staged() == [living.path]


def test_a_staged_file_that_was_removed_before_it_was_claimed_is_made_anew(world, monkeypatch):
    one = world()
    sweeps = [lambda: StagedFile.remove_abandoned(one.storage._staging)]
    flock = fcntl.flock

    def late(descriptor, how):
        while sweeps:
            sweeps.pop()()
        flock(descriptor, how)

    monkeypatch.setattr("fcntl.flock", late)

    with one.storage.stage() as staged:
        assert staged.path.exists()


def test_closing_ends_downloads_readers_and_threads(world):
    one = world(gated=True, connections=2)
    one.upstream.allow(1)
    chunks = one.cache.open(FILE).open(0, SIZE)
    next(chunks)
    one.upstream.allow(1)

    one.cache.close()

    with pytest.raises(UpstreamUnavailable, match="closing"):
        list(chunks)
    with pytest.raises(UpstreamUnavailable, match="closing"):
        one.cache.open(FILE)
    assert (one.blobs(), one.staged(), one.upstream.open_transfers) == ([], [], 0)
    assert not any(thread.name == "pypi-download" for thread in threading.enumerate())


def test_a_hook_that_fails_is_logged_and_hinders_nobody(world, caplog):
    one = world(connections=1)

    def fail(file):
        raise ValueError("no hook")

    one.cache._on_fetched = fail
    one.cache.fetch(FILE)
    spam = small("spam")
    serving(one, spam)

    assert content_of(one.cache.open(spam[1])) == spam[0]
    one.cache.close()
    assert "no hook" in caplog.text


def test_no_descriptor_is_left_open(world):
    one = world(connections=1)

    def settle():
        # The only thread has let the download before go once it has come to this one.
        one.upstream.answers.append(Answer(error=FileMissing("gone")))
        with pytest.raises(FileMissing):
            one.cache.open(small("gone")[1])

    one.fetch(FILE)
    one.cache.remove(one.store.files())
    settle()
    before = descriptors(one.folder)
    one.upstream.answers.extend([Answer(breaks_after=2 * CHUNK)] * 3)
    one.upstream.answers.append(Answer(content=CONTENT[::-1]))

    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            content_of(one.cache.open(FILE))
    content_of(one.cache.open(FILE))
    one.cache.open(FILE)
    settle()

    assert descriptors(one.folder) == before


def test_a_new_attempt_is_not_told_of_the_failure_before(world):
    one = world(*[Answer(error=UpstreamUnavailable("down"))] * 20)

    for attempt in range(20):
        with pytest.raises(UpstreamUnavailable, match="down"):
            one.cache.open(FILE)

        assert len(one.upstream.calls) == attempt + 1


OTHER_PROCESS = """
import sys
from pathlib import Path
from tests.unit.upstream.test_filecache import CONTENT, FILE, FileCache, ScriptedUpstream, World

class Told(ScriptedUpstream):
    def download(self, file, start=0, stop=None):
        print("downloading", flush=True)
        sys.stdin.readline()
        return super().download(file, start, stop)

one = World(Path(sys.argv[1]), Told(CONTENT), FileCache.Options())
one.cache.fetch(FILE)
one.close()
"""


def test_readers_do_not_wait_for_the_end_of_the_download_of_another_process(world, tmp_path):
    one = world(moment=0.1)
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "downloading\n"

        received = content_of(one.cache.open(FILE))

        assert one.reported.acquire(timeout=PATIENCE)
        kept = (one.storage.root / FILE.place).stat().st_ino
        other.stdin.write("go\n")
        other.stdin.close()
        assert other.wait(PATIENCE) == 0

    assert received == CONTENT
    assert one.upstream.calls == [0]
    # What is right already is left alone, as somebody may be about to open it.
    assert (one.storage.root / FILE.place).stat().st_ino == kept
    assert content_of(one.cache.open(FILE)) == CONTENT


def test_two_processes_fetch_a_file_once(world, tmp_path):
    one = world()
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "downloading\n"
        with ThreadPoolExecutor(1) as readers:
            pending = readers.submit(one.cache.open, FILE)
            while not one.cache.stats().running:
                assert not pending.done()
            other.stdin.write("go\n")
            other.stdin.close()
            blob = pending.result(PATIENCE)
        assert other.wait(PATIENCE) == 0

    assert content_of(blob) == CONTENT
    assert (type(blob), one.upstream.calls, one.fetched) == (LocalFile, [], [])
