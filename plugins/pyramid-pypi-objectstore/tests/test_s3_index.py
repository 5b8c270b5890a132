"""An index whose files are in a bucket, with everything that clients and operators do."""

import hashlib
import time
from urllib.parse import urljoin

import obstore
import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from pyramid_pypi.model import Identity
from pyramid_pypi.repositories.adoption import Adopter
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi_objectstore.testing import SECRET_KEY
from pyramid_pypi_objectstore.testing_faults import FaultyProxy

PAGE = "/simple/holy-grail/"
ANN = Identity.user("ann")
KEY_ID = "pypi.repo.private.storage.access_key_id"
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@pytest.fixture
def compose(seaweed, prefix, pypi_index, tmp_path):
    """A function that composes an index over the bucket."""

    def build(**options):
        settings = {**seaweed.settings(), "pypi.repo.private.storage.prefix": prefix}
        settings["pypi.repo.private.storage.staging"] = str(tmp_path / "staging")
        settings["pypi.repo.private.storage.path"] = None
        settings |= {f"pypi.repo.private.storage.{name}": value for name, value in options.items()}
        return pypi_index(plugins=["objectstore"], settings=settings)

    return build


@pytest.fixture
def direct(s3):
    """The storage of the index, by a way of its own."""
    return s3()


def files(index):
    return index.get(PAGE, headers=JSON).json["files"]


def url(file):
    return urljoin(PAGE, file["url"])


def listed(storage):
    return [blob.key for blob in storage.keys()]


def bring(storage, key, content, attributes=None):
    """Put an object there as another tool does."""
    obstore.put(storage._connect(20), storage._folder + key, content, attributes=attributes or {})


def reindex(index):
    served = index.app.index.served("private")
    adopter = Adopter(served.hosted)
    unsettled = [blob.key for blob, settled in adopter.sweep() if not settled]
    dropped = adopter.drop_missing()
    served.hosted.catalog.mark_scanned("private")
    return unsettled, dropped


@pytest.mark.parametrize("exclusive", ["conditional", "catalog"])
def test_file_is_uploaded_fetched_and_deleted(compose, direct, pypi_wheel, pypi_publish, exclusive):
    index, wheel = compose(exclusive=exclusive), pypi_wheel("holy-grail", "1.0")
    pypi_publish(index, wheel)
    (file,) = files(index)
    whole = index.get(url(file))
    part = index.get(url(file), headers={"Range": "bytes=10-19"}, status=206)

    assert listed(direct) == [f"holy-grail/{wheel.filename}"]
    assert whole.body == wheel.content
    assert part.body == wheel.content[10:20]
    assert file["hashes"]["sha256"] == hashlib.sha256(wheel.content).hexdigest()
    pypi_publish(index, wheel)
    assert len(files(index)) == 1
    hosted = index.app.index.served("private").hosted
    hosted.delete(hosted.file(wheel.filename), ANN)
    assert files(index) == listed(direct) == []
    assert list(direct._bucket.list(f"{direct._own}records/")) == []


def test_clients_are_sent_to_the_bucket(compose, pypi_wheel, pypi_publish):
    index, wheel = compose(serve="redirect"), pypi_wheel("holy-grail", "1.0")
    pypi_publish(index, wheel)
    (file,) = files(index)
    answer = index.get(url(file), status=302)

    assert "X-Amz-Signature=" in answer.headers["Location"]
    assert answer.headers["Cache-Control"] == "no-store"
    # What clients need for resolving is in the catalog.
    assert b"Name: holy-grail" in index.get(f"{url(file)}.metadata").body
    pypi_publish(index, wheel)


def test_other_content_is_refused_and_the_first_stays(compose, pypi_wheel, pypi_publish):
    index = compose()
    first, second = (pypi_wheel("holy-grail", "1.0", files={"x.py": text}) for text in ("1", "2"))
    pypi_publish(index, first)

    answer = pypi_publish(index, second, status=400)
    assert "already exists" in answer.text
    assert index.get(url(files(index)[0])).body == first.content


