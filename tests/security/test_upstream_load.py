"""Many clients and one upstream that hangs, drips, lies or is merely slow, before a live server."""

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyramid_pypi.testing.artefacts import make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.following import following
from tests.live import post_file
from tests.security.support import JSON, Client

pytestmark = pytest.mark.alone

RUNNERS = pytest.mark.parametrize("runner", ["pyramid_pypi", "waitress"])
READ_TIMEOUT = 3
SETTINGS = {
    "pypi.repo.pypi.upstream.connect_timeout": "2",
    "pypi.repo.pypi.upstream.read_timeout": str(READ_TIMEOUT),
    "pypi.repo.pypi.upstream.total_timeout": "4",
}
PATIENCE = 5.0
LOCAL = 2.0
# More than the server has threads.
CROWD = 40


@pytest.fixture
def upstream():
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def runner():
    """The server that runs the index; waitress itself has to do as well, which some tests try."""
    return "pyramid_pypi"


@pytest.fixture
def house(runner, upstream, tmp_path):
    """An index with one private project."""
    with following(tmp_path / "house", upstream.url, SETTINGS, runner=runner) as server:
        assert post_file(f"{server.url}/", "ours-1.0-py3-none-any.whl", make_wheel("ours", "1.0")) == (
            200,
            "",
        )
        yield server


def client_of(house):
    return Client(int(house.host.partition(":")[2]))


def add(upstream, name="holy-grail", size=300_000, **options):
    stem = name.replace("-", "_")
    return upstream.add(f"{stem}-1.0-py3-none-any.whl", make_wheel(name, "1.0", size=size), **options)


def at_once(count, ask):
    """Call `ask` with the numbers up to `count`, all at the same time; return what it returns."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        return ask(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def timed(ask):
    begin = time.monotonic()
    return ask(), time.monotonic() - begin


def received(client, path):
    """Return the bytes that came of a file, and whether they were all that was announced."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(), True
    except http.client.IncompleteRead as error:
        return 200, error.partial, False
    finally:
        connection.close()


def hang(house, paths, while_hanging):
    """Ask for `paths` at once; return what `while_hanging` gives, and status and seconds of each."""
    client = client_of(house)
    with ThreadPoolExecutor(len(paths)) as pool:
        hanging = [pool.submit(timed, lambda path=path: client.get(path).status) for path in paths]
        found = while_hanging()
        return found, [one.result() for one in hanging]


@pytest.mark.parametrize("same", [False, True])
def test_local_pages_are_quick_while_clients_wait_for_pages_of_a_stalled_upstream(same, house, upstream):
    client = client_of(house)
    stall = upstream.stall("*")
    paths = ["/simple/same/" if same else f"/simple/other-{number}/" for number in range(CROWD)]

    def look():
        stall.wait_until_held()
        return [
            timed(lambda: client.get(path, Accept=JSON))
            for path in ("/simple/ours/", "/-/health", "/simple/ours/")
        ]

    local, others = hang(house, paths, look)

    assert [answer.status for answer, _ in local] == [200] * 3
    assert max(seconds for _, seconds in local) < LOCAL
    assert {status for status, _ in others} <= {502, 503, 504}
    assert max(seconds for _, seconds in others) < READ_TIMEOUT + PATIENCE


@RUNNERS
def test_local_pages_are_quick_while_clients_wait_for_files_of_a_stalled_upstream(house, upstream):
    client = client_of(house)
    offered = [add(upstream, f"file-{number}") for number in range(CROWD)]
    for number in range(CROWD):
        client.get(f"/simple/file-{number}/")
    stall = upstream.stall("*.whl")

    def look():
        stall.wait_until_held()
        return [timed(lambda: client.get("/simple/ours/", Accept=JSON)) for _ in range(3)]

    local, others = hang(house, [file.path for file in offered], look)

    assert [answer.status for answer, _ in local] == [200] * 3
    assert max(seconds for _, seconds in local) < LOCAL
    assert {status for status, _ in others} <= {502, 503, 504}


