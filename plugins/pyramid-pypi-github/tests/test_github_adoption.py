"""Repositories that private-pypi or pywharf have filled, and what they can still read afterwards."""

import hashlib
import tomllib

import pytest

from pyramid_pypi.repositories.adoption import Adopter
from pyramid_pypi.testing.clients import wheel

FILES = [wheel("holy-grail", "1.0"), wheel("holy-grail", "1.1"), wheel("shrubbery", "2.0")]


def body_of(file, project):
    """The body of a release as private-pypi's `toml.dumps` wrote it."""
    digest = hashlib.sha256(file.content).hexdigest()
    said = {"name": project, "version": "1", "summary": 'a "thing"\\n', "distrib": project, "sha256": digest}
    return "".join(f'{key} = "{value}"\n' for key, value in said.items() if key != "summary") + (
        'summary = "a \\"thing\\""\nclassifiers = [ "Framework :: Pyramid",]\n'
    )


def add(hub, file, project, **changes):
    body = body_of(file, project)
    return hub.state.add_release(
        "acme/packages", file.filename, body, files={file.filename: file.content}, **changes
    )


@pytest.fixture
def wharf(hub):
    """Releases of private-pypi, among others of people; one upload was cut off."""
    hub.state.add_release("acme/packages", "index", "the index", files={"index.toml": b"mtime = 1\n"})
    for file, project in zip(FILES, ("holy-grail", "holy-grail", "shrubbery"), strict=True):
        add(hub, file, project)
    add(hub, wheel("cut-off", "1.0"), "cut-off", draft=True)
    hub.state.add_release("acme/packages", "broken-1.0.zip", 'distrib = "x', files={"broken-1.0.zip": b"x"})
    return hub


def test_their_files_are_listed_and_read(wharf, storage, read):
    found = {blob.key: blob.size for blob in storage.keys()}

    assert found == {file.filename: len(file.content) for file in FILES}
    assert all(read(storage, file.filename) == file.content for file in FILES)


def test_their_bytes_have_to_be_those_of_their_digest(wharf, storage):
    release = wharf.repository.published(FILES[0].filename)
    (asset,) = release.assets.values()
    asset.data, asset.digest = b"evil", f"sha256:{hashlib.sha256(b'evil').hexdigest()}"

    assert FILES[0].filename not in {blob.key for blob in storage.keys()}


def test_they_can_still_read_what_has_a_record_of_ours(wharf, storage):
    name = FILES[0].filename
    release = wharf.repository.published(name)
    before = tomllib.loads(release.body)
    storage.put_record(name, b'{\n "yanked": "it leaks"\n}')
    storage.put_record(name, b'{\n "yanked": "it leaks a lot"\n}')

    assert storage.record(name) == b'{\n "yanked": "it leaks a lot"\n}'
    assert tomllib.loads(release.body) == before
    assert release.body.count("leaks") == 1
    storage.delete_record(name)
    assert storage.record(name) is None
    assert tomllib.loads(release.body) == before


@pytest.fixture
def index(pypi_index, wharf, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", wharf.token)
    storage = "pypi.repo.private.storage"
    settings = {
        storage: "github",
        f"{storage}.path": None,
        f"{storage}.owner": "acme",
        f"{storage}.repo": "packages",
        f"{storage}.token": "env:GITHUB_TOKEN",
        f"{storage}.base_url": wharf.url,
    }
    return pypi_index(plugins=["github"], settings=settings)


def test_an_index_adopts_them_without_an_upload(index, wharf):
    index.get("/simple/holy-grail/", status=503)
    adopter = Adopter(index.app.index.served("private").hosted)
    settled = [is_settled for _, is_settled in adopter.sweep()]
    index.app.index.catalog.mark_scanned("private")
    page = index.get("/simple/holy-grail/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json

    assert settled == [True] * 3
    assert adopter.drop_missing() == 0
    assert wharf.count("POST") == wharf.count("PATCH") == 0
    assert [file["filename"] for file in page["files"]] == [file.filename for file in FILES[:2]]
    link = index.get("/simple/holy-grail/").html.find("a", string=FILES[0].filename)["href"]
    assert index.get(link.replace("../../", "/")).body == FILES[0].content
    index.get("/simple/cut-off/", status=404)


def test_they_are_yanked_and_deleted_like_others(index, wharf):
    hosted = index.app.index.served("private").hosted
    list(Adopter(hosted).sweep())
    from pyramid_pypi.model import ANONYMOUS

    file = hosted.yank(hosted.file(FILES[2].filename), "it leaks", ANONYMOUS)
    assert "it leaks" in wharf.repository.published(FILES[2].filename).body
    hosted.delete(file, ANONYMOUS)

    assert wharf.repository.published(FILES[2].filename) is None
    assert f"tags/{FILES[2].filename}" not in wharf.repository.refs
