"""What a row of a file makes of the user it is about: a document, and the Teams to join and to leave. Pure.

A row is compared with what an export of the user would say: a column that says the same is not touched.
Proven by tests/database/test_importing*.py.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

from scimserver.directory.shadow import comparable
from scimserver.directory.transfer.columns import BY_NAME, COLUMNS, Column, Kind
from scimserver.directory.transfer.rows import Row
from scimserver.directory.transfer.values import Entry, require_one_primary, require_value
from scimserver.directory.users import Document, User
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import parse_uuid

_EMAILS = BY_NAME["emails"]


def document_of(row: Row, current: User | None) -> Document:
    """What the user is to be: columns that say what is so already are left exactly as they are.

    Raises `InvalidValue`.
    """
    document: Document = dict(current.document) if current else {}
    for column in COLUMNS:
        if not column.path or not row.has(column):
            continue
        value, present = row.value(column), _present(column, current)
        if value != row.as_written(column, present):
            document = column.put(document, _merged(column, value, present))
    return document


def says_emails(row: Row) -> bool:
    """Whether the row says what the e-mails are, and not only that there are none."""
    return row.has(_EMAILS) and row.value(_EMAILS) is not None


def _present(column: Column, current: User | None) -> Json:
    """What a user has in a column, as an export says it."""
    if current is None or (column is _EMAILS and current.mail_stand_in):
        return None
    return column.of(current.document)


def _merged(column: Column, value: Json, present: Json) -> Json:
    """What is to be stored: of entries that stay, also what a file does not say of them.

    Like entries stay in their order. Raises `InvalidValue`.
    """
    if column.kind is not Kind.ENTRIES or not isinstance(value, list):
        return value
    known: dict[tuple[Json, Json], list[Entry]] = {}
    for entry in cast("Sequence[Entry]", present or ()):
        known.setdefault(_key(entry), []).append(entry)
    merged: list[Json] = []
    for entry in cast("Sequence[Entry]", value):
        alike = known.get(_key(entry))
        merged.append(_kept(alike.pop(0), entry) if alike else require_value(column, entry))
    return require_one_primary(column, merged)


def _key(entry: Entry) -> tuple[Json, Json]:
    return entry.get("type") or None, entry.get("value") or None


def _kept(before: Entry, entry: Entry) -> Json:
    """An entry that stays. What the file can only leave empty of it is as it was."""
    kept = {name: part for name, part in before.items() if name != "primary"}
    return {**kept, **{name: part for name, part in entry.items() if part != ""}}


@dataclass(frozen=True, slots=True)
class Moves:
    """The Teams that a user joins and leaves."""

    joining: frozenset[UUID] = frozenset()
    leaving: frozenset[UUID] = frozenset()


NO_MOVES: Final = Moves()


def known_teams(names: Sequence[str], current: User | None) -> tuple[set[UUID], list[str]]:
    """The Teams of the user that some of the names mean, and the other names.

    A name that two of the user's Teams have is among the others: whoever looks it up says so.
    """
    by_id = {group.id: [group.id] for group in current.groups} if current else {}
    by_name: dict[str, list[UUID]] = {}
    for group in current.groups if current else ():
        by_name.setdefault(comparable(group.name or ""), []).append(group.id)
    known: set[UUID] = set()
    others: list[str] = []
    for name in names:
        parsed = parse_uuid(name)
        # What could be the id of another Team is no name here.
        meant = by_id.get(parsed, []) if parsed else by_name.get(comparable(name), [])
        if len(meant) == 1:
            known.update(meant)
        else:
            others.append(name)
    return known, others


def moves_of(wanted: Collection[UUID], current: User | None) -> Moves:
    """How a user comes to be in the wanted Teams and no other."""
    before = frozenset(group.id for group in current.groups) if current else frozenset[UUID]()
    return Moves(frozenset(wanted) - before, before - frozenset(wanted))