def test_a_dripping_page_ends_in_time(house, upstream):
    add(upstream)
    upstream.drip("/simple/holy-grail/", interval=0.2)

    answer, seconds = timed(lambda: client_of(house).get("/simple/holy-grail/"))

    assert answer.status == 504
    assert seconds < 4 + PATIENCE


def test_a_huge_page_costs_little_memory(upstream, tmp_path):
    body = [b'{"files": ['] + [b'{"filename": "x", "url": "y", "hashes": {}},' * 20_000] * 140
    upstream.answer("/simple/huge/", 200, {"Content-Type": JSON}, lambda: iter(body))
    with following(tmp_path / "house", upstream.url) as server:
        before = rss(server.pid)

        answer = client_of(server).get("/simple/huge/")

        assert sum(map(len, body)) > 120_000_000
        assert answer.status == 502
        assert b"more than" in answer.body
        assert rss(server.pid, "VmHWM") - before < 200 * 2**20


def rss(pid, key="VmRSS"):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key)) * 1024


@RUNNERS
def test_fifty_clients_of_one_file_are_one_download(house, upstream):
    offered = add(upstream, size=5_000_000)
    client = client_of(house)

    found = at_once(50, lambda _: client.get(offered.path))

    assert {(answer.status, len(answer.body)) for answer in found} == {(200, len(offered.content))}
    assert all(answer.body == offered.content for answer in found)
    assert upstream.count(offered.path) == 1
    assert upstream.count("/simple/holy-grail/") == 1


def test_a_herd_before_one_page_is_one_request(house, upstream):
    add(upstream)
    upstream.latency = 0.3
    client = client_of(house)

    found = at_once(16, lambda _: client.get("/simple/holy-grail/").status)
    missing = at_once(20, lambda _: client.get("/simple/missing/").status)

    assert set(found) == {200}
    assert set(missing) == {404}
    assert upstream.count("/simple/holy-grail/") == 1
    assert upstream.count("/simple/missing/") == 1


@RUNNERS
@pytest.mark.parametrize("size", [1000, 2_000_000])
def test_wrong_bytes_are_complete_for_nobody_and_kept_nowhere(size, house, upstream, tmp_path):
    offered = add(upstream, size=size)
    client = client_of(house)
    client.get("/simple/holy-grail/")
    upstream.corrupt("*.whl")

    found = at_once(10, lambda _: received(client, offered.path))

    for status, body, complete in found:
        assert status != 200 or not complete
        assert status == 502 or len(body) < len(offered.content)
    kept = tmp_path / "house" / "data" / "cache" / "pypi" / "files"
    assert [path for path in kept.rglob("*.whl")] == []

    upstream.clear_faults()
    assert received(client, offered.path) == (200, offered.content, True)


def test_a_client_that_leaves_does_not_stop_the_download(house, upstream):
    offered = add(upstream, size=3_000_000)
    client = client_of(house)
    client.get("/simple/holy-grail/")
    stall = upstream.stall(offered.path, after=1_000_000)
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
    connection.request("GET", offered.path)
    answer = connection.getresponse()
    answer.read(1000)
    stall.wait_until_held()
    connection.close()
    stall.release()

    again = client.get(offered.path)

    assert again.body == offered.content
    assert upstream.count(offered.path) == 1


def test_nothing_of_a_killed_server_is_half_there(upstream, tmp_path):
    offered = add(upstream, size=3_000_000)
    folder = tmp_path / "house"
    with following(folder, upstream.url) as server:
        client = client_of(server)
        stall = upstream.stall(offered.path, after=1_000_000)
        thread = threading.Thread(target=lambda: pytest.raises(Exception, received, client, offered.path))
        thread.start()
        stall.wait_until_held()
        server.kill()
        thread.join()
        upstream.clear_faults()
        server.start()

        answer = client_of(server).get(offered.path)

        assert answer.body == offered.content
        page = json.loads(client_of(server).get("/simple/holy-grail/", Accept=JSON).body)
        assert len(page["files"]) == 1
