"""What pages lack, found out from the wheels."""

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from pyramid_pypi.errors import FileMissing, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import File, Hashes
from pyramid_pypi.testing.artefacts import make_metadata, make_wheel
from pyramid_pypi.testing.clock import FakeClock
from pyramid_pypi.upstream.backfill import Backfill
from pyramid_pypi.upstream.base import Transfer, UpstreamPage
from pyramid_pypi.upstream.store import CacheStore, Facts

SECONDS = 10
MODIFIED = datetime(2024, 5, 6, tzinfo=UTC)
UPLOADED = datetime(2023, 1, 2, tzinfo=UTC)
METADATA = make_metadata("acme", "1.0")
WHEEL = make_wheel("acme", "1.0", size=100_000)
OTHER = "0" * 64


def sha256(body):
    return hashlib.sha256(body).hexdigest()


DIGEST = sha256(METADATA)


def a_wheel(version="1.0", tag="py3-none-any", **other):
    filename = f"acme-{version}-{tag}.whl"
    file = File(
        "acme", filename, version, "bdist_wheel", None, Hashes(), None, "", "", place=f"aa/{filename}"
    )
    return replace(file, **other)


def a_page(*files):
    return UpstreamPage("acme", files)


@dataclass
class Wheels:
    """An upstream that has `wheels` and `beside` them metadata, by file name.

    Of those in `whole` it sends no parts. `errors` are raised instead, and `gate` holds all answers.
    """

    wheels: dict = field(default_factory=dict)
    beside: dict = field(default_factory=dict)
    whole: set = field(default_factory=set)
    errors: dict = field(default_factory=dict)
    gate: threading.Event | None = None
    downloads: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)

    def download(self, file, start=0, stop=None):
        self.downloads.append(file.filename)
        self.entered.set()
        assert self.gate is None or self.gate.wait(SECONDS)
        if file.filename in self.errors:
            raise self.errors[file.filename]
        data = self.wheels.get(file.filename)
        if data is None:
            raise FileMissing(f"{file.filename} is not here")
        begin, end = 0, len(data)
        if file.filename not in self.whole:
            begin, end, _ = slice(start, stop).indices(len(data))
        return Transfer(iter([data[begin:end]]), len(data), begin, MODIFIED)

    def metadata(self, file):
        self.asked.append(file.filename)
        self.entered.set()
        assert self.gate is None or self.gate.wait(SECONDS)
        if file.filename not in self.beside:
            raise FileMissing(f"{file.filename} has no metadata here")
        return self.beside[file.filename]


class Rig:
    """A Backfill with all that it needs; `seen` are the calls of `on_change`."""

    def __init__(self, folder):
        self.upstream = Wheels()
        self.store = CacheStore(folder / "cache.db")
        self.seen = []
        self.changed = threading.Semaphore(0)
        self.offline = False
        self.clock = FakeClock()
        self.made = []
        self.marks = {}
        self.backfill = self.make()

    def make(self, **options):
        made = Backfill(
            self.upstream, self.store, on_change=self.on_change, offline=lambda: self.offline, **options
        )
        made.clock = self.clock
        self.made.append(made)
        return made

    def on_change(self, project):
        if project in self.marks:
            self.marks[project].set()
            return
        self.seen.append(project)
        self.changed.release()

    def serve(self, *wheels):
        for wheel in wheels:
            self.upstream.wheels[wheel.filename] = make_wheel("acme", wheel.version, size=50_000)

    def fill(self, page):
        """Schedule the page and wait until something has changed."""
        self.backfill.schedule(page)
        assert self.changed.acquire(timeout=SECONDS)

    def settle(self):
        """Wait until the one worker has done what was scheduled before, by one wheel more."""
        name = f"mark{len(self.marks)}"
        filename = f"{name}-1-py3-none-any.whl"
        last = replace(a_wheel("1"), project=name, filename=filename, place=filename)
        self.marks[name] = threading.Event()
        self.upstream.wheels[filename] = make_wheel(name, "1")
        self.backfill.schedule(UpstreamPage(name, (last,)))
        assert self.marks[name].wait(SECONDS)
        self.upstream.downloads.remove(filename)


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    yield rig
    if rig.upstream.gate:
        rig.upstream.gate.set()
    for made in rig.made:
        made.close()
    rig.store.close()


