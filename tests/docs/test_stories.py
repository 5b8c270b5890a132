"""Pages whose commands are run as they are written."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi_github.testing import Description, GitHubServer
from pyramid_pypi_github.testing.description import PATHS, PUBLISHED
from pyramid_pypi_ldap.testing import Slapd, make_certificates
from pyramid_pypi_objectstore.testing import BUCKET, SeaweedFS
from tests.clients.releases import save
from tests.clients.toolbox import CACHE, make_once
from tests.docs.blocks import ROOT, blocks
from tests.live import LiveServer, post_file, write_htpasswd, write_ini
from tests.postgres import PASSWORD

CLIENTS = ("pip", "uv", "twine", "flit", "poetry", "pdm", "hatch", "pipenv")
SDIST = "holy_grail-0.1.0.tar.gz"
ANN = ("ann", "swordfish")


def port_of(server: LiveServer) -> int:
    return int(server.url.rpartition(":")[2])


@pytest.fixture
def team(tmp_path):
    """A server of `private`, where ann may do everything with the password of the pages."""
    write_htpasswd(tmp_path, ANN)
    settings = {
        "pypi.data": str(tmp_path),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.authenticators": "tokens htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        "pypi.repo.private.upload": "user:ann group:release",
        "pypi.repo.private.delete": "user:ann",
    }
    with LiveServer(write_ini(tmp_path / "production.ini", settings), tmp_path / "log") as server:
        yield server
    assert server.problems() == []


@pytest.fixture
def desk(tmp_path, public):
    """A server of `development.ini`, in the folder that the reader is in."""
    checkout = tmp_path / "work"
    checkout.mkdir()
    # Tools take the project around a new one for its parent.
    shutil.copy(ROOT / "pyproject.toml", checkout)
    with LiveServer(ROOT / "development.ini", tmp_path / "log", var=str(checkout / "var")) as server:
        yield server
    assert server.problems() == []


def test_the_readme_publishes_and_installs_with_and_without_pypi(desk, public, tell):
    tell(port_of(desk), "uv", "twine", "poetry").run(blocks("README.md"))

    sent = [line for line in desk.access() if line["path"].endswith("/six-1.17.0-py2.py3-none-any.whl")]
    assert public.count("*.whl") == 1
    online, offline = ["uv", "pip", "poetry"], ["pip", "uv", "poetry"]
    assert [line["agent"].partition("/")[0] for line in sent] == online + offline


def test_a_private_name_is_private_whatever_pypi_has(port, public, tell, tmp_path):
    public.add("holy_grail-99.0-py3-none-any.whl", make_wheel("holy-grail", "99.0"))
    public.add("acme_tools-1.0-py3-none-any.whl", make_wheel("acme-tools", "1.0"))
    save(tmp_path / "work" / "dist", "holy-grail", "1.0")

    tell(port, "twine").run(blocks("docs/how-to/one-url-for-all.md"))

    assert public.count("*holy*") == public.count("*acme*") == 0


def test_new_files_wait_for_their_time(port, public, tell, tmp_path):
    for version, days in (("3.10", 400), ("3.11", 1)):
        at = datetime.now(UTC) - timedelta(days=days)
        public.add(f"idna-{version}-py3-none-any.whl", make_wheel("idna", version), upload_time=at)

    tell(port).run(blocks("docs/how-to/rules.md"))

    assert public.count("*3.11*") == 0


def test_what_is_kept_is_there_without_an_upstream(port, public, tell, tmp_path):
    public.add("idna-1.0-py3-none-any.whl", make_wheel("idna", "1.0"))
    story = tell(port)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "development.ini").write_text(story.told((ROOT / "development.ini").read_text()))

    story.run(blocks("docs/how-to/work-offline.md"))

    assert public.count("*idna*") == 0


def test_a_lock_file_goes_to_another_index_and_back(port, tell, tmp_path):
    (given,) = (block.text for block in blocks("docs/how-to/lock-files.md") if block.language == "toml")

    tell(port).run(blocks("docs/how-to/lock-files.md"))

    assert (tmp_path / "work" / "pylock.toml").read_text() == given


def test_the_tutorial_ends_with_an_installed_package(port, public, tell):
    tell(port, "uv", "twine").run(blocks("docs/tutorial/first-index.md"))

    assert public.count("*.whl") == 1


def test_the_service_of_the_page_runs(port, tell, tmp_path):
    home = tmp_path / "pypi"
    home.mkdir()
    story = tell(port, **{"/srv/pypi": str(home)})
    (home / "production.ini").write_text(story.told((ROOT / "production.ini").read_text()))

    story.run(blocks("docs/how-to/run-in-production.md"))


def test_a_backup_is_made_and_restored(port, tell, tmp_path):
    home = tmp_path / "pypi"
    (home / "var").mkdir(parents=True)
    story = tell(port, **{"/srv/pypi": str(home), "/backup": str(tmp_path / "backup")})
    (tmp_path / "work").mkdir()
    ini = story.told((ROOT / "production.ini").read_text()).replace("%(here)s", str(home))
    (tmp_path / "work" / "production.ini").write_text(ini)
    (home / "var" / "htpasswd").write_text("")
    save(home / "var" / "packages" / "holy-grail", "holy-grail", "1.0")
    CliRunner().invoke(main, ["reindex", str(tmp_path / "work" / "production.ini")], catch_exceptions=False)

    story.run(blocks("docs/how-to/back-up-and-restore.md"))


def test_packages_go_elsewhere_and_come_back(port, tell, tmp_path):
    work = tmp_path / "work"
    settings = {
        "pypi.data": str(work),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.repositories": "private new",
        **{
            f"pypi.repo.{name}{key}": value
            for name in ("private", "new")
            for key, value in {"": "hosted", ".storage": "filesystem", ".storage.path": name}.items()
        },
    }
    save(work / "private", "holy-grail", "1.0")
    save(work / "wheelhouse", "shrubbery", "1.0")
    (work / "requirements.txt").write_text("holy-grail==1.0\n")
    ini = write_ini(work / "site.ini", settings)
    CliRunner().invoke(main, ["reindex", str(ini)], catch_exceptions=False)

    said = tell(port, "pip").run(blocks("docs/how-to/copy-and-export.md"))

    assert "private: 1 files added" in said
    assert (work / "got" / "holy_grail-1.0-py3-none-any.whl").exists()


def test_the_folder_of_another_server_is_served(port, tell, tmp_path):
    packages = tmp_path / "pypiserver" / "packages"
    save(packages, "holy-grail", "1.0")
    save(packages / "old" / "ones", "shrubbery", "1.0")
    save(packages, "ni", "2.0")
    save(tmp_path / "work" / "later", "parrot", "1.0")
    htpasswd = tmp_path / "pypiserver" / ".htpasswd"
    subprocess.run(["htpasswd", "-scb", htpasswd, "ann", "swordfish"], check=True)
    story = tell(port, **{"/srv/pypiserver": str(tmp_path / "pypiserver")})

    story.run(blocks("docs/how-to/serve-an-existing-folder.md"))

    assert not (packages / "parrot").exists()


def test_a_release_is_deleted_and_comes_back(team, tell, tmp_path):
    work = tmp_path / "work"
    wheel = save(work / "dist", "holy-grail", "1.0")
    save(work / "other", "holy-grail", "1.0", files={"other.py": "pass"})
    assert post_file(team.at("/", *ANN), wheel.name, wheel.read_bytes())[0] == 200
    shutil.copy(team.ini, work)

    said = tell(port_of(team), "twine").run(blocks("docs/how-to/delete-and-restore.md"))

    assert "since been deleted" in said
    assert "private: 1 files," in said


def test_tokens_are_made_used_and_taken_back(team, tell, tmp_path):
    work = tmp_path / "work"
    save(work / "dist", "holy-grail", "1.0")
    shutil.copy(team.ini, work)

    said = tell(port_of(team), "twine", "uv", "pip").run(blocks("docs/how-to/tokens.md"))

    assert said.count("this is shown once") == 2
    assert "projects holy-*" in said


def test_users_of_a_file_come_and_go(team, tell, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(team.ini, work)

    said = tell(port_of(team)).run(blocks("docs/how-to/passwords.md"))

    assert "carol" in said
    assert "carol" not in (tmp_path / "htpasswd").read_text()


def test_people_of_a_directory_log_in(port, tell, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    make_certificates(work)
    with Slapd(tmp_path / "ldap", work) as slapd:
        urls = {f"ldaps://ldap{number}.example.org": slapd.tls_url for number in (1, 2)}
        said = tell(port, **urls).run(blocks("docs/how-to/log-in-with-ldap.md"))

    assert "FAIL" not in said
    assert said.count("access: let in") == 2


def test_a_bucket_is_published_to_and_adopted(port, tell, tmp_path):
    work = tmp_path / "work"
    save(work / "dist", "holy-grail", "1.0")
    with SeaweedFS(tmp_path / "seaweedfs") as service:
        addresses = {"https://s3.example.org": service.url, "acme-packages": BUCKET}
        said = tell(port, "twine", "pip", **addresses).run(blocks("docs/how-to/store-in-a-bucket.md"))

    assert "private: 0 added, 0 dropped, 1 listed" in said
    assert (work / "holy_grail-1.0-py3-none-any.whl").is_file()


def test_the_catalog_is_in_postgresql(port, tell, tmp_path, postgres):
    save(tmp_path / "work" / "packages", "holy-grail", "1.0")
    url = postgres.create(empty=True)
    address = {"postgresql://pypi:swordfish@db.example.org/pypi": url}

    said = tell(port, **address).run(blocks("docs/how-to/use-postgresql.md"))

    assert "private: 1 added" in said
    assert PASSWORD not in said
    postgres.drop(url)


@pytest.fixture
def office(team, tmp_path):
    """The folders and files that the page about clients begins with."""
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    save(work / "dist", "holy-grail", "0.1.0")
    save(work / "packaged" / "dist", "packaged", "1.0")
    (work / "packaged" / "pyproject.toml").write_text(
        '[project]\nname = "packaged"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
    )
    assert (
        post_file(team.at("/", *ANN), "holy_grail-0.1.0-py3-none-any.whl", make_wheel("holy-grail", "0.1.0"))[
            0
        ]
        == 200
    )
    return team


def test_every_client_works_as_configured(office, tell):
    addresses = {"https://pypi.example.org": office.url, "pypi.example.org": "127.0.0.1"}
    addresses = {
        "@pypi.example.org": f"@{office.host}",
        "https://ann": "http://ann",
        "https://${": "http://${",
        **addresses,
    }

    tell(port_of(office), *CLIENTS, **addresses).run(blocks("docs/how-to/configure-clients.md"))


def test_the_secret_of_a_repository_lets_clients_in(port, tell, tmp_path):
    save(tmp_path / "work" / "dist", "holy-grail", "1.0")

    said = tell(port, "twine", "pip").run(blocks("docs/how-to/repository-secrets.md"))

    assert "holy_grail-1.0-py3-none-any.whl#sha256" in said


def test_projects_are_looked_after_by_command_and_by_the_api(port, tell, tmp_path):
    save(tmp_path / "work" / "dist", "holy-grail", "1.0")

    tell(port, "twine").run(blocks("docs/how-to/look-after-projects.md"))


def test_packages_are_kept_in_github_releases(port, tell, tmp_path):
    folder = CACHE / "github-openapi"
    with make_once(folder, f"{PUBLISHED} {PATHS}") as missing:
        if missing:
            Description.fetch(folder)
    save(tmp_path / "work" / "dist", "holy-grail", "1.0")
    with GitHubServer(Description.load(folder / "cut.json")) as hub:
        repo = "\npypi.repo.private.storage.repo = wheels\n"
        there = {
            "github_pat_11EXAMPLE": hub.token,
            "init acme/wheels": f"init acme/wheels --base-url {hub.url}",
            repo: f"{repo}pypi.repo.private.storage.base_url = {hub.url}\n",
        }
        tell(port, "twine", **there).run(blocks("docs/how-to/store-in-github-releases.md"))
    repository = hub.state.repositories["acme/wheels"]
    (release,) = repository.releases.values()

    assert hub.problems == []
    assert release.tag == "holy_grail-1.0-py3-none-any.whl"
    assert release.tag in repository.files("gh-pages")["simple/holy-grail/index.html"]
