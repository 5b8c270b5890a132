import json
import logging
import shutil

import pytest

from pyramid_pypi import main
from pyramid_pypi.errors import SettingsError
from tests.functional.support import OPEN, settings


def test_health_and_readiness(client):
    assert client.web.get("/-/health").json == {"status": "ok"}
    assert client.web.get("/-/ready").json == {"status": "ok"}


def test_a_lost_folder_is_named_without_its_path(client, tmp_path):
    shutil.rmtree(tmp_path / "packages")

    answer = client.web.get("/-/ready", status=503)

    assert answer.json == {"status": "unavailable", "unavailable": ["storage of private"]}


def test_access_lines_tell_who_asked_for_what(build, caplog):
    client = build(**OPEN, **{"pypi.access_log": "true"})
    caplog.set_level(logging.INFO, logger="pyramid_pypi.access")
    filename, _ = client.publish()
    client.web.get("/simple/holy-grail/")
    client.web.get("/simple/holy-grail/")
    url = client.url("holy-grail", filename)
    client.web.get(url)
    client.web.get(url)

    client.application.flush()

    lines = [json.loads(record.message) for record in caplog.records if record.name == "pyramid_pypi.access"]
    assert [line["status"] for line in lines] == [200] * 6
    assert lines[0] | {"time": "", "duration_ms": 0, "path": ""} == {
        "time": "",
        "address": "",
        "identity": "",
        "token": "",
        "method": "POST",
        "path": "",
        "status": 200,
        "bytes": 0,
        "duration_ms": 0,
        "repository": "private",
        "project": "holy-grail",
        "file": filename,
        "agent": "",
    }
    assert [line["project"] for line in lines] == ["holy-grail"] * 6
    # From the disk, and then from memory.
    assert [line["file"] for line in lines[4:]] == [filename] * 2


def test_the_journal_has_every_visible_change(client):
    filename, _ = client.publish()
    repository = client.index.default.repository
    nobody = client.index.identify(None, "", write=True)
    file = repository.yank(repository.file(filename), "why", nobody)
    repository.unyank(file, nobody)
    repository.set_status("holy-grail", "archived", "", nobody)
    repository.delete(file, nobody)

    changes = client.index.catalog.changes_since(0)

    assert [change.serial for change in changes] == [1, 2, 3, 4, 5]
    assert [change.action for change in changes] == [
        "add py3 file",
        "yank file",
        "unyank file",
        "status archived",
        "remove file",
    ]


def test_wrong_settings_stop_the_start_with_every_problem(tmp_path):
    wrong = settings(tmp_path, **{"pypi.repo.private.reed": "everyone", "pypi.max_upload_size": "big"})

    with pytest.raises(SettingsError) as caught:
        main({}, **wrong)

    assert "pypi.repo.private.reed" in str(caught.value)
    assert "pypi.repo.private.read" in str(caught.value)
    assert "pypi.max_upload_size" in str(caught.value)


def test_keys_that_the_ini_would_lose_stop_the_start(tmp_path):
    with pytest.raises(SettingsError, match=r"\[DEFAULT\]"):
        main({"pypi.realm": "x"}, **settings(tmp_path))
