import hashlib
import json
import tarfile

import pytest
from tests.following import following_settings
from tests.live import write_ini
from tests.unit.cli.upkeeping import ANN, index_of, make_index, put, ran, run, wheel_name

from pyramid_pypi.testing.artefacts import make_wheel

GRAIL = wheel_name("holy-grail", "1.0+x.1")
SPAM = wheel_name("spam", "1.0")


@pytest.fixture
def ini(tmp_path):
    ini = make_index(tmp_path / "x")
    with index_of(ini) as index:
        private = index.served("private").hosted
        file = put(private, "holy-grail", "1.0+x.1", requires_python=">=3.8", signature=b"signed")
        private.yank(file, "", ANN)
        put(private, "spam", "1.0")
    ran(ini, "reindex")
    return ini


@pytest.fixture
def following(tmp_path, pypi_upstream):
    """An index whose default group has a hosted repository before its proxy, with a file in each."""
    settings = following_settings(tmp_path / "data", pypi_upstream.url)
    (tmp_path / "data").mkdir()
    ini = write_ini(tmp_path / "y.ini", settings)
    with index_of(ini) as index:
        put(index.served("private").hosted, "holy-grail", "1.0")
    ran(ini, "reindex")
    pypi_upstream.add(SPAM, make_wheel("spam", "1.0"))
    return ini


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def page(site, project):
    return json.loads((site / "simple" / project / "index.v1_json").read_bytes())


def path_of(site, project, filename):
    (file,) = [one for one in page(site, project)["files"] if one["filename"] == filename]
    return site / file["url"].removeprefix("../../").replace("%2B", "+")


def change(ini, action):
    with index_of(ini) as index:
        action(index.served("private").hosted)


def test_a_site_has_pages_files_and_metadata(ini, tmp_path):
    site = tmp_path / "site"

    output = ran(ini, "export", site)

    assert "2 projects, 2 files; 12 new or changed" in output
    told = page(site, "holy-grail")["files"][0]
    file = path_of(site, "holy-grail", GRAIL)
    metadata = file.with_name(f"{GRAIL}.metadata").read_bytes()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == told["hashes"]["sha256"]
    assert hashlib.sha256(metadata).hexdigest() == told["core-metadata"]["sha256"]
    assert file.with_name(f"{GRAIL}.asc").read_bytes() == b"signed"
    assert told["yanked"] is True
    assert told["requires-python"] == ">=3.8"
    html = (site / "simple" / "holy-grail" / "index.html").read_text()
    assert f'href="{told["url"]}#sha256={told["hashes"]["sha256"]}"' in html
    assert '<a href="spam/">spam</a>' in (site / "simple" / "index.html").read_text()


def test_the_manifest_tells_of_every_file(ini, tmp_path):
    site = tmp_path / "site"
    ran(ini, "export", site)

    found = tree(site)
    told = json.loads(found.pop("manifest.json"))

    assert told["paths"] == {
        path: [hashlib.sha256(body).hexdigest(), len(body)] for path, body in found.items()
    }


def test_what_has_not_changed_is_not_written_again(ini, tmp_path):
    site = tmp_path / "site"
    ran(ini, "export", site)
    before = {path: path.stat().st_ino for path in site.rglob("*") if path.name != "manifest.json"}
    content = tree(site)

    output = ran(ini, "export", site)

    assert "0 new or changed" in output
    assert {path: path.stat().st_ino for path in before} == before
    assert tree(site) == content


def test_what_is_no_longer_offered_is_removed(ini, tmp_path):
    site = tmp_path / "site"
    ran(ini, "export", site)
    gone = path_of(site, "spam", SPAM)
    change(ini, lambda private: private.delete(private.file(SPAM), ANN))

    ran(ini, "export", site, "--project", "holy-grail")

    assert not gone.exists()
    assert not (site / "simple" / "spam").exists()
    assert path_of(site, "holy-grail", GRAIL).exists()
    assert "spam" not in (site / "simple" / "index.html").read_text()


