import pytest
from waitress.adjustments import Adjustments

from pyramid_pypi.server.task import Parser


def parse(data):
    parser = Parser(Adjustments())
    while data and not parser.completed:
        data = data[parser.received(data) :]
    assert parser.completed
    return parser


CHUNKS = b"\r\n3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked,\r\n chunked\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: ,chunked\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
        b"POST / HTTP/1.0\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_a_length_with_two_readings_is_refused(head):
    assert parse(head + CHUNKS).error.code == 400


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CHUNKS, b"abc"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding:CHUNKED\r\nX: transfer-encoding: a, b\r\n" + CHUNKS, b"abc"),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (b"GET / HTTP/1.1\r\nTE: chunked, trailers\r\n\r\n", b""),
        (b"GET / HTTP/1.0\r\n\r\n", b""),
    ],
)
def test_a_length_with_one_reading_is_taken(request_, body):
    parser = parse(request_)

    assert parser.error is None
    assert parser.get_body_stream().read() == body
    parser.close()
