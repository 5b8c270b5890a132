"""Statements that are compiled once and run by the driver itself.

SQLAlchemy's own execution takes three times as long as SQLite's, on the path of every upload and
of every page that is not ready.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql import ClauseElement

__all__ = ["Prepared"]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The text for one engine, the order of its parameters if they have one, and constants in it."""

    sql: str
    order: tuple[str, ...] | None
    constants: dict[str, Any]


class Prepared:
    """A statement of SQLAlchemy Core with named parameters, for any engine.

    Values go to the driver as they are: text, numbers, bytes and None.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any] | None = None) -> Any:
        """Execute in the transaction of `connection` and return the driver's cursor.

        Raises the driver's errors.
        """
        compiled = self._compiled.get(connection.dialect.name) or self._compile(connection.dialect)
        given = {**compiled.constants, **(values or {})}
        cursor = connection.connection.cursor()
        order = compiled.order
        cursor.execute(compiled.sql, given if order is None else [given[name] for name in order])
        return cursor

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled = self._statement.compile(dialect=dialect)
        order = getattr(compiled, "positiontup", None)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        found = _Compiled(str(compiled), None if order is None else tuple(order), constants)
        self._compiled[dialect.name] = found
        return found
