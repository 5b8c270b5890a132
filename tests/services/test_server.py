"""The server over real connections, with bytes whose arrival the test decides."""

import contextlib
import gc
import http.client
import os
import re
import socket
import threading
import time

import pytest
import waitress

from pyramid_pypi.server import ARRIVING_WRAPPER, create_server
from pyramid_pypi.web.slices import FileSlices
from tests.live import LiveServer, write_ini
from tests.unit.server.fakes import FakeArriving

CONTENT = os.urandom(1 << 20)
MIB = 1 << 20


class Application:
    """Answers by path: `/page`, `/empty/<status>`, `/file`, `/echo`, and `/arriving/<name>`."""

    def __init__(self, tmp_path):
        self.path = tmp_path / "file"
        self.path.write_bytes(CONTENT * 8)
        self.arriving = {}
        self.asked = []
        self.opened = []

    def __call__(self, environ, start_response):
        self.asked.append(environ["PATH_INFO"])
        kind, _, name = environ["PATH_INFO"].strip("/").partition("/")
        return getattr(self, kind)(environ, start_response, name)

    def page(self, environ, start_response, name):
        start_response("200 OK", [("Content-Length", "4")])
        return [b"page"]

    def echo(self, environ, start_response, name):
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def empty(self, environ, start_response, status):
        start_response(f"{status} Empty", [("ETag", '"x"')])
        return []

    def file(self, environ, start_response, name):
        stream = self.path.open("rb")
        self.opened.append(stream)
        size = int(name or self.path.stat().st_size)
        start_response("200 OK", [("Content-Length", str(size))])
        return environ["wsgi.file_wrapper"](FileSlices(stream), 1 << 18)

    def slowly(self, environ, start_response, name):
        start_response("200 OK", [("Content-Length", str(len(CONTENT)))])
        return (CONTENT[at : at + 1000] for at in range(0, len(CONTENT), 1000))

    def part(self, environ, start_response, name):
        arriving = self.arriving[name]
        start_response("206 Partial Content", [("Content-Length", "1000")])
        return environ[ARRIVING_WRAPPER](arriving, 500, 1500)

    def to(self, environ, start_response, name):
        arriving = self.arriving[name]
        start_response("200 OK", [("Content-Length", str(len(arriving.content)))])
        return environ[ARRIVING_WRAPPER](arriving, 0, len(arriving.content))


