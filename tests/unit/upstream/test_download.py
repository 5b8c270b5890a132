import hashlib
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pyramid_pypi.errors import (
    FileMissing,
    StorageFull,
    StorageUnavailable,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from pyramid_pypi.model import Hashes
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.upstream.download import HELD_BACK, Download
from pyramid_pypi.upstream.entries import _LENGTHS
from pyramid_pypi.upstream.pace import Pace
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
BROKEN = UpstreamUnavailable("pypi.example refuses the connection")


class Keeper:
    """Keeps what it is given, in memory."""

    def __init__(self, error: Exception | None = None, *, takes: bool = True) -> None:
        self.kept = []
        self.error = error
        self.takes = takes

    def __call__(self, staged, file, modified_at) -> bool:
        if self.error is not None:
            raise self.error
        self.kept.append((staged.path.read_bytes(), file, modified_at))
        return self.takes


class Fetching:
    """A download that runs in a thread."""

    def __init__(self, storage, upstream, file=None, keeper=None) -> None:
        self.storage = storage
        self.upstream = upstream
        self.keeper = keeper or Keeper()
        self.download = Download(file or remote_file(CONTENT), upstream, storage.stage, self.keeper)
        self.thread = threading.Thread(target=self.download.run, daemon=True)

    def start(self) -> Download:
        self.thread.start()
        return self.download

    def finish(self) -> Download:
        if not self.thread.ident:
            self.thread.start()
        self.upstream.allow()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        return self.download

    def staged(self) -> list:
        return list((self.storage.root / ".pyramid_pypi/staging").iterdir())


@pytest.fixture
def storage(tmp_path):
    return FilesystemStorage(FilesystemStorage.Options(path=tmp_path / "files", durable=False))


@pytest.fixture
def fetching(storage):
    def build(*answers, content=CONTENT, gated=False, file=None, keeper=None):
        upstream = ScriptedUpstream(content, *answers, gated=gated)
        made.append(Fetching(storage, upstream, file, keeper))
        return made[-1]

    made = []
    yield build
    for one in made:
        one.finish()


def whole(download: Download) -> bytes:
    return b"".join(download.stream(0, None))


def read(stream: Iterator[bytes], amount: int) -> bytes:
    received = b""
    while len(received) < amount:
        received += next(stream)
    return received


def cut_short(download: Download) -> bytes:
    received = []
    with pytest.raises(UpstreamUnavailable):
        received.extend(download.stream(0, None))
    return b"".join(received)


def test_readers_get_bytes_before_the_download_ends(fetching):
    one = fetching(gated=True)
    stream = one.start().stream(0, SIZE)

    one.upstream.allow(1)
    first = next(stream)
    done_then = one.download.done
    one.upstream.allow()

    assert (first, done_then) == (CONTENT[:CHUNK], False)
    assert first + b"".join(stream) == CONTENT


def test_the_last_bytes_are_held_back_until_they_are_verified(fetching):
    one = fetching(gated=True)
    stream = one.start().stream(0, SIZE)

    one.upstream.allow(8)
    early = read(stream, SIZE - HELD_BACK)

    assert early == CONTENT[: SIZE - HELD_BACK]
    assert one.download.ready() == SIZE - HELD_BACK
    assert one.download.read(SIZE - HELD_BACK - 5, 100) == CONTENT[SIZE - HELD_BACK - 5 : SIZE - HELD_BACK]
    assert one.download.read(SIZE - HELD_BACK, 100) == b""

    one.upstream.allow()

    assert b"".join(stream) == CONTENT[SIZE - HELD_BACK :]


def test_the_last_bytes_are_sent_after_the_file_is_kept(fetching):
    ready_then = []

    def keep(staged, file, modified_at):
        ready_then.append(one.download.ready())
        return True

    one = fetching(keeper=keep)

    assert whole(one.start()) == CONTENT
    assert ready_then == [SIZE - HELD_BACK]


def test_a_kept_file_has_its_true_size_digest_and_time(fetching):
    one = fetching(file=remote_file(CONTENT, size=None, hashes=Hashes()))

    one.finish()

    ((stored, file, modified_at),) = one.keeper.kept
    assert (stored, modified_at, file.size) == (CONTENT, MODIFIED, SIZE)
    assert file.hashes == Hashes(sha256=hashlib.sha256(CONTENT).hexdigest())
    assert one.download.kept == file


@pytest.mark.parametrize("name", [*_LENGTHS, "blake2b_256"])
def test_a_wrong_digest_cuts_every_reader_short(fetching, caplog, name):
    wrong = "0123abcd" * 4
    own = name in {"sha256", "md5", "blake2b_256"}
    hashes = Hashes(**{name: wrong}) if own else Hashes(others=((name, wrong),))
    one = fetching(gated=True, file=remote_file(CONTENT, hashes=hashes))
    actual = (
        hashlib.blake2b(CONTENT, digest_size=32) if name == "blake2b_256" else hashlib.new(name, CONTENT)
    ).hexdigest()

    one.start()

    one.upstream.allow(8)
    readers = [one.download.stream(0, SIZE) for _ in range(3)]
    early = [read(reader, SIZE - HELD_BACK) for reader in readers]
    one.upstream.allow()

    assert early == [CONTENT[: SIZE - HELD_BACK]] * 3
    for reader in readers:
        with pytest.raises(UpstreamUnavailable, match=actual):
            next(reader)
    assert one.finish().kept is None
    assert (one.keeper.kept, one.staged()) == ([], [])
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert all(word in warning for word in ("holy_grail-1.0.tar.gz", "pypi.example", wrong, actual))


def test_only_the_strongest_digest_counts(fetching):
    right = hashlib.sha256(CONTENT).hexdigest()
    one = fetching(file=remote_file(CONTENT, hashes=Hashes(sha256=right, md5="00" * 16)))

    assert whole(one.start()) == CONTENT


def test_a_small_wrong_file_fails_before_its_first_byte(fetching):
    one = fetching(content=b"evil", file=remote_file(b"good"))

    with pytest.raises(UpstreamUnavailable, match="digest"):
        one.start().wait(PATIENCE)
    assert cut_short(one.download) == b""


def test_another_announced_size_fails_at_once(fetching):
    one = fetching(Answer(size=SIZE + 1), gated=True)

    with pytest.raises(UpstreamUnavailable, match=rf"has {SIZE + 1} bytes, not {SIZE}"):
        one.start().wait(PATIENCE)
    assert one.upstream.calls == [0]


def test_more_bytes_than_the_page_says_are_refused(fetching):
    one = fetching(Answer(size=None, content=CONTENT + b"!"))

    with pytest.raises(UpstreamUnavailable, match=f"has more than {SIZE} bytes"):
        one.start().wait_until_done()
    assert (one.keeper.kept, one.upstream.calls) == ([], [0])


@pytest.mark.parametrize("how", ["breaks_after", "ends_after"])
def test_a_broken_download_is_resumed(fetching, how):
    one = fetching(Answer(**{how: 3 * CHUNK + 7}), Answer(**{how: 2 * CHUNK}))

    assert whole(one.start()) == CONTENT
    assert one.upstream.calls == [0, 3 * CHUNK + 7, 5 * CHUNK + 7]


def test_an_upstream_without_ranges_starts_again_unseen(fetching):
    one = fetching(Answer(breaks_after=3 * CHUNK + 7), Answer(ranges=False))

    assert whole(one.start()) == CONTENT
    assert one.finish().kept.hashes.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_the_third_break_is_the_last(fetching):
    one = fetching(*[Answer(breaks_after=2 * CHUNK)] * 3)

    received = cut_short(one.start())

    assert CONTENT.startswith(received)
    assert one.finish().kept is None
    assert one.upstream.calls == [0, 2 * CHUNK, 4 * CHUNK]
    assert one.upstream.open_transfers == 0


def test_an_upstream_that_drips_is_left(storage):
    upstream = ScriptedUpstream(CONTENT)
    download = Download(
        remote_file(CONTENT), upstream, storage.stage, Keeper(), pace=Pace(rate=10**15, window=0)
    )

    download.run()

    with pytest.raises(UpstreamTimeout, match="bytes per second"):
        download.wait(0)
    assert (upstream.calls, upstream.open_transfers) == ([0, CHUNK, 2 * CHUNK], 0)


@pytest.mark.parametrize("name", ["sha256", "sha512", "blake2b"])
def test_only_digests_that_were_computed_are_noted(fetching, name):
    right = hashlib.new(name, CONTENT).hexdigest()
    others = tuple({name: right, "sha1": "00" * 20}.items())
    file = remote_file(CONTENT, hashes=Hashes(others=others))

    one = fetching(file=file)
    one.finish()

    ((_, kept, _),) = one.keeper.kept
    assert set(kept.hashes.others) <= {(name, right)}
    assert kept.hashes.known()[name] == right


def test_a_failed_attempt_to_resume_counts(fetching):
    one = fetching(Answer(breaks_after=2 * CHUNK), Answer(error=BROKEN))

    assert whole(one.start()) == CONTENT
    assert one.upstream.calls == [0, 2 * CHUNK, 2 * CHUNK]


def test_an_upstream_that_wants_to_be_left_alone_is(fetching):
    busy = UpstreamUnavailable("pypi.example is busy", retry_after=30)
    one = fetching(Answer(breaks_after=2 * CHUNK), Answer(error=busy))

    with pytest.raises(UpstreamUnavailable) as caught:
        one.start().wait_until_done()
    assert (caught.value.retry_after, one.upstream.calls) == (30, [0, 2 * CHUNK])


def test_an_upstream_that_cannot_be_reached_is_not_asked_again(fetching):
    one = fetching(Answer(error=BROKEN))

    with pytest.raises(UpstreamUnavailable, match="refuses the connection"):
        one.start().wait(PATIENCE)
    assert one.upstream.calls == [0]


def test_a_missing_file_is_not_logged_as_a_warning(fetching, caplog):
    one = fetching(Answer(error=FileMissing("pypi.example has no such file")))

    with pytest.raises(FileMissing):
        one.start().wait(PATIENCE)
    assert caplog.records == []


def test_bytes_that_break_off_at_the_very_end_are_complete(fetching):
    one = fetching(Answer(breaks_after=SIZE))

    assert whole(one.start()) == CONTENT
    assert one.upstream.calls == [0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(modified_at=datetime(2025, 1, 1, tzinfo=UTC)), "has changed"),
        (Answer(offset=1), "was not asked for"),
        (Answer(size=SIZE + 1), "bytes, not"),
    ],
)
def test_another_file_is_never_joined_to_the_first_part(fetching, answer, message):
    one = fetching(Answer(breaks_after=2 * CHUNK), answer, file=remote_file(CONTENT, hashes=Hashes()))

    with pytest.raises(UpstreamUnavailable, match=message):
        one.start().wait_until_done()
    assert one.keeper.kept == []


