"""The people who have a password for the repository `team`."""

__all__ = ["ANN", "BOB", "CAROL", "PASSWORDS"]

ANN = ("ann", "s:e/c@r%et")
"""Uploads to `team` in her own right; her password has to be quoted in a URL."""

BOB = ("bob", "reader")
"""Reads `team`."""

CAROL = ("carol", "releaser")
"""Uploads to `team` as a member of the group `release`."""

PASSWORDS = dict((ANN, BOB, CAROL))
