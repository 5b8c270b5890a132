"""`pyramid-pypi github`."""

from datetime import timedelta

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from pyramid_pypi.testing.clients import open_settings, wheel
from pyramid_pypi_github.releases import Note


@pytest.fixture
def run(hub, monkeypatch):
    """Return a function that runs a command; it never shows the token."""
    monkeypatch.setenv("GITHUB_TOKEN", hub.token)

    def run(*arguments):
        result = CliRunner().invoke(main, ["github", *arguments])
        assert hub.token not in result.output
        return result.exit_code, result.output

    return run


@pytest.fixture
def init(run, hub):
    return lambda *arguments: run("init", *arguments, "--base-url", hub.url)


@pytest.mark.parametrize("name", ["ann/wheels", "acme/wheels"], ids=["user", "organization"])
def test_init_creates_a_private_repository_that_takes_packages(init, hub, make, put, name):
    code, output = init(name)
    repository = hub.state.repositories[name]
    owner, repo = name.split("/")

    assert code == 0, output
    assert repository.private
    assert "releases" in repository.files("main")["README.md"]
    assert f"storage.owner = {owner}\n" in output
    assert "storage.token = env:GITHUB_TOKEN" in output
    put(make(owner=owner, repo=repo))
    assert len(repository.releases) == 1


def test_init_creates_a_public_repository_when_told(init, hub):
    assert init("ann/wheels", "--public")[0] == 0
    assert not hub.state.repositories["ann/wheels"].private


def test_a_rehearsal_changes_nothing(init, hub):
    code, output = init("ann/wheels", "--dry-run")

    assert code == 0, output
    assert "would create the private repository\nwould write README.md\n" in output
    assert "ann/wheels" not in hub.state.repositories
    assert {each.method for each in hub.seen} == {"GET"}


def test_init_completes_what_is_there(init, hub):
    hub.state.repository("ann/wheels", ready=False)
    first, second = init("ann/wheels"), init("ann/wheels")

    assert "write README.md" in first[1]
    assert "write README.md" not in second[1]


def test_init_removes_old_uploads_that_were_cut_off(init, hub):
    def add(tag, body):
        hub.state.add_release("acme/packages", tag, body, files={}, draft=True)

    hub.state.age = timedelta(days=2)
    add("old-1.0.zip", Note("old-1.0.zip", 1, "").text())
    add("v1", "The draft of a human")
    hub.state.age = timedelta()
    add("new-1.0.zip", Note("new-1.0.zip", 1, "").text())
    code, output = init("acme/packages")

    assert code == 0, output
    assert "remove the upload of old-1.0.zip that was cut off" in output
    assert {each.tag for each in hub.repository.releases.values()} == {"v1", "new-1.0.zip"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["wheels"], "is not the name of an owner"),
        (["ann/wheels", "--token", "env:NO_SUCH_TOKEN"], "NO_SUCH_TOKEN is not set"),
        (["strangers/wheels"], "GitHub does not prepare strangers/wheels: 404"),
    ],
)
def test_init_tells_what_is_wrong(init, arguments, told):
    code, output = init(*arguments)

    assert code
    assert told in output


@pytest.fixture
def ini(hub, tmp_path, monkeypatch):
    """The ini of an index whose files are in `acme/packages`."""
    storage = "pypi.repo.private.storage"
    settings = open_settings(tmp_path) | {
        "pypi.plugins": "github",
        storage: "github",
        f"{storage}.owner": "acme",
        f"{storage}.repo": "packages",
        f"{storage}.token": "env:GITHUB_TOKEN",
        f"{storage}.base_url": hub.url,
    }
    del settings[f"{storage}.path"]
    path = tmp_path / "site.ini"
    lines = [f"{key} = {value}" for key, value in settings.items()]
    path.write_text("\n".join(["[app:main]", "use = egg:pyramid_pypi", *lines]), encoding="utf-8")
    return path


@pytest.fixture
def published(run, ini, hub, pypi_publish):
    """Some packages, one of them yanked, one with a name that GitHub has changed."""
    import pyramid_pypi
    from pyramid_pypi.cli.load import read_ini
    from pyramid_pypi.model import ANONYMOUS
    from webtest import TestApp

    application = pyramid_pypi.main(None, **read_ini(str(ini)))
    client = TestApp(application)
    for file in (
        wheel("holy-grail", "1.0", requires_python=">=3.8"),
        wheel("holy-grail", "1!2.0"),
        wheel("ni", "1"),
    ):
        pypi_publish(client, file)
    hosted = application.index.served("private").hosted
    hosted.yank(hosted.file("ni-1-py3-none-any.whl"), "it <leaks>", ANONYMOUS)
    application.close()
    return hub


def test_pages_are_a_branch_whose_links_lead_to_assets(run, ini, published):
    code, output = run("pages", str(ini), "private")
    files = published.repository.files("gh-pages")

    assert code == 0, output
    assert "wrote 4 files with 2 links in gh-pages" in output
    assert "the repository is private: installers will not get its files" in output
    assert "left out, as its asset has another name: holy_grail-1!2.0-py3-none-any.whl" in output
    assert set(files) == {
        ".nojekyll",
        "simple/index.html",
        "simple/holy-grail/index.html",
        "simple/ni/index.html",
    }
    page = files["simple/holy-grail/index.html"]
    assert f'href="{published.url}/acme/packages/releases/download/holy_grail-1.0-py3-none-any.whl/' in page
    assert "#sha256=" in page
    assert 'data-requires-python="&gt;=3.8"' in page
    assert 'data-yanked="it &lt;leaks&gt;"' in files["simple/ni/index.html"]


def test_pages_of_a_public_repository_need_no_warning(run, ini, published):
    published.repository.private = False

    assert "private:" not in run("pages", str(ini), "private")[1]


def test_pages_are_written_when_something_has_changed(run, ini, published):
    run("pages", str(ini), "private")
    first = published.repository.refs["heads/gh-pages"]
    again = run("pages", str(ini), "private")
    del published.repository.releases[next(iter(published.repository.releases))]
    third = run("pages", str(ini), "private")
    last = published.repository.commits[published.repository.refs["heads/gh-pages"]]

    assert "nothing has changed" in again[1]
    assert third[0] == 0, third[1]
    assert last.parents == (first,)


def test_a_rehearsal_of_pages_writes_nothing(run, ini, published):
    code, output = run("pages", str(ini), "private", "--branch", "docs", "--dry-run")

    assert code == 0, output
    assert "simple/ni/index.html\nwould write 4 files with 2 links into docs" in output
    assert "heads/docs" not in published.repository.refs


def test_pages_need_a_repository_of_this_kind(run, ini, tmp_path):
    text = ini.read_text().replace(
        "storage = github", f"storage = filesystem\npypi.repo.private.storage.path = {tmp_path}"
    )
    kept = [
        line
        for line in text.splitlines()
        if not line.startswith(
            (
                "pypi.repo.private.storage.owner",
                "pypi.repo.private.storage.repo",
                "pypi.repo.private.storage.token",
                "pypi.repo.private.storage.base",
            )
        )
    ]
    ini.write_text("\n".join(kept))
    code, output = run("pages", str(ini), "private")

    assert code == 1
    assert "not of the kind github" in output
