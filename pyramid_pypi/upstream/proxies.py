"""Which HTTP proxy a request to an upstream goes through."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pyramid_pypi.upstream.allowed import Target
from pyramid_pypi.upstream.credentials import basic, split_userinfo

__all__ = ["Proxies"]


@dataclass(frozen=True, slots=True)
class Proxies:
    """The HTTP proxies that requests go through: one for all, those of the environment, or none."""

    fixed: str = field(default="", repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, option: str | None) -> Self:
        """Return what an option says: None takes the environment, `none` nothing. Raises ValueError."""
        if option is None:
            found = urllib.request.getproxies_environment()
            hosts = {scheme: found.get(scheme) or found.get("all", "") for scheme in ("http", "https")}
            urls = {scheme: _proxy_url(url) for scheme, url in hosts.items() if url}
            return cls(environment={**urls, "no": found.get("no", "")})
        return cls() if option == "none" else cls(_proxy_url(option))

    def of(self, target: Target) -> str:
        """Return the URL of the proxy for a target, empty where there is none."""
        found = self.fixed or self.environment.get(target.scheme, "")
        exempt = self.environment and urllib.request.proxy_bypass_environment(  # type: ignore[attr-defined]
            f"{target.host}:{target.port}", self.environment
        )
        return "" if exempt else found


def _proxy_url(text: str) -> str:
    """Return the URL of an HTTP proxy. Raises ValueError, without showing a password in it."""
    url = text if "://" in text else f"http://{text}"
    try:
        bare, userinfo = split_userinfo(url)
        Target.parse(bare)
        if userinfo:
            basic(*userinfo)
    except ValueError as error:
        raise ValueError(
            f"the proxy is not usable: {error}; write http://host:port, or `none` for no proxy"
        ) from None
    return url
