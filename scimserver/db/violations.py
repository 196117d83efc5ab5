"""Broken constraints, told by name: the schema's names are the vocabulary (asyncpg gives no column).

A store says which of its constraints means which refusal, in one table; a violation that is not in
the table is a broken promise of our own and passes on as it is.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from scimserver.kernel.errors import Conflicted, Refused


class ViolationKind(StrEnum):
    """What kind of constraint a row would have broken."""

    UNIQUE = "unique"
    FOREIGN_KEY = "foreign_key"
    CHECK = "check"
    NOT_NULL = "not_null"
    EXCLUSION = "exclusion"
    OTHER = "other"


class ConstraintViolated(Exception):
    """A row would have broken the constraint of that name; the statement changed nothing.

    A broken NOT NULL has no name in PostgreSQL: it is called `<table>.<column>`.
    """

    def __init__(self, constraint_name: str, kind: ViolationKind) -> None:
        super().__init__(f"{kind} constraint {constraint_name}")
        self.constraint_name = constraint_name
        self.kind = kind


def translate(
    error: ConstraintViolated, table: Mapping[str, Callable[[], Refused | Conflicted]]
) -> Refused | Conflicted | ConstraintViolated:
    """What to raise instead of `error`: the failure of the table, or the same error if it has none."""
    refusal = table.get(error.constraint_name)
    return error if refusal is None else refusal()
