"""The plugin as a whole: its README, and an index that is a part of another application."""

from pathlib import Path

import pytest
from pyramid.config import Configurator
from webtest import TestApp

from pyramid_pypi.auth.policy import SecurityPolicy
from pyramid_pypi.options import options_of
from pyramid_pypi_oidc.issuers import ISSUERS
from pyramid_pypi_oidc.known import SignedInUsers
from pyramid_pypi_oidc.providers import ProviderOptions
from pyramid_pypi_oidc.publishers import PUBLISHERS
from pyramid_pypi_oidc.testing import mint

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


class Providers:
    Options = ProviderOptions


@pytest.mark.parametrize(
    "kind", [*ISSUERS.values(), *PUBLISHERS.values(), Providers], ids=lambda kind: kind.__name__
)
def test_every_option_is_in_the_readme(kind):
    assert [one.name for one in options_of(kind) if f"\n| `{one.name}` |" not in README] == []


def test_the_urls_are_below_a_prefix(settings, issuer, tmp_path):
    given = {
        "pypi.plugins": "oidc",
        "pypi.data": str(tmp_path),
        "pypi.catalog": f"sqlite:///{tmp_path}/catalog.db",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": f"{tmp_path}/packages",
        **settings,
    }
    config = Configurator(settings=given)
    config.set_security_policy(SecurityPolicy())
    config.include("pyramid_pypi", route_prefix="pypi")
    web = TestApp(config.make_wsgi_app())
    told = web.get("/pypi/.well-known/pytp?discover=/pypi/legacy/").json

    assert told["token-mint-endpoint"] == "http://localhost:80/pypi/_/oidc/mint-token?repository=private"
    assert web.post_json("/pypi/_/oidc/mint-token", {"token": issuer.token()}).json["success"]
    web.get("/_/oidc/audience", status=404)
    config.registry["pyramid_pypi.index"].close()


def test_nobody_logs_in_with_a_password_of_a_provider(index):
    users = SignedInUsers()

    assert users.find("ann") is None
    users.use_catalog(index.app.index.catalog)
    assert users.find("ann") is None


def test_two_applications_have_issuers_of_their_own(pypi_index, settings, issuer):
    open_to_it = pypi_index(plugins=["oidc"], settings=settings)
    closed = pypi_index(
        plugins=["oidc"], settings={**settings, "pypi.oidc.issuer.github.url": "https://github.example"}
    )
    token = issuer.token()

    mint(closed, token, status=422)
    mint(open_to_it, token)
