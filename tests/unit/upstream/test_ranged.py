"""Metadata of wheels, read in part."""

import io
import random
import struct
import tracemalloc
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.errors import FileMissing, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import File, Hashes
from pyramid_pypi.testing.artefacts import make_metadata, make_wheel
from pyramid_pypi.upstream.base import Transfer
from pyramid_pypi.upstream.ranged import (
    MetadataUnreadable,
    RangesUnsupported,
    metadata_of_local,
    read_wheel_metadata,
)

INFO = "acme-1.0.dist-info"
METADATA = make_metadata("acme", "1.0")
MODIFIED = datetime(2024, 5, 6, tzinfo=UTC)
KIB, MIB = 1024, 1024 * 1024
NOISE = random.Random(7).randbytes(3 * MIB)


def a_file(size=None, filename="acme-1.0-py3-none-any.whl", packagetype="bdist_wheel"):
    return File("acme", filename, "1.0", packagetype, size, Hashes(), None, "", "", place=f"aa/{filename}")


@dataclass
class Remote:
    """Serves `data`; `ranges` False sends all of it, and `tells` False no size."""

    data: bytes
    ranges: bool = True
    tells: bool = True
    asked: list = field(default_factory=list)
    sent: int = 0
    closed: int = 0

    def download(self, file, start=0, stop=None):
        self.asked.append((start, stop))
        begin, end = 0, len(self.data)
        if self.ranges:
            begin, end, _ = slice(start, stop).indices(len(self.data))
        return Transfer(
            self.chunks(begin, end), len(self.data) if self.tells else None, begin, MODIFIED, self.close
        )

    def chunks(self, begin, end):
        for at in range(begin, end, 8 * KIB):
            chunk = self.data[at : min(end, at + 8 * KIB)]
            self.sent += len(chunk)
            yield chunk

    def close(self):
        self.closed += 1


def a_zip(*members, comment=b"", compression=zipfile.ZIP_DEFLATED, stream=None):
    """Return a zip file of pairs of a name and content, with METADATA last unless it is given."""
    output = stream or io.BytesIO()
    with zipfile.ZipFile(output, "w", compression) as archive:
        for name, data in members or ((f"{INFO}/METADATA", METADATA),):
            archive.writestr(name, data)
        archive.comment = comment
    return output.getvalue()


def read(data, **how):
    return read_wheel_metadata(Remote(data, **how), a_file())


def refusal(data, size=None):
    """Return why the metadata cannot be read, from afar and from the disk."""
    with pytest.raises(MetadataUnreadable) as raised:
        read_wheel_metadata(Remote(data), a_file(size))
    return raised.value.message


def test_small_wheel_takes_one_request():
    wheel = make_wheel("acme", "1.0")
    remote = Remote(wheel)

    found = read_wheel_metadata(remote, a_file())

    assert (found.body, found.size, found.modified_at, found.requests) == (METADATA, len(wheel), MODIFIED, 1)
    assert (remote.asked, remote.closed) == ([(-32 * KIB, None)], 1)


def test_known_size_is_asked_for_from_its_beginning():
    wheel = make_wheel("acme", "1.0", size=MIB)
    remote = Remote(wheel)

    found = read_wheel_metadata(remote, a_file(len(wheel)))

    assert (found.body, remote.asked) == (METADATA, [(len(wheel) - 32 * KIB, None)])


def test_size_nobody_tells_follows_from_the_end():
    wheel = make_wheel("acme", "1.0", size=MIB)

    found = read(wheel, tells=False)

    assert (found.body, found.size, found.requests) == (METADATA, len(wheel), 1)


def test_directory_larger_than_the_end_takes_two_requests():
    members = [(f"acme/module_{number}.py", b"") for number in range(600)]
    wheel = a_zip(*members, (f"{INFO}/METADATA", METADATA))

    found = read(wheel)

    assert (found.body, found.requests) == (METADATA, 2)


def test_metadata_far_from_the_end_takes_one_request_more():
    members = [(f"acme/module_{number}.py", b"") for number in range(600)]
    wheel = a_zip((f"{INFO}/METADATA", METADATA), ("acme/data.bin", NOISE), *members)
    remote = Remote(wheel)

    found = read_wheel_metadata(remote, a_file())

    assert (found.body, found.requests) == (METADATA, 3)
    assert remote.sent < 200 * KIB
    assert remote.closed == 3


