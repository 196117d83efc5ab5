"""A case's document and what follows from it. Pure.

The document holds what the case says of itself. Its owner is a column: a user's Cases become nobody's
without a document being written anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias, cast

import orjson

from scimserver.directory.shadow import comparable, exact, shadow
from scimserver.directory.views import Reference
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import CaseId

SCHEMA: Final = "urn:ietf:params:scim:schemas:scimserver:2.0:Case"

Document: TypeAlias = dict[str, Json]

_DERIVED: Final = frozenset({"schemas", "id", "meta", "owner"})


class Status(StrEnum):
    """How far the work on a case is. Values are stored: never rename one."""

    OPEN = "open"
    PENDING = "pending"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case as committed. `stored` is the document's bytes, `document` the same parsed."""

    id: CaseId
    version: int
    created: datetime
    last_modified: datetime
    document: Document
    stored: bytes
    owner: Reference | None

    @property
    def subject(self) -> str:
        """What the case is about: what people call it."""
        return cast(str, self.document["subject"])


def arranged(document: Mapping[str, Json], case: CaseId) -> Document:
    """The document as it is stored: `schemas` and `id` first, nothing that derives from elsewhere."""
    kept = {key: value for key, value in document.items() if key not in _DERIVED}
    return {"schemas": [SCHEMA], "id": str(case), **kept}


def encoded(document: Document) -> bytes:
    """The document's bytes."""
    return orjson.dumps(document)


def columns(document: Document, stored: bytes) -> tuple[object, ...]:
    """What the row of a case holds beside identity, version and owner, in the order of the queries."""
    subject = cast(str, document["subject"])
    external_id = document.get("externalId")
    return (
        subject,
        comparable(subject),
        document.get("status"),
        exact(external_id) if isinstance(external_id, str) else None,
        stored,
        orjson.dumps(shadow(document)).decode(),
    )
