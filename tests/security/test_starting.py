"""Starts on disks that cannot be used, and a shared file that somebody breaks."""

import contextlib
import os

import pytest

from tests.security.disks import needs_root, remount, small_disk
from tests.security.support import Server


def test_a_stamp_that_somebody_empties_does_not_end_the_server(own):
    """A page of a mapped file that has no bytes any more ends a process (SIGBUS)."""
    server = own("stamped")
    uploader = server.client("uploader")
    assert uploader.publish("before")[0].status == 200

    os.truncate(server.data / "catalog.db-stamp", 0)

    assert uploader.get("/simple/").status == 200
    assert uploader.publish("after")[0].status == 200
    assert uploader.files("after")


@needs_root
def test_a_start_on_a_disk_that_cannot_be_written_ends_with_a_sentence(tmp_path):
    folder = tmp_path / "sealed"
    with small_disk(folder / "var", "24m"):
        with Server(folder) as server:
            assert server.client("uploader").publish("before")[0].status == 200
        remount(folder / "var", "ro")
        begin = len(server.text())

        with pytest.raises(AssertionError, match="the server has stopped"):
            server.start()

        said = server.text()[begin:]
        assert "CatalogUnavailable" in said or "Traceback" not in said
        assert "catalog" in said
        remount(folder / "var", "rw")


@needs_root
def test_a_start_on_a_full_disk_serves_or_says_why(tmp_path):
    folder = tmp_path / "filled"
    with small_disk(folder / "var", "24m"):
        with Server(folder) as server:
            assert server.client("uploader").publish("before")[0].status == 200
        (server.data / "catalog.db-stamp").unlink()
        fill = os.open(server.data / "filling", os.O_CREAT | os.O_WRONLY)
        with contextlib.suppress(OSError):
            while os.write(fill, bytes(4096)):
                pass
        os.close(fill)
        begin = len(server.text())
        try:
            server.start()
        except AssertionError:
            assert "Error" in server.text()[begin:] or "Unavailable" in server.text()[begin:]
        else:
            assert server.client("reader").get("/simple/before/").status == 200
            server.stop()
