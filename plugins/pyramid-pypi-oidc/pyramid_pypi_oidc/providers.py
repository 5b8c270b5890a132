"""Providers that people sign in with, as the ini describes them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pyramid_pypi.options import Secret
from pyramid_pypi.settings.instances import read_options
from pyramid_pypi.settings.reader import Reader
from pyramid_pypi_oidc.issuers import IssuerOptions

__all__ = ["Provider", "ProviderOptions"]


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOptions:
    """Where the provider is, who we are there, and which claims are a user's name and groups."""

    url: str = field(metadata=_help("the issuer, exactly as its discovery document names it"))
    client_id: str = field(metadata=_help("the name of the index at the provider"))
    client_secret: Secret | None = field(
        default=None, metadata=_help("its secret, env:NAME or file:/path; none for a public client")
    )
    title: str = field(default="", metadata=_help("what the page for logging in calls it"))
    scopes: tuple[str, ...] = field(
        default=("openid", "profile"), metadata=_help("what is asked for; `openid` is one of them")
    )
    name_claim: str = field(default="preferred_username", metadata=_help("the claim that is the user's name"))
    groups_claim: str = field(default="groups", metadata=_help("the claim with the user's groups"))
    group_prefix: str = field(default="", metadata=_help("goes before the names of groups"))
    required_group: str = field(
        default="", metadata=_help("only members of this group of the provider are let in")
    )
    ca: Path | None = field(default=None, metadata=_help("a PEM file of authorities besides the system's"))

    def __post_init__(self) -> None:
        IssuerOptions(self.url, self.ca)
        if "openid" not in self.scopes:
            raise ValueError("scopes: `openid` is one of them")
        if any(map(str.isspace, self.group_prefix)):
            raise ValueError("group_prefix: groups have no white space")


class _Kind:
    Options = ProviderOptions


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider and its name in the settings and in URLs."""

    name: str
    options: ProviderOptions

    @classmethod
    def read(cls, reader: Reader, key: str, name: str) -> Self | None:
        """Return what the keys say, None where something is wrong, which the reader is told."""
        options = read_options(reader, key, _Kind)
        return cls(name, options) if isinstance(options, ProviderOptions) else None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.options.title or self.name
