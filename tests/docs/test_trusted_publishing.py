"""The jobs of the page about trusted publishing, run by a real uv with the settings of the page."""

import re

import pytest

from pyramid_pypi_oidc.testing import FakeIssuer, github_claims
from tests.clients.client import Client, clean_environment
from tests.clients.releases import save
from tests.clients.tls import with_tls
from tests.docs.blocks import blocks
from tests.docs.test_blocks import complete
from tests.live import LiveServer, write_ini

PAGE = "docs/how-to/trusted-publishing.md"
JOBS = {block.detail: block.text for block in blocks(PAGE) if block.how == "job"}
GITLAB = {
    "sub": "project_path:acme/tools",
    "project_path": "acme/tools",
    "namespace_id": "7",
    "ref_protected": "true",
}


@pytest.fixture
def issuers():
    """What stands for GitHub, and what stands for GitLab."""
    with FakeIssuer() as github, FakeIssuer() as gitlab:
        yield {"github": github, "gitlab": gitlab}


@pytest.fixture
def site(tmp_path, issuers):
    """The index of the page."""
    (block,) = (one for one in blocks(PAGE) if one.detail == "site")
    urls = {f"pypi.oidc.issuer.{name}.url": issuer.url for name, issuer in issuers.items()}
    settings = {**complete(block, tmp_path), **urls}
    (tmp_path / "htpasswd").write_text("# nobody\n")
    with LiveServer(write_ini(tmp_path / "index.ini", settings), tmp_path / "log") as server:
        with with_tls(tmp_path, server) as site:
            yield site
    assert server.problems() == []


@pytest.mark.parametrize(("host", "project"), [("github", "widgets"), ("gitlab", "tools")])
def test_the_job_publishes(site, issuers, toolbox, tmp_path, host, project):
    job, issuer = JOBS[host], issuers[host]
    (command,) = re.findall(r"uv (publish .*)$", job, re.MULTILINE)
    environment = clean_environment(tmp_path, toolbox.program("uv").parent)
    if host == "github":
        issuer.claims = github_claims(environment=re.search(r"environment: (\w+)", job)[1])
        environment |= issuer.runner
    else:
        name, audience = re.search(r"id_tokens:\s+(\w+):\s+aud: (\w+)", job).groups()
        environment |= {"GITLAB_CI": "true", name: issuer.token({**GITLAB, "aud": audience})}
    uv = Client(toolbox.program("uv"), tmp_path, {**environment, "SSL_CERT_FILE": str(site.ca)})
    wheel = save(tmp_path / "dist", project, "1.0")

    uv(*command.replace("https://pypi.example.org", site.url).split(), wheel)

    lines = [one for one in site.server.access() if one["file"] == wheel.name]
    assert [(one["method"], one["status"]) for one in lines] == [("POST", 200)]