def test_a_resumed_answer_without_a_time_is_taken(fetching):
    one = fetching(Answer(breaks_after=2 * CHUNK), Answer(modified_at=None))

    assert whole(one.start()) == CONTENT
    assert one.finish().modified_at == MODIFIED


def test_a_reader_that_leaves_does_not_stop_the_download(fetching):
    one = fetching(gated=True)
    stream = one.start().stream(0, SIZE)
    one.upstream.allow(1)
    next(stream)

    stream.close()

    assert one.finish().kept is not None


def test_ranges_can_be_read_during_the_download(fetching):
    one = fetching(gated=True)
    one.start()
    one.upstream.allow(3)

    middle = b"".join(one.download.stream(CHUNK - 5, 2 * CHUNK + 5))
    end = one.download.stream(SIZE - 10, SIZE)
    done_then = one.download.done
    one.upstream.allow()

    assert (middle, done_then) == (CONTENT[CHUNK - 5 : 2 * CHUNK + 5], False)
    assert b"".join(end) == CONTENT[-10:]


def test_cancelling_fails_readers_and_leaves_nothing(fetching):
    one = fetching(gated=True)
    stream = one.start().stream(0, SIZE)
    one.upstream.allow(1)
    next(stream)

    one.download.cancel()

    with pytest.raises(UpstreamUnavailable, match="closing"):
        next(stream)
    assert one.finish().kept is None
    assert (one.keeper.kept, one.staged(), one.upstream.open_transfers) == ([], [], 0)


