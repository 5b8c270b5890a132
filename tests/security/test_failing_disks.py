"""Calls that fail at random, on a server under load: what is refused is refused, and nothing is left behind."""

import hashlib
import shutil
import subprocess
import threading

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.security.support import Server

ERRORS = {"ENOSPC": 28, "EIO": 5}
# What a server writes to sockets and pipes goes through `write`, so that one is left to full disks.
CALLS = ("posix/io/rw/pwrite", "posix/io/sync/fsync", "posix/io/sync/fdatasync", "posix/io/dir/rename")


class Failing(Server):
    """A server whose calls fail when it is told so, by libfiu."""

    def __init__(self, folder):
        super().__init__(folder)
        self._control = str(folder / "fiu")
        program = shutil.which("fiu-run")
        assert program is not None, "fiu-run is not installed on this machine; these tests need it"
        self.runner = [program, "-x", "-f", self._control]

    def tell(self, *commands):
        told = [word for command in commands for word in ("-c", command)]
        subprocess.run(["fiu-ctrl", "-f", self._control, *told, str(self.pid)], check=True, timeout=10)


@pytest.fixture
def server(tmp_path):
    with Failing(tmp_path) as found:
        yield found


@pytest.mark.parametrize("error", ERRORS)
def test_failing_calls_refuse_uploads_and_leave_nothing_behind(error, server):
    """Every acknowledged file is whole, every other one is not there, and then all goes on."""
    uploader = server.client("uploader", timeout=60)
    assert uploader.publish("before")[0].status == 200
    failing = [f"enable_random name={name},probability=0.2,failinfo={ERRORS[error]}" for name in CALLS]
    answers, kept = [], {}

    server.tell(*failing)
    threads = [threading.Thread(target=push, args=(server, number, answers, kept)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.tell(*(f"disable name={name}" for name in CALLS))

    statuses = {status for _, status in answers}
    refused = [project for project, status in answers if status != 200]
    assert refused
    assert statuses <= {200, 503, 507}
    assert server.staged() == []
    for project, (filename, content) in kept.items():
        assert_whole(server, project, filename, content)
    for project in refused:
        assert uploader.files(project) == {}
        assert uploader.publish(project, summary="another one")[0].status == 200
    stored = {path.rpartition("/")[2] for path in server.stored() if path.endswith(".whl")}
    assert len(stored) == 1 + len(answers)


def push(server, number, answers, kept):
    uploader = server.client("uploader", timeout=60)
    for turn in range(12):
        project = f"fails-{number}-{turn}"
        filename, content = f"{project.replace('-', '_')}-1.0-py3-none-any.whl", make_wheel(project, "1.0")
        status = uploader.upload(filename, content).status
        answers.append((project, status))
        if status == 200:
            kept[project] = (filename, content)


def assert_whole(server, project, filename, content):
    client = server.client("reader")
    file = client.files(project)[filename]
    assert file["hashes"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert client.get(file["url"].replace("../..", "", 1)).body == content
