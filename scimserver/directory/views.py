"""What is read of users, groups, roles and cases: stored documents and what derives from elsewhere, at once.

One statement gives a resource whole: the bytes as stored, and beside them the names of a user's
groups and manager, of a group's members, or of a case's owner. The fragments here are shared by the
point reads and by the searches that `scim` composes, so that both answer the same. Names are looked up
one by one through the primary key: joined, the planner would read the whole organisation beside a large
group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, NamedTuple, Protocol
from uuid import UUID

from scimserver.db.queries import Query
from scimserver.db.where import sql
from scimserver.kernel.ids import OrganizationId, SamlConnectionId
from scimserver.kernel.providers import IdentityProvider, Subject

_NONE_RELATED: Final[LiteralString] = ", NULL::uuid[] AS ids, NULL::text[] AS names"
_NO_MANAGER: Final[LiteralString] = (
    ", NULL::uuid AS manager_id, NULL::text AS manager_name, NULL::text[] AS provider, NULL::boolean AS mark"
)

_PROVIDER: Final[LiteralString] = """, CASE WHEN u.saml_connection_id IS NOT NULL THEN (
    SELECT ARRAY[p.org_id::text, p.id::text, p.name, p.sso_url, p.reset_uri,
                 coalesce(nullif(p.contact, ''), o.support_contact)]
    FROM saml_connections AS p JOIN organizations AS o ON o.id = p.org_id
    WHERE p.org_id = u.org_id AND p.id = u.saml_connection_id
)"""
"""The SAML connection by which a user signs in, as `provider_of` reads it."""

_SUBJECT: Final[LiteralString] = """ || (
    SELECT ARRAY[l.name_id, l.name_id_format,
                 to_char(l.linked AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')]
    FROM saml_links AS l
    WHERE l.org_id = u.org_id AND l.user_id = u.id AND l.connection_id = u.saml_connection_id
)"""
"""As whom that connection knows the user: nothing where it has not signed the user in yet."""

_USER: Final[LiteralString] = "u.id, u.version, u.created, u.last_modified, u.document"
USER_COLUMNS: Final[LiteralString] = _USER + _NONE_RELATED + _NO_MANAGER
"""A user without what derives from elsewhere: of the same shape, for pages of several types."""

_DERIVED: Final[LiteralString] = (
    _USER + ", derived.ids, derived.names, boss.id AS manager_id, boss.display_name AS manager_name"
)
USER_DERIVED_COLUMNS: Final[LiteralString] = _DERIVED + _PROVIDER + " END AS provider, u.saml_mark AS mark"
USER_SUBJECT_COLUMNS: Final[LiteralString] = (
    _DERIVED + _PROVIDER + _SUBJECT + " END AS provider, u.saml_mark AS mark"
)
"""A user with all that there is, as whom the identity provider knows them included."""
USER_DERIVED_JOINS: Final[LiteralString] = """
LEFT JOIN users AS boss ON boss.org_id = u.org_id AND boss.id = u.manager_id
LEFT JOIN LATERAL (
    SELECT array_agg(m.group_id ORDER BY m.group_id) AS ids,
           array_agg((SELECT t.display_name FROM groups AS t WHERE t.org_id = m.org_id AND t.id = m.group_id)
                     ORDER BY m.group_id) AS names
    FROM group_members AS m
    WHERE m.org_id = u.org_id AND m.user_id = u.id
) AS derived ON true"""

_GROUP: Final[LiteralString] = "g.id, g.version, g.created, g.last_modified, g.document"
GROUP_COLUMNS: Final[LiteralString] = _GROUP + _NONE_RELATED + _NO_MANAGER
GROUP_DERIVED_COLUMNS: Final[LiteralString] = _GROUP + ", derived.ids, derived.names" + _NO_MANAGER
GROUP_DERIVED_JOINS: Final[LiteralString] = """
LEFT JOIN LATERAL (
    SELECT array_agg(m.user_id ORDER BY m.user_id) AS ids,
           array_agg((SELECT p.display_name FROM users AS p WHERE p.org_id = m.org_id AND p.id = m.user_id)
                     ORDER BY m.user_id) AS names
    FROM group_members AS m
    WHERE m.org_id = g.org_id AND m.group_id = g.id
) AS derived ON true"""

_ROLE_DOCUMENT: Final[LiteralString] = """convert_to(json_strip_nulls(json_build_object(
    'schemas', json_build_array('urn:ietf:params:scim:schemas:scimserver:2.0:Role'), 'id', r.id,
    'externalId', r.external_id, 'displayName', r.name, 'startPage', r.start_page,
    'permissions', (SELECT json_agg(json_build_object('value', p) ORDER BY p COLLATE "C")
                    FROM unnest(r.permissions) AS p),
    'builtIn', r.built_in))::text, 'UTF8') AS document"""
ROLE_COLUMNS: Final[LiteralString] = (
    "r.id, r.version, r.created, r.last_modified, " + _ROLE_DOCUMENT + _NONE_RELATED + _NO_MANAGER
)
"""A role, whose document is made from its columns."""
_CASE: Final[LiteralString] = "c.id, c.version, c.created, c.last_modified, c.document"
CASE_COLUMNS: Final[LiteralString] = _CASE + _NONE_RELATED + _NO_MANAGER
CASE_DERIVED_COLUMNS: Final[LiteralString] = (
    _CASE
    + ", CASE WHEN holder.id IS NOT NULL THEN ARRAY[holder.id] END AS ids"
    + ", ARRAY[holder.display_name] AS names"
    + _NO_MANAGER
)
CASE_DERIVED_JOINS: Final[LiteralString] = """
LEFT JOIN users AS holder ON holder.org_id = c.org_id AND holder.id = c.owner_id"""


def _text(*parts: LiteralString) -> LiteralString:
    return sql(*parts).rendered()[0]


VIEW_USER: Final = Query(
    "view_user",
    "A user with what derives from elsewhere.  $1 organisation, $2 id",
    _text(
        "SELECT ",
        USER_DERIVED_COLUMNS,
        " FROM users AS u",
        USER_DERIVED_JOINS,
        " WHERE u.org_id = $1 AND u.id = $2",
    ),
)
VIEW_USER_SUBJECT: Final = Query(
    "view_user_subject",
    "A user with all that there is.  $1 organisation, $2 id",
    _text(
        "SELECT ",
        USER_SUBJECT_COLUMNS,
        " FROM users AS u",
        USER_DERIVED_JOINS,
        " WHERE u.org_id = $1 AND u.id = $2",
    ),
)
EDIT_USER: Final = Query(
    "edit_user",
    "A user with what derives from elsewhere, and what the rules look at.  $1 organisation, $2 id",
    _text(
        "SELECT ",
        USER_DERIVED_COLUMNS,
        ", u.active, u.role_id, u.mail_stand_in, u.mail_domain, (SELECT r.permissions"
        " FROM roles AS r WHERE r.org_id = u.org_id AND r.id = u.role_id) AS permissions,"
        " EXISTS (SELECT FROM recovery_accounts AS a WHERE a.org_id = u.org_id AND a.user_id = u.id"
        " AND a.confirmed IS NOT NULL) AS recovers FROM users AS u",
        USER_DERIVED_JOINS,
        " WHERE u.org_id = $1 AND u.id = $2",
    ),
)
VIEW_USER_PLAIN: Final = Query(
    "view_user_plain",
    "A user without what derives from elsewhere.  $1 organisation, $2 id",
    _text("SELECT ", USER_COLUMNS, " FROM users AS u WHERE u.org_id = $1 AND u.id = $2"),
)
VIEW_GROUP: Final = Query(
    "view_group",
    "A group with its members.  $1 organisation, $2 id",
    _text(
        "SELECT ",
        GROUP_DERIVED_COLUMNS,
        " FROM groups AS g",
        GROUP_DERIVED_JOINS,
        " WHERE g.org_id = $1 AND g.id = $2",
    ),
)
VIEW_GROUP_PLAIN: Final = Query(
    "view_group_plain",
    "A group without its members, which are not read at all.  $1 organisation, $2 id",
    _text("SELECT ", GROUP_COLUMNS, " FROM groups AS g WHERE g.org_id = $1 AND g.id = $2"),
)

VIEW_ROLE: Final = Query(
    "view_role",
    "A role.  $1 organisation, $2 id",
    _text("SELECT ", ROLE_COLUMNS, " FROM roles AS r WHERE r.org_id = $1 AND r.id = $2"),
)
VIEW_CASE: Final = Query(
    "view_case",
    "A case with its owner.  $1 organisation, $2 id",
    _text(
        "SELECT ",
        CASE_DERIVED_COLUMNS,
        " FROM cases AS c",
        CASE_DERIVED_JOINS,
        " WHERE c.org_id = $1 AND c.id = $2",
    ),
)
VIEW_CASE_PLAIN: Final = Query(
    "view_case_plain",
    "A case without its owner.  $1 organisation, $2 id",
    _text("SELECT ", CASE_COLUMNS, " FROM cases AS c WHERE c.org_id = $1 AND c.id = $2"),
)


class Row(Protocol):
    """A row, as the driver gives it: values by the names of columns."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Another resource, by its `displayName`, if it has one."""

    id: UUID
    name: str | None


class View(NamedTuple):
    """A resource as read: its stored bytes, and what derives from elsewhere.

    A tuple, like `Rendered`: a page makes hundreds, and a frozen dataclass takes four times as long.
    """

    id: UUID
    version: int
    created: datetime
    last_modified: datetime
    stored: bytes
    related: Sequence[Reference] = ()
    """A user's groups, a group's members, or a case's owner."""
    manager: Reference | None = None
    provider: IdentityProvider | None = None
    """By which a user signs in whom an identity provider signs in."""
    mark: bool | None = None
    """Whether a user is to be SAML-managed, as a client said."""


def view_of(row: Row) -> View:
    """The view that a row of one of the fragments describes."""
    return View(
        id=row["id"],
        version=row["version"],
        created=row["created"],
        last_modified=row["last_modified"],
        stored=row["document"],
        related=references(ids, row["names"]) if (ids := row["ids"]) else (),
        manager=_manager(row),
        provider=provider_of(columns) if (columns := row["provider"]) else None,
        mark=row["mark"],
    )


def provider_of(columns: Sequence[Any]) -> IdentityProvider:
    """The identity provider that an array of columns describes, with the subject where it was asked for."""
    organization, connection, name, sso_url, reset_uri, contact, *subject = columns
    return IdentityProvider(
        organization=OrganizationId(UUID(organization)),
        id=SamlConnectionId(UUID(connection)),
        name=name,
        sso_url=sso_url,
        reset_uri=reset_uri,
        contact=contact or "",
        subject=Subject(subject[0] or "", subject[1], subject[2] or "") if subject else None,
    )


def references(ids: Sequence[UUID] | None, names: Sequence[str | None] | None) -> tuple[Reference, ...]:
    """The references that two columns of the same length describe."""
    pairs = zip(ids or (), names or (), strict=True)
    return tuple(Reference(id=other, name=name) for other, name in pairs)


def _manager(row: Row) -> Reference | None:
    manager = row["manager_id"]
    return Reference(id=manager, name=row["manager_name"]) if manager else None
