"""A zip file has one reading, or it is refused."""

import io
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.distribution import LENIENT, PRIVATE, ZipMember, check_zip, iter_member, read_member
from pyramid_pypi.errors import InvalidUpload


def make_zip(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, mode: int = 0o100644) -> bytes:
    """Return a zip file as the standard library writes it."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.external_attr = mode << 16
            archive.writestr(info, data, method)
    return output.getvalue()


def names(data: bytes) -> list[str]:
    """Return the names of the members that pass the check."""
    return [member.name for member in check_zip(io.BytesIO(data), PRIVATE)]


SOUND = make_zip(("a.py", b"a" * 100), ("b/c.py", b"c"))
CENTRAL = SOUND.index(b"PK\1\2")
SECOND = SOUND.index(b"PK\3\4", 4)
END = SOUND.index(b"PK\5\6")


def patch(offset: int, value: bytes) -> bytes:
    """Return the sound file with some bytes changed."""
    return SOUND[:offset] + value + SOUND[offset + len(value) :]


def with_extra(extra: bytes) -> bytes:
    """Return a zip file whose one member has an extra field in both headers."""
    info = zipfile.ZipInfo("a.py")
    info.extra = extra
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr(info, b"a")
    return output.getvalue()


def raw_entry(name: bytes, flags: int = 0, data: bytes = b"a") -> bytes:
    """Return a zip file with one stored member, whatever its name."""
    crc, size = zlib.crc32(data), len(data)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, 0, 0, 33, crc, size, size, len(name), 0)
    numbers = (20, 20, flags, 0, 0, 33, crc, size, size, len(name), 0, 0, 0, 0, 0, 0)
    central = struct.pack("<4s6H3L5H2L", b"PK\1\2", *numbers) + name
    start = len(local) + len(name) + size
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), start, 0)
    return local + name + data + central + end


def concealed_member() -> bytes:
    """Return a zip file with a local member that the directory does not know."""
    hidden = make_zip(("x.py", b"x"))
    hidden = hidden[: hidden.index(b"PK\1\2")]
    moved = struct.pack("<L", CENTRAL + len(hidden))
    return SOUND[:CENTRAL] + hidden + SOUND[CENTRAL : END + 16] + moved + SOUND[END + 20 :]


def overlapping() -> bytes:
    """Return a zip file in which two directory entries share one member."""
    entry = SOUND[CENTRAL : SOUND.index(b"PK\1\2", CENTRAL + 4)]
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, 2 * len(entry), SECOND, 0)
    return SOUND[:SECOND] + entry + entry.replace(b"a.py", b"z.py") + end


HOSTILE = {
    "empty": b"",
    "text": b"not a zip",
    "no members": make_zip(),
    "bytes behind": SOUND + b"x",
    "bytes before": b"#!/bin/sh\n" + SOUND,
    "a zip behind": SOUND + SOUND,
    "cut off": SOUND[:-5],
    "comment": SOUND[:-2] + b"\1\0x",
    "two directories": SOUND[:END] + SOUND[CENTRAL:],
    "gap": concealed_member(),
    "overlap": overlapping(),
    "wrong count": patch(END + 10, b"\1\0"),
    "two counts": patch(END + 8, b"\1\0"),
    "other disk": patch(END + 4, b"\1\0"),
    "other directory": patch(END + 16, b"\0\0"),
    "local name": patch(30, b"z"),
    "local size": patch(22, b"\1"),
    "local crc": patch(14, b"\0\0\0\0"),
    "local method": patch(8, b"\0"),
    "local flags": patch(6, b"\2"),
    "local extra length": patch(28, b"\xff\xff"),
    "future version": patch(CENTRAL + 6, b"\x40"),
    "encrypted": patch(6, b"\1").replace(b"PK\1\2\x14\x03\x14\0\0", b"PK\1\2\x14\x03\x14\0\1"),
    "entry comment": patch(CENTRAL + 32, b"\1\0"),
    "entry disk": patch(CENTRAL + 34, b"\1\0"),
    "entry offset": patch(CENTRAL + 42, b"\1"),
    "zip64 without field": patch(CENTRAL + 20, b"\xff\xff\xff\xff"),
    "bzip2": make_zip(("a", b"a"), method=zipfile.ZIP_BZIP2),
    "lzma": make_zip(("a", b"a"), method=zipfile.ZIP_LZMA),
    "symlink": make_zip(("a", b"/etc/passwd"), mode=0o120777),
    "device": make_zip(("a", b""), mode=0o020666),
    "fifo": make_zip(("a", b""), mode=0o010666),
    "directory mode": make_zip(("a", b""), mode=0o040755),
    "directory with content": make_zip(("a/", b"a")),
    "file and directory": make_zip(("a", b""), ("a/", b"")),
    "second unicode name": with_extra(struct.pack("<HHBL", 0x7075, 9, 1, 0) + b"evil"),
    "repeated extra": with_extra(struct.pack("<HH", 0x9999, 0) * 2),
    "malformed extra": with_extra(struct.pack("<HH", 0x9999, 9)),
    "zip64 that lies": with_extra(struct.pack("<HHQQ", 1, 16, 1, 2)),
    "short zip64": with_extra(struct.pack("<HHL", 1, 4, 1)),
    "name not utf-8": raw_entry(b"a\xff.py", 0x800),
    "name in code page": raw_entry(b"a\xe4.py"),
    "nul": raw_entry(b"a.py\0.txt"),
    "zip bomb": make_zip(("a", bytes(65 * 1024 * 1024))),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_file_with_two_readings_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidUpload, match="Invalid distribution file"):
        check_zip(io.BytesIO(data), PRIVATE)


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "a/../x", "a/..", "/etc/x", "C:/x", "c:x", "..\\x", "a\\b", "a\nb", "a\x1bb", "./a"),
        *("a//b", "a/./b", "//a", "a" * 2000, "a/" * 100 + "b", "\u0085"),
    ],
)
def test_unsafe_member_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidUpload, match="unsafe name"):
        check_zip(io.BytesIO(make_zip((name, b"x"))), LENIENT)


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = make_zip(("a", b"1"), ("a", b"2"))

    with pytest.raises(InvalidUpload, match="two members"):
        names(data)


def test_a_tar_file_in_front_is_refused() -> None:
    block = bytearray(512)
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 1, 481) + b"a"
    block[: len(head)] = head
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)

    with pytest.raises(InvalidUpload, match="both a zip and a tar"):
        check_zip(io.BytesIO(bytes(block) + SOUND), PRIVATE)


def test_sound_files_are_read_as_the_standard_library_reads_them(tmp_path: Path) -> None:
    (tmp_path / "pkg" / "empty").mkdir(parents=True)
    (tmp_path / "pkg" / "m\u00fcsli.py").write_text("x = 1\n")
    target = tmp_path / "x.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((tmp_path / "pkg").rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
        with archive.open("forced.txt", "w", force_zip64=True) as member:
            member.write(b"forced")

    with zipfile.ZipFile(target) as archive:
        assert names(target.read_bytes()) == archive.namelist()


NAME = st.from_regex(r"[a-z\u00e4]{1,8}(/[a-z.]{0,3}[a-z]){0,3}", fullmatch=True)


@given(st.dictionaries(NAME, st.binary(max_size=300), min_size=1), st.sampled_from([0, 8]))
def test_names_and_contents_are_those_of_the_standard_library(files: dict[str, bytes], method: int) -> None:
    data = make_zip(*files.items(), method=method)
    stream = io.BytesIO(data)
    try:
        members = check_zip(stream, PRIVATE)
    except InvalidUpload:
        assert any("/." in f"/{name}" for name in files)
        return

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert [member.name for member in members] == archive.namelist()
    assert {member.name: read_member(stream, member, 300) for member in members} == files


@given(st.integers(0, len(SOUND) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_file_is_refused_or_read_alike(offset: int, value: bytes) -> None:
    data = patch(offset, value)[: len(SOUND)]
    stream = io.BytesIO(data)
    try:
        members = check_zip(stream, LENIENT)
        contents = [read_member(stream, member, 1000) for member in members]
    except InvalidUpload:
        return

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert [member.name for member in members] == archive.namelist()
        assert contents == [archive.read(name) for name in archive.namelist()]


@given(st.binary(max_size=300))
def test_no_bytes_make_the_check_fail_otherwise(data: bytes) -> None:
    for sample in (data, b"PK\3\4" + data + SOUND[END:], data + SOUND, SOUND[:CENTRAL] + data + SOUND[END:]):
        try:
            names(sample)
        except InvalidUpload as error:
            assert error.message


class Pipe(io.RawIOBase):
    """A target that cannot seek, so that a writer has to put the sizes behind the data."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.data += bytes(data)  # type: ignore[call-overload]
        return len(data)  # type: ignore[arg-type]


