import sqlite3

import pytest

from pyramid_pypi import sqlite as module


class Locked:
    """A connection whose journal cannot be switched at once."""

    def __init__(self, code, times):
        self.code = code
        self.left = times

    def execute(self, statement):
        self.left -= 1
        if self.left >= 0:
            error = sqlite3.OperationalError("refused")
            error.sqlite_errorcode = self.code
            raise error


def test_a_database_that_is_locked_while_it_is_opened_is_tried_again(monkeypatch):
    monkeypatch.setattr(module, "_TRY_AGAIN", 0)
    locked = Locked(sqlite3.SQLITE_BUSY | 1 << 8, times=5)

    module.write_ahead(locked)

    assert locked.left == -1


@pytest.mark.parametrize(("code", "tries"), [(sqlite3.SQLITE_BUSY, 500), (sqlite3.SQLITE_IOERR, 1)])
def test_a_database_that_stays_locked_or_fails_otherwise_is_given_up(monkeypatch, code, tries):
    monkeypatch.setattr(module, "_TRY_AGAIN", 0)
    locked = Locked(code, times=1000)

    with pytest.raises(sqlite3.OperationalError):
        module.write_ahead(locked)
    assert locked.left == 1000 - tries
