"""uv publishes with what a real OpenID provider has signed, as a job of GitLab would."""

import base64
import hashlib
import json
import secrets
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from pyramid_pypi_oidc.testing_provider import SECRET, NodeProvider, visit
from tests.clients.client import Client
from tests.clients.releases import save
from tests.clients.tls import Site, with_tls
from tests.clients.toolbox import CACHE
from tests.live import LiveServer, write_ini

CALLBACK = "http://localhost/callback"


@pytest.fixture(scope="module")
def provider() -> Iterator[NodeProvider]:
    """The provider; its only client is called `index`, so that is the audience of its tokens."""
    with NodeProvider(CACHE, CALLBACK) as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, provider: NodeProvider) -> Iterator[Site]:
    """An index whose only publisher is the subject `ann` of the provider."""
    folder = tmp_path_factory.mktemp("provided")
    settings = {
        "pypi.plugins": "oidc",
        "pypi.catalog": f"sqlite:///{folder}/catalog.db",
        "pypi.authenticators": "tokens",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": f"{folder}/packages",
        "pypi.repo.private.read": "everyone",
        "pypi.oidc.audience": "index",
        "pypi.oidc.issuers": "ours",
        "pypi.oidc.issuer.ours": "claims",
        "pypi.oidc.issuer.ours.url": provider.url,
        "pypi.oidc.publishers": "nightly",
        "pypi.oidc.publisher.nightly": "claims",
        "pypi.oidc.publisher.nightly.issuer": "ours",
        "pypi.oidc.publisher.nightly.to": "private",
        "pypi.oidc.publisher.nightly.projects": "gadgets",
        "pypi.oidc.publisher.nightly.claims": "sub = ann",
    }
    with LiveServer(write_ini(folder / "index.ini", settings), folder / "log") as server:
        with with_tls(folder, server) as found:
            yield found
    assert not server.problems()


def token_of(provider: NodeProvider, name: str) -> str:
    """Return an ID token of somebody, got in the way of a browser: code and PKCE."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": "index",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    back = visit(name, f"{provider.url}/auth?{urlencode(query)}")
    (code,) = parse_qs(urlsplit(back).query)["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    pair = urlencode({"index": SECRET}).replace("=", ":").encode()
    request = urllib.request.Request(f"{provider.url}/token", urlencode(form).encode())
    request.add_header("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: str = json.load(answer)["id_token"]
    return found


@pytest.mark.parametrize(("name", "published"), [("ann", True), ("bob", False)])
def test_uv_publishes_with_a_token_of_the_provider(
    name: str, published: bool, provider: NodeProvider, site: Site, uv: Client
) -> None:
    wheel: Path = save(uv.cwd / "dist", "gadgets", "1.0" if published else "2.0")
    job = {"GITLAB_CI": "true", "INDEX_ID_TOKEN": token_of(provider, name), "SSL_CERT_FILE": str(site.ca)}

    code, said = uv.run(
        "publish", "--trusted-publishing", "always", "--publish-url", f"{site.url}/legacy/", wheel, **job
    )

    assert (code == 0) is published, said
    sent = [line["status"] for line in site.server.access() if line["file"] == wheel.name]
    assert sent == ([200] if published else [])
    if not published:
        assert "sub='bob'" in " ".join(said.split())
