"""What was acknowledged survives: crashes under load, full and read-only disks, failing calls."""

import hashlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.security.disks import needs_root, remount, small_disk
from tests.security.support import Server


def pushing(server, round_number, taken, stop):
    """Upload until the server is gone; note what it acknowledged."""
    client = server.client("uploader", timeout=10)
    number = 0
    while not stop.is_set():
        number += 1
        name = f"load-{threading.get_ident() % 10_000}"
        content = make_wheel(name, f"{round_number}.{number}", size=20_000)
        filename = f"{name.replace('-', '_')}-{round_number}.{number}-py3-none-any.whl"
        try:
            status = client.upload(filename, content).status
        except OSError:
            continue
        if status == 200:
            taken[filename] = (name, hashlib.sha256(content).hexdigest())


def load(server, round_number, seconds, end):
    """Run six clients for some seconds, end the server with `end`; return what was acknowledged."""
    taken, stop = {}, threading.Event()
    threads = [threading.Thread(target=pushing, args=(server, round_number, taken, stop)) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    end()
    stop.set()
    for thread in threads:
        thread.join()
    return taken


def compare(server, taken):
    """Check that everything acknowledged is listed, and that everything listed is whole."""
    client = server.client("reader")
    assert taken
    for project in {name for name, _ in taken.values()}:
        listed = client.files(project)
        for filename, (name, digest) in taken.items():
            if name == project:
                assert listed[filename]["hashes"]["sha256"] == digest
        for filename, file in listed.items():
            answer = client.get(file["url"].replace("../..", "", 1))
            assert answer.status == 200, filename
            assert hashlib.sha256(answer.body).hexdigest() == file["hashes"]["sha256"]


def crash(own, rounds):
    server = own("crashed")
    taken = {}
    for number in range(rounds):
        taken |= load(server, number, 0.5, server.kill)
        server.start()
    compare(server, taken)
    assert server.failures() == []


def test_no_acknowledged_file_is_lost_in_a_crash(own):
    crash(own, 2)


@pytest.mark.soak
def test_no_acknowledged_file_is_lost_in_ten_crashes(own):
    crash(own, 10)


def test_no_acknowledged_file_is_lost_when_the_server_is_told_to_stop(own):
    server = own("stopped")
    taken = load(server, 1, 0.5, server.stop)
    server.start()

    compare(server, taken)


@needs_root
def test_a_full_disk_refuses_uploads_and_keeps_what_it_has(tmp_path):
    """Files that do not fit, then files that just fit, until the catalog does not."""
    folder = tmp_path / "full"
    with small_disk(folder / "var", "24m"), Server(folder) as server:
        uploader = server.client("uploader")
        assert uploader.publish("before")[0].status == 200
        found, taken = [], {}
        sizes = [30_000_000, 9_000_000, 9_000_000, 3_000_000, *[300_000] * 20, *[20_000] * 40, *[100] * 60]
        for number, size in enumerate(sizes):
            answer, filename, content = uploader.publish(f"filling-{number}", size=size)
            found.append(answer.status)
            if answer.status == 200:
                taken[filename] = (f"filling-{number}", hashlib.sha256(content).hexdigest())

        assert found[0] == 507
        assert set(found) <= {200, 503, 507}
        assert uploader.files("before")
        assert server.staged() == []
        compare(server, taken)
        remount(folder / "var", "size=200m")
        for number, status in enumerate(found):
            name = f"filling-{number}"
            if status != 200:
                assert uploader.files(name) == {}, (name, status)
                content = make_wheel(name, "1.0", summary="another one", size=sizes[number])
                assert uploader.upload(f"filling_{number}-1.0-py3-none-any.whl", content).status == 200
        assert server.failures() == []


@needs_root
def test_a_read_only_disk_refuses_uploads_and_serves(tmp_path):
    folder = tmp_path / "readonly"
    packages = folder / "var" / "packages"
    with small_disk(packages, "50m"), Server(folder) as server:
        uploader = server.client("uploader")
        _, filename, content = uploader.publish("kept", size=200_000)
        url = uploader.files("kept")[filename]["url"].replace("../..", "", 1)
        remount(packages, "ro")

        assert uploader.publish("refused")[0].status in {503, 507}
        assert uploader.get(url).body == content
        assert uploader.get("/simple/").status == 200
        assert server.client().get("/-/ready").status == 503
        remount(packages, "rw")

        assert uploader.publish("refused")[0].status == 200
        assert server.failures() == []


@pytest.mark.parametrize(
    ("calls", "error"),
    [("fsync", "EIO"), ("fdatasync", "EIO"), ("link", "EIO"), ("rename", "EIO"), ("pwrite64", "ENOSPC")],
)
def test_a_call_that_fails_stores_nothing_and_the_next_upload_works(own, calls, error):
    """The n-th call fails, for each n that an upload reaches."""
    server = own("failing")
    uploader = server.client("uploader")
    assert uploader.publish("before")[0].status == 200
    refused = []
    for number in range(1, 5):
        name = f"fails-{number}"
        tracer = subprocess.Popen(
            [
                "strace",
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                f"trace={calls}",
                "-e",
                f"inject={calls}:error={error}:when={number}",
            ]
            + ["-p", str(server.pid)],
            stderr=subprocess.PIPE,
        )
        wait_for_tracer(server.pid)
        answer, filename, content = uploader.publish(name)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        tracer.stderr.close()
        assert answer.status in {200, 503, 507}
        if answer.status == 200:
            assert filename in uploader.files(name)
        else:
            refused.append(name)
            assert uploader.files(name) == {}
        assert server.staged() == []
    time.sleep(2.5)
    for name in refused:
        assert uploader.files(name) == {}
        other = make_wheel(name, "1.0", summary="another one")
        assert uploader.upload(f"{name.replace('-', '_')}-1.0-py3-none-any.whl", other).status == 200
    assert uploader.publish("after")[0].status == 200
    assert server.failures() == []


def wait_for_tracer(pid):
    deadline = time.monotonic() + 10
    while True:
        tasks = os.listdir(f"/proc/{pid}/task")
        traced = [
            task
            for task in tasks
            if "TracerPid:\t0\n" not in Path(f"/proc/{pid}/task/{task}/status").read_text()
        ]
        if len(traced) == len(tasks):
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_bytes_are_on_the_disk_before_their_name_and_their_row(own, tmp_path):
    server = own("ordered")
    uploader = server.client("uploader")
    assert uploader.publish("before")[0].status == 200
    trace = tmp_path / "trace"
    tracer = subprocess.Popen(
        [
            "strace",
            "-f",
            "-y",
            "-qq",
            "-o",
            str(trace),
            "-e",
            "trace=fsync,fdatasync,link,linkat,rename,sendto",
            "-p",
            str(server.pid),
        ]
    )
    wait_for_tracer(server.pid)
    assert uploader.publish("ordered")[0].status == 200
    tracer.send_signal(signal.SIGINT)
    tracer.wait()

    lines = [line.split(" ", 1)[1].strip() for line in trace.read_text().splitlines()]
    staged = first(lines, "fsync(", "staging/.upload-")
    linked = first(lines, "link", "ordered-1.0-py3-none-any.whl")
    flushed = first(lines, "fsync(", "packages/ordered>")
    committed = first(lines, "sync(", "catalog.db-wal")
    answered = first(lines, "sendto(", "200 OK")
    assert staged < linked < flushed < committed < answered


def first(lines, *words):
    return next(number for number, line in enumerate(lines) if all(word in line for word in words))


def test_a_flipped_bit_does_not_change_what_the_index_promises(own):
    server = own("rotten")
    uploader = server.client("uploader")
    _, filename, content = uploader.publish("rotten", size=200_000)
    before = uploader.files("rotten")[filename]
    path = server.data / "packages" / "rotten" / filename
    with path.open("r+b") as stream:
        stream.seek(1000)
        byte = stream.read(1)
        stream.seek(1000)
        stream.write(bytes([byte[0] ^ 1]))
    server.stop()
    server.start()

    assert server.client("reader").files("rotten")[filename] == before
    assert before["hashes"]["sha256"] == hashlib.sha256(content).hexdigest()
