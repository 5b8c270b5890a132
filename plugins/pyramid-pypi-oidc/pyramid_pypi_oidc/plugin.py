"""What one application has of this plugin, and how it comes together."""

from typing import TYPE_CHECKING

from pyramid_pypi import hookimpl
from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.errors import SettingsError
from pyramid_pypi.model import Link
from pyramid_pypi_oidc.desk import NOTES, PublisherDesk
from pyramid_pypi_oidc.issuers import Issuer, IssuerOptions
from pyramid_pypi_oidc.minting import Minting, Terms
from pyramid_pypi_oidc.pages import PUBLISHERS_PATH, add_pages, login_path
from pyramid_pypi_oidc.providers import Provider
from pyramid_pypi_oidc.settings import OidcSettings
from pyramid_pypi_oidc.signin import SignIn
from pyramid_pypi_oidc.views import add_machine_routes

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from pyramid_pypi.app import PackageIndex

__all__ = ["Links", "configure"]


class Links:
    """The links of one application."""

    def __init__(self, providers: tuple[Provider, ...], *, publishes: bool) -> None:
        self._links = [Link("login", f"Log in with {one.title}", login_path(one.name)) for one in providers]
        if publishes:
            self._links.append(Link("account", "Trusted publishers", PUBLISHERS_PATH))

    @hookimpl
    def pypi_links(self) -> list[Link]:
        return self._links


def configure(config: "Configurator", index: "PackageIndex") -> None:
    """Add the routes and links of an application. Raises SettingsError."""
    own = index.settings.section(OidcSettings)
    if own.publishers and not index.settings.takes_tokens:
        raise SettingsError("pypi.oidc.publishers need tokens: list them in pypi.authenticators")
    notes = Notes(index.catalog, NOTES)
    desk = PublisherDesk.of(index.settings, index.catalog)
    issuers = [
        Issuer(one.name, one.kind, one.options)
        for one in own.issuers
        if isinstance(one.options, IssuerOptions)
    ]
    terms = Terms(own.audience, own.token_lifetime)
    minting = Minting(terms, issuers, desk.publishers, catalog=index.catalog)
    sign_ins = {one.name: SignIn(one, notes, remember=own.remember) for one in own.providers}
    add_machine_routes(config, minting)
    add_pages(config, desk, sign_ins)
    publishes = index.settings.takes_tokens
    index.plugins.register("oidc links", Links(own.providers, publishes=publishes))
