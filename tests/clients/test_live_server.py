"""The server that the tests of clients run against can be trusted to tell on itself."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.live import LiveServer, write_ini


@pytest.fixture
def stopped(tmp_path: Path) -> LiveServer:
    """A server that has not been started."""
    settings = {
        "pypi.catalog": f"sqlite:///{tmp_path}/catalog.db",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": f"{tmp_path}/packages",
        "pypi.repo.private.read": "everyone",
    }
    return LiveServer(write_ini(tmp_path / "index.ini", settings), tmp_path / "log")


def test_it_keeps_its_port_and_its_log_when_it_is_started_again(stopped: LiveServer) -> None:
    with stopped as server:
        url = server.url
        urllib.request.urlopen(f"{url}/simple/").close()
    with stopped as server:
        urllib.request.urlopen(f"{url}/simple/").close()

        paths = [line["path"] for line in server.access()]

    assert paths.count("/simple/") == 2
    assert stopped.url == url


def test_nothing_listens_after_the_end(stopped: LiveServer) -> None:
    stopped.start()
    stopped.kill()

    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{stopped.url}/simple/")


def test_settings_that_are_wrong_end_the_start_with_the_reason(tmp_path: Path) -> None:
    server = LiveServer(write_ini(tmp_path / "index.ini", {"pypi.nonsense": "1"}), tmp_path / "log")

    with pytest.raises(AssertionError, match=r"pypi\.nonsense"):
        server.start()


def test_answers_of_500_and_tracebacks_are_problems(stopped: LiveServer) -> None:
    fine = '{"time": "2026-01-01", "status": 200, "bytes": 500}\n'
    stopped.log.write_text(fine)
    before = stopped.problems()
    stopped.log.write_text(
        f'{fine}{{"time": "x", "status": 503}}\nTraceback (most recent call last):\n  boom\n'
    )

    assert before == []
    assert stopped.problems() == [
        '{"time": "x", "status": 503}',
        "Traceback (most recent call last):\n  boom\n",
    ]