def test_a_page_never_names_a_file_that_is_not_there(ini, tmp_path, monkeypatch):
    """Whatever is written, what the pages name is there in that moment."""
    from pyramid_pypi.upkeep import targets

    site = tmp_path / "site"
    real, seen = targets.write_if_changed, []

    def write(path, content):
        done = real(path, content)
        for found in site.glob("simple/*/index.v1_json"):
            for file in json.loads(found.read_bytes())["files"]:
                assert path_of(site, found.parent.name, file["filename"]).exists()
                seen.append(file["filename"])
        return done

    monkeypatch.setattr(targets, "write_if_changed", write)
    ran(ini, "export", site)
    change(ini, lambda private: put(private, "spam", "2.0"))
    ran(ini, "export", site)

    assert {GRAIL, SPAM, wheel_name("spam", "2.0")} == set(seen)


def test_a_file_with_other_bytes_is_left_out_and_told(ini, tmp_path):
    path = tmp_path / "x" / "packages" / "spam" / SPAM
    path.write_bytes(b"x" * path.stat().st_size)

    result = run(ini, "export", tmp_path / "site")

    assert result.exit_code == 1
    assert f"missing: {SPAM} has the SHA-256 digest" in result.output
    assert page(tmp_path / "site", "spam")["files"] == []
    assert len(page(tmp_path / "site", "holy-grail")["files"]) == 1


def test_after_a_problem_nothing_is_removed(ini, tmp_path):
    site = tmp_path / "site"
    ran(ini, "export", site)
    kept = path_of(site, "holy-grail", GRAIL)

    result = run(ini, "export", site, "--project", "spam", "--project", "eggs")

    assert result.exit_code == 1
    assert "missing: eggs: 'private' has no project 'eggs'" in result.output
    assert kept.exists()
    assert "packages" in str(json.loads((site / "manifest.json").read_bytes())["paths"].keys())


def test_a_damaged_file_of_the_site_is_written_again(ini, tmp_path):
    site = tmp_path / "site"
    ran(ini, "export", site)
    file = path_of(site, "spam", SPAM)
    content = file.read_bytes()
    file.write_bytes(content[:-1])

    ran(ini, "export", site)

    assert file.read_bytes() == content


