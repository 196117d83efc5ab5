"""The one composer of SQL: text comes from literals, values travel as arguments.

`sql` makes a fragment, `bind` an argument in it; fragments compose without knowing their numbers,
which `Sql.rendered` gives out at the end. What is bound may be a value, or whatever its owner turns
into one later: this module passes it on untouched.
Proven by tests/unit/test_where.py.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString, cast

_NAME = re.compile(r"[A-Za-z0-9$_.:-]+")


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """The place of a value in a statement. One argument bound in two places is passed once."""

    value: object
    sql_type: LiteralString
    """The SQL type that the value is cast to, so that no context has to guess it."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A fragment of a statement."""

    pieces: tuple[LiteralString | Argument, ...]

    def rendered(self) -> tuple[LiteralString, tuple[object, ...]]:
        """The text with its arguments numbered from `$1`, and what is bound to them, in that order."""
        numbers: dict[Argument, int] = {}
        text: list[LiteralString] = []
        for piece in self.pieces:
            if isinstance(piece, Argument):
                number = numbers.setdefault(piece, len(numbers) + 1)
                text.append(f"${_digits(number)}::{piece.sql_type}")
            else:
                text.append(piece)
        return "".join(text), tuple(argument.value for argument in numbers)


def sql(*parts: "LiteralString | Argument | Sql") -> Sql:
    """The parts, one after the other."""
    pieces: list[LiteralString | Argument] = []
    for part in parts:
        if isinstance(part, Sql):
            pieces.extend(part.pieces)
        else:
            pieces.append(part)
    return Sql(tuple(pieces))


def bind(value: object, sql_type: LiteralString) -> Argument:
    """An argument of that SQL type."""
    return Argument(value, sql_type)


def joined(separator: LiteralString, parts: "Iterable[LiteralString | Argument | Sql]") -> Sql:
    """The parts with a separator between them."""
    separated: list[LiteralString | Argument | Sql] = []
    for part in parts:
        separated.extend((separator, part))
    return sql(*separated[1:])


def quoted(name: str) -> LiteralString:
    """A name of one of our own schemas as an SQL string: letters, digits and `$_.:-`, nothing else.

    Never for what a client sent. Raises AssertionError for any other character.
    """
    assert _NAME.fullmatch(name), f"no name of a schema: {name!r}"
    return cast(LiteralString, f"'{name}'")


def _digits(number: int) -> LiteralString:
    return cast(LiteralString, str(number))
