"""Private packages and public ones that they depend on, through one index URL."""

import hashlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import urljoin

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.clients.client import Client
from tests.clients.installing import INSTALLERS, install
from tests.clients.releases import put_wheel, wheel_name
from tests.following import following
from tests.live import LiveServer

MOUNTS = ["/simple/", "/+simple/", "//simple//", "/repository/all/simple/", "/all/simple/", "/all/", "/"]
_JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    """The public index."""
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def house(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """An index of our own that follows it."""
    with following(tmp_path_factory.mktemp("house"), upstream.url) as server:
        yield server

    assert server.problems() == []


def add(upstream: FakeUpstream, name: str, version: str, *needs: str, metadata: bool = True) -> bytes:
    """Offer a public wheel, with its metadata beside it or without."""
    content = make_wheel(name, version, requires_dist=needs)
    upstream.add(wheel_name(name, version), content, core_metadata=metadata)
    return content


def stock(house: LiveServer, upstream: FakeUpstream, name: str, *, metadata: bool = True) -> str:
    """Publish a private wheel that needs two public ones, of which one needs the other; return its name."""
    add(upstream, f"{name}-leaf", "1.0", metadata=metadata)
    add(upstream, f"{name}-leaf", "2.5", metadata=metadata)
    add(upstream, f"{name}-leaf", "3.0", metadata=metadata)
    add(upstream, f"{name}-branch", "1.4", f"{name}-leaf<3", metadata=metadata)
    put_wheel(house, f"{name}-tool", "1.0", requires_dist=[f"{name}-branch", f"{name}-leaf>=2"])
    return f"{name}-tool"


def check(name: str, client: str, program: Client, url: str) -> None:
    """Install the private wheel with what it needs."""
    done = install(client, program, url, f"{name}-tool")

    found = {part: done.version(f"{name}-{part}".replace("-", "_")) for part in ("tool", "branch", "leaf")}
    assert found == {"tool": "1.0", "branch": "1.4", "leaf": "2.5"}


@pytest.mark.parametrize("client", INSTALLERS)
def test_a_private_package_is_installed_with_public_ones(
    client: str, house: LiveServer, upstream: FakeUpstream, start: Callable[[str], Client]
) -> None:
    stock(house, upstream, f"with-{client}")

    check(f"with-{client}", client, start(client), house.at("/simple/"))

    assert upstream.count(f"*with-{client}-tool*") == 0


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("form", ["json", "html"])
@pytest.mark.parametrize("client", ["pip", "uv"])
def test_an_upstream_that_speaks_only_one_format_will_do(
    client: str,
    form: str,
    metadata: bool,
    house: LiveServer,
    upstream: FakeUpstream,
    start: Callable[[str], Client],
) -> None:
    name = f"{form}-{'rich' if metadata else 'bare'}-{client}"
    stock(house, upstream, name, metadata=metadata)
    upstream.formats = {form}
    try:
        check(name, client, start(client), house.at("/simple/"))
    finally:
        upstream.formats = {"html", "json"}


def test_poetry_installs_over_an_upstream_of_bare_html(
    house: LiveServer, upstream: FakeUpstream, poetry: Client
) -> None:
    stock(house, upstream, "bare-poetry", metadata=False)
    upstream.formats = {"html"}
    try:
        check("bare-poetry", "poetry", poetry, house.at("/simple/"))
    finally:
        upstream.formats = {"html", "json"}


@pytest.mark.parametrize("mount", ["", "/all", "/repository/all/simple"])
@pytest.mark.parametrize("client", ["pip", "uv"])
def test_every_form_of_the_url_installs(
    client: str, mount: str, house: LiveServer, upstream: FakeUpstream, start: Callable[[str], Client]
) -> None:
    name = f"form-{client}-{len(mount)}"
    stock(house, upstream, name)

    check(name, client, start(client), house.at(mount))


def fetch(url: str, headers: dict[str, str] | None = None) -> bytes:
    """Return what is at a URL."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=20) as answer:
        found: bytes = answer.read()
        return found


@pytest.mark.parametrize("mount", MOUNTS)
def test_files_and_metadata_of_every_member_are_below_every_mount(
    mount: str, house: LiveServer, upstream: FakeUpstream
) -> None:
    number = MOUNTS.index(mount)
    public = add(upstream, f"mount-public-{number}", "1.0")
    private = put_wheel(house, f"mount-private-{number}", "1.0")
    wanted = {f"mount-public-{number}": public, f"mount-private-{number}": private}

    for name, content in wanted.items():
        url = house.at(f"{mount}{name}/")
        (file,) = json.loads(fetch(url, _JSON))["files"]
        where = urljoin(url, file["url"])
        assert fetch(where) == content
        assert hashlib.sha256(fetch(f"{where}.metadata")).hexdigest() == file["core-metadata"]["sha256"]


def test_people_publish_to_the_url_that_they_install_from(
    house: LiveServer, upstream: FakeUpstream, twine: Client, pip: Client
) -> None:
    wheel = twine.cwd / wheel_name("there-and-back", "1.0")
    wheel.write_bytes(make_wheel("there-and-back", "1.0"))
    url = house.at("/simple/")

    twine("upload", "--repository-url", url, "--username", "any", "--password", "any", wheel)
    done = install("pip", pip, url, "there-and-back")

    assert done.version("there_and_back") == "1.0"
    assert upstream.count("*there-and-back*") == 0
