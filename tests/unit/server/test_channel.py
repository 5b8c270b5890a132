import socket

import pytest
from waitress.adjustments import Adjustments
from waitress.buffers import ReadOnlyFileBasedBuffer

from pyramid_pypi.server.alarm import Alarm
from pyramid_pypi.server.arriving import ArrivingBody
from pyramid_pypi.server.channel import TURN, Channel
from pyramid_pypi.web.slices import FileSlices
from tests.unit.server.fakes import FakeArriving


class FakeServer:
    """What a channel asks of its server; it has no threads."""

    def __init__(self):
        self.active_channels = {}
        self.tasks = []
        self.pulls = 0
        self.socket = self

    def pull_trigger(self, thunk=None):
        self.pulls += 1

    def add_task(self, task):
        self.tasks.append(task)


class FakeSocket:
    """A connection to a client that takes everything, or `takes` bytes at a time."""

    def __init__(self):
        self.sent = 0
        self.takes = 1 << 30

    def getsockopt(self, *_):
        return 1 << 30

    def setblocking(self, _):
        pass

    def fileno(self):
        return 1000

    def close(self):
        pass

    def send(self, data):
        count = min(self.takes, len(data))
        self.sent += count
        return count

    def sendfile(self, _out, _in, offset, count):
        return self.send(b"x" * count)


@pytest.fixture
def client():
    return FakeSocket()


@pytest.fixture
def channel(client):
    server = FakeServer()
    return Channel(server, client, ("client", 1), Adjustments(), map={}, alarm=Alarm(server))


def turns(channel, client):
    """Return how much is sent in each turn of the loop."""
    amounts = []
    while channel.writable():
        before = client.sent
        channel.handle_write()
        amounts.append(client.sent - before)
    return amounts


def test_a_turn_sends_no_more_than_its_share(channel, client):
    channel.write_soon(b"x" * (3 * TURN + 1))

    assert client.sent == TURN
    assert turns(channel, client) == [TURN, TURN, 1]


def test_a_turn_sends_no_more_of_a_file_than_its_share(channel, client, tmp_path, monkeypatch):
    monkeypatch.setattr("os.sendfile", client.sendfile)
    path = tmp_path / "file"
    path.write_bytes(b"x" * (2 * TURN))
    with path.open("rb") as stream:
        body = ReadOnlyFileBasedBuffer(FileSlices(stream))
        channel.write_soon(b"x" * 100)
        body.prepare()
        channel.write_soon(body)

        assert client.sent == 100 + TURN
        assert turns(channel, client) == [TURN]
        assert stream.closed


def test_a_turn_sends_no_more_of_what_arrives_than_its_share(channel, client):
    arriving = FakeArriving(bytes(3 * TURN))
    channel.write_soon(ArrivingBody(arriving, 0, 3 * TURN))

    assert turns(channel, client) == []
    arriving.arrive(2 * TURN)
    assert turns(channel, client) == [TURN, TURN, 0]
    arriving.arrive()
    assert turns(channel, client) == [TURN]
    assert arriving.followers == set()


def test_progress_wakes_the_loop_once(channel):
    arriving = FakeArriving(bytes(1000))
    channel.write_soon(ArrivingBody(arriving, 0, 1000))
    before = channel.server.pulls
    for _ in range(100):
        arriving.arrive(10)

    assert channel.server.pulls == before + 1


def test_a_client_that_takes_little_gets_the_rest_later(channel, client):
    client.takes = 7
    arriving = FakeArriving(bytes(100), ready=100)
    channel.write_soon(b"head")
    channel.write_soon(ArrivingBody(arriving, 0, 100))
    turns(channel, client)

    assert client.sent == 104
    assert not channel.total_outbufs_len


def test_a_request_waits_without_a_thread_until_the_answer_before_is_sent(channel, client):
    arriving = FakeArriving(bytes(100))
    channel.write_soon(ArrivingBody(arriving, 0, 100))
    channel.service()

    assert channel.server.tasks == []
    arriving.arrive()
    turns(channel, client)
    assert channel.server.tasks == [channel]


def test_a_client_with_requests_that_wait_is_seen_to_leave_behind_what_nobody_has_read():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server, arriving = FakeServer(), FakeArriving(bytes(100))
        channel = Channel(server, ours, ("client", 1), Adjustments(), map={}, alarm=Alarm(server))
        channel.write_soon(ArrivingBody(arriving, 0, 100))
        channel.handle_write()
        channel.requests.append("next")
        channel.last_activity = 0
        theirs.send(b"further requests")

        assert not channel.readable()
        assert channel.connected
        theirs.shutdown(socket.SHUT_WR)
        assert not channel.readable()
        assert not channel.writable()
        assert not channel.connected
        assert arriving.followers == set()


def test_a_request_that_waits_is_cleaned_up_when_the_connection_closes(channel):
    channel.write_soon(ArrivingBody(FakeArriving(bytes(100)), 0, 100))
    channel.service()
    channel.handle_close()

    assert channel.server.tasks == [channel]
    assert not channel.writable()
