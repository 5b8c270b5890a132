"""What an issuer says about itself: fetched once, kept, renewed, and not believed when it is odd."""

import threading

import pytest

from pyramid_pypi_oidc.errors import IssuerDown, Refused
from pyramid_pypi_oidc.issuers import Issuer, IssuerOptions
from pyramid_pypi_oidc.testing import mint, refused

DISCOVERY = "/.well-known/openid-configuration"


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def known(own_issuer, clock):
    """The issuer as the index knows it."""
    found = Issuer("github", "github", IssuerOptions(own_issuer.url), clock=clock)
    yield found
    found.close()


def test_keys_are_fetched_once_for_ten_minutes(own_issuer, known, clock):
    for _ in range(3):
        known.key("first")
    assert own_issuer.asked == {DISCOVERY: 1, "/keys": 1}

    clock.now += 601
    known.key("first")
    assert own_issuer.asked == {DISCOVERY: 2, "/keys": 2}


def test_many_who_need_the_keys_ask_once(own_issuer, known):
    barrier = threading.Barrier(8)

    def ask():
        barrier.wait()
        known.key("first")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert own_issuer.asked["/keys"] == 1


def test_an_issuer_that_hangs_keeps_nobody_waiting_who_has_its_keys(own_issuer, known, clock):
    known.key("first")
    clock.now += 601
    own_issuer.hold.clear()
    asking = threading.Thread(target=known.key, args=("first",))
    asking.start()
    assert own_issuer.arrived.wait(10)

    assert known.key("first").kid == "first"
    own_issuer.hold.set()
    asking.join()


def test_a_new_key_is_found_at_once(own_issuer, known, clock):
    known.key("first")
    own_issuer.rotate()
    clock.now += 31

    assert known.key(own_issuer.key.kid).kid == own_issuer.key.kid
    with pytest.raises(Refused):
        known.key("first")


def test_unknown_keys_make_us_ask_once_in_half_a_minute(own_issuer, known, clock):
    for _ in range(5):
        with pytest.raises(Refused, match="'nothing'"):
            known.key("nothing")
    assert own_issuer.asked["/keys"] == 1

    clock.now += 31
    with pytest.raises(Refused):
        known.key("nothing")
    assert own_issuer.asked["/keys"] == 2


def test_keys_stay_usable_for_a_day_while_the_issuer_is_down(own_issuer, known, clock):
    known.key("first")
    own_issuer.down = True
    clock.now += 3600
    assert known.key("first").kid == "first"

    clock.now += 24 * 3600
    with pytest.raises(IssuerDown):
        known.key("first")


def test_an_issuer_that_is_down_is_asked_again_after_seconds(own_issuer, known, clock):
    own_issuer.down = True
    for _ in range(3):
        with pytest.raises(IssuerDown):
            known.key("first")
    assert own_issuer.asked[DISCOVERY] == 1

    own_issuer.down = False
    clock.now += 6
    assert known.key("first").kid == "first"


def test_a_key_needs_no_name_where_there_is_one(own_issuer, known):
    own_issuer.documents["/keys"] = {"keys": [own_issuer.key.as_dict(private=False)]}

    assert known.key(None).kid == "first"


ODD = {
    "another issuer": {DISCOVERY: {"issuer": "https://evil.example", "jwks_uri": "http://127.0.0.1:1/"}},
    "no issuer": {DISCOVERY: {}},
    "no keys": {"/keys": {}},
    "keys of another type": {"/keys": {"keys": "all"}},
    "no object": {"/keys": [1]},
    "no JSON": {"/keys": b"<html>"},
    "deep": {"/keys": b"[" * 100_000},
    "oversized": {"/keys": b'{"keys": "' + b"x" * 2**21 + b'"}'},
    "a secret": {"/keys": {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]}},
    "broken keys": {"/keys": {"keys": [{"kty": "RSA", "n": "x", "kid": "first"}, {"kty": "EC"}, 7]}},
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_answer_is_not_believed(own_issuer, known, case):
    own_issuer.documents |= ODD[case]

    with pytest.raises(IssuerDown):
        known.key("first")


@pytest.mark.parametrize(
    "address",
    ["http://192.0.2.1/keys", "http://localhost.example/keys", "file:///etc/passwd", "ftp://127.0.0.1", 7],
)
def test_keys_are_not_fetched_from(own_issuer, known, address):
    own_issuer.documents[DISCOVERY] = {"issuer": own_issuer.url, "jwks_uri": address}

    with pytest.raises(IssuerDown):
        known.key("first")


def test_short_keys_and_those_for_secrecy_are_passed_over(own_issuer, known):
    good = own_issuer.key.as_dict(private=False)
    own_issuer.documents["/keys"] = {
        "keys": [{**good, "use": "enc"}, own_issuer.elliptic.as_dict(private=False)]
    }

    with pytest.raises(Refused):
        known.key("first")


def test_an_issuer_that_is_down_is_503(pypi_index, settings, own_issuer):
    index = pypi_index(plugins=["oidc"], settings={**settings, "pypi.oidc.issuer.github.url": own_issuer.url})
    token = own_issuer.token()
    own_issuer.down = True
    answer = mint(index, token, status=503)

    assert answer.json["errors"][0]["code"] == "unavailable"
    assert int(answer.headers["Retry-After"]) > 0


def test_keys_rotate_between_two_jobs(pypi_index, settings, own_issuer):
    index = pypi_index(plugins=["oidc"], settings={**settings, "pypi.oidc.issuer.github.url": own_issuer.url})
    own_issuer.rotate()
    mint(index, own_issuer.token())
    old = own_issuer.key
    own_issuer.rotate()

    # The index does not look again for half a minute, so the key that it has is still the one.
    assert "does not have" in refused(index, own_issuer.token())[1]
    mint(index, own_issuer.token(key=old))


@pytest.mark.parametrize("url", ["http://gitlab.example.org", "ftp://x", "", "https://", "https://a b"])
def test_issuers_have_https(url):
    with pytest.raises(ValueError, match="url"):
        IssuerOptions(url)