def test_wheel_that_takes_too_many_requests_is_refused(monkeypatch):
    monkeypatch.setattr("pyramid_pypi.upstream.ranged._MAX_REQUESTS", 1)

    assert "requests" in refusal(a_zip((f"{INFO}/METADATA", METADATA), ("acme/data.bin", NOISE)))


def test_large_metadata_takes_few_requests():
    large = METADATA + b"\n" + NOISE
    found = read(a_zip((f"{INFO}/METADATA", large), ("acme/data.bin", NOISE)))

    assert (found.body, found.requests) == (large, 2)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("comment", [b"", b"signed", b"x" * 65535])
def test_comment_and_compression_change_nothing(compression, comment):
    wheel = a_zip(
        ("acme/data.bin", NOISE), (f"{INFO}/METADATA", METADATA), comment=comment, compression=compression
    )

    assert read(wheel).body == METADATA


def test_data_descriptors_change_nothing():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise OSError

    wheel = a_zip(("acme.py", b"1"), (f"{INFO}/METADATA", METADATA), stream=Pipe())

    assert zipfile.ZipFile(io.BytesIO(wheel)).infolist()[1].flag_bits & 8
    assert read(wheel).body == METADATA


def test_zip64_is_read(monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    wheel = a_zip(("acme/data.bin", NOISE), (f"{INFO}/METADATA", METADATA))
    monkeypatch.undo()

    assert b"PK\6\6" in wheel[-200:]
    assert b"PK\6\7" in wheel[-200:]
    assert read(wheel).body == METADATA


def test_upstream_without_ranges_sends_nothing():
    remote = Remote(make_wheel("acme", "1.0", size=MIB), ranges=False)

    with pytest.raises(RangesUnsupported):
        read_wheel_metadata(remote, a_file())

    assert (remote.sent, remote.closed, len(remote.asked)) == (0, 1, 1)


def test_upstream_without_ranges_and_sizes_sends_nothing():
    remote = Remote(make_wheel("acme", "1.0"), ranges=False, tells=False)

    with pytest.raises(RangesUnsupported):
        read_wheel_metadata(remote, a_file())

    assert (remote.sent, remote.closed) == (0, 1)


def test_upstream_that_gives_up_ranges_half_way_is_left_at_once():
    class Moody(Remote):
        def download(self, file, start=0, stop=None):
            self.ranges = not self.asked
            return super().download(file, start, stop)

    remote = Moody(a_zip(("acme.py", b""), (f"{INFO}/METADATA", METADATA), ("acme/data.bin", NOISE)))

    with pytest.raises(RangesUnsupported):
        read_wheel_metadata(remote, a_file())

    assert (remote.sent, remote.closed) == (32 * KIB, 2)


def test_beginning_of_a_whole_file_is_as_good_as_a_range():
    class Moody(Remote):
        def download(self, file, start=0, stop=None):
            self.ranges = not self.asked
            return super().download(file, start, stop)

    remote = Moody(a_zip((f"{INFO}/METADATA", METADATA), ("acme/data.bin", NOISE)))

    assert read_wheel_metadata(remote, a_file()).body == METADATA
    assert (remote.sent, remote.closed) == (40 * KIB, 2)


@pytest.mark.parametrize("size", [None, "right"])
def test_whole_small_wheel_is_as_good_as_its_end(size):
    wheel = make_wheel("acme", "1.0")

    found = read_wheel_metadata(Remote(wheel, ranges=False), a_file(size and len(wheel)))

    assert (found.body, found.requests) == (METADATA, 1)


def test_size_that_differs_from_the_page_is_refused():
    wheel = make_wheel("acme", "1.0", size=MIB)

    assert "bytes, not the" in refusal(wheel, len(wheel) - 1)


def test_more_bytes_than_asked_for_are_not_read():
    class Generous(Remote):
        def chunks(self, begin, end):
            while True:
                self.sent += KIB
                yield bytes(KIB)

    remote = Generous(make_wheel("acme", "1.0", size=MIB))

    with pytest.raises(MetadataUnreadable):
        read_wheel_metadata(remote, a_file())

    assert (remote.sent, remote.closed) == (33 * KIB, 1)


def test_short_range_is_refused():
    class Short(Remote):
        def chunks(self, begin, end):
            return super().chunks(begin, end if len(self.asked) == 1 else end - 1)

    with pytest.raises(MetadataUnreadable, match="the range"):
        read_wheel_metadata(Short(a_zip((f"{INFO}/METADATA", METADATA), ("data", NOISE))), a_file())


@pytest.mark.parametrize("error", [FileMissing("gone"), UpstreamTimeout("slow"), UpstreamUnavailable("down")])
@pytest.mark.parametrize("after", [0, 1])
def test_errors_of_the_upstream_stay_what_they_are(error, after):
    class Failing(Remote):
        def download(self, file, start=0, stop=None):
            if len(self.asked) == after:
                raise error
            return super().download(file, start, stop)

    with pytest.raises(type(error)) as raised:
        read_wheel_metadata(Failing(a_zip((f"{INFO}/METADATA", METADATA), ("data", NOISE))), a_file())

    assert raised.value is error


@pytest.mark.parametrize(
    "folder",
    ["Acme-1.0.dist-info", "ACME-01.0.dist-info", "acme-v1.0.DIST-INFO"],
)
def test_dist_info_may_be_spelt_otherwise(folder):
    assert read(a_zip((f"{folder}/METADATA", METADATA))).body == METADATA


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("acme.py", b"")], "0 .dist-info"),
        ([("other-1.0.dist-info/METADATA", METADATA)], "belongs to another release"),
        ([("acme-1.1.dist-info/METADATA", METADATA)], "belongs to another release"),
        ([(".dist-info/METADATA", METADATA)], "belongs to another release"),
        ([("acme-1.0.dist-info/METADATA", METADATA), ("b-1.dist-info/x", b"")], "2 .dist-info"),
        ([(f"{INFO}/WHEEL", b"")], "0 METADATA"),
        ([(f"sub/{INFO}/METADATA", METADATA)], "0 .dist-info"),
        ([(f"{INFO}/METADATA", b" " * (8 * MIB + 1))], "larger than"),
    ],
)
def test_wheel_that_does_not_hold_one_fitting_metadata_is_refused(members, reason):
    assert reason in refusal(a_zip(*members))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_metadata_listed_twice_is_refused():
    assert "2 METADATA" in refusal(a_zip((f"{INFO}/METADATA", METADATA), (f"{INFO}/METADATA", b"other")))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_installers_need_not_know_is_refused(compression):
    assert "compressed" in refusal(a_zip(compression=compression))


