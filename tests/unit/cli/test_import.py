import gzip
import json
import logging
import tarfile
from datetime import UTC, datetime

import pytest

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.unit.cli.upkeeping import ANN, index_of, listing, make_index, put, ran, run, wheel_name

GRAIL = wheel_name("holy-grail", "1.0")
SPAM = wheel_name("spam", "1.0")
AT = datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def ini(tmp_path):
    return make_index(tmp_path / "x")


@pytest.fixture
def old(tmp_path):
    """Another index with two files, one of them yanked."""
    ini = make_index(tmp_path / "old")
    with index_of(ini) as index:
        private = index.served("private").hosted
        file = put(private, "holy-grail", "1.0", requires_python=">=3.8", signature=b"signed")
        private.yank(file, "bad", ANN)
        put(private, "spam", "1.0")
    ran(ini, "reindex")
    return ini


@pytest.fixture
def wheelhouse(tmp_path):
    folder = tmp_path / "wheelhouse" / "deep"
    folder.mkdir(parents=True)
    (folder / GRAIL).write_bytes(make_wheel("Holy-Grail", "1.0", requires_python=">=3.8"))
    (folder.parent / "spam-1.0.tar.gz").write_bytes(make_sdist("spam", "1.0"))
    (folder / "README.txt").write_text("hello")
    return folder.parent


def essence(files):
    """What every import keeps of files."""
    return {
        name: (
            one.hashes,
            one.size,
            one.uploaded_at,
            one.yanked,
            one.requires_python,
            one.metadata_sha256,
            one.signed,
        )
        for name, one in files.items()
    }


def test_a_folder_is_imported_with_everything_below(ini, wheelhouse):
    output = ran(ini, "import", "private", wheelhouse)

    assert "private: 2 files added" in output
    files = listing(ini)
    assert set(files) == {GRAIL, "spam-1.0.tar.gz"}
    assert files[GRAIL].requires_python == ">=3.8"
    assert files[GRAIL].metadata_sha256
    assert ran(ini, "verify")


def test_again_everything_is_there_already(ini, wheelhouse):
    ran(ini, "import", "private", wheelhouse)

    assert "0 files added (0 bytes), 2 there already, 0 problems" in ran(ini, "import", "private", wheelhouse)


def test_a_dry_run_adds_nothing(ini, wheelhouse):
    assert "2 files would be added" in ran(ini, "import", "private", wheelhouse, "--dry-run")
    assert listing(ini) == {}


def test_only_projects_that_match(ini, wheelhouse):
    ran(ini, "import", "private", wheelhouse, "--project", "Holy_*")

    assert set(listing(ini)) == {GRAIL}


def test_what_is_no_distribution_is_told_and_the_rest_imported(ini, wheelhouse):
    (wheelhouse / "bad-1.0-py3-none-any.whl").write_bytes(b"soup")

    result = run(ini, "import", "private", wheelhouse)

    assert result.exit_code == 1
    assert "problem: " in result.output
    assert "bad-1.0-py3-none-any.whl" in result.output
    assert set(listing(ini)) == {GRAIL, "spam-1.0.tar.gz"}


def test_other_bytes_under_a_name_are_told_and_left(ini, wheelhouse):
    with index_of(ini) as index:
        before = put(index.served("private").hosted, "holy-grail", "1.0", files={"x.py": "other"})

    result = run(ini, "import", "private", wheelhouse)

    assert result.exit_code == 1
    assert f"{GRAIL} is in 'private' with other bytes" in result.output
    assert listing(ini)[GRAIL] == before


def test_other_bytes_than_those_of_a_deleted_file_are_told(ini, wheelhouse):
    with index_of(ini) as index:
        private = index.served("private").hosted
        private.delete(put(private, "holy-grail", "1.0", files={"x.py": "other"}), ANN)

    result = run(ini, "import", "private", wheelhouse)

    assert result.exit_code == 1
    assert f"{GRAIL} was deleted from 'private', and had other bytes there" in result.output
    assert GRAIL not in listing(ini)