class Running:
    """A server in a thread of this process."""

    def __init__(self, application, create=create_server, **settings):
        self.application = application
        self.server = create(application, listen="127.0.0.1:0", **{"threads": 2, **settings})
        self.port = int(self.server.effective_port)
        self._stopped = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stopped:
            self.server.asyncore.loop(timeout=1, map=self.server._map, use_poll=True, count=1)

    def stop(self):
        self._stopped = True
        self.server.pull_trigger()
        self._thread.join()
        for channel in list(self.server.active_channels.values()):
            channel.handle_close()
        self.server.task_dispatcher.shutdown()
        self.server.close()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def raw(self, data):
        """Return everything that the server sends before it closes."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read()


def read_all(connection):
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(1 << 16):
            received += chunk
    return received


def receive(connection, size):
    """Return `size` bytes, fewer if the server closes."""
    received = bytearray()
    while len(received) < size and (chunk := connection.recv(min(size - len(received), 1 << 18))):
        received += chunk
    return bytes(received)


def read_head(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, head
        head += byte
    return head


def read_answer(connection):
    """Return the head and the body of one answer with a length."""
    head = read_head(connection)
    size = int(re.search(rb"Content-Length: (\d+)", head)[1])
    return head, receive(connection, size)


def ask(connection, path, *headers, method="GET", version="1.1"):
    lines = [f"{method} {path} HTTP/{version}", "Host: x", *headers]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())


@pytest.fixture
def application(tmp_path):
    return Application(tmp_path)


@pytest.fixture
def running(application):
    server = Running(application)
    yield server
    server.stop()


@pytest.fixture
def arriving(application):
    application.arriving["x"] = FakeArriving(CONTENT)
    return application.arriving["x"]


@pytest.mark.parametrize("status", ["204", "304"])
def test_an_answer_without_a_body_leaves_the_connection_open(running, status):
    with running.connect() as connection:
        for _ in range(3):
            ask(connection, f"/empty/{status}")
            head = read_head(connection)
            assert head.startswith(f"HTTP/1.1 {status}".encode())
            assert b"Connection" not in head
        ask(connection, "/page")
        assert read_answer(connection)[1] == b"page"


@pytest.mark.parametrize("request_", [("/empty/304", "Connection: close"), ("/empty/304", "X: y")])
def test_an_answer_without_a_body_closes_for_those_who_want_that(running, request_):
    with running.connect() as connection:
        ask(connection, *request_, version="1.1" if "close" in request_[1] else "1.0")
        assert b"Connection: close" in read_all(connection)


def test_bytes_are_sent_while_they_arrive(running, arriving):
    with running.connect() as connection:
        ask(connection, "/to/x")
        head = read_head(connection)
        assert f"Content-Length: {len(CONTENT)}".encode() in head
        arriving.arrive(1000)
        assert receive(connection, 1000) == CONTENT[:1000]
        arriving.arrive(500_000)
        assert receive(connection, 500_000) == CONTENT[1000:501_000]
        arriving.arrive()
        assert receive(connection, len(CONTENT) - 501_000) == CONTENT[501_000:]
        assert arriving.unsubscribed.acquire(timeout=10)
        ask(connection, "/page")
        assert read_answer(connection)[1] == b"page"
    assert arriving.followers == set()


def test_bytes_that_are_all_there_are_sent_at_once(running, arriving):
    arriving.arrive()
    with running.connect() as connection:
        for _ in range(3):
            ask(connection, "/to/x")
            assert read_answer(connection)[1] == CONTENT
            ask(connection, "/part/x")
            assert read_answer(connection)[1] == CONTENT[500:1500]
    assert arriving.followers == set()


def test_a_part_is_sent_as_soon_as_it_is_there(running, arriving):
    with running.connect() as connection:
        ask(connection, "/part/x")
        arriving.arrive(2000)
        assert read_answer(connection)[1] == CONTENT[500:1500]


def test_those_who_wait_take_no_thread(running, arriving):
    with contextlib.ExitStack() as stack:
        followers = [stack.enter_context(running.connect()) for _ in range(200)]
        for follower in followers:
            ask(follower, "/to/x")
            assert arriving.subscribed.acquire(timeout=10)
        assert running.get("/page") == b"page"
        results = [None] * len(followers)

        def read(number):
            results[number] = read_answer(followers[number])[1] == CONTENT

        readers = [threading.Thread(target=read, args=(number,)) for number in range(len(followers))]
        for reader in readers:
            reader.start()
        for _ in range(16):
            arriving.arrive(MIB // 16)
        assert running.get("/page") == b"page"
        for reader in readers:
            reader.join(30)

    assert results == [True] * len(followers)
    assert arriving.followers == set()


def test_those_who_wait_cost_nothing(running, arriving):
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            follower = stack.enter_context(running.connect())
            ask(follower, "/to/x", "X: y")
            read_head(follower)
        assert running.get("/page") == b"page"
        before = time.process_time()
        threading.Event().wait(1)
        used = time.process_time() - before
        arriving.arrive()

    assert used < 0.1


def test_a_failure_cuts_the_answer_short(running, arriving, caplog):
    with running.connect() as connection:
        ask(connection, "/to/x")
        arriving.arrive(1000)
        read_head(connection)
        assert receive(connection, 1000) == CONTENT[:1000]
        arriving.fail()
        assert read_all(connection) == b""
    assert arriving.unsubscribed.acquire(timeout=10)
    (record,) = [record for record in caplog.records if "cut short" in record.message]
    assert record.message.endswith("the upstream has hung up")
    assert record.exc_info is None


def test_a_failure_before_the_first_byte_cuts_the_answer_short(running, arriving):
    arriving.failed = True
    with running.connect() as connection:
        ask(connection, "/to/x")
        assert b"\r\n\r\n" not in read_all(connection).rstrip()
    assert arriving.followers == set()


def test_nobody_follows_for_a_client_that_has_left(running, arriving):
    for headers in ((), ("Connection: close",)):
        with running.connect() as connection:
            ask(connection, "/to/x", *headers)
            read_head(connection)
        assert arriving.unsubscribed.acquire(timeout=10)
        assert arriving.followers == set()


def test_nobody_follows_for_a_client_that_leaves_amid_the_bytes(running, arriving):
    arriving.content = CONTENT * 32
    arriving.arrive()
    with running.connect() as connection:
        ask(connection, "/to/x")
        read_head(connection)
    assert arriving.unsubscribed.acquire(timeout=10)


def test_further_requests_are_answered_in_order(running, application, arriving):
    with running.connect() as connection:
        connection.sendall(
            b"GET /page HTTP/1.1\r\n\r\nGET /to/x HTTP/1.1\r\n\r\nGET /page HTTP/1.1\r\n\r\n"
            b"GET /part/x HTTP/1.1\r\n\r\nGET /page HTTP/1.1\r\n\r\n"
        )
        assert read_answer(connection)[1] == b"page"
        read_head(connection)
        assert running.get("/page") == b"page"
        arriving.arrive()
        assert receive(connection, len(CONTENT)) == CONTENT
        answers = [read_answer(connection)[1] for _ in range(3)]

    assert answers == [b"page", CONTENT[500:1500], b"page"]


def test_a_request_that_comes_meanwhile_is_answered_after(running, arriving):
    with running.connect() as connection:
        ask(connection, "/to/x")
        read_head(connection)
        ask(connection, "/page")
        assert running.get("/page") == b"page"
        arriving.arrive()
        assert receive(connection, len(CONTENT)) == CONTENT
        assert read_answer(connection)[1] == b"page"


def test_an_upload_that_comes_meanwhile_is_told_to_continue_after(running, arriving):
    with running.connect() as connection:
        ask(connection, "/to/x")
        read_head(connection)
        ask(connection, "/echo", "Content-Length: 5", "Expect: 100-continue", method="POST")
        assert running.get("/page") == b"page"
        arriving.arrive()
        assert receive(connection, len(CONTENT)) == CONTENT
        assert read_head(connection).startswith(b"HTTP/1.1 100")
        connection.sendall(b"hello")
        assert read_answer(connection)[1] == b"hello"


def test_waiting_requests_hold_no_thread(running, arriving):
    waiting = b"GET /to/x HTTP/1.1\r\n\r\n" * 3
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(running.connect()) for _ in range(10)]
        for connection in connections:
            connection.sendall(waiting)
            read_head(connection)
        assert running.get("/page") == b"page"
        assert len(arriving.followers) == 10
        arriving.fail()
        assert all(read_all(connection) == b"" for connection in connections)
    assert running.get("/page") == b"page"
    assert arriving.followers == set()


@pytest.mark.parametrize("header", ["Connection: close", "X: y"])
def test_a_connection_for_one_request_closes_after_all_bytes(running, arriving, header):
    with running.connect() as connection:
        ask(connection, "/to/x", header, version="1.1" if "close" in header else "1.0")
        head = read_head(connection)
        assert b"Connection: close" in head
        arriving.arrive(1000)
        assert receive(connection, 1000) == CONTENT[:1000]
        arriving.arrive()
        assert read_all(connection) == CONTENT[1000:]


def test_http_1_0_can_keep_the_connection(running, arriving):
    with running.connect() as connection:
        for _ in range(2):
            ask(connection, "/to/x", "Connection: keep-alive", version="1.0")
            arriving.arrive()
            assert read_answer(connection)[1] == CONTENT


def test_head_gets_no_bytes(running, arriving):
    with running.connect() as connection:
        ask(connection, "/to/x", method="HEAD")
        assert f"Content-Length: {len(CONTENT)}".encode() in read_head(connection)
        ask(connection, "/page")
        assert read_answer(connection)[1] == b"page"
    assert not arriving.subscribed.acquire(blocking=False)


def test_waiting_for_an_upstream_is_no_inactivity(running, arriving):
    with running.connect() as idle, running.connect() as connection:
        ask(idle, "/page")
        read_answer(idle)
        ask(connection, "/to/x")
        read_head(connection)
        running.get("/page")
        running.server.maintenance(time.time() + 1000)
        assert read_all(idle) == b""
        arriving.arrive()
        assert receive(connection, len(CONTENT)) == CONTENT


@pytest.mark.parametrize("further", [b"", b"GET /page HTTP/1.1\r\n\r\n"])
def test_not_reading_is_inactivity(application, arriving, further):
    arriving.content = CONTENT * 64
    arriving.arrive()
    server = Running(application, channel_timeout=1, cleanup_interval=1)
    try:
        with server.connect() as connection:
            connection.sendall(b"GET /to/x HTTP/1.1\r\n\r\n" + further)
            assert arriving.unsubscribed.acquire(timeout=10)
            assert len(read_all(connection)) < len(arriving.content)
    finally:
        server.stop()


def test_not_reading_a_file_is_inactivity(application):
    application.path.write_bytes(CONTENT * 64)
    server = Running(application, channel_timeout=1, cleanup_interval=1)
    try:
        with server.connect() as connection:
            ask(connection, "/file")
            read_head(connection)
            (channel,) = server.server.active_channels.values()
            with channel.outbuf_lock:
                assert channel.outbuf_lock.wait_for(lambda: not channel.connected, timeout=10)
            assert len(read_all(connection)) < 64 * MIB
    finally:
        server.stop()


def test_a_file_is_sent_whole_and_closed(running, application):
    with running.connect() as connection:
        for path, size in (("/file", 8 * MIB), ("/file/1000", 1000), ("/file", 8 * MIB)):
            ask(connection, path)
            assert read_answer(connection)[1] == (CONTENT * 8)[:size]
        ask(connection, "/page")
        read_answer(connection)
    assert all(stream.closed for stream in application.opened)


def test_a_file_is_read_where_the_system_cannot_send_it(running, application, monkeypatch):
    def refuse(*args):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr("os.sendfile", refuse)
    with running.connect() as connection:
        ask(connection, "/file")
        assert read_answer(connection)[1] == CONTENT * 8


def test_a_file_that_became_shorter_cuts_the_answer_short(running, application):
    with running.connect() as connection:
        ask(connection, "/file")
        head = read_head(connection)
        os.truncate(application.path, 5 * MIB)
        received = read_all(connection)
    assert b"Content-Length: 8388608" in head
    assert len(received) < 8 * MIB


def test_an_answer_in_many_small_chunks_is_whole(running):
    with running.connect() as connection:
        for _ in range(3):
            ask(connection, "/slowly")
            assert read_answer(connection)[1] == CONTENT


def test_a_request_with_two_lengths_is_refused(running, application):
    smuggled = b"GET /smuggled HTTP/1.1\r\n\r\n"
    head = b"POST /echo HTTP/1.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
    received = running.raw(head + b"0\r\n\r\n" + smuggled)

    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"400"]
    assert application.asked == []


def test_nothing_is_left_behind(application, arriving):
    def descriptors():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before, threads = descriptors(), threading.active_count()
    server = Running(application)
    for number in range(30):
        with server.connect() as connection:
            ask(connection, ["/to/x", "/file", "/part/x"][number % 3])
            read_head(connection)
    arriving.fail()
    server.get("/page")
    server.stop()
    arriving.arrive()

    assert arriving.followers == set()
    assert (descriptors(), threading.active_count()) == (before, threads)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /page HTTP/1.1\r\n\r\nGET /file/5000 HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /slowly HTTP/1.0\r\n\r\n",
        b"HEAD /page HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\n\r\nGET /page HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_everything_else_is_as_waitress_does_it(application, data):
    answers = []
    for create in (waitress.create_server, create_server):
        server = Running(application, create)
        answers.append(re.sub(rb"Date: [^\r]*", b"", server.raw(data)))
        server.stop()

    assert answers[0] == answers[1] != b""


def test_every_address_and_socket_gets_these_channels(application, tmp_path):
    servers = [
        create_server(application, listen="127.0.0.1:0 127.0.0.1:0"),
        create_server(application, unix_socket=str(tmp_path / "socket")),
    ]
    for server in servers:
        listening = getattr(server, "map", None) or server._map
        found = [one for one in listening.values() if hasattr(one, "channel_class")]
        assert {one.channel_class.func.__name__ for one in found} == {"Channel"}
        server.task_dispatcher.shutdown()
        for one in list(listening.values()):
            one.close()


def test_the_settings_of_the_ini_win(application):
    server = create_server(application, listen="127.0.0.1:0", threads="3", connection_limit="7")
    chosen = server.adj
    server.task_dispatcher.shutdown()
    server.close()

    assert (chosen.threads, chosen.connection_limit) == (3, 7)
    assert (chosen.send_bytes, chosen.asyncore_use_poll) == (65536, True)


def test_an_unknown_setting_is_refused(application):
    with pytest.raises(ValueError, match="nonsense"):
        create_server(application, nonsense="1")


def test_pserve_starts_it(tmp_path):
    settings = {
        "pypi.data": str(tmp_path / "data"),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        "pypi.repo.private.read": "everyone",
    }
    ini = write_ini(tmp_path / "server.ini", settings)
    ini.write_text(ini.read_text().replace("egg:waitress#main", "egg:pyramid_pypi#server"))
    with LiveServer(ini, tmp_path / "server.log") as running:
        connection = http.client.HTTPConnection(*running.host.split(":"), timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/simple/")
            answer = connection.getresponse()
            answer.read()
            used = connection.sock
            connection.request("GET", "/simple/", headers={"If-None-Match": answer.headers["ETag"]})
            again = connection.getresponse()
            again.read()

            assert (answer.status, again.status) == (200, 304)
            assert connection.sock is used is not None
        assert running.problems() == []