def piped(method: int) -> bytes:
    """Return a zip file with data descriptors."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", method) as archive:
        archive.writestr("a.py", b"a" * 50)
    return pipe.data


def test_data_descriptors_are_a_matter_of_the_profile() -> None:
    data = piped(zipfile.ZIP_DEFLATED)

    assert [member.size for member in check_zip(io.BytesIO(data), LENIENT)] == [50]
    with pytest.raises(InvalidUpload, match="data descriptor"):
        names(data)


def test_a_data_descriptor_has_to_fit_and_to_be_found() -> None:
    data = piped(zipfile.ZIP_DEFLATED)
    at = data.index(b"PK\7\x08") + 4

    for sample in (data[:at] + b"\0\0\0\0" + data[at + 4 :], piped(zipfile.ZIP_STORED)):
        with pytest.raises(InvalidUpload, match="data descriptor"):
            check_zip(io.BytesIO(sample), LENIENT)


def test_a_member_over_four_gib_is_checked_quickly_and_in_little_memory(tmp_path: Path) -> None:
    """The file is sparse: what lies in its large member is never read."""
    path = tmp_path / "large.zip"
    size = 5 * 2**30
    write_sparse(path, size)
    tracemalloc.start()
    started = time.perf_counter()
    with path.open("rb") as stream:
        members = check_zip(stream, PRIVATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [(member.name, member.size) for member in members] == [("large.bin", size), ("small.py", 1)]
    assert peak < 2**20
    assert time.perf_counter() - started < 5
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [member.name for member in members]


def write_sparse(path: Path, size: int) -> None:
    """Write a zip64 file with a stored member of `size` zeros, of which the disk keeps none."""
    wide = struct.pack("<HHQQ", 1, 16, size, size)
    full = 0xFFFFFFFF
    small = make_zip(("small.py", b"x"), method=zipfile.ZIP_STORED)
    directory = small.index(b"PK\1\2")
    head = (
        struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 33, 7, full, full, 9, len(wide))
        + b"large.bin"
        + wide
    )
    offset = len(head) + size
    numbers = (45, 45, 0, 0, 0, 33, 7, full, full, 9, len(wide), 0, 0, 0, 0, 0)
    central = struct.pack("<4s6H3L5H2L", b"PK\1\2", *numbers) + b"large.bin" + wide
    second = bytearray(small[directory : directory + 46 + 8])
    second[30:32] = struct.pack("<H", 12)
    second[42:46] = b"\xff" * 4
    central += bytes(second) + struct.pack("<HHQ", 1, 8, offset)
    start = offset + directory
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, len(central), start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start + len(central), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(central), full, 0)
    with path.open("wb") as stream:
        stream.write(head)
        stream.seek(size, 1)
        stream.write(small[:directory] + central + end64 + locator + end)


@pytest.mark.parametrize(
    ("record", "offset", "value"),
    [(b"PK\6\6", 4, b"\x2d"), (b"PK\6\6", 24, b"\3"), (b"PK\6\7", 8, b"\0"), (b"PK\5\6", 10, b"\1")],
)
def test_zip64_records_that_do_not_agree_are_refused(
    tmp_path: Path, record: bytes, offset: int, value: bytes
) -> None:
    path = tmp_path / "large.zip"
    write_sparse(path, 10)
    data = path.read_bytes()
    at = data.index(record) + offset

    assert names(data) == ["large.bin", "small.py"]
    with pytest.raises(InvalidUpload):
        names(data[:at] + value + data[at + len(value) :])


def test_a_zip64_field_may_repeat_the_sizes() -> None:
    output = io.BytesIO()
    info = zipfile.ZipInfo("a.py")
    info.extra = struct.pack("<HHQQ", 0x0001, 16, 1, 1)
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr(info, b"a")

    assert names(output.getvalue()) == ["a.py"]


def member_of(data: bytes) -> ZipMember:
    """Return the first member."""
    return check_zip(io.BytesIO(data), PRIVATE)[0]


def test_reading_stops_at_the_limit() -> None:
    with pytest.raises(InvalidUpload, match="larger than 99 bytes"):
        read_member(io.BytesIO(SOUND), member_of(SOUND), 99)

    assert read_member(io.BytesIO(SOUND), member_of(SOUND), 100) == b"a" * 100


@pytest.mark.parametrize(
    "change",
    [
        lambda member: replace(member, crc=member.crc ^ 1),
        lambda member: replace(member, size=member.size + 1),
        lambda member: replace(member, size=member.size - 1),
        lambda member: replace(member, compressed_size=member.compressed_size - 1),
        lambda member: replace(member, compressed_size=member.compressed_size + 1),
        lambda member: replace(member, data_offset=member.data_offset + 1),
        lambda member: replace(member, data_offset=len(SOUND)),
        lambda member: replace(member, method=0),
    ],
)
def test_a_member_that_is_not_what_its_header_says_is_refused(
    change: Callable[[ZipMember], ZipMember],
) -> None:
    with pytest.raises(InvalidUpload):
        read_member(io.BytesIO(SOUND), change(member_of(SOUND)), 1000)


def test_a_lying_size_does_not_unpack_a_bomb() -> None:
    data = make_zip(("a", bytes(32 * 1024 * 1024)))
    member = replace(member_of(data), size=1000)
    tracemalloc.start()
    with pytest.raises(InvalidUpload):
        read_member(io.BytesIO(data), member, 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 4 * 2**20


def test_large_members_come_in_chunks() -> None:
    data = make_zip(("a", bytes(1_000_000)))

    chunks = list(iter_member(io.BytesIO(data), member_of(data)))

    assert len(chunks) > 1
    assert b"".join(chunks) == bytes(1_000_000)