@pytest.fixture
def single(rig):
    """Return a rig with one worker, so that wheels are read one after another."""
    rig.backfill = rig.make(workers=1)
    return rig


def test_page_without_facts_stays_the_same(rig):
    page = a_page(a_wheel())

    assert rig.backfill.apply(page) is page


def test_facts_fill_what_the_page_lacks(rig):
    file = a_wheel()
    rig.store.add_facts(file.place, "acme", Facts(7, "ab" * 32, MODIFIED.timestamp(), DIGEST))

    (filled,) = rig.backfill.apply(a_page(file)).files

    assert filled == replace(
        file,
        size=7,
        hashes=Hashes(sha256="ab" * 32),
        uploaded_at=MODIFIED,
        time_source="last-modified",
        metadata_sha256=DIGEST,
    )


def test_facts_do_not_overrule_the_page_but_for_metadata(rig):
    said = Hashes(md5="cd" * 16)
    file = a_wheel(size=9, hashes=said, uploaded_at=UPLOADED, metadata_sha256=OTHER)
    rig.store.add_facts(file.place, "acme", Facts(7, "ab" * 32, MODIFIED.timestamp(), DIGEST))

    assert rig.backfill.apply(a_page(file)).files == (replace(file, metadata_sha256=DIGEST),)


@pytest.mark.parametrize("said", [None, "", OTHER, DIGEST])
@pytest.mark.parametrize(("known", "shown"), [("", None), (DIGEST, DIGEST)])
def test_known_metadata_replaces_what_the_page_says(rig, said, known, shown):
    file = a_wheel(metadata_sha256=said)
    rig.store.add_facts(file.place, "acme", Facts(metadata_sha256=known))

    assert rig.backfill.apply(a_page(file)).files[0].metadata_sha256 == shown


@pytest.mark.parametrize("said", [None, "", OTHER])
def test_facts_without_metadata_leave_it(rig, said):
    file = a_wheel(metadata_sha256=said)
    rig.store.add_facts(file.place, "acme", Facts(size=7))

    assert rig.backfill.apply(a_page(file)).files == (replace(file, size=7),)


def test_scheduled_wheel_is_offered_afterwards(rig):
    file = a_wheel()
    rig.upstream.wheels[file.filename] = WHEEL

    rig.fill(a_page(file))
    (filled,) = rig.backfill.apply(a_page(file)).files

    assert (filled.metadata_sha256, filled.size, filled.uploaded_at) == (DIGEST, len(WHEEL), MODIFIED)
    assert rig.backfill.metadata(filled) == METADATA
    assert rig.upstream.asked == []


def test_nothing_is_offered_before_it_is_stored(rig, monkeypatch):
    seen = []
    put = CacheStore.put_metadata

    def watched(store, digest, body):
        seen.append(store.facts("acme"))
        put(store, digest, body)

    monkeypatch.setattr(CacheStore, "put_metadata", watched)
    file = a_wheel()
    rig.serve(file)

    rig.fill(a_page(file))

    assert seen == [{}]


def test_change_is_told_once_for_all_wheels_of_a_page(rig):
    wheels = [a_wheel(version) for version in ("1.0", "2.0", "3.0")]
    rig.serve(*wheels)

    rig.fill(a_page(*wheels))

    assert rig.seen == ["acme"]
    assert all(file.metadata_sha256 for file in rig.backfill.apply(a_page(*wheels)).files)


def test_newest_versions_come_first(single):
    names = ["1.9", "1.10", "2.0rc1", "1.8", "3.0"]
    wheels = [a_wheel(version, yanked="bad" if version == "3.0" else None) for version in names]
    single.serve(*wheels)

    single.fill(a_page(*wheels))

    assert single.upstream.downloads == [a_wheel(version).filename for version in ("1.10", "1.9", "1.8")]


def test_pre_releases_and_then_yanked_ones_come_last(single):
    names = ["2.0rc1", "1.0", "3.0"]
    wheels = [a_wheel(version, yanked="" if version == "3.0" else None) for version in names]
    single.serve(*wheels)

    single.fill(a_page(*wheels))

    assert single.upstream.downloads == [a_wheel(version).filename for version in ("1.0", "2.0rc1", "3.0")]


