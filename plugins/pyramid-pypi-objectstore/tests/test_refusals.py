"""What every service refuses is told with the reason and the repository, and concerns no other one."""

from contextlib import contextmanager
from dataclasses import dataclass

import obstore
import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.upkeep.reindexing import Reindexing
from pyramid_pypi_objectstore.testing import ACCESS_KEY, BUCKET, SECRET_KEY
from pyramid_pypi_objectstore.testing_azure import ACCOUNT, ACCOUNT_KEY
from pyramid_pypi_objectstore.testing_faults import AZURE, GCS, S3, FaultyProxy

PAGE = "/simple/holy-grail/"
STORAGE = "pypi.repo.private.storage"
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
WORDS = {
    "busy": "is asked too often",
    "denied": "does not allow this",
    "expired": "says that the credentials have expired",
    "skewed": "says that the clock of this machine is wrong",
}


@dataclass(frozen=True, slots=True)
class Service:
    """A service, the way to it on which it may refuse, and the settings of a storage that goes there."""

    proxy: FaultyProxy
    settings: dict[str, str]


@contextmanager
def through(port, answers, path="", **settings):
    with FaultyProxy(port, answers) as proxy:
        settings = {"endpoint": f"{proxy.url}{path}", "retry_timeout": "1", **settings}
        yield Service(proxy, {f"{STORAGE}.{name}": value for name, value in settings.items()})


@pytest.fixture(params=["s3", "azure", "gcs"])
def service(request, prefix, tmp_path, monkeypatch):
    """Each of the three."""
    monkeypatch.setattr("pyramid_pypi_objectstore.bucket._REST", 0)
    where = {"prefix": prefix, "staging": str(tmp_path / "staging")}
    match request.param:
        case "s3":
            account = {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY, "bucket": BUCKET}
            opened = through(request.getfixturevalue("seaweed").port, S3, **where, **account)
        case "azure":
            account = {"account": ACCOUNT, "account_key": ACCOUNT_KEY, "container": BUCKET}
            port = request.getfixturevalue("azurite").port
            opened = through(port, AZURE, f"/{ACCOUNT}", **where, **account)
        case _:
            port = int(request.getfixturevalue("google").endpoint.rpartition(":")[2])
            opened = through(port, GCS, **where, bucket=BUCKET)
    with opened as service:
        yield Service(service.proxy, {STORAGE: request.param, **service.settings})


@pytest.fixture
def settings(service, tmp_path):
    """Those of an index with a repository over the service, and one in a folder."""
    return {
        **service.settings,
        f"{STORAGE}.path": None,
        "pypi.repositories": "private local",
        "pypi.default": "private",
        "pypi.repo.local": "hosted",
        "pypi.repo.local.storage": "filesystem",
        "pypi.repo.local.storage.path": str(tmp_path / "local"),
        "pypi.repo.local.read": "everyone",
        "pypi.repo.local.upload": "everyone",
    }


@pytest.fixture
def index(pypi_index, settings):
    return pypi_index(plugins=["objectstore"], settings=settings)


def check(tmp_path, settings):
    """Run `check --storages` with the settings; return the result."""
    keys = {
        "use": "egg:pyramid_pypi",
        "pypi.plugins": "objectstore",
        "pypi.catalog": f"sqlite:///{tmp_path}/checked.db",
        "pypi.repo.private": "hosted",
        **{name: text for name, text in settings.items() if text is not None},
    }
    ini = tmp_path / "checked.ini"
    ini.write_text("\n".join(["[app:main]", *(f"{name} = {text}" for name, text in keys.items())]))
    return CliRunner().invoke(main, ["check", "--storages", str(ini)])


@pytest.mark.parametrize("kind", WORDS)
def test_reason_and_repository_are_told_and_others_go_on(
    index, service, settings, kind, pypi_wheel, pypi_publish, tmp_path
):
    pypi_publish(index, pypi_wheel("holy-grail", "1.0"))
    (file,) = index.get(PAGE, headers=JSON).json["files"]
    service.proxy.fail(kind, method="GET")
    service.proxy.fail(kind, method="PUT")
    refused = pypi_publish(index, pypi_wheel("holy-grail", "2.0"), status=503)
    download = index.get(file["url"].replace("../../", "/"), status=503)
    ready = index.get("/-/ready", status=503)
    checked = check(tmp_path, settings)
    local = pypi_publish(index, pypi_wheel("shrubbery", "1.0"), to="/local/")

    assert WORDS[kind] in refused.text
    assert WORDS[kind] in download.text
    assert ready.json["unavailable"] == ["storage of private"]
    assert checked.exit_code == 1
    assert "the storage of private: The " in checked.stderr
    assert WORDS[kind] in checked.stderr
    assert local.status_code == 200
    for secret in (SECRET_KEY, ACCOUNT_KEY, "StringToSign"):
        assert secret not in refused.text + download.text + checked.output
    service.proxy.heal()
    pypi_publish(index, pypi_wheel("holy-grail", "2.0"))
    assert len(index.get(PAGE, headers=JSON).json["files"]) == 2


def test_half_a_file_is_named_and_not_listed(index):
    storage = index.app.index.served("private").hosted.storage
    key = "holy-grail/holy_grail-1.0-py3-none-any.whl"
    content = make_wheel("holy-grail", "1.0")
    obstore.put(storage._connect(20), storage._folder + key, content[: len(content) // 2])
    reindexing = Reindexing(index.app.index.served("private").hosted)
    seen = [blob.key for blob in reindexing.run()]

    assert seen == reindexing.unsettled == [key]
    index.get(PAGE, status=404)
