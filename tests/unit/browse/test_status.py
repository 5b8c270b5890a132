"""The parts of an index, and whether they work."""

import pytest

from pyramid_pypi.browse.status import parts
from pyramid_pypi.errors import CatalogUnavailable, StorageUnavailable, UpstreamUnavailable
from pyramid_pypi.testing.artefacts import make_wheel


def found(index):
    return {(one.kind, one.name): (one.ok, one.detail) for one in parts(index.composed)}


def test_every_part_of_an_index_that_works_says_so(opened, upstream):
    index = opened({"pypi.repo.pypi.max_size": "1 GB"})
    content = make_wheel("knight", "1.0")
    upstream.add("knight-1.0-py3-none-any.whl", content)
    served = index.composed.served("pypi")
    file = served.repository.file("knight-1.0-py3-none-any.whl")
    index.wheel()

    assert found(index) == {
        ("catalog", "catalog"): (True, "the newest change has the serial 1"),
        ("storage", "private"): (True, "can be used"),
        ("upstream", "pypi"): (True, "nothing has gone wrong"),
        ("cache", "pypi"): (True, "1 pages, 0 files, 0 bytes of at most 1.0 GB"),
    }
    assert file.project == "knight"


def test_one_part_that_fails_hides_no_other(opened, monkeypatch):
    index = opened()

    def fail():
        raise StorageUnavailable("The disk is gone")

    monkeypatch.setattr(index.hosted().storage, "check", fail)
    told = found(index)

    assert told["storage", "private"] == (False, "The disk is gone")
    assert told["catalog", "catalog"][0]
    assert told["cache", "pypi"][0]


def test_a_catalog_that_is_away_is_told(opened, monkeypatch):
    index = opened()

    def fail():
        raise CatalogUnavailable("The database does not answer")

    monkeypatch.setattr(index.composed.catalog, "check", fail)

    assert found(index)["catalog", "catalog"] == (False, "The database does not answer")


def test_an_upstream_that_is_down_is_not_ok_and_an_offline_one_is(opened, upstream, tmp_path):
    index = opened({"pypi.repo.pypi.offline_file": str(tmp_path / "offline")})
    guarded = index.composed.served("pypi").source.parts.upstream
    upstream.down()
    for _ in range(3):
        with pytest.raises(UpstreamUnavailable):
            guarded.project("knight")

    ok, detail = found(index)["upstream", "pypi"]
    (tmp_path / "offline").touch()

    assert (ok, detail[:31]) == (False, "could not be reached, or failed")
    assert found(index)["upstream", "pypi"] == (True, "offline, as the settings say")


def test_a_proxy_that_keeps_no_files_says_so(opened):
    index = opened({"pypi.repo.pypi.files": "stream"})

    assert found(index)["cache", "pypi"] == (True, "0 pages, and no files")


def test_files_that_are_still_being_read_are_told(opened):
    index = opened()
    with index.composed.catalog.writing() as connection:
        connection.exec_driver_sql("DELETE FROM scans")

    assert "still being read" in found(index)["storage", "private"][1]
