"""One attempt against a receiver on loopback."""

import socket
import ssl
import subprocess
from datetime import UTC, datetime

import pytest

from pyramid_pypi_webhooks.events import Event
from pyramid_pypi_webhooks.queue import Letter
from pyramid_pypi_webhooks.sending import Outcome, send
from pyramid_pypi_webhooks.signing import signing_key
from pyramid_pypi_webhooks.testing import Answer, Receiver

AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
LETTER = Letter("msg_1", "ci", Event("test", AT, {"webhook": "ci"}), AT)


def test_letter_is_signed_and_says_when_it_was_sent(receiver, webhook):
    one = webhook(f"{receiver.url}?token=a%20b")
    outcome = send(one, LETTER, AT)
    (got,) = receiver.received

    assert outcome == Outcome(200, "200 OK")
    assert got.path == "/hook?token=a%20b"
    assert got.is_signed_with(signing_key(one.options.secret))
    assert not got.is_signed_with(b"another")
    assert got.headers["webhook-id"] == "msg_1"
    assert got.headers["webhook-timestamp"] == str(int(AT.timestamp()))
    assert got.headers["content-type"] == "application/json"
    assert got.json["type"] == "test"


def test_redirects_are_not_followed(receiver, webhook):
    with Receiver() as other:
        receiver.answers.append(Answer(307, (("Location", other.url),)))
        outcome = send(webhook(receiver.url), LETTER, AT)

        assert (outcome.status, outcome.is_success) == (307, False)
        assert other.received == []


@pytest.mark.parametrize("status", [200, 202, 204])
def test_every_2xx_is_success(receiver, webhook, status):
    receiver.answers.append(Answer(status))

    assert send(webhook(receiver.url), LETTER, AT).is_success


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("Sat, 21 Nov 2026 12:31:00 GMT", 60),
        ("Sat, 21 Nov 2026 12:00:00 GMT", 0),
        ("999999999", 86400),
        ("soon", 0),
        ("-5", 0),
        ("²", 0),
    ],
    ids=["seconds", "date", "past", "years", "word", "negative", "digit"],
)
def test_retry_after_is_read(receiver, webhook, said, seconds):
    value = said.encode().decode("latin-1")
    receiver.answers.append(Answer(429, (("Retry-After", value),)))

    assert send(webhook(receiver.url), LETTER, AT).retry_after == seconds


def test_receiver_that_hangs_is_left_after_the_timeout(receiver, webhook):
    receiver.answers.append(Answer(hangs=True))
    outcome = send(webhook(receiver.url, timeout=1), LETTER, AT)

    assert outcome == Outcome(None, "no answer within 1 seconds")
    assert outcome.is_down


def test_what_a_receiver_says_cannot_command_a_terminal(receiver, webhook):
    receiver.answers.append(Answer(500, reason="No\x1b[2J\x07 way"))

    assert send(webhook(receiver.url), LETTER, AT).said == "500 No[2J way"


def test_closed_door_is_told_without_the_url(webhook):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        outcome = send(webhook(f"http://127.0.0.1:{port}/services/T0/B0/swordfish"), LETTER, AT)

    assert outcome == Outcome(None, "it cannot be reached, or breaks off")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The files of a certificate for 127.0.0.1 that nobody knows, and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=receiver"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]]
    subprocess.run([*words.split(), *names], check=True, capture_output=True)
    return files


def test_certificate_has_to_be_trusted(webhook, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Receiver(tls=context) as receiver:
        unknown = send(webhook(receiver.url), LETTER, AT)
        known = send(webhook(receiver.url, ca=certificate[0]), LETTER, AT)

    assert unknown.said.startswith("its certificate is not trusted")
    assert known == Outcome(200, "200 OK")


def test_missing_file_of_authorities_is_told(webhook, tmp_path):
    outcome = send(webhook("https://127.0.0.1:9/", ca=tmp_path / "none.pem"), LETTER, AT)

    assert outcome == Outcome(None, "the file of the key `ca` cannot be read")
