"""Changes of a group's members in the forms that clients send, joined to one however many they are.

RFC 7644, section 3.5.2 for `members` alone: entries added, replaced, removed by the `value` in a filter
or in a list, or all removed. scim2-models compares every member anew after each operation, which takes
minutes where an identity provider sends an operation for each of thousands; it is the oracle here.
Proven by tests/properties/test_members.py.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, cast

from scimserver.scim.json_body import JsonObject, JsonValue
from scimserver.scim.models import GROUP_SCHEMA

_PATH: Final = re.compile(
    rf'(?:{re.escape(GROUP_SCHEMA)}:)?members(?:\[value eq "(?P<one>[ !#-\[\]-~]+)"\])?',
    re.IGNORECASE | re.ASCII,
)
"""All members, or those of one `value` without an escape in it."""

_TEXTS: Final = frozenset({"$ref", "type"})
"""What may stand beside a member's `value`, as text: the directory answers its own."""

_KNOWN: Final = frozenset({"value", "$ref", "ref", "type", "display"})
"""The names, in lower case, that cannot be ignored as unknown."""


@dataclass(slots=True, kw_only=True)
class MemberChange:
    """Who stays, leaves and joins, by the text of `value`, whoever is a member now."""

    tolerant: bool
    """Whether the value of a remove says who leaves; the standard has none."""

    emptied: bool = False
    leaving: set[str] = field(default_factory=set[str])
    joining: dict[str, None] = field(default_factory=dict[str, None])

    @property
    def is_any(self) -> bool:
        """Whether anything was asked for."""
        return bool(self.emptied or self.leaving or self.joining)

    def take(self, verb: str, path: str, value: JsonValue) -> bool:
        """Let an operation follow those before it; False, with nothing changed, if the models must judge it.

        `verb` is in lower case; `value` is None where a remove has none.
        """
        found = _PATH.fullmatch(path)
        if found is None:
            return False
        one = found["one"]
        if verb == "remove" and value is None:
            self._empty() if one is None else self._remove([one])
            return True
        ids = _ids(value, self.tolerant) if one is None else None
        if ids is None or (verb == "remove" and not self.tolerant):
            return False
        if verb == "remove":
            self._remove(ids)
            return True
        if verb == "replace":
            self._empty()
        self.joining.update(dict.fromkeys(ids))
        return True

    def applied(self, members: JsonValue) -> list[JsonValue]:
        """The members afterwards, each once."""
        entries = () if self.emptied else cast("list[JsonObject]", members or ())
        staying = [cast(str, entry["value"]) for entry in entries]
        after = dict.fromkeys([each for each in staying if each not in self.leaving]) | self.joining
        return [{"value": each} for each in after]

    def _empty(self) -> None:
        self.emptied = True
        self.leaving.clear()
        self.joining.clear()

    def _remove(self, ids: Iterable[str]) -> None:
        for each in ids:
            self.leaving.add(each)
            self.joining.pop(each, None)


def _ids(value: JsonValue, tolerant: bool) -> list[str] | None:
    """The `value` of each entry; None if an entry is anything but one, and what may stand beside it."""
    if not isinstance(value, list):
        return None
    ids = [entry["value"] for entry in value if isinstance(entry, dict) and _is_plain(entry, tolerant)]
    return cast("list[str]", ids) if len(ids) == len(value) else None


def _is_plain(entry: JsonObject, tolerant: bool) -> bool:
    text = entry.get("value")
    if not isinstance(text, str) or not text.isascii() or not text:
        return False
    return len(entry) == 1 or all(_may_be_beside(*each, tolerant) for each in entry.items())


def _may_be_beside(name: str, item: JsonValue, tolerant: bool) -> bool:
    if name in _TEXTS:
        return item is None or isinstance(item, str)
    return name == "value" or (tolerant and name.lower() not in _KNOWN)
