"""A tar file is walked within limits and has one reading, or it is refused."""

import bz2
import gzip
import io
import lzma
import tarfile
import time
import tracemalloc
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyramid_pypi.distribution import LENIENT, PRIVATE, STRICT, SdistArchive, read_sdist_tar
from pyramid_pypi.errors import InvalidUpload
from pyramid_pypi.testing.artefacts import make_sdist

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, data: bytes = b"", **attributes: Any) -> Member:
    """Return a member, by default a file."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, data


def link(name: str, target: str) -> Member:
    """Return a symbolic link."""
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def hardlink(name: str, target: str) -> Member:
    """Return a hard link."""
    return member(name, type=tarfile.LNKTYPE, linkname=target)


PKG_INFO = member("a-1.0/PKG-INFO", b"info")


def make_tar(*members: Member, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002 - the word of tarfile
    """Return a tar file as the standard library writes it, not compressed."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=format) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return output.getvalue()


def read(packed: bytes) -> SdistArchive:
    """Walk a compressed tar file with the default profile."""
    return read_sdist_tar(io.BytesIO(packed), PRIVATE)


def raw_header(
    name: bytes, *, kind: bytes = b"0", size: bytes = b"0", magic: bytes = b"ustar\x0000"
) -> bytes:
    """Return a header with a right checksum, whatever else is in it."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124 : 124 + len(size)] = size
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257 : 257 + len(magic)] = magic
    return checked(block)


def checked(block: bytearray) -> bytes:
    """Return the header with its checksum."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    """Fill the last block."""
    return data + bytes(-len(data) % 512)


def pax(records: bytes, kind: bytes = b"x") -> bytes:
    """Return an extended header."""
    return raw_header(b"pax", kind=kind, size=b"%o" % len(records)) + padded(records)


SOUND = make_tar(PKG_INFO, member("a-1.0/a.py", b"x = 1\n"))
BODY = SOUND[:2048]
ONE = raw_header(b"a-1.0/x")


def gnu_with_prefix() -> bytes:
    """Return a GNU header whose times look like a prefix."""
    block = bytearray(raw_header(b"a-1.0/x", magic=b"ustar  \0"))
    block[345:351] = b"../../"
    return checked(block)


MEMBERS: dict[str, list[Member]] = {
    "parent": [member("../x")],
    "parent inside": [member("a-1.0/../../x")],
    "absolute": [member("/etc/x")],
    "drive": [member("C:/x")],
    "backslash": [member("a-1.0\\..\\x")],
    "control": [member("a-1.0/a\nb")],
    "long": [member("a-1.0/" + "a" * 2000)],
    "deep": [member("a-1.0/" + "a/" * 100)],
    "surrogate": [member("a-1.0/\udcff")],
    "character device": [member("a-1.0/x", type=tarfile.CHRTYPE)],
    "block device": [member("a-1.0/x", type=tarfile.BLKTYPE)],
    "fifo": [member("a-1.0/x", type=tarfile.FIFOTYPE)],
    "contiguous": [member("a-1.0/x", type=tarfile.CONTTYPE)],
    "sparse": [member("a-1.0/x", type=tarfile.GNUTYPE_SPARSE)],
    "multi-volume": [member("a-1.0/x", type=b"M")],
    "label": [member("a-1.0/x", type=b"V")],
    "unknown": [member("a-1.0/x", type=b"Z")],
    "link out": [link("a-1.0/x", "../../x")],
    "link to the top": [link("a-1.0/d/x", "../../a-1.0")],
    "absolute link": [link("a-1.0/x", "/etc/passwd")],
    "empty link": [link("a-1.0/x", "")],
    "link up after down": [link("a-1.0/x", "d/../../../y")],
    "link with backslash": [link("a-1.0/x", "..\\..\\y")],
    "link at the root": [link("x", "a-1.0")],
    "behind a link": [link("a-1.0/d", "e"), member("a-1.0/d/x")],
    "before a link": [member("a-1.0/d/x"), link("a-1.0/d", "e")],
    "link twice": [link("a-1.0/x", "y"), member("a-1.0/x", b"1")],
    "file then link": [member("a-1.0/x", b"1"), link("a-1.0/x", "y")],
    "hard link out": [hardlink("a-1.0/x", "../x")],
    "hard link to nothing": [hardlink("a-1.0/x", "a-1.0/y")],
    "hard link forward": [hardlink("a-1.0/x", "a-1.0/y"), member("a-1.0/y")],
    "second PKG-INFO": [member("a-1.0/PKG-INFO", b"other")],
    "second PKG-INFO by another name": [member("a-1.0/./PKG-INFO", b"other")],
    "other PKG-INFO": [member("b-1.0/PKG-INFO", b"other")],
}


@pytest.mark.parametrize("members", MEMBERS.values(), ids=MEMBERS)
@pytest.mark.parametrize("layout", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_dangerous_members_are_refused(members: list[Member], layout: int) -> None:
    with pytest.raises(InvalidUpload, match="Invalid distribution file"):
        read(gzip.compress(make_tar(PKG_INFO, *members, format=layout)))


@pytest.mark.parametrize("kind", [link("a-1.0/PKG-INFO", "b"), hardlink("a-1.0/PKG-INFO", "a-1.0/b")])
def test_pkg_info_is_never_a_link(kind: Member) -> None:
    with pytest.raises(InvalidUpload):
        read(gzip.compress(make_tar(member("a-1.0/b", b"info"), kind)))


BLOCKS = {
    "empty": b"",
    "only zeros": bytes(1024),
    "cut in a header": SOUND[:700],
    "cut in a file": BODY[:-512],
    "no end": BODY,
    "bytes behind": SOUND + b"x",
    "a second tar behind": SOUND + SOUND,
    "one zero block between": BODY + bytes(512) + ONE + bytes(1024),
    "wrong checksum": BODY + ONE[:148] + b"000000\0 " + ONE[156:] + bytes(1024),
    "negative size": BODY + raw_header(b"a-1.0/x", size=b"\xff" * 12) + bytes(1024),
    "huge size": BODY + raw_header(b"a-1.0/x", size=b"\x80" + b"\xff" * 11) + bytes(1024),
    "size with underscore": BODY + raw_header(b"a-1.0/x", size=b"1_0") + bytes(1024),
    "directory with content": BODY + raw_header(b"a-1.0/x", kind=b"5", size=b"1000") + bytes(1024),
    "link with content": BODY + raw_header(b"a-1.0/x", kind=b"1", size=b"1000") + bytes(1024),
    "no name": BODY + raw_header(b"") + bytes(1024),
    "dot as a file": BODY + raw_header(b".") + bytes(1024),
    "prefix of gnu": BODY + gnu_with_prefix() + bytes(1024),
    "two pax headers": BODY + pax(b"12 path=a/b\n") * 2 + ONE + bytes(1024),
    "sparse by pax": BODY + pax(b"22 GNU.sparse.major=1\n") + ONE + bytes(1024),
    "pax at the end": BODY + pax(b"12 path=a/b\n") + bytes(1024),
    "pax path out": BODY + pax(b"13 path=../b\n") + ONE + bytes(1024),
    "pax path twice": BODY + pax(b"12 path=a/b\n12 path=a/c\n") + ONE + bytes(1024),
    "pax path not utf-8": BODY + pax(b"11 path=\xff\xfe\n") + ONE + bytes(1024),
    "pax path as a directory": BODY + pax(b"11 path=a/\n") + ONE + bytes(1024),
    "pax size": BODY + pax(b"12 size=512\n") + ONE + bytes(1024),
    "pax size of words": BODY + pax(b"12 size=one\n") + ONE + bytes(1024),
    "pax in another charset": BODY + pax(b"21 hdrcharset=BINARY\n") + ONE + bytes(1024),
    "pax without length": BODY + pax(b"path=a/b\n") + ONE + bytes(1024),
    "pax with a wrong length": BODY + pax(b"99 path=a/b\n") + ONE + bytes(1024),
    "pax with a negative length": BODY + pax(b"-9 path=a/b\n") + ONE + bytes(1024),
    "pax with length zero": BODY + pax(b"0 path=a/b\n") + ONE + bytes(1024),
    "global path": BODY + pax(b"12 path=a/b\n", b"g") + ONE + bytes(1024),
    "pax and long name": BODY + pax(b"12 path=a/b\n") + pax(b"a/c\0", b"L") + ONE + bytes(1024),
    "two long names": BODY + pax(b"a/b\0", b"L") + pax(b"a/c\0", b"L") + ONE + bytes(1024),
    "nul in a long name": BODY + pax(b"a/b\0../c\0", b"L") + ONE + bytes(1024),
    "long link out": BODY + pax(b"../../c\0", b"K") + raw_header(b"a-1.0/x", kind=b"2") + bytes(1024),
}


@pytest.mark.parametrize("data", BLOCKS.values(), ids=BLOCKS)
def test_a_tar_file_with_two_readings_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidUpload, match="Invalid distribution file"):
        read(gzip.compress(data))


def polyglot() -> bytes:
    """Return a gzip file that is a zip file too: the comment of the zip covers the gzip trailer."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr("x", b"")
    stored = gzip.compress(SOUND + bytes(512) + b"", 0)
    return stored[:-8] + output.getvalue()[:-2] + b"\x08\0" + stored[-8:]


