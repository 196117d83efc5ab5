"""Named queries: text comes from `sql/queries/<slice>.sql`, values only as arguments.

A file holds blocks of three kinds, each with a purpose in comment lines below its header:

- `-- name: lock_user`: one complete statement.
- `-- change: insert_user`: comma-separated common table expressions, without `WITH` and without a
  final `SELECT`; the one called `change` returns a row for each row that changed.
- `-- record: append_entry`: the same, reading `FROM change`, with parameters from `$1` of its own.

PostgreSQL takes data-modifying expressions only at the top level of a statement, so a change and
what records it become one statement by `compose`, not by a sub-query or a function.
Proven by tests/database/test_queries.py.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import LiteralString, cast

from scimserver.db import sqltext

_HEADER = re.compile(r"^-- (?P<kind>name|change|record): *(?P<name>\S.*?) *$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DEFINES_CHANGE = re.compile(r"(?:^|,)\s*change\s*(?:\([^)]*\)\s*)?AS\b", re.IGNORECASE)
_COUNT: LiteralString = "SELECT count(*)::int AS changed FROM change"


class QueryFileError(ValueError):
    """A file of queries breaks the format; the message names file and block."""


class UnknownQuery(KeyError):
    """No block of that kind and name is in the file; the message names both."""

    def __str__(self) -> str:
        """The sentence itself: a KeyError would show it quoted."""
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Query:
    """One complete statement."""

    name: str
    purpose: str
    sql: LiteralString


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeClause:
    """Expressions that change rows; not a statement before `compose` or `alone`."""

    name: str
    purpose: str
    sql: LiteralString
    parameters: int
    """How many arguments the clause takes: `$1` to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordClause:
    """Expressions that record a change; not a statement before `compose` or `standing`."""

    name: str
    purpose: str
    sql: LiteralString
    parameters: int
    """How many arguments the clause takes: `$1` to this."""


class _Kind(StrEnum):
    NAME = "name"
    CHANGE = "change"
    RECORD = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    kind: _Kind
    name: str
    purpose: str
    sql: LiteralString
    parameters: int


class Queries(Mapping[str, Query]):
    """What one file holds: statements by name, and its change and record clauses."""

    def __init__(self, source: str, blocks: list[_Block]) -> None:
        self._source = source
        self._blocks = {block.name: block for block in blocks}

    def __getitem__(self, name: str) -> Query:
        """The complete statement of that name; raises `UnknownQuery`."""
        block = self._block(_Kind.NAME, name)
        return Query(block.name, block.purpose, block.sql)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names(_Kind.NAME))

    def __len__(self) -> int:
        return len(self._names(_Kind.NAME))

    def change(self, name: str) -> ChangeClause:
        """The change clause of that name; raises `UnknownQuery`."""
        block = self._block(_Kind.CHANGE, name)
        return ChangeClause(
            name=block.name, purpose=block.purpose, sql=block.sql, parameters=block.parameters
        )

    def record(self, name: str) -> RecordClause:
        """The record clause of that name; raises `UnknownQuery`."""
        block = self._block(_Kind.RECORD, name)
        return RecordClause(
            name=block.name, purpose=block.purpose, sql=block.sql, parameters=block.parameters
        )

    def changes(self) -> list[str]:
        """The names of the change clauses."""
        return self._names(_Kind.CHANGE)

    def records(self) -> list[str]:
        """The names of the record clauses."""
        return self._names(_Kind.RECORD)

    def _names(self, kind: _Kind) -> list[str]:
        return [block.name for block in self._blocks.values() if block.kind is kind]

    def _block(self, kind: _Kind, name: str) -> _Block:
        block = self._blocks.get(name)
        if block is None:
            raise UnknownQuery(f"{self._source} has no block '-- {kind}: {name}'")
        if block.kind is not kind:
            raise UnknownQuery(f"{self._source} has '-- {block.kind}: {name}', asked for as '{kind}'")
        return block


def sql_folder() -> Path:
    """Where `queries/` and `migrations/` are: in an installed package, else in the checkout.

    Raises `FileNotFoundError` when neither has them.
    """
    package = Path(str(files("scimserver")))
    for folder in (package / "sql", package.parent / "sql"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no folder 'sql' in {package} or beside it: the installation is incomplete")


def load(subject: str, *, folder: Path | None = None) -> Queries:
    """The blocks of `queries/<subject>.sql`; raises `QueryFileError`, `FileNotFoundError`."""
    path = (folder or sql_folder()) / "queries" / f"{subject}.sql"
    return parse(path.read_text("utf-8"), source=path.name)


def parse(text: str, *, source: str) -> Queries:
    """The blocks of a file's text; `source` names the file in errors. Raises `QueryFileError`."""
    headers = list(_HEADER.finditer(text))
    preamble = text[: headers[0].start()] if headers else text
    if sqltext.without_comments(preamble):
        raise QueryFileError(f"{source}: there is SQL before the first block header")
    ends = [*(header.start() for header in headers[1:]), len(text)]
    blocks = [
        _block(source, header, text[header.end() : end]) for header, end in zip(headers, ends, strict=True)
    ]
    names = [block.name for block in blocks]
    for name in names:
        if names.count(name) > 1:
            raise QueryFileError(f"{source}: block '{name}' stands there more than once")
    return Queries(source, blocks)


def compose(change: ChangeClause, record: RecordClause) -> Query:
    """One statement that changes and records; answers one row, `changed`: how many rows changed.

    Its arguments are the change's, then the record's.
    """
    recording = _literal(sqltext.renumbered(record.sql, change.parameters))
    sql = f"WITH {change.sql},\n{recording}\n{_COUNT}"
    return Query(f"{change.name}+{record.name}", change.purpose, sql)


def alone(change: ChangeClause) -> Query:
    """The change as a statement of its own; answers one row, `changed`."""
    return Query(change.name, change.purpose, f"WITH {change.sql}\n{_COUNT}")


def standing(record: RecordClause) -> Query:
    """The record as a statement of its own, as if one row had changed; answers one row, `changed`."""
    sql = f"WITH change AS (SELECT 1),\n{record.sql}\n{_COUNT}"
    return Query(record.name, record.purpose, sql)


def _block(source: str, header: re.Match[str], body: str) -> _Block:
    name, kind = header["name"], _Kind(header["kind"])
    if not _NAME.fullmatch(name):
        raise QueryFileError(f"{source}: '{name}' is no name: lower-case letters, digits and '_'")
    found = sqltext.statements(body)
    if len(found) != 1:
        raise QueryFileError(f"{source}: block '{name}' holds {len(found)} statements, not one")
    used = sqltext.parameters(found[0])
    if used != set(range(1, len(used) + 1)):
        raise QueryFileError(f"{source}: block '{name}' skips a parameter: it uses {sorted(used)}")
    if kind is _Kind.CHANGE and not _DEFINES_CHANGE.search(found[0]):
        raise QueryFileError(f"{source}: block '{name}' defines no expression called 'change'")
    return _Block(kind=kind, name=name, purpose=_purpose(body), sql=_literal(found[0]), parameters=len(used))


def _purpose(body: str) -> str:
    lines: list[str] = []
    for line in body.lstrip("\n").splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def _literal(text: str) -> LiteralString:
    """Text of our own files counts as literal: no value of a caller ever enters it."""
    return cast(LiteralString, text)
