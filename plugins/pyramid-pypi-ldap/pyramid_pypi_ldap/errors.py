"""What may come of asking a directory; none of it leaves the plugin.

::

    DirectoryError
    ├── Outage     this server does not do what is needed; another one may
    ├── Refused    the server has said that this is not the password of this entry
    └── Ambiguous  more than one entry has the name
"""

__all__ = ["Ambiguous", "DirectoryError", "Outage", "Refused"]


class DirectoryError(Exception):
    """A directory did not answer with what was asked for; the message has no secrets."""


class Outage(DirectoryError):
    """This server cannot tell now.

    `hint` is what an administrator can do. `closed` is whether the connection was gone, which for
    one that was idle says nothing about the server.
    """

    def __init__(self, reason: str, *, hint: str = "", closed: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.closed = closed


class Refused(DirectoryError):
    """The password is not that of the entry, or the entry may not log in."""


class Ambiguous(DirectoryError):
    """More than one entry was found where there may be one."""