def test_no_more_than_twenty_wheels_are_read(single):
    wheels = [a_wheel(tag=f"cp3{number}-none-any") for number in range(30)]
    single.serve(*wheels)

    single.fill(a_page(*wheels))

    assert single.upstream.downloads == [file.filename for file in wheels[:20]]


def test_offered_wheels_and_other_files_are_left_alone(single):
    sdist = replace(a_wheel(), filename="acme-1.0.tar.gz", packagetype="sdist", place="aa/sdist")
    files = (
        a_wheel("3.0", metadata_sha256=DIGEST),
        a_wheel("2.0", metadata_sha256=""),
        sdist,
        a_wheel("1.0"),
    )
    single.serve(*files)

    single.fill(a_page(*files))

    assert single.upstream.downloads == [files[-1].filename]


def test_queued_wheel_is_not_queued_again(single):
    file = a_wheel()
    single.serve(file)
    single.upstream.gate = threading.Event()

    single.backfill.schedule(a_page(file))
    assert single.upstream.entered.wait(SECONDS)
    single.clock.advance(31)
    single.backfill.schedule(a_page(file))
    single.upstream.gate.set()
    single.settle()

    assert single.upstream.downloads == [file.filename]


def test_page_is_looked_at_again_after_half_a_minute(single):
    old, new = a_wheel("1.0"), a_wheel("2.0")
    single.serve(old, new)
    single.fill(a_page(old))

    single.clock.advance(29)
    single.backfill.schedule(a_page(old, new))
    single.settle()
    assert single.upstream.downloads == [old.filename]
    single.clock.advance(1)
    single.fill(a_page(old, new))

    assert single.upstream.downloads == [old.filename, new.filename]


def test_unreadable_wheel_is_tried_again_after_an_hour(single):
    file = a_wheel()
    single.upstream.wheels[file.filename] = b"no wheel"

    for _ in range(2):
        single.clock.advance(31)
        single.backfill.schedule(a_page(file))
        single.settle()
    assert single.upstream.downloads == [file.filename]
    single.clock.advance(3600)
    single.serve(file)
    single.fill(a_page(file))

    assert single.upstream.downloads == [file.filename] * 2


def test_missing_wheel_changes_nothing(single):
    single.backfill.schedule(a_page(a_wheel()))
    single.settle()

    assert (single.seen, single.store.facts("acme")) == ([], {})


def test_upstream_without_ranges_is_left_alone_for_ten_minutes(single):
    wheels = [a_wheel(version) for version in ("3.0", "2.0", "1.0")]
    names = [file.filename for file in wheels]
    single.serve(*wheels)
    single.upstream.whole = {names[1]}

    single.fill(a_page(*wheels))
    assert single.upstream.downloads == names[:2]
    single.upstream.whole = set()
    page = single.backfill.apply(a_page(*wheels))
    single.clock.advance(599)
    single.backfill.schedule(page)
    assert single.upstream.downloads == names[:2]
    single.clock.advance(1)
    single.fill(page)

    assert single.upstream.downloads == names[:2] + names[1:]


def test_metadata_is_not_looked_for_in_wheels_without_ranges(rig):
    first, second = (a_wheel(version, metadata_sha256="") for version in ("2.0", "1.0"))
    rig.serve(first, second)
    rig.upstream.whole = {first.filename}

    for file in (first, second):
        with pytest.raises(FileMissing):
            rig.backfill.metadata(file)

    assert rig.upstream.downloads == [first.filename]


@pytest.mark.parametrize(("retry_after", "rest"), [(0, 60), (90, 90)])
def test_failing_upstream_gets_a_rest(single, retry_after, rest):
    wheels = [a_wheel(version) for version in ("3.0", "2.0", "1.0")]
    names = [file.filename for file in wheels]
    single.serve(*wheels)
    single.upstream.errors[names[1]] = UpstreamUnavailable("slow down", retry_after=retry_after)

    single.fill(a_page(*wheels))
    assert single.upstream.downloads == names[:2]
    single.upstream.errors.clear()
    page = single.backfill.apply(a_page(*wheels))
    single.clock.advance(rest - 1)
    single.backfill.schedule(page)
    assert single.upstream.downloads == names[:2]
    single.clock.advance(1)
    single.fill(page)

    assert single.upstream.downloads == names[:2] + names[1:]


