"""Signatures and secrets."""

import base64

import pytest

from pyramid_pypi.options import Secret
from pyramid_pypi_webhooks.signing import signature, signed_headers, signing_key


def test_signature_is_that_of_other_libraries():
    """The example that the libraries of Standard Webhooks are tested with."""
    key = signing_key(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    identifier, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'

    assert signature(key, identifier, 1614265330, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secret_without_prefix_is_the_key_itself():
    assert signing_key(Secret("x" * 24)) == b"x" * 24
    assert signing_key(Secret("whsec_" + base64.b64encode(b"y" * 32).decode())) == b"y" * 32


@pytest.mark.parametrize("secret", ["x" * 23, "whsec_eHg=", "whsec_no base64 at all!", "whsec_"])
def test_secret_that_is_no_good_is_refused_and_not_shown(secret):
    with pytest.raises(ValueError, match="^secret has ") as caught:
        signing_key(Secret(secret))

    assert secret.removeprefix("whsec_") not in str(caught.value) or secret == "whsec_"
    assert caught.value.__cause__ is None


def test_without_a_secret_nothing_is_signed():
    assert signed_headers(None, "msg_1", 17, b"{}") == {"webhook-id": "msg_1", "webhook-timestamp": "17"}
