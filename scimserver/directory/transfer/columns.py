"""The columns of a file of users, and how each is a part of a user's document. Pure.

A column says what a user has in it, puts something else in its place, and knows nothing of the rest
of the document: what has no column stays as it is.
Proven by tests/unit/test_transfer_columns.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, cast

from scimserver.directory.users.model import ENTERPRISE, Document
from scimserver.kernel.facts import Json


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    FLAG = "true or false"
    NAMES = "a list of names"
    ENTRIES = "a list of entries"
    ROLE = "a role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: `path` leads to it in the document; it is empty for what stands elsewhere."""

    name: str
    kind: Kind = Kind.TEXT
    path: tuple[str, ...] = ()
    stays: bool = False
    """Whether every user has one: an empty cell leaves it, and gives new users the default."""
    note: str = ""
    """For the documentation."""

    def of(self, document: Mapping[str, Json]) -> Json:
        """What a document has in the column; None for nothing."""
        value: Json = document if self.path else None
        for step in self.path:
            value = value.get(step) if isinstance(value, dict) else None
        if self.kind is Kind.ROLE:
            return _names_of(cast("Sequence[Mapping[str, Json]]", value or ()))
        return value or None if value is not False else value

    def put(self, document: Mapping[str, Json], value: Json) -> Document:
        """The document with that value in the column, None clears it."""
        if not self.path or (value is None and self.stays):
            return dict(document)
        if self.kind is Kind.ROLE:
            value = _roles(cast("Sequence[str]", value))
        return _replaced(document, self.path, value)


def _replaced(place: Mapping[str, Json], path: Sequence[str], value: Json) -> Document:
    """The same with another value at the end of a path; objects that become empty go."""
    step, *rest = path
    made = dict(place)
    if rest:
        inner = made.get(step)
        value = _replaced(inner if isinstance(inner, dict) else {}, rest, value) or None
    if value is None:
        made.pop(step, None)
    else:
        made[step] = value
    return made


def _names_of(entries: Sequence[Mapping[str, Json]]) -> Json:
    """The role by its name, in a list: there are several where an organisation takes any."""
    names: list[Json] = [str(entry.get("value") or entry.get("display") or "") for entry in entries]
    return names if any(names) else None


def _roles(names: Sequence[str]) -> Json:
    return [
        {"value": name, "primary": True} if number == 0 else {"value": name}
        for number, name in enumerate(names)
    ]


COLUMNS: Final = (
    Column(name="id", note="The user's id here. Rows are matched by it; without it, by `userName`."),
    Column(name="userName", path=("userName",), note="The e-mail address that identifies the user."),
    Column(name="externalId", path=("externalId",), note="The user's id at an identity provider."),
    Column(name="givenName", path=("name", "givenName")),
    Column(name="familyName", path=("name", "familyName")),
    Column(name="displayName", path=("displayName",)),
    Column(name="nickName", path=("nickName",)),
    Column(name="title", path=("title",)),
    Column(name="userType", path=("userType",)),
    Column(name="preferredLanguage", path=("preferredLanguage",)),
    Column(name="locale", path=("locale",)),
    Column(name="timezone", path=("timezone",), stays=True, note="A name of the IANA database."),
    Column(name="active", kind=Kind.FLAG, path=("active",), stays=True, note="`true` or `false`."),
    Column(
        name="role", kind=Kind.ROLE, path=("roles",), stays=True, note="The name or id of the user's role."
    ),
    Column(
        name="teams",
        kind=Kind.NAMES,
        note="Names of Teams that there are; the id of one whose name another has too.",
    ),
    Column(
        name="emails",
        kind=Kind.ENTRIES,
        path=("emails",),
        note="Empty: new users get one, made from `userName`.",
    ),
    Column(name="phoneNumbers", kind=Kind.ENTRIES, path=("phoneNumbers",)),
    Column(name="employeeNumber", path=(ENTERPRISE, "employeeNumber")),
    Column(name="costCenter", path=(ENTERPRISE, "costCenter")),
    Column(name="organization", path=(ENTERPRISE, "organization")),
    Column(name="division", path=(ENTERPRISE, "division")),
    Column(name="department", path=(ENTERPRISE, "department")),
    Column(name="manager", path=(ENTERPRISE, "manager", "value"), note="The manager's id here."),
)

BY_NAME: Final[Mapping[str, Column]] = MappingProxyType({each.name.lower(): each for each in COLUMNS})