def test_error_that_nobody_expects_ends_no_thread(single, caplog):
    file = a_wheel()
    single.upstream.errors[file.filename] = ZeroDivisionError()

    single.backfill.schedule(a_page(file))
    single.settle()

    assert "ZeroDivisionError" in caplog.text


def test_another_process_that_was_faster_saves_the_request(single):
    first, second = a_wheel("2.0"), a_wheel("1.0")
    single.serve(first, second)
    single.upstream.gate = threading.Event()

    single.backfill.schedule(a_page(first, second))
    assert single.upstream.entered.wait(SECONDS)
    single.store.add_facts(second.place, "acme", Facts(metadata_sha256=DIGEST))
    single.upstream.gate.set()
    assert single.changed.acquire(timeout=SECONDS)

    assert single.upstream.downloads == [first.filename]


@pytest.mark.parametrize("options", [{"newest": 0}, {"workers": 0}])
def test_nothing_is_read_when_nothing_shall_be(rig, options):
    backfill = rig.make(**options)
    rig.serve(a_wheel())

    backfill.schedule(a_page(a_wheel()))
    backfill.learn(a_wheel(), None)
    backfill.close()

    assert rig.upstream.downloads == []


def test_closed_reads_nothing_any_more(rig):
    rig.backfill.close()
    rig.backfill.schedule(a_page(a_wheel()))

    assert rig.upstream.downloads == []


def test_offline_asks_nothing(rig):
    rig.offline = True
    rig.serve(a_wheel())

    rig.backfill.schedule(a_page(a_wheel()))
    rig.backfill.learn(a_wheel(), None)
    with pytest.raises(UpstreamTimeout, match="offline"):
        rig.backfill.metadata(a_wheel(metadata_sha256=DIGEST))
    rig.backfill.close()

    assert (rig.upstream.downloads, rig.upstream.asked) == ([], [])


def test_kept_metadata_is_served_offline(rig):
    rig.store.put_metadata(DIGEST, METADATA)
    rig.offline = True

    assert rig.backfill.metadata(a_wheel(metadata_sha256=DIGEST)) == METADATA


def test_metadata_that_is_not_offered_is_missing(rig):
    rig.serve(a_wheel())

    with pytest.raises(FileMissing):
        rig.backfill.metadata(a_wheel())
    assert rig.upstream.asked == []


def test_metadata_of_the_upstream_is_asked_for_once(rig):
    file = a_wheel(metadata_sha256=DIGEST)
    rig.upstream.beside[file.filename] = METADATA

    assert [rig.backfill.metadata(file) for _ in range(2)] == [METADATA] * 2
    assert rig.upstream.asked == [file.filename]
    assert (rig.seen, rig.store.facts("acme")) == ([], {})


def test_metadata_without_a_digest_gets_one(rig):
    file = a_wheel(metadata_sha256="")
    rig.upstream.beside[file.filename] = METADATA

    assert [rig.backfill.metadata(file) for _ in range(2)] == [METADATA] * 2
    assert rig.upstream.asked == [file.filename]
    assert rig.backfill.apply(a_page(file)).files[0].metadata_sha256 == DIGEST


@pytest.mark.parametrize(
    "answer", [b"<html>Log in</html>", make_metadata("other", "1.0"), make_metadata("acme", "2.0"), b"\xff\0"]
)
def test_something_else_without_a_digest_is_not_believed(rig, answer):
    file = a_wheel(metadata_sha256="")
    rig.upstream.beside[file.filename] = answer
    rig.upstream.wheels[file.filename] = WHEEL

    assert rig.backfill.metadata(file) == METADATA


@pytest.mark.parametrize("beside", [{}, {a_wheel().filename: b"other"}])
def test_wheel_gives_what_the_upstream_only_promises(rig, beside, caplog):
    file = a_wheel(metadata_sha256=DIGEST)
    rig.upstream.beside = beside
    rig.upstream.wheels[file.filename] = WHEEL

    assert rig.backfill.metadata(file) == METADATA
    assert rig.seen == []
    assert file.filename in caplog.text


