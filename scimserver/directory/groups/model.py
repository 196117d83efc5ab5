"""A group's document and what follows from it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, cast

import orjson

from scimserver.directory.shadow import comparable, exact, shadow
from scimserver.directory.views import Reference
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import GroupId

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"

Document: TypeAlias = dict[str, Json]

_DERIVED = frozenset({"schemas", "id", "meta", "members"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group as committed. `stored` is the document's bytes, `document` the same parsed."""

    id: GroupId
    version: int
    created: datetime
    last_modified: datetime
    document: Document
    stored: bytes
    members: Sequence[Reference]

    @property
    def display_name(self) -> str:
        """What people call the group."""
        return cast(str, self.document["displayName"])


def arranged(document: Mapping[str, Json], group: GroupId) -> Document:
    """The document as it is stored: `schemas` and `id` first, nothing that derives from elsewhere."""
    kept = {key: value for key, value in document.items() if key not in _DERIVED}
    return {"schemas": [CORE], "id": str(group), **kept}


def encoded(document: Document) -> bytes:
    """The document's bytes."""
    return orjson.dumps(document)


def columns(document: Document) -> tuple[object, ...]:
    """What the row of a group holds beside its identity and version, in the order of the queries."""
    name = cast(str, document["displayName"])
    return (
        name,
        comparable(name),
        _exact(document.get("externalId")),
        encoded(document),
        orjson.dumps(shadow(document)).decode(),
    )


def _exact(value: Json) -> str | None:
    return exact(value) if isinstance(value, str) else None
