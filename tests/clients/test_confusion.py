"""A private name is never answered from outside, whatever version somebody has put there."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.clients.client import Client
from tests.clients.installing import INSTALLERS, install
from tests.clients.releases import put, put_wheel, wheel_name
from tests.following import following
from tests.live import LiveServer, post_file

SPELLINGS = ["acme-widget", "Acme.Widget", "acme_widget", "ACME--widget"]
_SETTINGS = {"pypi.repo.all.reserve": "acme-planned acme-secret-*", "pypi.repo.all.merge": "acme-merged"}
_JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    """The public index, where somebody has taken names of ours."""
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def house(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """An index of our own that follows it, with one private package that is public as well."""
    with following(tmp_path_factory.mktemp("house"), upstream.url, _SETTINGS) as server:
        put_wheel(server, "acme-widget", "1.0")
        take(upstream, "acme-widget")
        yield server

    assert server.problems() == []


@pytest.fixture
def unasked(upstream: FakeUpstream) -> Iterator[None]:
    """Nobody may have asked the public index for anything of ours."""
    upstream.forget()
    yield

    assert [one.target for one in upstream.requests if "acme" in one.target.lower()] == []


def take(upstream: FakeUpstream, name: str) -> None:
    """Put a higher version of a name on the public index."""
    upstream.add(wheel_name(name, "99.0"), make_wheel(name, "99.0"))
    stem = f"{name.replace('-', '_')}-99.0"
    upstream.add(f"{stem}.tar.gz", make_sdist(name, "99.0"))


def page(house: LiveServer, path: str) -> tuple[int, list[str], str]:
    """Return the status of a page, the names of its files, and the repository that has answered."""
    request = urllib.request.Request(house.at(path), headers=_JSON)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            files = [file["filename"] for file in json.loads(answer.read())["files"]]
            return answer.status, files, answer.headers["X-PyPI-Repository"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, [], error.read().decode()


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("client", INSTALLERS)
def test_every_client_gets_the_private_version(
    client: str, house: LiveServer, start: Callable[[str], Client]
) -> None:
    done = install(client, start(client), house.at("/simple/"), "acme-widget")

    assert done.version("acme_widget") == "1.0"


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("spelling", SPELLINGS[1:])
@pytest.mark.parametrize("client", ["pip", "uv"])
def test_every_spelling_is_the_private_one(
    client: str, spelling: str, house: LiveServer, start: Callable[[str], Client]
) -> None:
    done = install(client, start(client), house.at("/simple/"), spelling)

    assert done.version("acme_widget") == "1.0"


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("mount", ["/simple/", "/repository/all/simple/", "/all/", "/legacy/+simple/"])
def test_every_page_has_private_files_alone(mount: str, spelling: str, house: LiveServer) -> None:
    assert page(house, f"{mount}{spelling}/") == (200, ["acme_widget-1.0-py3-none-any.whl"], "private")


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("client", ["pip", "uv", "poetry", "pdm"])
def test_the_public_version_cannot_be_had_by_asking_for_it(
    client: str, house: LiveServer, start: Callable[[str], Client]
) -> None:
    done = INSTALLERS[client](start(client), house.at("/simple/"), "acme-widget==99.0")

    assert done.code != 0
    assert done.version("acme_widget") != "99.0"


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("suffix", ["", ".metadata", ".asc"])
@pytest.mark.parametrize("filename", ["acme_widget-99.0-py3-none-any.whl", "acme_widget-99.0.tar.gz"])
@pytest.mark.parametrize("repository", ["", "/repository/all", "/all"])
def test_the_public_files_cannot_be_had_by_their_paths(
    repository: str, filename: str, suffix: str, house: LiveServer, upstream: FakeUpstream
) -> None:
    content = make_wheel("acme-widget", "99.0")
    offered = upstream.add(
        filename, content if filename.endswith("whl") else make_sdist("acme-widget", "99.0")
    )

    status, _, _ = page(house, f"{repository}{offered.path}{suffix}")

    assert status == 404


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("client", ["pip", "uv"])
def test_a_private_sdist_wins_over_a_public_wheel(
    client: str, house: LiveServer, upstream: FakeUpstream, start: Callable[[str], Client]
) -> None:
    name = f"acme-source-{client}"
    take(upstream, name)
    put(house, f"{name.replace('-', '_')}-1.0.tar.gz", make_sdist(name, "1.0"))

    done = install(client, start(client), house.at("/simple/"), name)

    assert done.version(name.replace("-", "_")) == "1.0"


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("client", INSTALLERS)
def test_a_name_whose_private_release_is_gone_stays_private(
    client: str, house: LiveServer, upstream: FakeUpstream, start: Callable[[str], Client]
) -> None:
    name = f"acme-gone-{client}"
    take(upstream, name)
    put_wheel(house, name, "1.0")
    form = {":action": "remove_pkg", "name": name, "version": "1.0"}
    assert post_file(house.at("/"), "ignored", b"", **form)[0] == 200

    status, files, _ = page(house, f"/simple/{name}/")
    done = INSTALLERS[client](start(client), house.at("/simple/"), name)

    assert (status, files) in ((200, []), (404, []))
    assert done.code != 0
    assert done.version(name.replace("-", "_")) != "99.0"


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("name", ["acme-planned", "Acme_Planned", "acme-secret-anything"])
@pytest.mark.parametrize("client", ["pip", "uv", "poetry"])
def test_a_reserved_name_is_nothing_until_it_is_published(
    client: str, name: str, house: LiveServer, upstream: FakeUpstream, start: Callable[[str], Client]
) -> None:
    take(upstream, "acme-planned")
    take(upstream, "acme-secret-anything")

    status, _, said = page(house, f"/simple/{name}/")
    done = INSTALLERS[client](start(client), house.at("/simple/"), name)

    assert status == 404
    assert "reserves" in said
    assert done.code != 0


@pytest.mark.usefixtures("unasked")
def test_a_reserved_name_is_installed_once_it_is_published(
    house: LiveServer, upstream: FakeUpstream, pip: Client
) -> None:
    take(upstream, "acme-secret-soon")
    before, _, _ = page(house, "/simple/acme-secret-soon/")
    put_wheel(house, "acme-secret-soon", "0.1")

    done = install("pip", pip, house.at("/simple/"), "acme-secret-soon")

    assert before == 404
    assert done.version("acme_secret_soon") == "0.1"


@pytest.mark.parametrize("client", ["pip", "uv"])
def test_a_name_that_is_merged_has_the_files_of_both_and_no_other_name_has(
    client: str, house: LiveServer, upstream: FakeUpstream, start: Callable[[str], Client]
) -> None:
    take(upstream, "acme-merged")
    take(upstream, "acme-merged-not")
    put_wheel(house, "acme-merged", "1.0")
    put_wheel(house, "acme-merged-not", "1.0")

    status, files, repository = page(house, "/simple/acme-merged/")
    done = install(client, start(client), house.at("/simple/"), "acme-merged")

    assert (status, repository) == (200, "private, pypi")
    assert sorted(files) == [
        "acme_merged-1.0-py3-none-any.whl",
        "acme_merged-99.0-py3-none-any.whl",
        "acme_merged-99.0.tar.gz",
    ]
    assert done.version("acme_merged") == "99.0"
    assert page(house, "/simple/acme-merged-not/")[1] == ["acme_merged_not-1.0-py3-none-any.whl"]
    assert upstream.count("/simple/acme-merged-not/") == 0


def test_of_equal_file_names_the_merged_page_has_the_private_one(
    house: LiveServer, upstream: FakeUpstream, pip: Client
) -> None:
    upstream.add(
        wheel_name("acme-merged", "2.0"), make_wheel("acme-merged", "2.0", files={"evil.py": "pass"})
    )
    put_wheel(house, "acme-merged", "2.0")

    done = install("pip", pip, house.at("/simple/"), "acme-merged==2.0")

    assert done.version("acme_merged") == "2.0"
    assert not (done.library / "evil.py").exists()
