"""The upstream of the plugin keeps the contract, and a proxy serves from it."""

import threading

import pytest

JSON = "application/vnd.pypi.simple.v1+json"
PROXY = {
    "pypi.repositories": "private share",
    "pypi.repo.share": "proxy",
    "pypi.repo.share.upstream": "folder",
    "pypi.repo.share.read": "everyone",
}


@pytest.fixture
def share(tmp_path, pypi_wheel):
    folder = tmp_path / "share"
    folder.mkdir()
    wheel = pypi_wheel("holy-grail", "1.0")
    (folder / wheel.filename).write_bytes(wheel.content)
    return folder, wheel


def test_proxy_serves_what_lies_in_the_folder(pypi_index, share):
    folder, wheel = share
    index = pypi_index(plugins=["example"], settings={**PROXY, "pypi.repo.share.upstream.path": str(folder)})
    fetched = threading.Event()
    index.app.index.plugins.register("listener", _Listener(fetched))
    (file,) = index.get("/share/simple/holy-grail/", headers={"Accept": JSON}).json["files"]

    assert index.get(f"/share/{file['url'].removeprefix('../../')}").body == wheel.content
    assert fetched.wait(10)
    assert index.get("/-/example").json["counts"]["fetched"] == 1
    index.get("/share/simple/other/", status=404)


class _Listener:
    def __init__(self, fetched):
        self.fetched = fetched

    from pyramid_pypi import hookimpl

    @hookimpl(trylast=True)
    def pypi_upstream_fetched(self):
        self.fetched.set()
