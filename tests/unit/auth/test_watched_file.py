"""Files that are read again when they change."""

import os
from pathlib import Path

import pytest

from pyramid_pypi.auth.watched import WatchedFile
from pyramid_pypi.testing.clock import FakeClock


def test_missing_file_has_no_content(tmp_path: Path) -> None:
    file = WatchedFile(tmp_path / "absent")

    assert not file.refresh()
    assert file.content is None
    assert file.problem == "No such file or directory"


def test_new_content_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    file = WatchedFile(path)

    assert (file.refresh(), file.refresh(), file.content) == (True, False, b"one")


def test_change_of_equal_size_and_time_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    os.utime(path, ns=(10**18, 10**18))
    file = WatchedFile(path)
    file.refresh()
    path.write_bytes(b"two")
    os.utime(path, ns=(10**18, 10**18))

    assert file.refresh()
    assert file.content == b"two"


def test_replaced_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    file = WatchedFile(path)
    file.refresh()
    (tmp_path / "new").write_bytes(b"two")
    (tmp_path / "new").replace(path)

    assert file.refresh()
    assert file.content == b"two"


def test_settled_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    monkeypatch.setattr("pyramid_pypi.auth.watched._SETTLED_NS", -(10**18))
    file = WatchedFile(path)
    file.refresh()
    reads: list[object] = []
    monkeypatch.setattr(file, "_read", lambda: reads.append(1))

    assert not file.refresh()
    assert reads == []


def test_vanished_file_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    file = WatchedFile(path)
    file.refresh()
    path.unlink()

    assert not file.refresh()
    assert (file.content, file.problem) == (b"one", "No such file or directory")

    path.write_bytes(b"two")

    assert file.refresh()
    assert (file.content, file.problem) == (b"two", "")


@pytest.mark.parametrize(("seconds", "content"), [(4.9, b"one"), (5.1, b"")])
def test_emptied_file_counts_after_a_grace(
    tmp_path: Path, clock: FakeClock, seconds: float, content: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    file = WatchedFile(path, clock=clock)
    file.refresh()
    path.write_bytes(b"")
    file.refresh()

    assert file.content == b"one"

    clock.advance(seconds)
    file.refresh()

    assert file.content == content


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_what_is_no_file_is_a_problem(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    file = WatchedFile(path)

    assert not file.refresh()
    assert file.content is None
    assert file.problem
