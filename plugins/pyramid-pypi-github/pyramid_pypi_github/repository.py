"""The releases of one repository: found, listed, made, changed, removed, and their bytes."""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi_github.client import Answer, Call, Client, Refused
from pyramid_pypi_github.releases import RELEASE_PROPERTIES, Asset, Release, read_asset, read_release

__all__ = ["Releases"]

_PAGE: Final = 100
# How many releases are remembered with their ETag; the answer to such a question is free.
_REMEMBERED: Final = 4096
_CHECKED: Final = 10.0
_BINARY: Final = "application/octet-stream"


class Releases:
    """The releases of `client.options.name`. Every method may raise StorageUnavailable."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._base = f"repos/{client.options.name}"
        self._name = client.options.name
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[str, Release]] = OrderedDict()
        self._listed: Mapping[str, Release] = {}
        self._checked_until = 0.0

    def check(self) -> None:
        """Make sure that the repository is there and may be written. A good answer counts for a while."""
        if time.monotonic() < self._checked_until:
            return
        said = self._call(Call("GET", self._base)).data or {}
        if said.get("archived"):
            raise StorageUnavailable(f"{self._name} on GitHub is archived; nothing can be written there")
        # An installation of an App is told of no permissions here.
        if not said.get("permissions", {}).get("push", True):
            raise StorageUnavailable(
                f"The token may not write to {self._name}; give it `Contents: read and write`"
            )
        self._checked_until = time.monotonic() + _CHECKED

    def is_private(self) -> bool:
        """Tell whether one has to log in to GitHub to see the repository."""
        return bool((self._call(Call("GET", self._base)).data or {}).get("private"))

    def find(self, tag: str) -> Release | None:
        """Return the published release of a tag, None if there is none. Costs one request at most."""
        listed = self._listed.get(tag)
        if listed is not None:
            return listed
        known = self._known.get(tag)
        headers = {"If-None-Match": known[0]} if known else {}
        try:
            answer = self._client.call(
                Call("GET", f"{self._base}/releases/tags/{quote(tag, safe='')}", headers=headers)
            )
        except Refused as refused:
            self._forget(tag)
            if not refused.missing:
                raise self._refused(refused) from refused
            return None
        if answer.status == 304 and known:
            return known[1]
        found = read_release(answer.data)
        self._remember(tag, answer.headers.get("etag", ""), found)
        return found

    def all(self) -> Iterator[Release]:
        """Yield every release, drafts too, page by page; `find` does not ask for those of the last page."""
        seen: frozenset[int] = frozenset()
        try:
            for page in self._pages():
                self._listed = {each.tag: each for each in page if not each.draft}
                # A release that is made meanwhile moves the last ones of a page to the next page.
                yield from (each for each in page if each.id not in seen)
                seen = frozenset(each.id for each in page)
        finally:
            self._listed = {}

    def create(self, tag: str, **fields: str | bool) -> Release:
        """Make a release, at the last commit. Raises Refused when a published one has the tag."""
        body = {"tag_name": tag, "make_latest": "false", **fields}
        made = read_release(self._client.call(Call("POST", f"{self._base}/releases", body)).data)
        self._forget(tag)
        return made

    def edit(self, release: Release, **fields: str | bool) -> Release:
        """Change a release. Raises Refused, also when it becomes public and another one has the tag."""
        call = Call("PATCH", f"{self._base}/releases/{release.id}", fields)
        changed = read_release(self._client.call(call).data)
        self._forget(release.tag)
        return changed

    def remove(self, release: Release) -> None:
        """Remove a release and leave its tag; a missing one is not an error."""
        self._delete(f"releases/{release.id}", release.tag)

    def remove_tag(self, tag: str) -> None:
        """Remove a tag, which makes its release a draft; a missing one is not an error."""
        self._delete(f"git/refs/tags/{quote(tag, safe='')}", tag)

    def upload(self, release: Release, name: str, size: int, content: Callable[[], Iterable[bytes]]) -> Asset:
        """Add bytes to a release. Raises Refused when it has an asset of the name."""
        if not self._is_github(release.upload_url):
            raise StorageUnavailable(f"GitHub wants the bytes for {self._name} at an address that is not its")
        headers = {"Content-Type": _BINARY, "Content-Length": str(size)}
        call = Call("POST", release.upload_url, params={"name": name}, headers=headers, content=content)
        return read_asset(self._client.call(call).data)

    def assets(self, release: Release) -> list[Asset]:
        """Return the assets that a release has now."""
        data = self._call(Call("GET", f"{self._base}/releases/{release.id}/assets")).data
        return [read_asset(each) for each in data or ()]

    def remove_asset(self, asset: Asset) -> None:
        """Remove an asset; a missing one is not an error."""
        self._delete(f"releases/assets/{asset.id}", "")

    def download(self, asset: Asset) -> Any:
        """Return githubkit's answer for the bytes, which is a redirect or a stream. Raises Refused."""
        url = f"{self._base}/releases/assets/{asset.id}"
        return self._client.send(Call("GET", url, headers={"Accept": _BINARY}, stream=True))

    def _pages(self) -> Iterator[list[Release]]:
        for page in itertools.count(1):
            releases, is_last = self._page(page)
            yield releases
            if is_last:
                return

    def _page(self, page: int) -> tuple[list[Release], bool]:
        params = {"per_page": _PAGE, "page": page}
        # Nine tenths of a page are about people and other addresses of the same things.
        call = Call("GET", f"{self._base}/releases", params=params, keep=RELEASE_PROPERTIES)
        answer = self._call(call)
        is_last = 'rel="next"' not in answer.headers.get("link", "")
        return [read_release(each) for each in answer.data or ()], is_last

    def _delete(self, what: str, tag: str) -> None:
        try:
            self._client.call(Call("DELETE", f"{self._base}/{what}"))
        except Refused as refused:
            # 422 is how GitHub says that there is no such tag, or that it goes with its release.
            if refused.status not in {404, 422}:
                raise self._refused(refused) from refused
        finally:
            self._forget(tag)

    def _call(self, call: Call) -> Answer:
        try:
            return self._client.call(call)
        except Refused as refused:
            raise self._refused(refused) from refused

    def _refused(self, refused: Refused) -> StorageUnavailable:
        if refused.missing:
            return StorageUnavailable(
                f"There is no {self._name} on GitHub that the token may see; check owner, repo and token"
            )
        return StorageUnavailable(f"GitHub refuses {self._name}: {refused.status} {refused.message}")

    def _remember(self, tag: str, etag: str, release: Release) -> None:
        with self._lock:
            self._known.pop(tag, None)
            if etag:
                self._known[tag] = etag, release
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def _forget(self, tag: str) -> None:
        with self._lock:
            self._known.pop(tag, None)
            self._listed = {name: each for name, each in self._listed.items() if name != tag}

    def _is_github(self, url: str) -> bool:
        """Tell whether our token may be sent there: to the API itself, or to its server for uploads."""
        there, here = urlsplit(url), urlsplit(self._client.options.base_url)
        siblings = {here.netloc, here.netloc.replace("api.", "uploads.", 1)}
        return there.scheme == here.scheme and there.netloc in siblings
