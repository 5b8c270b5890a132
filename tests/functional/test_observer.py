"""What plugins and the access log learn of requests."""

import json
import logging
import threading
from types import SimpleNamespace

import pytest

from pyramid_pypi import hookimpl
from pyramid_pypi.model import Answered
from pyramid_pypi.web.observer import Observed, Observer


@pytest.fixture
def heard():
    return []


@pytest.fixture
def client(pypi_index, heard):
    def hear(request):
        heard.append(request)

    plugin = SimpleNamespace(pypi_request_answered=hookimpl(hear))
    return pypi_index(plugins=[plugin], settings={"pypi.repo.private.read": "everyone"})


@pytest.fixture
def filled(client, pypi_publish, pypi_wheel):
    pypi_publish(client, pypi_wheel("holy-grail", "1.0"))
    return client


def routes(client, heard):
    client.app.flush()
    return [(one.method, one.route, one.status) for one in heard]


def test_a_plugin_learns_of_every_request(filled, heard):
    filled.app.flush()
    heard.clear()
    answer = filled.get("/simple/holy-grail/")
    filled.app.flush()

    (one,) = heard
    assert isinstance(one, Answered)
    assert one == Answered(
        at=one.at,
        seconds=one.seconds,
        method="GET",
        route="project",
        status=200,
        size=answer.content_length,
        repository="private",
        project="holy-grail",
        identity=one.identity,
    )
    assert one.at.utcoffset().total_seconds() == 0
    assert 0 < one.seconds < 60


def test_a_route_is_a_word_without_the_place_of_the_repository(filled, heard):
    filled.app.flush()
    heard.clear()
    paths = ("/simple/holy-grail/", "/private/simple/holy-grail/", "/repository/private/simple/holy-grail/")
    for path in paths:
        # The second answer of each is ready.
        filled.get(path)
        filled.get(path)
    filled.get("/holy-grail/")

    assert routes(filled, heard) == [("GET", "project", 200)] * 7


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/simple/", "projects", 200),
        ("/pypi/holy-grail/json", "json", 200),
        ("/-/health", "health", 200),
        ("/simple/nothing/", "project", 404),
        ("/packages/aa/bb/nothing", "file", 404),
        ("/no/such/place/at/all", "", 404),
    ],
)
def test_ready_or_not_a_route_has_one_word(filled, heard, path, route, status):
    filled.app.flush()
    heard.clear()
    for _ in range(2):
        filled.get(path, status=status)

    assert routes(filled, heard) == [("GET", route, status)] * 2


def test_a_file_is_one_whether_it_is_ready_or_not(filled, heard):
    url = filled.get("/simple/holy-grail/").html.a["href"].replace("../..", "").partition("#")[0]
    filled.app.flush()
    heard.clear()
    filled.get(url)
    filled.get(url)
    filled.head(url)

    assert routes(filled, heard) == [("GET", "file", 200)] * 2 + [("HEAD", "file", 200)]
    assert {one.file for one in heard} == {"holy_grail-1.0-py3-none-any.whl"}


def test_a_plugin_that_fails_keeps_nobody_from_learning(pypi_index, heard, caplog):
    broken = SimpleNamespace(pypi_request_answered=hookimpl(lambda: 1 / 0))

    def hear(request):
        heard.append(request)

    working = SimpleNamespace(pypi_request_answered=hookimpl(hear))
    client = pypi_index(plugins=[broken, working])

    client.get("/-/health")
    client.app.flush()

    assert [one.route for one in heard] == ["health"]
    assert "failed in pypi_request_answered" in caplog.text


def test_where_nobody_listens_nothing_is_in_front_of_the_application(pypi_index):
    client = pypi_index(settings={"pypi.downloads": "false", "pypi.access_log": "false"})

    assert client.app._observer is None
    assert client.get("/-/health").status_int == 200


def test_a_log_that_is_off_has_no_lines(pypi_index, caplog):
    client = pypi_index(settings={"pypi.access_log": "true"})
    caplog.set_level(logging.WARNING, logger="pyramid_pypi.access")
    client.get("/-/health")
    client.app.flush()
    assert not [one for one in caplog.records if one.name == "pyramid_pypi.access"]

    caplog.set_level(logging.INFO, logger="pyramid_pypi.access")
    client.get("/-/health")
    client.app.flush()
    (record,) = (one for one in caplog.records if one.name == "pyramid_pypi.access")
    assert json.loads(record.message)["path"] == "/-/health"


class Recording:
    """A sink that tells when it has taken something."""

    def __init__(self, *, fails=False):
        self.taken = []
        self.event = threading.Event()
        self.fails = fails

    def take(self, exchanges):
        self.taken += exchanges
        self.event.set()
        if self.fails:
            raise RuntimeError("the sink is broken")

    def flush(self):
        pass


def answer(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def asked(observer):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x"}
    return observer(environ, lambda *_: None)


def test_a_thread_hands_out_what_was_answered(caplog):
    broken, working = Recording(fails=True), Recording()
    observer = Observer([broken, working])

    assert asked(Observed(answer, observer)) == [b"ok"]

    assert working.event.wait(10)
    (one,) = working.taken
    assert (one.status, one.size, one.path, one.route, one.seen) == (200, 2, "/x", "", ("", "", ""))
    assert "1 requests are lost for Recording" in caplog.text
    observer.close()


def test_an_application_that_fails_is_not_in_the_way():
    def fail(environ, start_response):
        raise KeyError("no answer")

    observer = Observed(fail, Observer([Recording()]))

    with pytest.raises(KeyError):
        asked(observer)
