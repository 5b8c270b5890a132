"""What GitHub is asked and told, and what others find in its releases."""

import json
import urllib.request
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.errors import BlobExists, BlobMissing, StorageUnavailable, TooLarge
from pyramid_pypi.model import Redirect
from pyramid_pypi.options import Secret
from pyramid_pypi.storage import StagedFile
from pyramid_pypi_github.client import Client
from pyramid_pypi_github.options import Options
from pyramid_pypi_github.storage import GitHubStorage
from pyramid_pypi_github.testing import Fault, GitHubServer

NAME = "holy_grail-1.0.tar.gz"


def test_a_file_is_a_release_that_people_can_read(storage, hub, put):
    key = put(storage)
    storage.put_record(key, b'{\n "filename": "holy_grail-1.0.tar.gz"\n}')
    (release,) = hub.repository.releases.values()
    (asset,) = release.assets.values()

    assert (release.tag, release.name, release.draft) == (NAME, NAME, False)
    assert (asset.name, asset.data) == (NAME, b"data")
    assert f"tags/{NAME}" in hub.repository.refs
    head, record = release.body.split("\n", 1)
    assert json.loads(head.removeprefix("<!-- pyramid_pypi").removesuffix("-->"))["key"] == NAME
    assert record == '\n```json\n{\n "filename": "holy_grail-1.0.tar.gz"\n}\n```\n'


def test_a_body_edited_in_a_browser_is_still_read(storage, hub, put):
    key = put(storage)
    storage.put_record(key, b'{\n "yanked": null\n}')
    (release,) = hub.repository.releases.values()
    release.body = release.body.replace("\n", "\r\n")

    assert storage.record(key) == b'{\n "yanked": null\n}'


def test_odd_names_are_assets_with_safe_names(storage, hub, put, read):
    key = put(storage, name="h\N{LATIN SMALL LETTER O WITH DIAERESIS}ly 1.0.zip")
    (release,) = hub.repository.releases.values()
    (asset,) = release.assets.values()

    assert asset.name.endswith(".bin")
    assert release.tag == "h=C3=B6ly=201.0.zip"
    assert read(storage, key) == b"data"


def test_opening_costs_one_request_and_again_none_that_counts(storage, hub, put):
    put(storage)
    storage.open(NAME)
    hub.seen.clear()
    for _ in range(3):
        storage.open(NAME)

    assert hub.count() == 3
    assert hub.count(counted=True) == 0


def test_what_another_node_has_removed_is_missing(storage, make, put):
    put(storage)
    storage.open(NAME)
    make().delete(NAME)

    with pytest.raises(BlobMissing):
        storage.open(NAME)


def test_bytes_that_go_while_they_are_to_be_read_are_missing(storage, put):
    put(storage)
    blob = storage.open(NAME)
    storage.delete(NAME)

    with pytest.raises(BlobMissing):
        list(blob.open(0, None))


def test_deleting_leaves_no_tag(storage, hub, put):
    put(storage)
    storage.delete(NAME)

    assert hub.repository.releases == {}
    assert set(hub.repository.refs) == {"heads/main"}


def test_releases_of_others_are_left_alone(storage, hub, put):
    hub.state.add_release("acme/packages", NAME, "Notes of a human\n", files={NAME: b"theirs"})
    hub.state.add_release("acme/packages", "v1", "", files={})

    assert list(storage.keys()) == []
    with pytest.raises(BlobMissing):
        storage.open(NAME)
    storage.delete(NAME)
    with pytest.raises(StorageUnavailable, match="is not one that keeps a package"):
        put(storage)
    assert len(hub.repository.releases) == 2


def test_bytes_that_are_not_those_of_the_note_are_not_served(storage, hub, put):
    put(storage)
    (release,) = hub.repository.releases.values()
    (asset,) = release.assets.values()
    asset.data, asset.digest = b"evil", "sha256:00"

    with pytest.raises(BlobMissing):
        make_fresh(storage).open(NAME)


def make_fresh(storage):
    return GitHubStorage(storage.options)


def test_redirects_lead_to_the_bytes_without_the_token(make, put):
    storage = make(serve="redirect")
    put(storage)
    blob = storage.open(NAME)

    assert isinstance(blob, Redirect)
    with urllib.request.urlopen(blob.url) as answer:
        assert answer.read() == b"data"
    assert b"".join(blob.stream.open(1, 3)) == b"at"


@pytest.mark.parametrize("serve", ["stream", "redirect"])
def test_an_enterprise_server_may_send_the_bytes_itself(description, make, put, read, serve):
    with GitHubServer(description, prefix="/api/v3", direct=True) as server:
        storage = make(server, serve=serve)
        put(storage, bytes(range(256)) * 4)

        assert read(storage, start=250, stop=260) == bytes([250, 251, 252, 253, 254, 255, 0, 1, 2, 3])
        assert all(each.path.startswith("/api/v3/") for each in server.seen)
        assert server.problems == []


