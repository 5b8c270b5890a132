"""uv publishes from a job without a secret, through nginx with TLS, as it would at GitHub."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyramid_pypi_oidc.testing import FakeIssuer, github_claims
from tests.clients.client import Client
from tests.clients.releases import save
from tests.clients.toolbox import Toolbox
from tests.live import LiveServer, write_ini

_SECONDS = 10

_NGINX = """\
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    {places}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.key;
        client_max_body_size 0;
        location / {{
            proxy_pass {url};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto https;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Site:
    """An index with TLS in front of it, and the authority to trust."""

    url: str
    ca: Path
    server: LiveServer


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
        yield from _with_tls(folder, server)
    assert not server.problems()


def _with_tls(folder: Path, server: LiveServer) -> Iterator[Site]:
    _make_certificates(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(user=user, folder=folder, places=places, port=port, url=server.url))
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    process = subprocess.Popen(
        ["nginx", "-p", folder, "-c", config, "-e", folder / "error.log"], env=environment
    )
    deadline = time.monotonic() + _SECONDS
    while not (folder / "nginx.pid").exists():
        assert process.poll() is None, (folder / "error.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield Site(f"https://127.0.0.1:{port}", folder / "ca.pem", server)
    process.terminate()
    process.wait(_SECONDS)


def _make_certificates(folder: Path) -> None:
    """Make an authority and a certificate for 127.0.0.1."""
    program = Toolbox().program("openssl")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    own = ("-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test authority")
    wanted = ("-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    signed = ("-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    steps = (
        ("req", "-x509", *key, *own),
        ("req", *key, *wanted),
        ("x509", "-req", *signed, "-out", "server.pem", "-days", "2", "-extfile", "server.ext"),
    )
    for step in steps:
        subprocess.run([program, *step], cwd=folder, check=True, capture_output=True)


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
