"""A whole index whose files are in releases."""

import gzip
import logging

import pytest
from click.testing import CliRunner

from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.cli import main
from pyramid_pypi.testing.clients import wheel
from pyramid_pypi_github.leases import CatalogLeases
from pyramid_pypi_github.testing import Fault

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
LOCAL = wheel("holy-grail", "1.0+acme.1")


@pytest.fixture
def compose(pypi_index, hub, monkeypatch, tmp_path):
    """Return a function that composes an index; keyword arguments are options of the storage."""
    monkeypatch.setenv("GITHUB_TOKEN", hub.token)
    local = {
        "pypi.repositories": "private local",
        "pypi.default": "private",
        "pypi.repo.local": "hosted",
        "pypi.repo.local.storage": "filesystem",
        "pypi.repo.local.storage.path": str(tmp_path / "local"),
        "pypi.repo.local.read": "everyone",
        "pypi.repo.local.upload": "everyone",
    }

    def make(**options):
        storage = "pypi.repo.private.storage"
        stated = {"owner": "acme", "repo": "packages", "token": "env:GITHUB_TOKEN", "base_url": hub.url}
        values = {f"{storage}.{name}": value for name, value in {**stated, **options}.items()}
        own = {storage: "github", f"{storage}.path": None, **values}
        return pypi_index(plugins=["github"], settings={**own, **local})

    return make


@pytest.fixture
def index(compose):
    return compose()


def address(index, file):
    """Return the path of a file of the project holy-grail."""
    found = index.get("/simple/holy-grail/", headers=JSON).json["files"]
    (url,) = (each["url"] for each in found if each["filename"] == file.filename)
    return url.replace("../../", "/")


def test_a_new_repository_has_no_project(index):
    index.get("/simple/nothing/", status=404)


def test_a_package_is_published_fetched_and_deleted(index, hub, pypi_publish):
    pypi_publish(index, LOCAL)
    (release,) = hub.repository.releases.values()
    url = address(index, LOCAL)
    part = index.get(url, headers={"Range": "bytes=10-19"}, status=206)

    assert release.tag == LOCAL.filename
    assert '"uploaded_at"' in release.body
    assert index.get(url).body == LOCAL.content
    assert part.body == LOCAL.content[10:20]
    index.get(f"{url}.metadata", status=200)
    served = index.app.index.served("private")
    from pyramid_pypi.model import ANONYMOUS

    served.hosted.delete(served.hosted.file(LOCAL.filename), ANONYMOUS)
    assert hub.repository.releases == {}
    index.get(url, status=404)


def test_the_same_upload_again_is_a_success_and_another_is_refused(index, hub, pypi_publish):
    pypi_publish(index, LOCAL)
    pypi_publish(index, LOCAL)
    other = LOCAL._replace(content=wheel("holy-grail", "1.0+acme.1", files={"x.py": b"x"}).content)
    answer = pypi_publish(index, other, status=400)

    assert "File already exists" in answer.text
    assert len(hub.repository.releases) == 1


def test_an_upload_that_was_cut_off_before_its_row_can_be_repeated(compose, hub, pypi_publish):
    first = compose()
    pypi_publish(first, LOCAL)
    second = compose(serve="redirect")
    second.app.index.catalog.mark_scanned("private")
    pypi_publish(second, LOCAL)

    assert second.get(address(second, LOCAL), status=302).location.startswith(f"{hub.url}/signed/")
    assert len(hub.repository.releases) == 1


def test_a_signature_is_a_release_of_its_own(index, hub):
    form = {
        ":action": "file_upload",
        "name": "holy-grail",
        "version": "1.0+acme.1",
        "filetype": "bdist_wheel",
    }
    files = [
        ("content", LOCAL.filename, LOCAL.content),
        ("gpg_signature", f"{LOCAL.filename}.asc", SIGNATURE),
    ]
    index.post("/", form, upload_files=files)

    assert {each.tag for each in hub.repository.releases.values()} == {
        LOCAL.filename,
        f"{LOCAL.filename}.asc",
    }
    assert index.get(f"{address(index, LOCAL)}.asc").body == SIGNATURE


SIGNATURE = b"-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"


