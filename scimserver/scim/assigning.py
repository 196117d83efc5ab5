"""How a provider that only ever adds roles assigns another one (Microsoft Entra ID). Pure.

A user has exactly one role (P9): where one new entry stands beside the one that the user had, it takes
its place. No other door reads a document so.
Proven by tests/unit/test_assigning.py and tests/api/test_roles_and_timezone.py.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from scimserver.kernel.facts import Json
from scimserver.scim.projection import Document


def with_new_role(document: Document, before: Mapping[str, Json]) -> Document:
    """The document, in which a single new role is the only one; `before` is what the user had."""
    entries = _entries(document)
    if len(entries) < 2:
        return document
    former = [_bare(entry) for entry in _entries(before)]
    new = [entry for entry in entries if _bare(entry) not in former]
    return {**document, "roles": new} if len(new) == 1 else document


def _entries(document: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
    return cast("Sequence[Mapping[str, Json]]", document.get("roles") or ())


def _bare(entry: Mapping[str, Json]) -> dict[str, Json]:
    """The entry without what says which one is primary: adding one takes that from the other."""
    return {name: part for name, part in entry.items() if name != "primary"}
