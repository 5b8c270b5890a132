"""Installing goes on when the upstream is gone, and when nobody may ask it."""

import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.clients.client import Client
from tests.clients.installing import anew, install
from tests.clients.releases import installed, put_wheel, wheel_name
from tests.following import following
from tests.live import LiveServer

# Every page is asked for anew, so that one whose upstream is gone is out of date at once.
_ALWAYS = {"pypi.repo.pypi.ttl": "0", "pypi.repo.pypi.stale_while_revalidate": "0"}
# What one connection may take is five seconds, and an answer ten.
_AT_ONCE = 2.0


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    """The public index."""
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def house(upstream: FakeUpstream, tmp_path: Path) -> Iterator[LiveServer]:
    """An index of our own that follows it, and that is offline while the file `offline` exists."""
    settings = {**_ALWAYS, "pypi.repo.pypi.offline_file": "offline"}
    with following(tmp_path / "house", upstream.url, settings) as server:
        yield server


@pytest.fixture
def offline(house: LiveServer) -> Iterator[Path]:
    """The file that takes the index offline, which does not exist yet and will not after the test."""
    path = house.ini.parent / "data" / "offline"
    yield path
    path.unlink(missing_ok=True)


def stock(house: LiveServer, upstream: FakeUpstream, name: str) -> str:
    """Publish a private wheel that needs a public one; return its name."""
    upstream.add(wheel_name(f"{name}-public", "1.0"), make_wheel(f"{name}-public", "1.0"))
    put_wheel(house, name, "1.0", requires_dist=[f"{name}-public"])
    return name


def get(url: str) -> tuple[int, Message, bytes, float]:
    """Return status, headers, body and how many seconds it took."""
    begin = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.headers, answer.read(), time.monotonic() - begin
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read(), time.monotonic() - begin


def wait_for_metadata(url: str) -> None:
    """Return when the metadata of a wheel is here, which is read from it once it is."""
    deadline = time.monotonic() + 10
    while get(url)[0] != 200:
        assert time.monotonic() < deadline, "the metadata has not been read from the wheel"
        time.sleep(0.02)


@pytest.mark.parametrize("client", ["pip", "uv", "poetry", "pdm"])
def test_a_fresh_client_installs_while_the_upstream_is_down(
    client: str,
    house: LiveServer,
    upstream: FakeUpstream,
    tmp_path: Path,
    start: Callable[[str], Client],
) -> None:
    name = stock(house, upstream, f"down-{client}")
    program = start(client)
    install(client, program, house.at("/simple/"), name)
    upstream.down()

    done = install(client, anew(program, tmp_path / "again"), house.at("/simple/"), name)

    package = name.replace("-", "_")
    assert [done.version(one) for one in (package, f"{package}_public")] == ["1.0", "1.0"]


def test_a_fresh_client_installs_what_another_client_has_brought(
    house: LiveServer, upstream: FakeUpstream, pip: Client, uv: Client
) -> None:
    name = stock(house, upstream, "brought")
    install("uv", uv, house.at("/simple/"), name)
    upstream.down()

    done = install("pip", pip, house.at("/simple/"), name)

    assert done.version("brought_public") == "1.0"


@pytest.mark.parametrize("mount", ["/simple/", "/repository/pypi/simple/"])
def test_a_page_that_is_out_of_date_says_so(mount: str, house: LiveServer, upstream: FakeUpstream) -> None:
    upstream.add(wheel_name("stale", "1.0"), make_wheel("stale", "1.0"))
    url = house.at(f"{mount}stale/")
    fresh, fresh_headers, body, _ = get(url)
    upstream.down()

    status, headers, again, _ = get(url)

    assert (fresh, status) == (200, 200)
    assert "X-PyPI-Stale" not in fresh_headers
    assert re.sub(rb"<!--.*", b"", again) == re.sub(rb"<!--.*", b"", body)
    assert headers["Warning"] == '110 - "Response is Stale"'
    assert int(headers["X-PyPI-Stale"]) >= 1
    assert "The page of 'stale' is out of date" in house.text()


