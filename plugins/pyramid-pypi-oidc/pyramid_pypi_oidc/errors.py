"""Why somebody gets no token, or is not signed in.

::

    Refused            the token, or what it says, is not accepted: a code and a sentence
    └── NotOurs        the token is in order, and no publisher is meant by it
    IssuerDown         (BackendUnavailable, 503) the issuer cannot be asked now
"""

from typing import Final, Literal, TypeAlias

from pyramid_pypi.errors import BackendUnavailable

__all__ = ["Code", "IssuerDown", "NotOurs", "Refused"]

Code: TypeAlias = Literal[
    "invalid-payload", "invalid-publisher", "invalid-reuse-token", "invalid-token", "not-enabled"
]
"""What went wrong, in the words of PyPI, which upload tools know."""


class Refused(Exception):
    """Something that was shown is not accepted; `description` is a sentence for who has shown it."""

    code: Code = "invalid-token"

    def __init__(self, description: str, code: Code | None = None) -> None:
        super().__init__(description)
        self.description: Final = description
        if code is not None:
            self.code = code


class NotOurs(Refused):
    """A token is in order, and no publisher is meant by it."""

    code: Code = "invalid-publisher"


class IssuerDown(BackendUnavailable):
    """An issuer cannot be asked now, or answers something that is no good."""