@pytest.mark.parametrize("beside", [{}, {a_wheel().filename: METADATA}, {a_wheel().filename: b"other"}])
def test_wrong_digest_is_never_served_and_corrected(rig, beside):
    file = a_wheel(metadata_sha256=OTHER)
    rig.upstream.beside = beside
    rig.upstream.wheels[file.filename] = WHEEL

    with pytest.raises(UpstreamUnavailable, match="ask for its page again"):
        rig.backfill.metadata(file)
    (corrected,) = rig.backfill.apply(a_page(file)).files

    assert corrected.metadata_sha256 == DIGEST
    assert rig.seen == ["acme"]
    assert rig.backfill.metadata(corrected) == METADATA


@pytest.mark.parametrize("said", ["", DIGEST])
@pytest.mark.parametrize("wheel", [None, b"garbage", "whole"])
def test_metadata_that_is_nowhere_is_not_offered_any_more(rig, said, wheel, caplog):
    file = a_wheel(metadata_sha256=said)
    rig.upstream.beside = {file.filename: b"other"}
    if wheel == "whole":
        rig.upstream.whole = {file.filename}
    if wheel:
        rig.upstream.wheels[file.filename] = WHEEL if wheel == "whole" else wheel

    with pytest.raises(FileMissing):
        rig.backfill.metadata(file)

    assert rig.backfill.apply(a_page(file)).files[0].metadata_sha256 is None
    assert rig.seen == ["acme"]
    assert ("not offered any more" in caplog.text) is (wheel == b"garbage")
    rig.backfill.clock = lambda: time.monotonic() + 3600
    again = rig.backfill.apply(a_page(file)).files[0].metadata_sha256
    assert (again is None) is (wheel == b"garbage")


def test_upstream_that_is_down_changes_no_page(rig):
    file = a_wheel(metadata_sha256=DIGEST)
    rig.upstream.errors[file.filename] = UpstreamTimeout("too slow")

    with pytest.raises(UpstreamTimeout):
        rig.backfill.metadata(file)
    assert (rig.seen, rig.store.facts("acme")) == ([], {})


def test_many_clients_cause_one_request(rig):
    file = a_wheel(metadata_sha256=DIGEST)
    rig.upstream.beside[file.filename] = METADATA
    rig.upstream.gate = threading.Event()

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(rig.backfill.metadata, file) for _ in range(8)]
        assert rig.upstream.entered.wait(SECONDS)
        rig.upstream.gate.set()
        assert {answer.result(SECONDS) for answer in answers} == {METADATA}

    assert rig.upstream.asked == [file.filename]


def test_cached_wheel_offers_its_metadata(rig, tmp_path):
    file = a_wheel()
    path = tmp_path / file.filename
    path.write_bytes(WHEEL)

    rig.backfill.learn(file, path)
    (filled,) = rig.backfill.apply(a_page(file)).files

    assert (filled.metadata_sha256, filled.size) == (DIGEST, len(WHEEL))
    assert (rig.seen, rig.upstream.downloads) == (["acme"], [])
    assert rig.backfill.metadata(filled) == METADATA


def test_cached_wheel_brings_back_what_could_not_be_had(rig, tmp_path):
    file = a_wheel(metadata_sha256=OTHER)
    rig.store.add_facts(file.place, "acme", Facts(metadata_sha256=""))
    path = tmp_path / file.filename
    path.write_bytes(WHEEL)

    rig.backfill.learn(file, path)

    assert rig.backfill.apply(a_page(file)).files[0].metadata_sha256 == DIGEST


def test_cached_file_that_needs_or_has_nothing_is_left_alone(rig, tmp_path):
    path = tmp_path / "cached"
    path.write_bytes(WHEEL)
    rig.backfill.learn(a_wheel(metadata_sha256=DIGEST), path)
    rig.backfill.learn(replace(a_wheel(), packagetype="sdist"), path)
    path.write_bytes(b"garbage")
    rig.backfill.learn(a_wheel(), path)
    rig.backfill.learn(a_wheel(), tmp_path / "gone")

    assert (rig.seen, rig.store.facts("acme")) == ([], {})


def test_wheel_that_is_kept_elsewhere_is_read_from_the_upstream(rig):
    file = a_wheel()
    rig.upstream.wheels[file.filename] = WHEEL

    rig.backfill.learn(file, None)
    assert rig.changed.acquire(timeout=SECONDS)

    assert rig.backfill.apply(a_page(file)).files[0].metadata_sha256 == DIGEST
