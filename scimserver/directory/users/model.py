"""A user's document and what follows from it: columns, order of keys. Pure.

The document is stored as bytes and answered as stored (RFC 7643, section 3). Its keys stand in one
order, with the enterprise extension last and the manager last in it, so that what derives from the
manager can be spliced in without parsing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, cast
from uuid import UUID

import orjson

from scimserver.directory.shadow import comparable, exact, shadow
from scimserver.directory.views import Reference
from scimserver.kernel.addresses import address_key
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import RoleId, UserId, parse_uuid
from scimserver.kernel.permissions import Permission
from scimserver.kernel.providers import IdentityProvider

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

Document: TypeAlias = dict[str, Json]

_DERIVED = frozenset({"schemas", "id", "meta", "groups", "password"})


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user as committed. `stored` is the document's bytes, `document` the same parsed."""

    id: UserId
    active: bool
    role: RoleId
    permissions: frozenset[Permission]
    """What the role permits."""
    mail_stand_in: bool
    """Whether the document's only e-mail was made from `userName`, because the client sent none."""
    mail_domain: str | None
    """The domain that the Email Domain rule looks at."""
    version: int
    created: datetime
    last_modified: datetime
    document: Document
    stored: bytes
    groups: Sequence[Reference] = ()
    manager: Reference | None = None
    provider: IdentityProvider | None = None
    """By which the user signs in, who has no password then (P8)."""
    mark: bool | None = None
    """Whether the user is to be SAML-managed, as a client said; None where none did."""
    recovers: bool = False
    """Whether the user has a recovery account, and so never is SAML-managed (P8)."""

    @property
    def user_name(self) -> str:
        """The address that identifies the user (rule P1)."""
        return cast(str, self.document["userName"])

    @property
    def saml_managed(self) -> bool | None:
        """Whether an identity provider signs the user in, or is to; None where nobody said anything."""
        return True if self.provider else self.mark

    @property
    def manages_users(self) -> bool:
        """Whether the user may change other users: somebody active always has to (P5)."""
        return Permission.USERS_UPDATE in self.permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What of a deleted user is as it was when the user comes back."""

    id: UserId
    version: int
    created: datetime
    managed: bool
    """Whether the user was SAML-managed."""


def stand_in(user_name: str) -> list[Json]:
    """The e-mails of a user for whom a client sent none."""
    return [{"value": user_name, "type": "work", "primary": True}]


def follow_user_name(emails: Json, old: str, new: str) -> Json:
    """The e-mails where the one that equalled the old `userName` is the new one (P1)."""
    key = address_key(old)
    return [
        {**entry, "value": new} if address_key(str(entry.get("value", ""))) == key else entry
        for entry in cast("Sequence[Mapping[str, Json]]", emails)
    ]


def arranged(document: Mapping[str, Json], user: UserId) -> Document:
    """The document as it is stored: whole `schemas`, the user's `id`, keys in their fixed order."""
    extension = document.get(ENTERPRISE)
    ordered: Document = {"schemas": [CORE, *([ENTERPRISE] if extension else [])], "id": str(user)}
    for key, value in document.items():
        if key not in _DERIVED and key != ENTERPRISE:
            ordered[key] = value
    if extension:
        ordered[ENTERPRISE] = _manager_last(cast(Mapping[str, Json], extension))
    return ordered


def _manager_last(extension: Mapping[str, Json]) -> Json:
    kept = {key: value for key, value in extension.items() if key != "manager"}
    manager = extension.get("manager")
    if isinstance(manager, dict) and manager.get("value"):
        kept["manager"] = {"value": manager["value"]}
    return kept


def encoded(document: Document) -> bytes:
    """The document's bytes."""
    return orjson.dumps(document)


def columns(
    document: Document,
    stored: bytes,
    *,
    active: bool,
    role: RoleId,
    mail_stand_in: bool,
    mail_domain: str | None,
    provider: IdentityProvider | None,
    mark: bool | None,
) -> tuple[object, ...]:
    """What the row of a user holds beside its identity and version, in the order of the queries.

    `stored` is the document's bytes.
    """
    user_name = cast(str, document["userName"])
    return (
        user_name,
        address_key(user_name),
        mail_domain,
        _exact(document.get("externalId")),
        document.get("displayName"),
        _key(document.get("displayName")),
        _key(_sub(document.get("name"), "familyName")),
        active,
        role,
        manager_of(document),
        mail_stand_in,
        stored,
        orjson.dumps(shadow(document)).decode(),
        provider.id if provider else None,
        mark,
    )


def manager_of(document: Mapping[str, Json]) -> UUID | None:
    """The id of the manager, where it can be one of ours."""
    value = _sub(_sub(document.get(ENTERPRISE), "manager"), "value")
    return parse_uuid(value) if isinstance(value, str) else None


def _key(value: Json) -> str | None:
    return comparable(value) if isinstance(value, str) else None


def _exact(value: Json) -> str | None:
    return exact(value) if isinstance(value, str) else None


def _sub(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None
