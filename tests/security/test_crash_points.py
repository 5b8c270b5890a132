"""The server dies at every step of a change, and keeps its promises afterwards."""

import hashlib
import http.client
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from tests.security.support import Server

ROOT = Path(__file__).parents[2]
UPLOAD = ("stage", "flush", "put", "name", "keep", "record", "row", "stamp", "answer")
DELETE = ("unlist", "stamp", "unrecord", "unput")
WHEN = ("before", "after")
# From here on the file is listed, whether the client has got its answer or not.
LISTED_AFTER = {"row after", "stamp before", "stamp after", "answer after"}


class Crashing(Server):
    """A server that dies where it is told to."""

    def __init__(self, folder):
        super().__init__(folder, **{"pypi.plugins": "tests.security.faults"})
        self._at = folder / "at"
        self.environ = {"PYPI_CRASH_AT": str(self._at), "PYTHONPATH": str(ROOT)}

    def crash(self, step, change):
        """Run `change`, which the server does not survive; start it again."""
        self._at.write_text(step)
        with pytest.raises((OSError, http.client.HTTPException)):
            change()
        self._process.wait(10)
        self._at.unlink()
        self.start()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crashing")
    with Crashing(folder) as found:
        yield found
        assert found.failures() == []
        found.stop()
        found.start()
        assert found.staged() == []
    verify(found)


def verify(server):
    command = [
        str(Path(sys.executable).parent / "pyramid-pypi"),
        "verify",
        str(server.ini),
        f"var={server.data}",
    ]
    done = subprocess.run(
        [*command, "-r", "private"], capture_output=True, text=True, env={**server.environ}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def assert_whole(server, project, filename, content):
    client = server.client("reader")
    file = client.files(project)[filename]
    answer = client.get(file["url"].replace("../..", "", 1))
    assert file["hashes"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert answer.body == content


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("step", UPLOAD)
def test_an_upload_is_whole_or_not_there_and_can_be_repeated(step, when, server):
    project = f"crash-upload-{step}-{when}"
    uploader = server.client("uploader")
    filename, content = f"{project.replace('-', '_')}-1.0-py3-none-any.whl", make_wheel(project, "1.0")

    server.crash(f"{step} {when}", lambda: uploader.upload(filename, content))

    if f"{step} {when}" in LISTED_AFTER:
        assert filename in server.client("reader").files(project)
    if server.client("reader").files(project):
        assert_whole(server, project, filename, content)
    assert uploader.upload(filename, content).status == 200
    assert_whole(server, project, filename, content)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("step", DELETE)
def test_a_deletion_that_was_cut_off_leaves_all_or_nothing(step, when, server):
    project = f"crash-delete-{step}-{when}"
    owner = server.client("owner")
    _, filename, content = owner.publish(project)
    fields = [(":action", "remove_pkg"), ("name", project), ("version", "1.0")]
    kind, body = multipart(fields)

    server.crash(f"{step} {when}", lambda: owner.post(body, kind))

    if server.client("reader").files(project):
        assert (step, when) == ("unlist", "before")
        assert_whole(server, project, filename, content)
        assert owner.post(body, kind).status == 200
    assert server.client("reader").files(project) == {}
    other = make_wheel(project, "1.0", summary="another one")
    assert owner.upload(filename, other).status in {400, 409}


def multipart(fields):
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields
    )
    return "multipart/form-data; boundary=b", f"{parts}--b--\r\n".encode()


def test_what_was_acknowledged_before_is_there_after_all_of_it(server):
    uploader = server.client("uploader")
    kept = {}
    stop = threading.Event()

    def push(number):
        while not stop.is_set():
            project = f"kept-{number}-{len(kept)}"
            filename, content = (
                f"{project.replace('-', '_')}-1.0-py3-none-any.whl",
                make_wheel(project, "1.0"),
            )
            try:
                status = uploader.upload(filename, content).status
            # A connection to a port that nobody listens to may be one with itself.
            except (OSError, http.client.HTTPException):
                continue
            if status == 200:
                kept[project] = (filename, content)

    threads = [threading.Thread(target=push, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for step in ("put after", "row after", "stamp after"):
        name = step.replace(" ", "-")
        doomed = make_wheel(f"crash-{name}", "1.0")
        server.crash(
            step, lambda: uploader.upload(f"crash_{name.replace('-', '_')}-1.0-py3-none-any.whl", doomed)
        )
    stop.set()
    for thread in threads:
        thread.join()

    assert kept
    for project, (filename, content) in kept.items():
        assert_whole(server, project, filename, content)