@pytest.mark.parametrize("archive", [False, True])
def test_an_export_is_imported_with_times_and_yanks(archive, ini, old, tmp_path):
    target = tmp_path / ("site.tar" if archive else "site")
    ran(old, "export", target, *(["--archive"] if archive else []))

    ran(ini, "import", "private", target)

    assert essence(listing(ini)) == essence(listing(old))
    with index_of(ini) as index:
        private = index.served("private").hosted
        assert private.signature(private.file(GRAIL)).path.read_bytes() == b"signed"
        assert {project.display for project in private.projects()} == {"holy-grail", "spam"}


def test_a_delta_brings_what_is_new(ini, old, tmp_path):
    ran(old, "export", tmp_path / "site")
    ran(ini, "import", "private", tmp_path / "site")
    with index_of(old) as index:
        put(index.served("private").hosted, "spam", "2.0")
    ran(old, "export", tmp_path / "d.tar", "--archive", "--since", tmp_path / "site" / "manifest.json")

    output = ran(ini, "import", "private", tmp_path / "d.tar")

    assert "1 files added" in output
    assert essence(listing(ini)) == essence(listing(old))


def test_a_delta_without_what_it_stands_on_is_told(ini, old, tmp_path):
    ran(old, "export", tmp_path / "site")
    with index_of(old) as index:
        put(index.served("private").hosted, "spam", "2.0")
    ran(old, "export", tmp_path / "d.tar", "--archive", "--since", tmp_path / "site" / "manifest.json")

    result = run(ini, "import", "private", tmp_path / "d.tar")

    assert result.exit_code == 1
    assert f"{SPAM} is not in the archive" in result.output
    assert set(listing(ini)) == {wheel_name("spam", "2.0")}


def test_bytes_that_are_not_those_of_the_page_are_refused(ini, old, tmp_path):
    site = tmp_path / "site"
    ran(old, "export", site)
    (path,) = site.rglob(SPAM)
    path.write_bytes(make_wheel("spam", "1.0", files={"evil.py": ""}))

    result = run(ini, "import", "private", site)

    assert result.exit_code == 1
    assert f"{SPAM} has the SHA-256 digest" in result.output
    assert set(listing(ini)) == {GRAIL}


@pytest.mark.parametrize("href", ["/%2e%2e/secret/{}", "../../../../secret/{}", "/%2F{}"])
def test_a_page_cannot_lead_out_of_its_folder(href, ini, old, tmp_path):
    ran(old, "export", tmp_path / "site")
    secret = tmp_path / "secret" / wheel_name("spam", "9.0")
    secret.parent.mkdir()
    secret.write_bytes(make_wheel("spam", "9.0"))
    (page,) = (tmp_path / "site" / "simple" / "spam").glob("*.v1_json")
    content = json.loads(page.read_bytes())
    url = href.format(secret.name if "secret" in href else str(secret)[1:])
    content["files"] = [{"filename": secret.name, "url": url, "hashes": {}}]
    page.write_text(json.dumps(content))

    result = run(ini, "import", "private", tmp_path / "site")

    assert result.exit_code == 1
    assert "is not in the manifest of the export" in result.output
    assert secret.name not in listing(ini)


