"""Servers that follow an upstream: ours as a proxy and in a group, and the peer that does the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.peers import Proxpi
from benchmarks.servers import Nginx, Ours

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.servers import Place, Server

FOLLOWING = """
pypi.repo.{name} = proxy
pypi.repo.{name}.read = everyone
pypi.repo.{name}.upstream = simple
pypi.repo.{name}.upstream.url = {upstream}
pypi.repo.{name}.ttl = 1d
pypi.repo.{name}.folder = cache/{name}
"""
GROUP = """
pypi.repo.all = group
pypi.repo.all.read = everyone
pypi.repo.all.members = private pypi
pypi.default = all
"""


class OursProxy(Ours):
    """The corpus through a proxy repository of the nginx of this run."""

    name = "ours-proxy"
    note = "ours, the same files through a proxy repository of the nginx here, cache warm"
    upload_path = None
    simple = "/pypi/simple/"
    skips = frozenset({"upload1", "upload4", "startup"})
    repositories = "private pypi"

    def link_files(self, directory: Path) -> None:
        """Leave the hosted repository empty."""
        directory.mkdir()

    def more(self) -> str:
        """Return the proxy."""
        return FOLLOWING.format(name="pypi", upstream=self.place.upstream)


class OursGroup(OursProxy):
    """The corpus through a group of an empty hosted repository and that proxy."""

    name = "ours-group"
    note = "ours, the same through a group of an empty hosted repository and such a proxy"
    simple = "/simple/"
    repositories = "private pypi all"

    def more(self) -> str:
        """Return the proxy and the group."""
        return super().more() + GROUP


class Mixed(OursGroup):
    """A hosted repository with the corpus, and a proxy of any upstream; both also in a group."""

    name = "ours-mixed"
    note = "ours, hosted files and a proxy in one process"

    def link_files(self, directory: Path) -> None:
        """Have the corpus in the hosted repository."""
        Ours.link_files(self, directory)


class EmptyProxpi(Proxpi):
    """proxpi for an upstream other than the nginx of the corpus."""

    name = "proxpi-empty"


class RealNginx(Nginx):
    """Any static site, which is written before."""

    name = "nginx-real"

    def __init__(self, place: Place, site: Path) -> None:
        super().__init__(place)
        self._site = site

    def prepare(self) -> None:
        """Take the site."""
        (self.directory / "site").symlink_to(self._site)
        (self.directory / "nginx.conf").write_text(self._configuration())


def fresh(kind: type[Server], place: Place, upstream: str) -> Server:
    """Return a running server of this kind with an empty cache, which has answered once."""
    server = kind(replace(place, upstream=upstream))
    server.make_ready()
    server.start("/")
    # What is imported with the first request to the upstream is not what a cold cache costs.
    client = Client(server.port)
    client.get(server.page("not-there"), {})
    client.close()
    return server