def test_a_limit_is_503_with_the_reason_and_other_pages_go_on(index, hub, pypi_publish, caplog):
    caplog.set_level(logging.DEBUG)
    pypi_publish(index, LOCAL)
    url = address(index, LOCAL)
    hub.fail(Fault("GET", "/releases/tags/", status=403, message="x", headers={"Retry-After": "90"}))
    answer = index.get(url, status=503)

    assert "GitHub's rate limit is used up" in answer.text
    assert index.get("/simple/holy-grail/").status_int == 200
    assert index.get("/-/ready", status=503).status_int == 503
    assert hub.token not in caplog.text + answer.text


REFUSALS = [
    (Fault("GET", status=401, message="Bad credentials", times=99), "does not accept the credentials"),
    (Fault("GET", status=403, message="Resource not accessible", times=99), "forbids this"),
    (Fault("GET", status=301, times=99), "has moved acme/packages"),
    (Fault("GET", status=429, times=99), "rate limit is used up"),
    (Fault("GET", status=502, times=99), r"fails (502)"),
    (Fault("GET", kind="reset", times=99), "cannot be reached"),
    (Fault("GET", status=200, kind="html", times=99), "no JSON"),
]


@pytest.mark.parametrize(("fault", "told"), REFUSALS, ids=lambda value: str(value)[:20].replace(" ", "-"))
def test_reason_and_repository_are_told_and_others_go_on(compose, hub, pypi_publish, tmp_path, fault, told):
    index = compose(max_wait="0")
    pypi_publish(index, LOCAL)
    url = address(index, LOCAL)
    hub.fail(fault)
    download = index.get(url, status=503)
    refused = pypi_publish(index, wheel("shrubbery", "1.0"), status=503)
    ready = index.get("/-/ready", status=503)
    checked = CliRunner().invoke(main, ["check", "--storages", write_ini(tmp_path, hub)])

    assert told in download.text
    assert told in refused.text
    assert ready.json["unavailable"] == ["storage of private"]
    assert checked.exit_code == 1
    assert "the storage of private: " in checked.stderr
    assert told in checked.stderr
    assert hub.token not in download.text + refused.text + checked.output
    pypi_publish(index, wheel("shrubbery", "1.0"), to="/local/")


def test_a_repository_that_is_not_there_is_named(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", hub.token)
    checked = CliRunner().invoke(main, ["check", "--storages", write_ini(tmp_path, hub, repo="nowhere")])

    assert checked.exit_code == 1
    assert "the storage of private: There is no acme/nowhere on GitHub that the token may see" in (
        checked.stderr
    )


def write_ini(tmp_path, hub, **options):
    """Return the path of an ini with a repository in releases."""
    given = {"owner": "acme", "repo": "packages", "token": "env:GITHUB_TOKEN", "base_url": hub.url}
    storage = {f"storage.{name}": text for name, text in {**given, "max_wait": "0", **options}.items()}
    keys = {
        "use": "egg:pyramid_pypi",
        "pypi.plugins": "github",
        "pypi.catalog": f"sqlite:///{tmp_path}/checked.db",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "github",
        **{f"pypi.repo.private.{name}": text for name, text in storage.items()},
    }
    path = tmp_path / "checked.ini"
    path.write_text("\n".join(["[app:main]", *(f"{name} = {text}" for name, text in keys.items())]))
    return str(path)


def test_an_index_starts_while_github_is_away(compose, hub, pypi_publish):
    hub.fail(Fault("GET", times=99, status=500))
    index = compose(max_wait="0")
    index.get("/simple/nothing/", status=503)
    hub.faults.clear()

    index.get("/-/ready", status=200)


def test_nodes_of_one_catalog_publish_one_after_the_other(compose, hub, pypi_publish):
    index = compose(max_wait="0")
    leases = CatalogLeases(
        Notes(index.app.index.catalog, "github"), f"{hub.url} acme/packages", patience=0, lifetime=60
    )
    with leases.hold(LOCAL.filename):
        answer = pypi_publish(index, LOCAL, status=503)

    assert "Another node is publishing" in answer.text
    assert hub.repository.releases == {}
    pypi_publish(index, LOCAL)


def test_pages_do_not_ask_github(index, hub, pypi_publish):
    pypi_publish(index, LOCAL)
    hub.seen.clear()
    for _ in range(3):
        body = index.get("/simple/holy-grail/", headers={"Accept-Encoding": "gzip"}).body
        assert LOCAL.filename.encode() in (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)

    assert hub.count() == 0
