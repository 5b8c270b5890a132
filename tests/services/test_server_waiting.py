"""Clients that wait for bytes whose arrival the test decides, over real connections."""

import contextlib
import threading
import time

import pytest

from tests.services.running import (
    CONTENT,
    MIB,
    Running,
    ask,
    read_all,
    read_answer,
    read_head,
    receive,
)

pytestmark = pytest.mark.alone


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
    assert all(arriving.unsubscribed.acquire(timeout=10) for _ in range(6))
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
    assert all(arriving.unsubscribed.acquire(timeout=10) for _ in followers)
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


@pytest.mark.parametrize("all_read", [True, False])
@pytest.mark.parametrize("further", [b"GET /page HTTP/1.1\r\n\r\n", b"GET /page HTTP/1.1\r\n\r\n" * 5000])
def test_nobody_follows_for_a_client_that_leaves_behind_further_requests(
    running, application, arriving, further, all_read
):
    with running.connect() as connection:
        connection.sendall(b"GET /to/x HTTP/1.1\r\n\r\n" + further)
        read_head(connection)
        (channel,) = running.server.active_channels.values()
        arriving.arrive(1000)
        # Whoever closes with something unread sends a reset, and everybody else an end.
        assert receive(connection, 1000 if all_read else 10)
    assert arriving.unsubscribed.acquire(timeout=10)
    with channel.outbuf_lock:
        assert channel.outbuf_lock.wait_for(lambda: not channel.connected, timeout=10)
    assert arriving.followers == set()
    assert application.asked == ["/to/x"]


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
def test_not_reading_is_inactivity_once_bytes_are_there(application, arriving, further):
    arriving.content = CONTENT * 64
    server = Running(application, channel_timeout=1, cleanup_interval=1)
    try:
        with server.connect() as connection:
            connection.sendall(b"GET /to/x HTTP/1.1\r\n\r\n" + further)
            read_head(connection)
            arriving.arrive(1000)
            receive(connection, 1000)
            # Longer than the timeout, which does not run yet.
            assert not arriving.unsubscribed.acquire(timeout=2.5)
            arriving.arrive()
            assert arriving.unsubscribed.acquire(timeout=10)
            assert len(read_all(connection)) < len(arriving.content)
    finally:
        server.stop()


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
