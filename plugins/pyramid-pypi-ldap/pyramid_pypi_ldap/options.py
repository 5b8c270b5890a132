"""What `pypi.auth.<name> = ldap` takes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pyramid_pypi.options import Seconds, Secret
from pyramid_pypi_ldap.client import is_dn
from pyramid_pypi_ldap.templates import fill_dn, is_filter
from pyramid_pypi_ldap.tunnel import Transport

__all__ = ["Options"]

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+")


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True, slots=True)
class Options:
    """Where the directory is, how its people are found, and what is told about them."""

    servers: tuple[str, ...] = field(metadata=_help("URLs, ldaps:// or ldap://, asked in this order"))
    starttls: bool = field(default=True, metadata=_help("ldap:// is made safe with StartTLS, or not used"))
    verify: bool = field(default=True, metadata=_help("certificates are checked; `no` is for experiments"))
    ca: Path | None = field(default=None, metadata=_help("a PEM file of authorities, else the system's"))
    connect_timeout: Seconds = field(default=3, metadata=_help("for the connection and its TLS"))
    timeout: Seconds = field(default=5, metadata=_help("for each question"))
    bind_dn: str = field(default="", metadata=_help("the account that searches; empty: anonymously"))
    bind_password: Secret | None = field(default=None, metadata=_help("its password; env:NAME or file:/path"))
    connections: int = field(default=2, metadata=_help("of that account kept open, for each server"))
    user_dn: str = field(default="", metadata=_help("a DN with {username}, instead of a search"))
    user_base: str = field(default="", metadata=_help("the DN below which people are searched"))
    user_scope: Literal["subtree", "onelevel"] = field(default="subtree", metadata=_help("how deep"))
    user_filter: str = field(default="(objectClass=*)", metadata=_help("what all who may log in match"))
    name_attribute: str = field(default="uid", metadata=_help("the attribute that is the user's name here"))
    login_attributes: tuple[str, ...] = field(
        default=(), metadata=_help("the attributes that people may log in with; else name_attribute")
    )
    lowercase: bool = field(default=False, metadata=_help("names of users and groups in lower case"))
    groups: Literal["none", "search", "memberof", "nested"] = field(
        default="none", metadata=_help("where groups come from; nested is for Active Directory")
    )
    group_base: str = field(default="", metadata=_help("the DN below which groups are"))
    group_filter: str = field(
        default="(|(member={dn})(uniqueMember={dn})(memberUid={username}))",
        metadata=_help("which groups a user is in, for search"),
    )
    group_attribute: str = field(default="cn", metadata=_help("the attribute that is a group's name here"))
    memberof_attribute: str = field(default="memberOf", metadata=_help("the groups in a user's entry"))
    group_map: str = field(default="", metadata=_help("lines of `name here = name or DN there`"))
    access_groups: tuple[str, ...] = field(
        default=(), metadata=_help("only members of one of these groups, named as here, are let in")
    )

    def __post_init__(self) -> None:
        problems = [*_addresses(self), *_people(self), *_groups(self)]
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def transport(self) -> Transport:
        """How servers are connected to."""
        return Transport(self.starttls, self.verify, self.ca, self.connect_timeout, self.timeout)

    @property
    def can_search(self) -> bool:
        """Whether a user can be found without a password."""
        return bool(self.user_base or self.bind_dn)

    def renames(self) -> Mapping[str, str]:
        """Return the names of groups here by their names or DNs in the directory, in lower case."""
        pairs = (line.partition("=") for line in self.group_map.splitlines() if line.strip())
        return {there.strip().lower(): here.strip() for here, _, there in pairs}


def _addresses(options: Options) -> Iterator[str]:
    if not options.servers:
        yield "servers names no server"
    for url in options.servers:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"ldap", "ldaps"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.path not in {"", "/"} or parts.query or parts.username is not None:
            yield f"servers: {url!r} is not ldaps://HOST, ldap://HOST or one of them with :PORT"
    if options.ca is not None and not options.ca.is_file():
        yield f"ca: {options.ca} is not a file"
    if options.connect_timeout < 1 or options.timeout < 1:
        yield "connect_timeout and timeout are at least one second"


def _people(options: Options) -> Iterator[str]:
    if bool(options.user_dn) == bool(options.user_base):
        yield "set user_base to search for people, or user_dn for a DN with {username}, and not both"
    if options.user_dn and ("{username}" not in options.user_dn or not is_dn(fill_dn(options.user_dn, "x"))):
        yield "user_dn is not a DN with {username} in it"
    for name in ("user_base", "bind_dn", "group_base"):
        text = getattr(options, name)
        if text and not is_dn(text):
            yield f"{name} is not a DN"
    if bool(options.bind_dn) != bool(options.bind_password and options.bind_password.reveal()):
        yield "bind_dn and bind_password belong together"
    if options.connections < 0:
        yield "connections is not negative"
    if not is_filter(options.user_filter):
        yield "user_filter is not a filter in parentheses"
    named = (options.name_attribute, options.group_attribute, options.memberof_attribute)
    for name in (*named, *options.login_attributes):
        if not _ATTRIBUTE.fullmatch(name):
            yield f"{name!r} is not the name of an attribute"


def _groups(options: Options) -> Iterator[str]:
    if options.groups in {"search", "nested"} and not options.group_base:
        yield f"groups = {options.groups} needs group_base"
    filled = "{dn}" in options.group_filter or "{username}" in options.group_filter
    if options.groups == "search" and not (filled and is_filter(options.group_filter)):
        yield "group_filter is not a filter in parentheses with {dn} or {username} in it"
    if options.access_groups and options.groups == "none":
        yield "access_groups needs groups"
    for line in options.group_map.splitlines():
        here, equals, there = line.partition("=")
        if line.strip() and not (equals and there.strip() and len(here.split()) == 1):
            yield f"group_map: {line.strip()!r} is not `name here = name or DN there`"