def test_a_download_that_was_cancelled_before_does_not_begin(fetching):
    one = fetching()

    one.download.cancel()

    one.finish()
    assert one.upstream.calls == []


def test_a_size_that_nobody_tells_is_known_at_the_end(fetching):
    one = fetching(Answer(size=None), gated=True, file=remote_file(CONTENT, size=None))
    one.start()
    one.upstream.allow(3)

    early = read(one.download.stream(0, None), 2 * CHUNK)
    ready, size = one.download.ready(), one.download.size
    one.finish()

    assert (early, ready, size) == (CONTENT[: 2 * CHUNK], 2 * CHUNK, None)
    assert (one.download.ready(), one.download.size) == (SIZE, SIZE)
    assert whole(one.download) == CONTENT


def test_the_upstream_tells_the_size_that_the_page_does_not(fetching):
    one = fetching(gated=True, file=remote_file(CONTENT, size=None))
    one.start()
    one.upstream.allow(1)

    one.download.wait(PATIENCE)

    assert (one.download.size, one.download.modified_at) == (SIZE, MODIFIED)


def test_waiting_for_the_first_byte_ends(fetching):
    one = fetching(gated=True)

    with pytest.raises(UpstreamTimeout, match="has not come from pypi.example within 0 seconds"):
        one.start().wait(0)