def test_encrypted_metadata_is_refused():
    assert "encrypted" in refusal(patched(8, struct.pack("<H", 1)))


def test_wrong_checksum_is_refused():
    assert "CRC" in refusal(patched(16, b"\0\0\0\0"))


def test_metadata_shorter_than_announced_is_refused():
    assert "as long as" in refusal(patched(24, struct.pack("<L", len(METADATA) + 1)))


def test_header_before_the_file_is_refused():
    assert refusal(patched(42, struct.pack("<L", 0xFFFFFF00)))


def patched(offset, value):
    """Return a wheel in whose directory, at an offset of the entry of METADATA, something else is."""
    wheel = bytearray(a_zip())
    at = wheel.index(b"PK\1\2") + offset
    wheel[at : at + len(value)] = value
    return bytes(wheel)


def test_bomb_that_lies_about_its_size_is_not_unpacked():
    """128 MiB of zeros; no more of them are unpacked than the header admits."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(MIB)) for _ in range(128)) + packer.flush()
    wheel = bytearray(a_zip((f"{INFO}/METADATA", NOISE[: len(packed)]), compression=zipfile.ZIP_STORED))
    start = wheel.index(NOISE[:64])
    wheel[start : start + len(packed)] = packed
    directory = wheel.rindex(b"PK\1\2")
    wheel[directory + 10 : directory + 12] = struct.pack("<H", zipfile.ZIP_DEFLATED)
    wheel[directory + 24 : directory + 28] = struct.pack("<L", 1000)

    tracemalloc.start()
    try:
        reason = refusal(bytes(wheel))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert "CRC" in reason
    assert peak < 4 * MIB


def test_metadata_that_is_endless_when_packed_is_not_fetched():
    wheel = patched(20, struct.pack("<L", 0x7FFFFFFF))

    assert "larger than" in refusal(wheel)


@pytest.mark.parametrize("size", [33 * MIB, 2**31])
def test_directory_of_more_than_the_limit_is_not_fetched(size):
    class Huge(Remote):
        """Has so many zeros before its end."""

        def download(self, file, start=0, stop=None):
            assert start < 0
            self.asked.append((start, stop))
            tail = bytes(-start - len(self.data)) + self.data
            whole = size + len(self.data)
            return Transfer(iter([tail]), whole, whole - len(tail), None, self.close)

    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, 0, 0)
    remote = Huge(end)

    with pytest.raises(MetadataUnreadable, match="too large"):
        read_wheel_metadata(remote, a_file())

    assert len(remote.asked) == 1


def test_directory_of_too_many_entries_is_not_taken_apart():
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * 100_001
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)

    assert "entries" in refusal(directory + end)


def test_garbage_is_refused():
    assert refusal(b"")
    assert refusal(b"PK")
    assert refusal(NOISE)


def test_file_that_is_no_wheel_is_not_asked_for():
    remote = Remote(a_zip())

    with pytest.raises(MetadataUnreadable):
        read_wheel_metadata(remote, a_file(filename="acme-1.0.tar.gz", packagetype="sdist"))

    assert remote.asked == []


def test_local_wheel_has_the_same_metadata(tmp_path):
    path = tmp_path / "acme-1.0-py3-none-any.whl"
    path.write_bytes(a_zip(("data", NOISE), (f"{INFO}/METADATA", METADATA), comment=b"signed"))

    assert metadata_of_local(path, a_file()) == METADATA


def test_local_wheel_that_is_missing_or_malformed_is_refused(tmp_path):
    path = tmp_path / "acme-1.0-py3-none-any.whl"

    with pytest.raises(MetadataUnreadable):
        metadata_of_local(path, a_file())
    path.write_bytes(NOISE)
    with pytest.raises(MetadataUnreadable):
        metadata_of_local(path, a_file())


@st.composite
def layouts(draw):
    """Draw a wheel in one of the ways in which tools write them, and METADATA in it."""
    body = draw(st.binary(max_size=2000)) + bytes(draw(st.integers(0, 40_000)))
    others = draw(st.lists(st.integers(0, 60_000), max_size=12))
    members = [(f"acme/{number}", NOISE[:size]) for number, size in enumerate(others)]
    members.insert(draw(st.integers(0, len(members))), (f"{INFO}/METADATA", body))
    output = io.BytesIO()
    output.write(NOISE[: draw(st.sampled_from([0, 0, 40_000]))])
    with zipfile.ZipFile(output, "a") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
            info.extra = draw(st.sampled_from([b"", struct.pack("<HH", 0xCAFE, 2000) + bytes(2000)]))
            with archive.open(info, "w", force_zip64=draw(st.booleans())) as stream:
                stream.write(data)
        archive.comment = draw(st.binary(max_size=300))
    return output.getvalue()


@given(layouts(), st.booleans(), st.booleans())
def test_part_reads_the_same_as_the_whole(wheel, tells, knows):
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            whole = archive.read(f"{INFO}/METADATA")
    except (zipfile.BadZipFile, KeyError):  # A comment that looks like another end.
        whole = None
    remote = Remote(wheel, tells=tells)
    try:
        found = read_wheel_metadata(remote, a_file(len(wheel) if knows else None))
    except MetadataUnreadable:
        found = None
    except RangesUnsupported:
        # Without any size this looks like all of a large file.
        assert not tells
        assert not knows
        assert len(wheel) <= 32 * KIB
        return

    assert (found and found.body) == whole
    assert len(remote.asked) <= 5
    assert remote.closed == len(remote.asked)


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=30))
def test_damaged_wheel_is_read_right_or_refused(at, damage):
    wheel = bytearray(a_zip(("acme.py", b"1"), (f"{INFO}/METADATA", METADATA), comment=b"c"))
    at %= len(wheel)
    wheel[at : at + len(damage)] = damage
    remote = Remote(bytes(wheel))
    try:
        body = read_wheel_metadata(remote, a_file()).body
    except UpstreamUnavailable:
        return

    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        assert body == archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA")))
