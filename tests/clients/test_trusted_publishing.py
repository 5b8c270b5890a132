"""uv and pdm publish from a job without a secret, uv through nginx with TLS, as they would at GitHub."""

from collections.abc import Callable, Iterator

import pytest

from pyramid_pypi_oidc.testing import FakeIssuer, github_claims
from tests.clients.client import Client
from tests.clients.releases import save
from tests.clients.test_pdm import write_project
from tests.clients.tls import Site, with_tls
from tests.live import LiveServer, write_ini


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    """What stands for GitHub."""
    with FakeIssuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, issuer: FakeIssuer) -> Iterator[Site]:
    """An index whose only publisher is release.yml of acme/widgets."""
    folder = tmp_path_factory.mktemp("site")
    publisher = "pypi.oidc.publisher.widgets"
    settings = {
        "pypi.plugins": "oidc",
        "pypi.catalog": f"sqlite:///{folder}/catalog.db",
        "pypi.authenticators": "tokens",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": f"{folder}/packages",
        "pypi.repo.private.read": "everyone",
        "pypi.oidc.issuer.github.url": issuer.url,
        "pypi.oidc.publishers": "widgets",
        publisher: "github",
        f"{publisher}.to": "private",
        f"{publisher}.projects": "widgets",
        f"{publisher}.repository": "acme/widgets",
        f"{publisher}.workflow": "release.yml",
    }
    with LiveServer(write_ini(folder / "index.ini", settings), folder / "log") as server:
        with with_tls(folder, server) as site:
            yield site
    assert not server.problems()


@pytest.fixture
def job(uv: Client, site: Site, issuer: FakeIssuer) -> Callable[..., tuple[int, str]]:
    """Return a function that publishes a wheel as a job would: the exit code and what uv said."""

    def publish(project: str, version: str, **claims: str) -> tuple[int, str]:
        issuer.claims = github_claims(**claims)
        wheel = save(uv.cwd / "dist", project, version)
        arguments = (
            "publish",
            "--trusted-publishing",
            "always",
            "--publish-url",
            f"{site.url}/legacy/",
            wheel,
        )
        return uv.run(*arguments, SSL_CERT_FILE=str(site.ca), **issuer.runner)

    return publish


def test_uv_publishes_without_a_secret(site: Site, job: Callable[..., tuple[int, str]]) -> None:
    code, said = job("widgets", "1.0")

    assert code == 0, said
    (line,) = (one for one in site.server.access() if one["file"] == "widgets-1.0-py3-none-any.whl")
    assert (line["method"], line["status"]) == ("POST", 200)


def test_uv_shows_why_a_job_may_not(job: Callable[..., tuple[int, str]]) -> None:
    code, said = job("widgets", "1.1", repository="eve/widgets")

    told = " ".join(said.split())
    assert code != 0
    assert "repository='eve/widgets'" in told
    assert "the repository is not acme/widgets" in told


def test_uv_publishes_nothing_but_the_projects_of_the_publisher(job: Callable[..., tuple[int, str]]) -> None:
    code, said = job("gadgets", "1.0")

    assert code != 0
    assert "403" in said


def test_pdm_publishes_without_a_secret(site: Site, issuer: FakeIssuer, pdm: Client) -> None:
    issuer.claims = github_claims()
    write_project(pdm, "widgets", site.server.at("/simple/"))
    wheel = save(pdm.cwd / "dist", "widgets", "2.0")

    pdm("publish", "--no-build", "--repository", site.server.at("/legacy/"), **issuer.runner)

    lines = [one for one in site.server.access() if one["file"] == wheel.name]
    assert [(one["method"], one["status"]) for one in lines] == [("POST", 200)]