FILES = {
    "empty": b"",
    "plain tar": SOUND,
    "bzip2": bz2.compress(SOUND),
    "xz": lzma.compress(SOUND),
    "cut off": gzip.compress(SOUND)[:-9],
    "without trailer": gzip.compress(SOUND)[:-8],
    "wrong checksum": gzip.compress(SOUND)[:-8] + bytes(4) + gzip.compress(SOUND)[-4:],
    "garbage behind": gzip.compress(SOUND) + b"garbage",
    "zeros behind": gzip.compress(SOUND) + bytes(512),
    "two gzip members": gzip.compress(SOUND[:512]) + gzip.compress(SOUND[512:]),
    "no deflate": b"\x1f\x8b\x07" + gzip.compress(SOUND)[3:],
    "zip behind": polyglot(),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_file_that_is_not_one_gzip_file_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidUpload, match="Invalid distribution file"):
        read(data)


def zeros(size: int) -> bytes:
    """Return compressed zeros without holding them."""
    output = io.BytesIO()
    with gzip.GzipFile(fileobj=output, mode="wb", compresslevel=1) as packed:
        packed.write(SOUND[:1024])
        packed.write(raw_header(b"a-1.0/zeros", size=b"%o" % size))
        for _ in range(size // 2**20):
            packed.write(bytes(2**20))
        packed.write(bytes(1024))
    return output.getvalue()


BOMBS = {
    "zeros": zeros(512 * 2**20),
    "pax": gzip.compress(BODY + raw_header(b"x", kind=b"x", size=b"%o" % 50_000_000) + bytes(50_000_000), 1),
    "long name": gzip.compress(
        BODY + raw_header(b"x", kind=b"L", size=b"%o" % 50_000_000) + b"a" * 50_000_000, 1
    ),
    "members": gzip.compress(BODY + ONE * 50_000 + bytes(1024), 1),
    "PKG-INFO": gzip.compress(raw_header(b"a-1/PKG-INFO", size=b"%o" % 2**24) + bytes(2**24 + 1024)),
    "zeros behind the end": gzip.compress(SOUND + bytes(80 * 2**20)),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_soon_and_in_little_memory(data: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(InvalidUpload):
        read(data)
    assert time.perf_counter() - started < 5

    tracemalloc.start()
    with pytest.raises(InvalidUpload):
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20


def test_long_names_links_and_global_comments_are_read() -> None:
    name = "a-1.0/" + "d" * 90 + "/" + "f" * 150
    members = (
        PKG_INFO,
        member(name, b"1"),
        hardlink("a-1.0/hard", name),
        link("a-1.0/d/e/soft", "../../" + name[6:]),
    )
    for layout in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        data = make_tar(*members, format=layout)
        archive = read(gzip.compress(pax(b"16 comment=abcd\n", b"g") + data))

        assert archive == SdistArchive("a-1.0", b"info", tuple(info.name for info, _ in members))


def test_old_headers_and_dots_are_read() -> None:
    old = raw_header(b"./a-1.0/", kind=b"\0", magic=b"") + raw_header(b"./a-1.0/x", kind=b"\0", magic=b"")
    root = raw_header(b"./", kind=b"5")

    assert read(gzip.compress(root + old + BODY + bytes(1024))).top == "a-1.0"


@given(
    st.dictionaries(
        st.from_regex(r"[a-z\u00e4]{1,90}(/[a-z]{1,60}){0,3}", fullmatch=True), st.binary(max_size=1500)
    ),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_names_are_those_of_the_standard_library(files: dict[str, bytes], layout: int) -> None:
    data = make_tar(
        member("a-1.0", type=tarfile.DIRTYPE),
        PKG_INFO,
        *(member(f"a-1.0/{name}", content) for name, content in files.items()),
        format=layout,
    )

    archive = read(gzip.compress(data, 1))

    with tarfile.open(fileobj=io.BytesIO(data)) as expected:
        assert list(archive.names) == expected.getnames()
    assert archive.pkg_info == b"info"


@given(st.integers(0, len(SOUND) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_file_is_refused_or_read_alike(offset: int, value: bytes) -> None:
    data = (SOUND[:offset] + value + SOUND[offset + len(value) :])[: len(SOUND)]
    try:
        archive = read_sdist_tar(io.BytesIO(gzip.compress(data, 1)), LENIENT)
    except InvalidUpload:
        return

    with tarfile.open(fileobj=io.BytesIO(data)) as expected:
        assert list(archive.names) == expected.getnames()


@given(st.binary(max_size=600))
def test_no_bytes_make_the_walk_fail_otherwise(data: bytes) -> None:
    for sample in (data, b"\x1f\x8b\x08" + data, gzip.compress(data), gzip.compress(BODY + pax(data) + ONE)):
        try:
            read(sample)
        except InvalidUpload as error:
            assert error.message


def test_several_top_directories_are_only_for_legacy_sdists() -> None:
    packed = gzip.compress(make_tar(PKG_INFO, member("._a-1.0"), member("other/x")))

    assert read(packed).top == "a-1.0"
    with pytest.raises(InvalidUpload, match="top-level"):
        read_sdist_tar(io.BytesIO(packed), STRICT)


def test_a_missing_pkg_info_is_only_for_the_lenient_profile() -> None:
    packed = gzip.compress(make_tar(member("a-1.0/setup.py"), member("a-1.0/a/PKG-INFO")))

    assert read_sdist_tar(io.BytesIO(packed), LENIENT).pkg_info is None
    with pytest.raises(InvalidUpload, match="PKG-INFO not found"):
        read(packed)


def test_the_builder_makes_sound_sdists() -> None:
    assert read_sdist_tar(io.BytesIO(make_sdist("a", "1.0", size=100_000)), STRICT).top == "a-1.0"