def test_buckets_of_other_tools_are_adopted_where_they_are(compose, direct):
    wheel, sdist = make_wheel("holy-grail", "1.0"), make_sdist("holy-grail", "2.0")
    name = "holy_grail-1.0-py3-none-any.whl"
    hashed = hashlib.md5(name.encode()).hexdigest()[:4]
    theirs = {
        # pypicloud with `storage.prepend_hash`, then without
        f"{hashed}/holy-grail/{name}": wheel,
        "holy-grail/holy_grail-2.0.tar.gz": sdist,
        # s3pypi
        "shrubbery/shrubbery-1.0-py3-none-any.whl": make_wheel("shrubbery", "1.0"),
        "shrubbery/index.html": b"<a>",
        "index.html": b"<a>",
        "shrubbery/": b"",
    }
    for key, content in theirs.items():
        bring(direct, key, content, {"summary": "of pypicloud"})
    index = compose()
    before = index.get("/simple/nothing/", status=503)

    assert "still being read" in before.text
    assert reindex(index) == ([], 0)
    assert {file["filename"] for file in files(index)} == {name, "holy_grail-2.0.tar.gz"}
    assert {index.get(url(file)).body for file in files(index)} == {wheel, sdist}
    index.get("/simple/shrubbery/")
    index.get("/simple/nothing/", status=404)
    assert reindex(index) == ([], 0)
    assert len(listed(direct)) == len(theirs)


def test_adopted_files_can_be_deleted_and_new_ones_go_to_our_layout(
    compose, direct, pypi_wheel, pypi_publish
):
    bring(direct, "ab12/holy-grail/holy_grail-1.0-py3-none-any.whl", make_wheel("holy-grail", "1.0"))
    index = compose()
    reindex(index)
    pypi_publish(index, pypi_wheel("holy-grail", "2.0"))
    hosted = index.app.index.served("private").hosted
    hosted.delete(hosted.file("holy_grail-1.0-py3-none-any.whl"), ANN)

    assert listed(direct) == ["holy-grail/holy_grail-2.0-py3-none-any.whl"]


def test_lost_catalog_is_rebuilt_from_the_bucket(compose, pypi_wheel, pypi_publish):
    index = compose()
    pypi_publish(index, pypi_wheel("holy-grail", "1.0"))
    hosted = index.app.index.served("private").hosted
    file = hosted.yank(hosted.file("holy_grail-1.0-py3-none-any.whl"), "too old", ANN)
    again = compose()
    again.get(PAGE, status=503)
    reindex(again)

    assert again.app.index.served("private").hosted.file(file.filename) == file


def test_what_somebody_took_away_is_dropped(compose, direct, pypi_wheel, pypi_publish):
    index = compose()
    for version in ("1.0", "2.0"):
        pypi_publish(index, pypi_wheel("holy-grail", version))
    direct.delete("holy-grail/holy_grail-1.0-py3-none-any.whl")

    assert reindex(index) == ([], 1)
    assert [file["filename"] for file in files(index)] == ["holy_grail-2.0-py3-none-any.whl"]


def test_half_a_file_is_not_adopted(compose, direct):
    index = compose()
    bring(direct, "holy-grail/holy_grail-1.0-py3-none-any.whl", make_wheel("holy-grail", "1.0")[:-40])

    assert reindex(index) == (["holy-grail/holy_grail-1.0-py3-none-any.whl"], 0)
    index.get(PAGE, status=404)


@pytest.mark.parametrize("kind", ["lost", "doubt"])
def test_upload_whose_answer_is_lost_is_listed(compose, proxy, pypi_wheel, pypi_publish, kind):
    index, wheel = compose(endpoint=proxy.url), pypi_wheel("holy-grail", "1.0")
    proxy.fail(kind, method="PUT", part="holy_grail-1.0", times=1)
    pypi_publish(index, wheel)

    assert index.get(url(files(index)[0])).body == wheel.content


@pytest.mark.parametrize("kind", ["busy", "reset", "denied"])
@pytest.mark.parametrize("part", [".whl", ".json"])
def test_upload_that_fails_is_not_listed(compose, proxy, pypi_wheel, pypi_publish, kind, part, monkeypatch):
    monkeypatch.setattr("pyramid_pypi_objectstore.bucket._REST", 0)
    index, wheel = compose(endpoint=proxy.url, retry_timeout="1"), pypi_wheel("holy-grail", "1.0")
    proxy.fail(kind, method="PUT", part=part)
    answer = pypi_publish(index, wheel, status=503)
    proxy.heal()

    assert "The bucket 'packages'" in answer.text
    index.get(PAGE, status=[404, 503])
    pypi_publish(index, wheel)
    assert index.get(url(files(index)[0])).body == wheel.content


