"""What hostile archives, endless use and large files cost: memory, time, descriptors, the disk."""

import binascii
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from base64 import urlsafe_b64encode

import pytest

from pyramid_pypi.testing.artefacts import make_metadata, make_wheel, record_of
from tests.security.support import Server, form

pytestmark = pytest.mark.alone

MIB = 1 << 20
WHEEL = "holy_grail-1.0-py3-none-any.whl"
SDIST = "holy_grail-1.0.tar.gz"
INFO = "holy_grail-1.0.dist-info"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("measured")) as server:
        uploader = server.client("uploader")
        for number in range(20):
            assert uploader.publish("warm", f"1.{number}", size=50_000)[0].status == 200
        yield server
        assert server.failures() == []
        assert server.staged() == []


def metadata_bomb():
    return make_wheel("holy-grail", "1.0", metadata_lines=["Keywords: " + "x" * (200 * MIB)])


def zeros():
    return make_wheel("holy-grail", "1.0", files={"zeros": bytes(300 * MIB)})


def overlapping():
    """Many directory entries for one stretch of compressed zeros."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(20 * MIB))
        one = archive.infolist()[0]
        for number in range(1000):
            copy = zipfile.ZipInfo(f"zeros{number}")
            for name in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(copy, name, getattr(one, name))
            archive.filelist.append(copy)
    return data.getvalue()


def many_members():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(60_000):
            archive.writestr(zipfile.ZipInfo(f"m{number}"), b"")
    return data.getvalue()


def zip_with(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def slow_metadata(lines):
    files = {
        f"{INFO}/METADATA": make_metadata("holy-grail", "1.0", metadata_lines=lines()),
        f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n",
    }
    files[f"{INFO}/RECORD"] = record_of(files, f"{INFO}/RECORD")
    return zip_with(files)


def tar_of(*headers, tail=0):
    """A compressed tar of raw blocks, with `tail` MiB of zeros behind."""
    data = io.BytesIO()
    with gzip.GzipFile(fileobj=data, mode="wb", compresslevel=1, mtime=0) as packed:
        for block in headers:
            packed.write(block)
        for _ in range(tail):
            packed.write(bytes(MIB))
    return data.getvalue()


def member(name, size=0, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def gzip_bomb():
    return tar_of(member("holy_grail-1.0/zeros", 1 << 30), tail=1024)


def pax_bomb():
    record = b"300000000 comment=" + b"x" * (300_000_000 - 19) + b"\n"
    return tar_of(member("x", len(record), tarfile.XHDTYPE), record)


def long_name():
    return tar_of(member("x", 50 * MIB, tarfile.GNUTYPE_LONGNAME), b"x" * (50 * MIB))


def tar_of_many():
    return tar_of(*(member(f"holy_grail-1.0/{number}") for number in range(60_000)), bytes(1024))


def polyglot():
    return make_wheel("holy-grail", "1.0").ljust(10240, b"\0") + member("x")


@pytest.mark.parametrize(
    ("filename", "make"),
    [
        (WHEEL, metadata_bomb),
        (WHEEL, zeros),
        (WHEEL, overlapping),
        (WHEEL, many_members),
        (WHEEL, polyglot),
        (SDIST, gzip_bomb),
        (SDIST, pax_bomb),
        (SDIST, long_name),
        (SDIST, tar_of_many),
        (SDIST, polyglot),
    ],
)
def test_a_bomb_is_refused_soon_and_costs_little_memory(measured, filename, make):
    content = make()
    uploader, reader = measured.client("uploader"), measured.client("reader")
    measured.peak_from_now()
    before, started = measured.rss(), time.monotonic()
    slowest, done = 0.0, threading.Event()

    def read():
        nonlocal slowest
        while not done.is_set():
            asked = time.monotonic()
            assert reader.get("/simple/").status == 200
            slowest = max(slowest, time.monotonic() - asked)

    thread = threading.Thread(target=read)
    thread.start()
    answer = uploader.upload(filename, content)
    taken = time.monotonic() - started
    done.set()
    thread.join()

    assert answer.status in {400, 413}
    assert taken < 5
    assert slowest < 1
    assert measured.peak() - before < 60 * MIB
    assert uploader.files("holy-grail") == {}


@pytest.mark.parametrize(
    "lines",
    [
        lambda: [f"Field-{number}: x" for number in range(100_000)],
        lambda: [f"Field-{number % 90}: x" for number in range(19_000)],
        lambda: ["Requires-Dist: " + "x" * 50 for _ in range(100_000)],
        lambda: ["Requires-Dist: " + "x" * 80 for _ in range(19_000)],
        lambda: ["Requires-Python: " + ",".join(f">={n}" for n in range(100_000))],
        lambda: ["Summary: " + "\n " * 190_000 + "x"],
        lambda: [" " * 1_000_000 + "x"],
        lambda: ["Keywords: =?utf-8?q?" + "=41" * 300_000 + "?="],
        lambda: ["Description: " + "a:" * 900_000],
    ],
)
def test_metadata_costs_no_time_that_others_notice(measured, lines):
    uploader = measured.client("uploader")
    content = slow_metadata(lines)
    started = time.monotonic()

    answer = uploader.upload(WHEEL, content, "/open/")

    assert answer.status in {200, 400, 413}
    assert time.monotonic() - started < 2


def large_wheel(path, size):
    """Write a wheel with a stored member of `size` zeros to a sparse file."""
    digest, crc, chunk = hashlib.sha256(), 0, bytes(4 * MIB)
    for _ in range(size // len(chunk)):
        digest.update(chunk)
        crc = binascii.crc32(chunk, crc)
    files = {f"{INFO}/METADATA": make_metadata("holy-grail", "1.0"), f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n"}
    row = f"zeros.bin,sha256={urlsafe_b64encode(digest.digest()).decode().rstrip('=')},{size}\n".encode()
    with path.open("wb") as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, data in {**files, f"{INFO}/RECORD": row + record_of(files, f"{INFO}/RECORD")}.items():
            archive.writestr(zipfile.ZipInfo(name), data)
        with archive.open(zipfile.ZipInfo("zeros.bin"), "w") as target:
            for _ in range(size // len(chunk)):
                target.write(chunk)


def send_large(server, path):
    """Upload a file without holding it in memory; return the answer."""
    content_type, body = form(WHEEL, b"@")
    head, tail = body.split(b"@", 1) if body.count(b"@") == 1 else body.rsplit(b"@", 1)

    def chunks():
        yield head
        with path.open("rb") as stream:
            while chunk := stream.read(MIB):
                yield chunk
        yield tail

    size = str(len(head) + path.stat().st_size + len(tail))
    return server.client("uploader").ask(
        "POST", "/", chunks(), {"Content-Type": content_type, "Content-Length": size}
    )


@pytest.mark.soak
def test_300_mib_go_in_and_out_in_little_memory(own, tmp_path):
    server = own("large")
    server.client("uploader").publish("warm")
    path = tmp_path / "large.whl"
    large_wheel(path, 300 * MIB)
    server.peak_from_now()
    before = server.rss()

    assert send_large(server, path).status == 200
    url = server.client("reader").files("holy-grail")[WHEEL]["url"].replace("../..", "", 1)
    assert len(server.client("reader").get(url).body) == path.stat().st_size

    assert server.peak() - before < 30 * MIB
    assert server.staged() == []
    # Kept temporary folders should not hold it twice.
    path.unlink()
    (server.data / "packages" / "holy-grail" / WHEEL).unlink()


def test_900_requests_leak_neither_memory_nor_descriptors(measured, tmp_path):
    uploader, reader, stranger = (measured.client(who) for who in ("uploader", "reader", ""))

    def some(first):
        for number in range(first, first + 100):
            _, filename, content = uploader.publish("leaking", f"1.{number}", size=100_000)
            url = f"/packages/leaking/{filename}"
            assert reader.get(url).status == 200
            reader.get(url, Range="bytes=0-9")
            reader.ask("HEAD", url)
            reader.get("/simple/leaking/")
            uploader.upload(filename, content + b"x")
            uploader.upload("bad name", content)
            stranger.upload(filename, content)
            stranger.get("/nowhere")

    some(0)
    memory, descriptors = measured.rss(), measured.descriptors()
    some(100)

    assert measured.rss() - memory < 30 * MIB
    assert measured.descriptors() - descriptors < 10


def test_headers_of_all_sorts_are_not_kept_for_ever(measured):
    """What is remembered by header must be bounded in bytes and not in number only."""
    reader = measured.client("reader")
    memory = measured.rss()
    for number in range(520):
        padding = f"{number:060000d}"
        reader.get("/simple/", Accept=f"application/json;q=0.{padding[-3:]};x={padding}")
        reader.get("/simple/", Accept_Encoding=f"x{padding}")
        reader.get("/simple/nothing/", Accept=f"application/json;x={padding}")

    assert measured.rss() - memory < 30 * MIB


def test_a_log_that_nobody_reads_stops_nobody(tmp_path):
    """A full pipe behind the log: requests go on."""
    server = Server(tmp_path)
    with server:
        port = server.port
    reading, writing = os.pipe()
    command = [
        sys.executable,
        "-m",
        "pyramid.scripts.pserve",
        str(server.ini),
        f"http_port={port}",
        f"var={server.data}",
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, start_new_session=True
    )
    os.close(writing)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                if server.client().get("/-/ready").status == 200:
                    break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        for _ in range(600):
            assert server.client(timeout=5).get("/-/health", User_Agent="x" * 200).status == 200
    finally:
        process.kill()
        process.wait()
        os.close(reading)
