import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.errors import FileMissing, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import Hashes
from pyramid_pypi.upstream.base import Transfer
from pyramid_pypi.upstream.pace import Pace
from pyramid_pypi.upstream.passing import passing_stream
from tests.unit.upstream.paged import PagedUpstream, file_of, transfer_of

LARGE = bytes(range(256)) * 1000
HELD_BACK = 64 * 1024


class Source(PagedUpstream):
    """Has one file; may lie, and may not do ranges."""

    def __init__(self, content, *, ranges=True, shift=0, chunk=7, breaks=None):
        super().__init__()
        self.content = content
        self.ranges = ranges
        self.shift = shift
        self.chunk = chunk
        self.breaks = breaks
        self.requests = []
        self.closed = []

    def download(self, file, start=0, stop=None):
        self.requests.append((start, stop))
        if isinstance(self.breaks, FileMissing):
            raise self.breaks
        begin = start + self.shift if self.ranges else 0
        content = self.content[:stop] if self.ranges else self.content
        transfer, self.closed = transfer_of(
            content, begin, size=len(self.content), chunk=self.chunk, breaks=self.breaks
        )
        return transfer


def described(content, *names):
    known = {name: hashlib.new(name, content).hexdigest() for name in names}
    own = {"sha256": known.pop("sha256", ""), "md5": known.pop("md5", "")}
    return replace(
        file_of("holy-grail"), size=len(content), hashes=Hashes(**own, others=tuple(known.items()))
    )


def taken(stream, start=0, stop=None):
    """Return what arrives, and the error that ends it, if any."""
    found = b""
    try:
        for chunk in stream.open(start, stop):
            found += chunk
    except UpstreamUnavailable as error:
        return found, error
    return found, None


@given(st.binary(max_size=300), st.integers(1, 400), st.booleans(), st.data())
def test_any_range_has_its_bytes_and_lets_the_connection_go(content, chunk, ranges, data):
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.sampled_from([None, *range(start + 1, len(content) + 1)]))
    source = Source(content, ranges=ranges, chunk=chunk)

    assert taken(passing_stream(source, described(content, "sha256")), start, stop) == (
        content[start:stop],
        None,
    )
    assert source.closed


def test_each_opening_asks_the_upstream_for_its_range():
    source = Source(LARGE)
    stream = passing_stream(source, described(LARGE, "sha256"))
    assert source.requests == []

    taken(stream, 5, 9)
    taken(stream, 7)
    taken(stream, 0, len(LARGE))

    assert source.requests == [(5, 9), (7, None), (0, None)]


@pytest.mark.parametrize(
    "names",
    [
        ("sha256",),
        ("md5",),
        ("sha512",),
        ("md5", "sha1"),
        ("sha256", "sha512"),
        ("blake2b",),
        ("sha3_512",),
        ("sha3_224",),
    ],
)
def test_wrong_bytes_never_arrive_whole(names):
    source = Source(LARGE[:-1] + b"!", chunk=10_000)

    found, error = taken(passing_stream(source, described(LARGE, *names)))

    assert found == LARGE[: len(found)]
    assert len(found) <= len(LARGE) - HELD_BACK
    assert f"has the {names[0]} digest" in error.message
    assert source.closed


def test_a_small_file_with_a_wrong_digest_sends_nothing():
    found, error = taken(passing_stream(Source(b"evil!"), described(b"good!", "sha256")))

    assert found == b""
    assert isinstance(error, UpstreamUnavailable)


def test_the_best_digest_counts():
    file = described(LARGE, "sha512", "md5")
    lying = replace(file, hashes=replace(file.hashes, md5="0" * 32))

    assert taken(passing_stream(Source(LARGE), lying)) == (LARGE, None)


@pytest.mark.parametrize("content", [LARGE[:-1], LARGE + b"!", b""])
def test_a_file_of_another_size_never_arrives_whole(content):
    found, error = taken(passing_stream(Source(content, chunk=10_000), replace(described(LARGE))))

    assert len(found) < len(LARGE)
    assert "256000" in error.message


def test_an_upstream_that_never_ends_is_left():
    def chunks():
        while True:
            yield bytes(10_000)

    class Endless(Source):
        def download(self, file, start=0, stop=None):
            return Transfer(chunks(), None, 0)

    found, error = taken(passing_stream(Endless(b""), described(LARGE)))

    assert len(found) < len(LARGE)
    assert "more than 256000 bytes" in error.message


def test_a_transfer_that_breaks_off_is_an_error_and_lets_the_connection_go():
    source = Source(LARGE[:1000], breaks=UpstreamUnavailable("broken off"))

    found, error = taken(passing_stream(source, described(LARGE, "sha256")))

    assert (found, error.message) == (b"", "broken off")
    assert source.closed


@pytest.mark.parametrize("ranges", [True, False])
def test_a_part_that_is_too_short_is_an_error(ranges):
    found, error = taken(passing_stream(Source(b"0123", ranges=ranges), described(b"0123456789")), 2, 8)

    assert (found, error.message) == (b"23", "The upstream has sent less than it said")


def test_another_part_than_was_asked_for_is_not_sent():
    source = Source(LARGE, shift=3)

    assert taken(passing_stream(source, described(LARGE)), 5, 9)[0] == b""
    assert source.closed


def test_a_file_without_size_and_digest_is_passed_on():
    file = replace(file_of("holy-grail"), size=None, hashes=Hashes())
    stream = passing_stream(Source(LARGE), file)

    assert stream.size is None
    assert taken(stream) == (LARGE, None)


def test_a_missing_file_is_told_when_it_is_opened():
    stream = passing_stream(Source(b"", breaks=FileMissing("none")), described(b"x"))

    with pytest.raises(FileMissing):
        stream.open(0, None)


@pytest.mark.parametrize("stop", [None, 9])
def test_an_upstream_that_drips_is_left(stop):
    source = Source(LARGE)
    stream = passing_stream(source, described(LARGE, "sha256"), pace=Pace(rate=10**15, window=0))

    found, error = taken(stream, 0, stop)

    assert (type(error), len(found) < 10) == (UpstreamTimeout, True)
    assert source.closed


def test_a_client_that_leaves_lets_the_connection_go():
    source = Source(LARGE, chunk=100_000)
    chunks = passing_stream(source, described(LARGE, "sha256")).open(0, None)
    next(chunks)

    chunks.close()

    assert source.closed


def test_only_the_end_is_held_back():
    source = Source(LARGE, chunk=10_000)
    chunks = passing_stream(source, described(LARGE, "sha256")).open(0, None)

    first = next(chunks)

    assert first == LARGE[: len(first)]
    assert len(first) <= 10_000
