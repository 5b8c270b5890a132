"""The stamp of a catalog on a disk that fails."""

import errno
import os

from pyramid_pypi.catalog.stamp import FileStamp


def test_what_the_disk_refuses_is_told_to_nobody_as_the_truth(tmp_path, monkeypatch):
    mine, other = FileStamp(tmp_path / "stamp"), FileStamp(tmp_path / "stamp")
    before = other.read()

    def refuse(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as failing:
        failing.setattr(os, "pwrite", refuse)
        mine.renew()
        assert mine.read() != mine.read()
        assert other.read() == before

    assert mine.read() == mine.read() == other.read() != before
    mine.close()
    other.close()