def test_an_empty_file_has_arrived_when_it_is_done(fetching):
    one = fetching(content=b"", file=remote_file(b""))

    one.start().wait(PATIENCE)

    assert (whole(one.download), one.download.size) == (b"", 0)


def test_subscribers_hear_of_every_change_until_they_leave(fetching, caplog):
    one = fetching(gated=True)
    heard, kept_on = [], threading.Event()

    def broken():
        raise ValueError("nobody listens")

    def tell():
        heard.append(one.download.ready())
        kept_on.set()

    one.download.subscribe(broken)
    unsubscribe = one.download.subscribe(tell)
    one.start()
    one.upstream.allow(1)
    assert kept_on.wait(PATIENCE)
    unsubscribe()
    one.finish()

    assert heard == [CHUNK]
    assert one.download.kept is not None
    assert "could not be told" in caplog.text


def test_subscribers_hear_of_the_end(fetching):
    one = fetching()
    ready = []
    one.download.subscribe(lambda: ready.append(one.download.ready()))

    one.finish()

    assert ready[-1] == SIZE


def test_subscribers_hear_of_the_failure(fetching):
    one = fetching(Answer(error=BROKEN))
    heard = []
    one.download.subscribe(lambda: heard.append(one.download.done))

    one.finish()

    assert heard == [True]
    with pytest.raises(UpstreamUnavailable):
        one.download.ready()


def test_right_bytes_reach_readers_even_if_they_cannot_be_kept(fetching, caplog):
    one = fetching(keeper=Keeper(StorageFull("the disk is full")))

    assert whole(one.start()) == CONTENT
    assert one.finish().kept is None
    assert "holy_grail-1.0.tar.gz is not kept: the disk is full" in caplog.text


def test_a_storage_that_cannot_stage_is_told_to_readers(fetching):
    one = fetching()
    (one.storage.root / ".pyramid_pypi/staging").rmdir()

    with pytest.raises(StorageUnavailable, match="cannot be staged"):
        one.start().wait(PATIENCE)
    (one.storage.root / ".pyramid_pypi/staging").mkdir()


def test_a_fault_in_an_upstream_is_logged_and_hidden_from_readers(fetching, caplog):
    one = fetching(Answer(error=ValueError("secret")))

    with pytest.raises(UpstreamUnavailable, match="as the log explains"):
        one.start().wait(PATIENCE)
    assert "secret" in caplog.text


def test_readers_read_on_after_the_end_and_then_nothing_is_open(fetching):
    one = fetching(keeper=Keeper(takes=False))
    stream = one.start().stream(0, SIZE)
    first = next(stream)
    one.finish()
    one.download, one.thread = None, threading.Thread(target=int)
    open_then = descriptors(one.storage.root)

    assert (len(open_then), one.staged()) == (1, [])
    assert first + b"".join(stream) == CONTENT
    del stream
    assert descriptors(one.storage.root) == []


def test_a_failed_download_leaves_no_descriptor(fetching):
    one = fetching(*[Answer(breaks_after=2 * CHUNK)] * 3)
    stream = one.start().stream(0, SIZE)
    with pytest.raises(UpstreamUnavailable):
        list(stream)
    one.finish()

    assert descriptors(one.storage.root) == []
