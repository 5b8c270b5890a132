"""The parts of an index, and whether they work."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from pyramid_pypi.browse.facts import PartFacts
from pyramid_pypi.browse.sizes import human_size
from pyramid_pypi.browse.upstreams import OFFLINE, WORKS, upstream_state
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.errors import Unavailable
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.proxy import Proxy
from pyramid_pypi.settings import ProxySettings

if TYPE_CHECKING:
    from pyramid_pypi.app import PackageIndex

__all__ = ["parts"]


def parts(index: "PackageIndex") -> list[PartFacts]:
    """Return the catalog, then the parts of each repository; no upstream is asked."""
    return [_looked("catalog", "catalog", lambda: _catalog(index.catalog)), *_of_repositories(index)]


def _of_repositories(index: "PackageIndex") -> Iterator[PartFacts]:
    for settings in index.settings.repositories:
        source = index.served(settings.name).source
        if isinstance(source, Hosted):
            yield _storage(source)
        elif isinstance(source, Proxy) and isinstance(settings, ProxySettings):
            state = upstream_state(source)
            yield PartFacts("upstream", source.name, ok=state in {OFFLINE, WORKS}, detail=state)
            yield _cache(source, settings.max_size)


def _looked(kind: Literal["catalog", "storage", "cache"], name: str, look: Callable[[], str]) -> PartFacts:
    """Return what looking at a part has brought; what is wrong with one hides no other."""
    try:
        return PartFacts(kind, name, ok=True, detail=look())
    except Unavailable as error:
        return PartFacts(kind, name, ok=False, detail=error.message)


def _catalog(catalog: Catalog) -> str:
    catalog.check()
    return f"the newest change has the serial {catalog.last_serial()}"


def _storage(hosted: Hosted) -> PartFacts:
    def look() -> str:
        hosted.check()
        if not hosted.catalog.is_scanned(hosted.name):
            return "can be used; the files that it had at the start are still being read"
        return "can be used"

    return _looked("storage", hosted.name, look)


def _cache(proxy: Proxy, max_size: int | None) -> PartFacts:
    def look() -> str:
        proxy.check()
        pages = proxy.parts.store.pages()
        files = proxy.parts.files
        if files is None:
            return f"{pages} pages, and no files"
        stats = files.stats()
        limit = "" if max_size is None else f" of at most {human_size(max_size)}"
        withdrawn = f", of which the upstream has withdrawn {stats.withdrawn}" if stats.withdrawn else ""
        return f"{pages} pages, {stats.files} files{withdrawn}, {human_size(stats.bytes)}{limit}"

    return _looked("cache", proxy.name, look)
