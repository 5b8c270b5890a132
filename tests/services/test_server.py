"""The server over real connections."""

import contextlib
import gc
import http.client
import logging
import os
import re
import sqlite3
import threading
import urllib.request

import pytest
import waitress

from pyramid_pypi.server import create_server
from tests.clients.releases import put_wheel
from tests.live import LiveServer, write_ini
from tests.services.running import CONTENT, MIB, Running, ask, read_all, read_answer, read_head


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


@pytest.mark.parametrize(
    ("path", "version", "framing"),
    [
        ("/failing/3", "1.1", b"Transfer-Encoding: chunked"),
        ("/failing/3.", "1.1", b"Content-Length: 1048576"),
        ("/failing/3.", "1.0", b"Content-Length: 1048576"),
    ],
)
def test_a_failure_amid_an_answer_cuts_it_short(running, caplog, path, version, framing):
    with running.connect() as connection:
        ask(connection, path, version=version)
        head, body = read_head(connection), read_all(connection)

    assert head.startswith(f"HTTP/{version} 200 ".encode())
    assert framing in head
    assert not body.endswith(b"0\r\n\r\n")
    assert 3000 <= len(body) < 4000
    _check_one_line(caplog, "is cut short")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_failure_before_an_answer_is_the_answer(running, caplog, method):
    with running.connect() as connection:
        ask(connection, "/failing/0", method=method)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"Content-Length: 25" in head
    assert body == (b"" if method == "HEAD" else b"the upstream has hung up\n")
    _check_one_line(caplog, "failed")


def _check_one_line(caplog, what):
    (record,) = [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
    assert what in record.message
    assert record.message.endswith(": the upstream has hung up")
    assert record.exc_info is None


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


def of_our_own(tmp_path):
    """Return an ini whose server is ours."""
    settings = {
        "pypi.data": str(tmp_path / "data"),
        "pypi.catalog": f"sqlite:///{tmp_path}/catalog.db",
        "pypi.repositories": "private",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        "pypi.repo.private.read": "everyone",
        "pypi.repo.private.upload": "everyone",
    }
    ini = write_ini(tmp_path / "server.ini", settings)
    ini.write_text(ini.read_text().replace("egg:waitress#main", "egg:pyramid_pypi#server"))
    return ini


def test_pserve_starts_it(tmp_path):
    ini = of_our_own(tmp_path)
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


def test_what_is_only_in_memory_is_written_when_it_is_told_to_stop(tmp_path):
    ini = of_our_own(tmp_path)
    running = LiveServer(ini, tmp_path / "server.log")
    with running:
        put_wheel(running, "holy-grail", "1.0")
        page = urllib.request.urlopen(f"{running.url}/simple/holy-grail/").read().decode()
        url = re.search(r'href="\.\./\.\./([^"#]+)', page)[1]
        urllib.request.urlopen(f"{running.url}/{url}").read()

    with contextlib.closing(sqlite3.connect(tmp_path / "catalog.db")) as catalog:
        found = catalog.execute("SELECT filename, count FROM downloads").fetchall()
    assert found == [("holy_grail-1.0-py3-none-any.whl", 1)]
    assert running.problems() == []


@pytest.mark.parametrize(
    ("chosen", "level"), [(logging.NOTSET, logging.ERROR), (logging.DEBUG, logging.DEBUG)]
)
def test_requests_that_wait_are_logged_only_for_those_who_want_it(chosen, level, application):
    log = logging.getLogger("waitress.queue")
    before = log.level
    log.setLevel(chosen)
    try:
        Running(application).stop()
        assert log.level == level
    finally:
        log.setLevel(before)