@pytest.fixture(scope="module")
def app_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Secret(key.decode())


def test_a_clock_that_is_wrong_is_a_cure_for_an_app(make, hub, app_key):
    said = "'Expiration time' claim ('exp') is too far in the future"
    hub.fail(Fault("POST", "/access_tokens", status=401, message=said))
    storage = make(token=None, app_id="7", app_key=app_key, installation=42)

    with pytest.raises(StorageUnavailable, match="too far in the future.*and the clock of this machine"):
        storage.check()


def test_a_key_that_is_none_is_told(make):
    storage = make(token=None, app_id="7", app_key=Secret("hunter2"), installation=42)

    with pytest.raises(StorageUnavailable, match="cannot be asked .*check the options") as caught:
        storage.check()
    assert "hunter2" not in caught.value.message


def test_an_app_fetches_a_token_once(make, hub, put, read, app_key):
    storage = make(token=None, app_id="7", app_key=app_key, installation=42)
    put(storage)

    assert read(storage) == b"data"
    assert hub.count("POST", "/app/installations/42/access_tokens") == 1


@dataclass(slots=True)
class Huge(StagedFile):
    def finish(self, *, durable=True):
        return 2**31


def test_more_than_an_asset_can_be_is_refused_before_anything_is_asked(storage, hub):
    with storage.stage() as staged, pytest.raises(TooLarge, match="less than 2 GiB"):
        storage.put(NAME, Huge(staged.path, staged.stream))

    assert hub.count("POST") == 0


def test_a_repository_without_a_commit_says_what_to_do(make, hub, put):
    hub.state.repository("acme/packages", ready=False)

    with pytest.raises(StorageUnavailable, match="run `pyramid-pypi github init`"):
        put(make())
    assert hub.repository.releases == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"repo": "other"}, "There is no acme/other on GitHub that the token may see"),
        ({"token": Secret("ghp_wrong")}, "does not accept the credentials"),
    ],
)
def test_check_names_what_is_wrong(make, change, told):
    with pytest.raises(StorageUnavailable, match=told):
        make(**change).check()


@pytest.mark.parametrize(
    ("attribute", "value", "told"), [("archived", True, "is archived"), ("pushable", False, "may not write")]
)
def test_check_looks_whether_it_may_write(storage, hub, attribute, value, told):
    setattr(hub.repository, attribute, value)

    with pytest.raises(StorageUnavailable, match=told):
        storage.check()


def test_check_asks_once_in_a_while(storage, hub):
    for _ in range(5):
        storage.check()

    assert hub.count() == 1


@pytest.fixture
def catalog(tmp_path):
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    yield catalog
    catalog.close()


def test_one_node_at_a_time_publishes_a_name(make, hub, put, catalog):
    storage = make(max_wait=0)
    storage.use_catalog(catalog)
    notes = Notes(catalog, "github")
    put(storage, name="other-1.0.zip")
    assert notes.all() == {}
    with (
        storage._publisher.leases.hold(NAME),
        pytest.raises(StorageUnavailable, match="Another node is publishing"),
    ):
        put(storage)

    assert [each.tag for each in hub.repository.releases.values()] == ["other-1.0.zip"]
    put(storage)


@pytest.mark.parametrize("moment", ["lease", "edit"])
def test_of_two_nodes_that_publish_the_first_wins(make, hub, put, monkeypatch, moment):
    first, late = make(), make()
    edit = late.releases.edit

    def overtaken(*given, **fields):
        put(first, b"first")
        return nullcontext() if moment == "lease" else edit(*given, **fields)

    if moment == "lease":
        late._publisher.leases = SimpleNamespace(hold=overtaken)
    else:
        monkeypatch.setattr(late.releases, "edit", overtaken)
    with pytest.raises(BlobExists):
        put(late, b"late")

    (release,) = hub.repository.releases.values()
    assert [each.data for each in release.assets.values()] == [b"first"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"owner": "a/b"}, "'a/b' is not the name of an owner"),
        ({"repo": ".."}, "is not the name"),
        ({"base_url": "http://github.example.org/api/v3"}, "base_url is not https://"),
        ({"base_url": "https://"}, "base_url is not https://"),
        ({"token": None}, "set token, or app_id"),
        ({"token": Secret("x"), "app_id": "1"}, "belong together"),
        ({"timeout": 0}, "at least one second"),
    ],
)
def test_options_that_cannot_be_right_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        Options(**{"owner": "acme", "repo": "packages", "token": Secret("x"), **changes})


def test_connections_are_not_shared_with_a_forked_process(make, monkeypatch):
    client = make().client
    assert isinstance(client, Client)
    before = client._kit.client()
    monkeypatch.setattr("os.getpid", lambda: -1)

    assert client._kit.client() is not before
