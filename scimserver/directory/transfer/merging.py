"""What a row of a file makes of the user it is about: a document, and the Teams to join and to leave. Pure.

A row is compared with what an export of the user would say: a column that says the same is not touched.
Proven by tests/database/test_importing*.py.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from scimserver.directory.transfer.columns import BY_NAME, COLUMNS, Column, Kind
from scimserver.directory.transfer.rows import Row
from scimserver.directory.transfer.values import require_usable
from scimserver.directory.users import Document, User
from scimserver.kernel.facts import Json

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
            document = column.put(document, require_usable(column, _whole(column, value, present)))
    return document


def says_emails(row: Row) -> bool:
    """Whether the row says what the e-mails are, and not only that there are none."""
    return row.has(_EMAILS) and row.value(_EMAILS) is not None


def _present(column: Column, current: User | None) -> Json:
    """What a user has in a column, as an export says it."""
    if current is None or (column is _EMAILS and current.mail_stand_in):
        return None
    return column.of(current.document)


def _whole(column: Column, value: Json, present: Json) -> Json:
    """Entries with what else is known of those that stay: a file does not say everything of them."""
    if column.kind is not Kind.ENTRIES or not isinstance(value, list) or not isinstance(present, list):
        return value
    known = {(entry.get("type"), entry.get("value")): entry for entry in present if isinstance(entry, dict)}
    whole: list[Json] = []
    for entry in value:
        assert isinstance(entry, dict), "entries are objects"
        rest = known.get((entry.get("type"), entry.get("value")), {})
        whole.append({**{name: part for name, part in rest.items() if name != "primary"}, **entry})
    return whole


@dataclass(frozen=True, slots=True)
class Moves:
    """The Teams that a user joins and leaves."""

    joining: frozenset[UUID] = frozenset()
    leaving: frozenset[UUID] = frozenset()


NO_MOVES: Final = Moves()


def moves_of(wanted: Collection[UUID], current: User | None) -> Moves:
    """How a user comes to be in the wanted Teams and no other."""
    before = frozenset(group.id for group in current.groups) if current else frozenset[UUID]()
    return Moves(frozenset(wanted) - before, before - frozenset(wanted))