def test_a_damaged_archive_is_told(ini, old, tmp_path):
    """Wherever it is damaged: in a package, in a page that nobody needs, in the padding of the archive."""
    ran(old, "export", tmp_path / "site.tar", "--archive")
    whole = gzip.compress((tmp_path / "site.tar").read_bytes())
    for place in range(12, len(whole), len(whole) // 30):
        content = bytearray(whole)
        content[place] ^= 0xFF
        (tmp_path / "bad.tar.gz").write_bytes(content)

        result = run(ini, "import", "private", tmp_path / "bad.tar.gz")

        assert result.exit_code == 1, place
        assert isinstance(result.exception, SystemExit), place


def test_an_archive_cannot_lead_out_of_itself(ini, tmp_path):
    manifest = {"format": "pyramid_pypi export", "version": 1, "paths": {"../../etc/passwd": ["0" * 64, 1]}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "manifest.json", "manifest.json")

    result = run(ini, "import", "private", tmp_path / "x.tar")

    assert result.exit_code == 1
    assert "is not the manifest of an export" in result.output


@pytest.mark.parametrize("content", [b"", b"soup" * 1000])
def test_what_is_no_archive_is_told(content, ini, tmp_path):
    (tmp_path / "x.tar").write_bytes(content)

    result = run(ini, "import", "private", tmp_path / "x.tar")

    assert result.exit_code == 1
    assert f"{tmp_path}/x.tar is n" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("formats", [{"json"}, {"html"}])
def test_another_index_is_imported(formats, ini, pypi_upstream):
    pypi_upstream.formats = formats
    pypi_upstream.add(GRAIL, make_wheel("holy-grail", "1.0"), upload_time=AT, yanked="bad")
    pypi_upstream.add(SPAM, make_wheel("spam", "1.0"))

    ran(ini, "import", "private", pypi_upstream.url)

    files = listing(ini)
    assert set(files) == {GRAIL, SPAM}
    assert files[GRAIL].yanked == "bad"
    assert files[SPAM].yanked is None
    assert ("json" not in formats) or files[GRAIL].uploaded_at == AT


def test_of_another_index_only_what_is_named_is_asked_for(ini, pypi_upstream):
    pypi_upstream.add(GRAIL, make_wheel("holy-grail", "1.0"))
    pypi_upstream.add(SPAM, make_wheel("spam", "1.0"))

    ran(ini, "import", "private", pypi_upstream.url, "--project", "spam")
    ran(ini, "import", "private", pypi_upstream.url, "--project", "spam")

    assert set(listing(ini)) == {SPAM}
    assert pypi_upstream.count("/simple/") == 0
    assert pypi_upstream.count("*.whl") == 1


def test_a_project_that_another_index_has_not_is_told(ini, pypi_upstream):
    pypi_upstream.add(SPAM, make_wheel("spam", "1.0"))

    result = run(ini, "import", "private", pypi_upstream.url, "--project", "eggs", "--project", "spam")

    assert result.exit_code == 1
    assert "problem: eggs: " in result.output
    assert set(listing(ini)) == {SPAM}


def test_wrong_bytes_of_another_index_are_refused(ini, pypi_upstream):
    pypi_upstream.add(SPAM, make_wheel("spam", "1.0"), digests={"sha256": "0" * 64})

    result = run(ini, "import", "private", pypi_upstream.url)

    assert result.exit_code == 1
    assert listing(ini) == {}


@pytest.mark.parametrize("way", ["environment", "netrc", "home", "none"])
def test_credentials_come_from_the_environment_or_a_netrc_file(way, ini, tmp_path, monkeypatch):
    path = tmp_path / (".netrc" if way == "home" else "credentials")
    path.write_text("machine 127.0.0.1 login ann password swordfish\n")
    path.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    if way == "environment":
        monkeypatch.setenv("PYPI_IMPORT_USER", "ann")
        monkeypatch.setenv("PYPI_IMPORT_PASSWORD", "swordfish")
    if way == "netrc":
        monkeypatch.setenv("NETRC", str(path))
    with FakeUpstream(credentials=("ann", "swordfish")) as upstream:
        upstream.add(SPAM, make_wheel("spam", "1.0"))

        result = run(ini, "import", "private", upstream.url)

    assert (result.exit_code, set(listing(ini))) == ((1, set()) if way == "none" else (0, {SPAM}))
    assert "swordfish" not in result.output


def test_a_source_that_is_not_there_is_told(ini):
    result = run(ini, "import", "private", "/nowhere")

    assert result.exit_code == 1
    assert "/nowhere does not exist; name a folder, an archive or an http(s) URL" in result.output


def test_the_audit_log_and_the_journal_hear_of_each_file(ini, wheelhouse, caplog):
    caplog.set_level(logging.INFO, "pyramid_pypi.audit")
    ran(ini, "import", "private", wheelhouse)

    events = [json.loads(one.message) for one in caplog.records if one.name == "pyramid_pypi.audit"]
    assert [(one["event"], one["file"]) for one in events] == [
        ("file added", GRAIL),
        ("file added", "spam-1.0.tar.gz"),
    ]
    with index_of(ini) as index:
        changes = index.catalog.changes_since(0)
    assert [one.action for one in changes] == ["add py3 file", "add source file"]
    assert all(one.by for one in changes)


def test_json_says_what_became_of_it(ini, wheelhouse):
    told = json.loads(ran(ini, "import", "private", wheelhouse, "--json"))

    assert (told["added"], told["there"], told["problems"]) == (2, 0, [])