def test_index_starts_without_its_bucket_and_recovers(
    seaweed, prefix, compose, pypi_index, pypi_wheel, pypi_publish, tmp_path, monkeypatch
):
    monkeypatch.setattr("pyramid_pypi_objectstore.bucket._REST", 0)
    with FaultyProxy(seaweed.port) as proxy:
        proxy.fail("reset")
        folder = {"pypi.repo.local": "hosted", "pypi.repo.local.storage": "filesystem"}
        local = {**folder, "pypi.repo.local.storage.path": str(tmp_path / "local")}
        everybody = {"pypi.repo.local.read": "everyone", "pypi.repo.local.upload": "everyone"}
        settings = {
            **seaweed.settings(),
            "pypi.repo.private.storage.path": None,
            "pypi.repo.private.storage.prefix": prefix,
            "pypi.repo.private.storage.endpoint": proxy.url,
            "pypi.repositories": "private local",
            "pypi.default": "private",
            **local,
            **everybody,
        }
        index = pypi_index(plugins=["objectstore"], settings=settings)
        down = index.get(PAGE, status=503)
        ready = index.get("/-/ready", status=503)
        refused = pypi_publish(index, pypi_wheel("holy-grail", "1.0"), status=503)
        other = index.get("/local/simple/")
        proxy.heal()

        assert "The bucket 'packages'" in down.text + refused.text
        assert ready.json["unavailable"] == ["storage of private"]
        assert other.status_code == 200
        pypi_publish(index, pypi_wheel("holy-grail", "1.0"))
        index.get("/simple/nothing/", status=404)
        assert index.get("/-/ready").json == {"status": "ok"}


@pytest.fixture
def write_ini(prefix, tmp_path):
    """A function of settings of the storage that returns the path of an ini with them."""

    def write(storage):
        settings = {
            "use": "egg:pyramid_pypi",
            "pypi.plugins": "objectstore",
            "pypi.catalog": f"sqlite:///{tmp_path}/catalog.db",
            "pypi.repositories": "private",
            "pypi.repo.private": "hosted",
            "pypi.repo.private.read": "everyone",
            **storage,
            "pypi.repo.private.storage.prefix": prefix,
        }
        ini = tmp_path / f"{len(list(tmp_path.glob('*.ini')))}.ini"
        ini.write_text("\n".join(["[app:main]", *(f"{key} = {text}" for key, text in settings.items())]))
        return str(ini)

    return write


def test_reindex_command_reads_a_bucket(seaweed, write_ini, direct):
    bring(direct, "holy-grail/holy_grail-1.0-py3-none-any.whl", make_wheel("holy-grail", "1.0"))
    result = CliRunner().invoke(main, ["reindex", write_ini(seaweed.settings())])

    assert result.exit_code == 0, result.output
    assert "private: 1 added, 0 dropped, 1 listed" in result.output


def test_check_command_names_the_repository_and_the_bucket(seaweed, write_ini):
    good, bad = write_ini(seaweed.settings()), write_ini({**seaweed.settings(), KEY_ID: "AKIDNOBODY"})

    assert CliRunner().invoke(main, ["check", "--storages", good]).exit_code == 0
    result = CliRunner().invoke(main, ["check", "--storages", bad])
    assert result.exit_code == 1
    assert "the storage of private: The bucket 'packages' does not accept the credentials" in result.stderr
    assert SECRET_KEY not in result.output


def test_proxy_keeps_its_files_in_a_bucket(seaweed, prefix, direct, pypi_index, pypi_upstream):
    content = make_wheel("shrubbery", "1.0")
    pypi_upstream.add("shrubbery-1.0-py3-none-any.whl", content)
    settings = {
        **seaweed.settings("pypi"),
        "pypi.repo.pypi.storage.prefix": prefix,
        "pypi.repositories": "private pypi",
        "pypi.repo.pypi": "proxy",
        "pypi.repo.pypi.read": "everyone",
        "pypi.repo.pypi.upstream": "simple",
        "pypi.repo.pypi.upstream.url": pypi_upstream.url,
    }
    index = pypi_index(plugins=["objectstore"], settings=settings)
    (file,) = index.get("/pypi/simple/shrubbery/", headers=JSON).json["files"]
    address = urljoin("/pypi/simple/shrubbery/", file["url"])
    first = index.get(address).body
    deadline = time.monotonic() + 20
    while not listed(direct) and time.monotonic() < deadline:
        time.sleep(0.02)
    second = index.get(address)

    assert first == second.body == content
    assert [key.rpartition("/")[2] for key in listed(direct)] == [file["filename"]]
    assert pypi_upstream.count("*.whl") == 1
    assert index.get(address, headers={"Range": "bytes=5-9"}, status=206).body == content[5:10]
