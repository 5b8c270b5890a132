"""The list of projects of an upstream as large as PyPI, through a server with little memory."""

import gzip
import json
import urllib.request

import pytest

from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.following import following
from tests.live import post_file
from tests.security.support import make_wheel

pytestmark = pytest.mark.alone

NAMES = 600_000
LIMIT = 200 * 2**20
JSON = "application/vnd.pypi.simple.v1+json"


def peak(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024


@pytest.fixture(scope="module")
def upstream():
    with FakeUpstream() as upstream:
        # Neither in order nor normalised.
        upstream.names = lambda: (f"Project_{number * 7919 % NAMES:06}" for number in range(NAMES))
        yield upstream


@pytest.fixture(scope="module")
def house(upstream, tmp_path_factory):
    with following(tmp_path_factory.mktemp("house"), upstream.url) as server:
        content = make_wheel("zz-ours", "1.0")
        assert post_file(f"{server.url}/", "zz_ours-1.0-py3-none-any.whl", content) == (200, "")
        yield server


def fetch(house, path, **headers):
    request = urllib.request.Request(house.at(path), headers={"Accept": JSON, **headers})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.headers, answer.read()


def test_a_list_of_all_projects_passes_through_little_memory(house, upstream):
    _, first = fetch(house, "/simple/")
    _, again = fetch(house, "/simple/")
    headers, packed = fetch(house, "/repository/pypi/simple/", **{"Accept-Encoding": "gzip"})
    highest = peak(house.pid)

    names = [project["name"] for project in json.loads(first)["projects"]]
    unpacked = json.loads(gzip.decompress(packed))["projects"]
    assert len(names) == len(set(names)) == NAMES + 1
    assert names[0] == "Project_000000"
    assert names[-2:] == ["Project_599999", "zz-ours"]
    assert names == sorted(names)
    assert first == again
    assert headers["Content-Encoding"] == "gzip"
    assert len(unpacked) == NAMES
    assert upstream.count("/simple/") == 1
    assert highest < LIMIT, f"{highest / 2**20:.0f} MiB"


def test_the_list_is_html_for_who_wants_that(house):
    _, body = fetch(house, "/simple/", Accept="text/html")

    assert body.count(b"<a href=") == NAMES + 1
    assert body.rstrip().endswith(b"-->")
    assert peak(house.pid) < LIMIT