def test_a_folder_with_something_else_is_refused(ini, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thesis.tex").write_text("\\end")

    result = run(ini, "export", tmp_path / "site")

    assert result.exit_code == 1
    assert "is not empty and no export" in result.output
    assert tree(tmp_path / "site") == {"thesis.tex": b"\\end"}


def test_a_run_that_was_cut_off_can_be_repeated(ini, tmp_path, monkeypatch):
    from pyramid_pypi.upkeep import export

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(export.Exporter, "_metadata", interrupt)
        run(ini, "export", tmp_path / "site")
    assert not list((tmp_path / "site").glob("simple/*"))
    (tmp_path / "site" / ".new-abandoned").write_text("")

    ran(ini, "export", tmp_path / "site")

    assert not list((tmp_path / "site").rglob(".new-*"))
    assert path_of(tmp_path / "site", "spam", SPAM).exists()


def test_files_can_be_linked(ini, tmp_path):
    ran(ini, "export", tmp_path / "site", "--link")

    source = tmp_path / "x" / "packages" / "spam" / SPAM
    assert path_of(tmp_path / "site", "spam", SPAM).samefile(source)


def test_an_archive_has_the_same_files_in_an_order_that_can_be_unpacked(ini, tmp_path):
    ran(ini, "export", tmp_path / "site")

    ran(ini, "export", tmp_path / "site.tar", "--archive")

    with tarfile.open(tmp_path / "site.tar") as archive:
        names = archive.getnames()
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert tree(tmp_path / "unpacked") == tree(tmp_path / "site")
    assert names[-1] == "manifest.json"
    assert names.index("simple/index.html") > names.index("simple/spam/index.html")
    assert [name.endswith(".whl") for name in names].index(True) == 0


def test_a_delta_has_what_the_other_side_has_not(ini, tmp_path):
    ran(ini, "export", tmp_path / "site")
    change(ini, lambda private: put(private, "spam", "2.0"))

    ran(ini, "export", tmp_path / "d.tar", "--archive", "--since", tmp_path / "site" / "manifest.json")

    with tarfile.open(tmp_path / "d.tar") as archive:
        names = archive.getnames()
        archive.extractall(tmp_path / "site", filter="data")
    assert [name.rpartition("/")[2] for name in names] == [
        "spam-2.0-py3-none-any.whl",
        "spam-2.0-py3-none-any.whl.metadata",
        "index.v1_json",
        "index.html",
        "index.v1_json",
        "index.html",
        "manifest.json",
    ]
    ran(ini, "export", tmp_path / "whole")
    assert tree(tmp_path / "site") == tree(tmp_path / "whole")


def test_a_delta_names_what_is_gone(ini, tmp_path):
    ran(ini, "export", tmp_path / "site")
    change(ini, lambda private: private.delete(private.file(SPAM), ANN))

    ran(ini, "export", tmp_path / "d.tar", "--archive", "--since", tmp_path / "site" / "manifest.json")

    with tarfile.open(tmp_path / "d.tar") as archive:
        removed = json.load(archive.extractfile("manifest.json"))["removed"]
    assert [path.rpartition("/")[2] for path in removed] == [SPAM, f"{SPAM}.metadata"]


def test_of_a_group_only_its_own_projects_are_exported_unasked(following, tmp_path, pypi_upstream):
    ran(following, "export", tmp_path / "site")

    assert [path.name for path in (tmp_path / "site" / "simple").iterdir() if path.is_dir()] == ["holy-grail"]
    assert pypi_upstream.requests == []


def test_a_named_project_of_an_upstream_is_fetched(following, tmp_path):
    ran(following, "export", tmp_path / "site", "--project", "Spam", "--project", "holy-*")

    assert path_of(tmp_path / "site", "spam", SPAM).read_bytes() == make_wheel("spam", "1.0")
    assert (tmp_path / "site" / "simple" / "holy-grail" / "index.html").exists()


def test_a_whole_upstream_is_not_fetched(following, tmp_path):
    result = run(following, "export", tmp_path / "site", "-r", "pypi")

    assert result.exit_code == 2
    assert "say what with --project or --from-lock" in result.output


def test_a_lock_chooses_what_is_exported(following, tmp_path, pypi_upstream):
    pypi_upstream.add(wheel_name("spam", "2.0"), make_wheel("spam", "2.0"))
    pypi_upstream.add(wheel_name("eggs", "1.0"), make_wheel("eggs", "1.0"))
    digest = hashlib.sha256(make_wheel("spam", "1.0")).hexdigest()
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"holy-grail==1.0\nspam==1.0 --hash=sha256:{digest}\n")

    told = json.loads(ran(following, "export", tmp_path / "site", "--from-lock", lock, "--json"))

    assert (told["projects"], told["files"], told["problems"]) == (2, 2, [])
    assert [file["filename"] for file in page(tmp_path / "site", "spam")["files"]] == [SPAM]
    wheels = [path.name for path in (tmp_path / "site").rglob("*.whl")]
    assert sorted(wheels) == [wheel_name("holy-grail", "1.0"), SPAM]


def test_what_a_lock_wants_and_nobody_has_is_told(following, tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"holy-grail==1.0\nspam==1.0 --hash=sha256:{'0' * 64}\n")

    result = run(following, "export", tmp_path / "site", "--from-lock", lock)

    assert result.exit_code == 1
    assert f"has no file with the digest {'0' * 64}" in result.output
    assert (tmp_path / "site" / "simple" / "holy-grail").exists()
    assert not (tmp_path / "site" / "simple" / "spam").exists()


def test_a_file_without_a_digest_gets_one(following, tmp_path, pypi_upstream):
    pypi_upstream.add(wheel_name("eggs", "1.0"), make_wheel("eggs", "1.0"), hashes=(), size=False)

    ran(following, "export", tmp_path / "site", "--project", "eggs")

    digest = hashlib.sha256(make_wheel("eggs", "1.0")).hexdigest()
    assert page(tmp_path / "site", "eggs")["files"][0]["hashes"] == {"sha256": digest}


def test_a_storage_that_was_never_read_is_told(tmp_path):
    ini = make_index(tmp_path / "x")

    result = run(ini, "export", tmp_path / "site")

    assert result.exit_code == 1
    assert "run `reindex` first" in result.output


@pytest.mark.parametrize(
    "options", [["--since", "f"], ["--archive", "--link"], ["--project", "x", "--from-lock", "f"]]
)
def test_options_that_do_not_go_together(options, ini, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_text("")

    assert run(ini, "export", "site", *options).exit_code == 2