def test_what_was_never_asked_for_is_an_error_that_names_the_upstream(
    house: LiveServer, upstream: FakeUpstream
) -> None:
    upstream.add(wheel_name("never-asked", "1.0"), make_wheel("never-asked", "1.0"))
    upstream.down()

    status, headers, body, _ = get(house.at("/simple/never-asked/"))

    assert status == 502
    assert int(headers["Retry-After"]) > 0
    assert f"{upstream.host}:{upstream.port}".encode() in body


@pytest.mark.parametrize("client", ["pip", "uv", "poetry"])
def test_a_signal_file_takes_the_index_offline_and_clients_install(
    client: str,
    house: LiveServer,
    upstream: FakeUpstream,
    offline: Path,
    tmp_path: Path,
    start: Callable[[str], Client],
) -> None:
    name = stock(house, upstream, f"signal-{client}")
    program = start(client)
    install(client, program, house.at("/simple/"), name)
    offline.touch()
    upstream.forget()

    done = install(client, anew(program, tmp_path / "again"), house.at("/simple/"), name)

    assert done.version(f"{name}_public".replace("-", "_")) == "1.0"
    assert upstream.requests == []


def test_offline_is_quick_and_asks_nobody_even_if_the_upstream_would_hang(
    house: LiveServer, upstream: FakeUpstream, offline: Path
) -> None:
    content = make_wheel("quick", "1.0")
    kept = upstream.add(wheel_name("quick", "1.0"), content)
    missed = upstream.add(wheel_name("quick", "2.0"), make_wheel("quick", "2.0"))
    upstream.add(wheel_name("unseen", "1.0"), make_wheel("unseen", "1.0"))
    get(house.at("/simple/quick/"))
    get(house.at(kept.path))
    offline.touch()
    wait_for_metadata(house.at(f"{kept.path}.metadata"))
    upstream.forget()
    stall = upstream.stall("*")
    try:
        asked = ["/simple/quick/", kept.path, f"{kept.path}.metadata", missed.path, "/simple/unseen/"]
        answers = [get(house.at(path)) for path in asked]
    finally:
        upstream.clear_faults()

    assert [status for status, *_ in answers] == [200, 200, 200, 504, 504]
    assert answers[1][2] == content
    assert max(seconds for *_, seconds in answers) < _AT_ONCE
    assert b"offline" in answers[3][2]
    assert b"offline" in answers[4][2]
    assert stall.held == 0
    assert upstream.requests == []


def test_without_the_signal_file_the_upstream_is_asked_again(
    house: LiveServer, upstream: FakeUpstream, offline: Path
) -> None:
    upstream.add(wheel_name("back", "1.0"), make_wheel("back", "1.0"))
    offline.touch()
    before, *_ = get(house.at("/simple/back/"))
    offline.unlink()

    after, *_ = get(house.at("/simple/back/"))

    assert (before, after) == (504, 200)


def test_an_offline_index_still_takes_and_gives_private_packages(
    house: LiveServer, offline: Path, pip: Client
) -> None:
    offline.touch()
    put_wheel(house, "home-made", "1.0")

    assert install("pip", pip, house.at("/simple/"), "home-made").version("home_made") == "1.0"


def write_project(uv: Client, url: str, name: str) -> None:
    """Write a project of uv whose only index is `url`."""
    uv.cwd.joinpath("pyproject.toml").write_text(
        f"""\
[project]
name = "offline-project"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["{name}"]

[tool.uv]
package = false

[[tool.uv.index]]
name = "house"
url = "{url}"
default = true
"""
    )


@pytest.mark.parametrize("how", ["--locked", "--frozen"])
def test_a_lock_is_synced_while_the_upstream_is_down(
    how: str,
    house: LiveServer,
    upstream: FakeUpstream,
    tmp_path: Path,
    uv: Client,
) -> None:
    name = stock(house, upstream, f"locked{how}".replace("--", "-"))
    write_project(uv, house.at("/simple/"), name)
    uv("sync", "--no-cache", "--python", sys.executable)
    later = anew(uv, tmp_path / "again")
    for file in ("pyproject.toml", "uv.lock"):
        later.cwd.joinpath(file).write_bytes((uv.cwd / file).read_bytes())
    upstream.down()

    later("sync", how, "--no-cache", "--python", sys.executable)

    site = later.cwd / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    assert installed(site, f"{name}_public".replace("-", "_")) == "1.0"
