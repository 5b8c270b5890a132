"""The index as a WSGI application of its own, and as a part of another Pyramid application."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated, BeforeTraversal
from pyramid.exceptions import ConfigurationError
from pyramid.interfaces import ISecurityPolicy
from pyramid.registry import Registry

from pyramid_pypi.api.routes import add_api
from pyramid_pypi.app import PackageIndex, compose
from pyramid_pypi.auth.policy import SecurityPolicy
from pyramid_pypi.auth.remote import RemoteUsers
from pyramid_pypi.errors import SettingsError
from pyramid_pypi.model import ANONYMOUS, Identity
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import load, plugin_names
from pyramid_pypi.ui.routes import add_pages
from pyramid_pypi.web.clean import CleanPaths
from pyramid_pypi.web.context import INDEX
from pyramid_pypi.web.embedded import observe_ours
from pyramid_pypi.web.failures import add_failures, not_found
from pyramid_pypi.web.hot import HotLayer
from pyramid_pypi.web.negotiation import negotiate
from pyramid_pypi.web.observe import note_route
from pyramid_pypi.web.observer import Observed, Observer
from pyramid_pypi.web.ready import Group
from pyramid_pypi.web.routes import add_routes
from pyramid_pypi.web.sinks import counters_of, logs_of

__all__ = ["Application", "include_embedded", "include_index", "make_application"]

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Application:
    """The WSGI application of `main`: the Pyramid router with ready bytes in front of it.

    `registry` is Pyramid's, as its own tools (`proutes`, `pshell`) look for it here.
    """

    def __init__(self, application: WSGI, registry: Registry) -> None:
        self.index: PackageIndex = registry[INDEX]
        self.registry = registry
        sinks = [*logs_of(self.index), *counters_of(self.index)]
        self._observer = Observer(sinks) if sinks else None
        self._application: WSGI = Observed(application, self._observer) if self._observer else application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        return self._application(environ, start_response)

    def flush(self) -> None:
        """Write what is known of the requests up to now: the access log, and counts of downloads."""
        if self._observer is not None:
            self._observer.flush()

    def close(self) -> None:
        """Stop the threads, write the log and close the catalog; for programs that go on."""
        if self._observer is not None:
            self._observer.close()
        self.index.close()


def make_application(settings: Mapping[str, str], *, variables: Mapping[str, str]) -> Application:
    """Build everything; `variables` are what `[DEFAULT]` holds.

    Raises SettingsError, PluginError, CatalogUnavailable.
    """
    # PasteDeploy takes such a key for a variable and drops it from [app:…] as well.
    if lost := sorted(key for key in variables if key.startswith("pypi.")):
        raise SettingsError(f"Move {', '.join(lost)} from [DEFAULT] to [app:…]; there it has no effect")
    config = Configurator(settings=dict(settings))
    config.set_security_policy(SecurityPolicy())
    config.include(include_index)
    config.add_notfound_view(not_found)
    config.add_subscriber(note_route, BeforeTraversal)
    router = config.make_wsgi_app()
    index: PackageIndex = config.registry[INDEX]
    application: WSGI = HotLayer(
        router,
        cache=index.pages,
        negotiate=negotiate,
        reader=lambda group, header: _reader(index, group, header),
    )
    if index.remote_users is not None:
        application = _unless_named(application, router, index.remote_users)
    application = CleanPaths(application, hosts=index.settings.allowed_hosts)
    return Application(application, config.registry)


def include_index(config: Configurator) -> None:
    """Add settings, routes and views to `config`, and nothing that its host would notice."""
    found = config.get_settings()
    plugins = Plugins.load(plugin_names(found))
    settings = load(found, plugins)
    index = compose(settings, plugins)
    config.registry[INDEX] = index
    add_failures(config)
    if settings.security == "pyramid_pypi":
        add_pages(config, list(index.repositories))
    add_api(config, settings)
    add_routes(config, list(index.repositories))
    plugins.configure(config)
    config.add_subscriber(lambda _event: index.start(), ApplicationCreated)
    if settings.security == "pyramid_pypi":
        config.action(None, _require_our_policy, args=(config,), order=1_000_000)


def include_embedded(config: Configurator) -> None:
    """Add the index to somebody else's application, which has its own log of requests."""
    include_index(config)
    counters = counters_of(config.registry[INDEX])
    if counters:
        observe_ours(config, Observer(counters))


def _require_our_policy(config: Configurator) -> None:
    policy = config.registry.queryUtility(ISecurityPolicy)
    if not isinstance(policy, SecurityPolicy):
        raise ConfigurationError(
            "Nobody would check who may publish: wrap the security policy of this application, "
            "config.set_security_policy(pyramid_pypi.auth.policy.SecurityPolicy(fallback=...)), "
            "or let it decide alone with the setting pypi.security = host"
        )


def _unless_named(hot: WSGI, router: WSGI, users: RemoteUsers) -> WSGI:
    """Return an application that gives what a web server in front says about a user to the router."""
    return lambda environ, start_response: (router if users.is_named(environ) else hot)(
        environ, start_response
    )


def _reader(index: PackageIndex, group: Group, header: str | None) -> Identity | None:
    repository, project = group
    identity: Identity | None = ANONYMOUS
    if header is not None and index.settings.knows_passwords:
        identity = index.verified.lookup(header, write=False)
    # Where and until when a token may be used is looked at behind.
    if identity is None or (
        identity.scope is not None and (identity.scope.networks or identity.scope.expires_at)
    ):
        return None
    return identity if index.served(repository).permits(identity, "read", project) else None
