"""How the upstreams of proxies do."""

import math

from pyramid_pypi.errors import UpstreamTimeout
from pyramid_pypi.repositories.proxy import Proxy
from pyramid_pypi.settings import ProxySettings, RedirectSettings, RepositorySettings
from pyramid_pypi.upstream.credentials import split_userinfo
from pyramid_pypi.upstream.health import Guarded

__all__ = ["OFFLINE", "WORKS", "upstream_state", "upstream_url"]

OFFLINE = "offline, as the settings say"
WORKS = "nothing has gone wrong"


def upstream_url(settings: RepositorySettings) -> str:
    """Return where a repository has its projects from, without credentials; empty for its own ones."""
    if not isinstance(settings, ProxySettings | RedirectSettings):
        return ""
    options = settings.upstream.options
    where = getattr(options, "url", None) or getattr(options, "path", None) or settings.upstream.kind
    try:
        return split_userinfo(str(where))[0]
    except ValueError:
        return settings.upstream.kind


def upstream_state(proxy: Proxy) -> str:
    """Return in a few words how an upstream has done lately; it is not asked for that."""
    if proxy.parts.offline():
        return OFFLINE
    upstream = proxy.parts.upstream
    health = upstream.failing if isinstance(upstream, Guarded) else None
    if health is None:
        return WORKS
    # What it said was about what somebody asked for, which is nobody else's business.
    said = (
        "was too slow" if isinstance(health.failure, UpstreamTimeout) else "could not be reached, or failed"
    )
    seconds = math.ceil(health.rests_for)
    return f"{said}, and is left alone for {seconds} seconds" if seconds else f"{said} when it was last asked"
