"""Signatures of Standard Webhooks 1.0: HMAC-SHA256 of the number, the time and the body."""

import base64
import binascii
import hashlib
import hmac

from pyramid_pypi.options import Secret

__all__ = ["signature", "signed_headers", "signing_key"]

_PREFIX = "whsec_"
_LEAST = 24


def signing_key(secret: Secret) -> bytes:
    """Return the key: what is encoded behind `whsec_`, or the text itself.

    Raises ValueError, without showing it, for one that is no base64 or shorter than 24 bytes.
    """
    text = secret.reveal()
    if text.startswith(_PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("secret has no base64 after whsec_") from None
    else:
        key = text.encode(errors="surrogatepass")
    if len(key) < _LEAST:
        raise ValueError(f"secret has less than {_LEAST} bytes; take what `openssl rand -hex 24` prints")
    return key


def signature(key: bytes, identifier: str, timestamp: int, body: bytes) -> str:
    """Return the text that goes into `webhook-signature`; `timestamp` is in seconds since 1970."""
    signed = b".".join((identifier.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed_headers(secret: Secret | None, identifier: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers that tell which message this is and, where there is a secret, who sends it."""
    headers = {"webhook-id": identifier, "webhook-timestamp": str(timestamp)}
    if secret is not None:
        headers["webhook-signature"] = signature(signing_key(secret), identifier, timestamp, body)
    return headers
