"""Clients install from a bucket, by way of the index or of a redirect, and tell it no password."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyramid_pypi_objectstore.testing import ACCESS_KEY, BUCKET, SECRET_KEY, SeaweedFS
from pyramid_pypi_objectstore.testing_faults import FaultyProxy
from tests.clients.client import Client
from tests.clients.installing import install
from tests.clients.people import ANN
from tests.clients.releases import save
from tests.clients.test_twine import upload
from tests.live import LiveServer, write_htpasswd, write_ini

S3_SETTINGS = {
    "pypi.repo.private.storage": "s3",
    "pypi.repo.private.storage.bucket": BUCKET,
    "pypi.repo.private.storage.access_key_id": ACCESS_KEY,
    "pypi.repo.private.storage.secret_access_key": SECRET_KEY,
}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyProxy]:
    """A service that notes what it is asked."""
    with (
        SeaweedFS(tmp_path_factory.mktemp("seaweedfs")) as service,
        FaultyProxy(service.port) as proxy,
    ):
        yield proxy


@pytest.fixture(params=["stream", "redirect"])
def shop(request: pytest.FixtureRequest, bucket: FaultyProxy, tmp_path: Path) -> Iterator[LiveServer]:
    """An index over the bucket, for people with passwords."""
    write_htpasswd(tmp_path, ANN)
    settings = {
        "pypi.plugins": "objectstore",
        "pypi.catalog": f"sqlite:///{tmp_path}/catalog.db",
        "pypi.authenticators": "htpasswd",
        "pypi.auth.htpasswd.path": f"{tmp_path}/htpasswd",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.read": "authenticated",
        "pypi.repo.private.upload": "user:ann",
        **S3_SETTINGS,
        "pypi.repo.private.storage.endpoint": bucket.url,
        "pypi.repo.private.storage.serve": request.param,
        "pypi.repo.private.storage.prefix": request.param,
    }
    with LiveServer(write_ini(tmp_path / "index.ini", settings), tmp_path / "log") as server:
        yield server
    assert server.problems() == []


@pytest.mark.parametrize("name", ["pip", "uv", "poetry"])
def test_clients_upload_and_install(
    name: str, shop: LiveServer, bucket: FaultyProxy, twine: Client, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(name)
    wheel = save(twine.cwd / "dist", "holy-grail", f"1.{('pip', 'uv', 'poetry').index(name)}")
    twine(*upload(shop.at("/"), wheel, who=ANN))
    bucket.seen.clear()

    found = install(name, client, shop.at("/simple/", *ANN), "holy-grail")

    assert found.version("holy_grail") == wheel.name.split("-")[1]
    redirected = [one for one in bucket.seen if wheel.name in one and "X-Amz-Signature=" in one]
    assert bool(redirected) == ("serve = redirect" in shop.ini.read_text())
    assert bucket.passwords == []
