"""Where the attributes of a resource live: a column, the shadow, or the rows of other tables.

Everything here is text of our own schema; what a client sent never enters it. An attribute that no
column serves is read from the shadow (scimserver/directory/shadow.py).
Proven by tests/properties/test_filter_sql.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import isclass
from typing import Any, Final, LiteralString

from scim2_models import AttributeBinding, ComplexAttribute, Extension, Resource

from scimserver.db.where import quoted
from scimserver.scim.models import (
    DIRECTORY_USER_SCHEMA,
    ENTERPRISE_SCHEMA,
    Case,
    Group,
    ProvisionedUser,
    Role,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """A single value of a row, as SQL."""

    sql: LiteralString
    kind: LiteralString = "text"
    """Its SQL type: text, boolean, timestamptz or uuid."""
    nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A multi-valued attribute that is no list but rows, such as those of `group_members`, aliased `m`."""

    rows: LiteralString
    """Those of one resource, for a `FROM`."""
    named_rows: LiteralString
    """The same joined with the other side, aliased `x`."""
    belongs: LiteralString
    """The condition that ties them to the resource."""
    operands: Mapping[str, Operand]
    """By sub-attribute."""
    named: frozenset[str] = frozenset({"display"})
    """The sub-attributes that need the joined rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A multi-valued attribute in the shadow."""

    array: LiteralString
    scalar: bool
    """Whether the entries are values themselves, without sub-attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A complex attribute with a single value; it has no value of its own to compare."""

    sql: LiteralString | None
    """Its object in the shadow; None for one that every resource has."""
    is_column: bool = False
    """Whether `sql` is a column instead, which is NULL where the resource does not have the attribute."""


Place = Operand | Membership | Entries | Node


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourceTable:
    """The rows of a resource type, and where its attributes live in them."""

    kind: LiteralString
    """The name of the resource type."""
    model: type[Resource[Any]]
    table: LiteralString
    alias: LiteralString
    columns: Mapping[str, Operand]
    """By attribute, as `name` spells it."""
    memberships: Mapping[str, Membership] = field(default_factory=dict[str, Membership])
    same_in_all: Mapping[str, Entries] = field(default_factory=dict[str, Entries])
    """Attributes of which all rows have the same, or something the same: not what the shadow holds alone."""
    nodes: Mapping[str, Node] = field(default_factory=dict[str, Node])
    """Complex attributes that are not in the shadow."""
    answered_only: frozenset[str]
    """Attributes that exist in answers alone, such as URLs: there is nothing stored to search."""
    lookup_columns: frozenset[str]
    """Attributes for which an index of the organisation finds the few rows that equal a value."""
    lookup_entries: frozenset[str] = frozenset()
    """Attributes for which an index of all organisations together does."""
    unique: frozenset[str] = frozenset()
    """Columns of which no two rows of an organisation have the same value."""

    def name(self, binding: AttributeBinding) -> str:
        """The attribute's name: with its URN if, and only if, an extension declares it."""
        return binding.urn.removeprefix(f"{self.model.__schema__}:")

    def place(self, binding: AttributeBinding) -> Place:
        """Where the attribute lives; for a sub-attribute of a multi-valued one, where the entries live."""
        name = self.name(binding)
        column = self.columns.get(name)
        if column is not None:
            return column
        if name == "meta":
            return Node(sql=None)
        if name in self.same_in_all:
            return self.same_in_all[name]
        if name in self.nodes:
            return self.nodes[name]
        return self.memberships.get(name.partition(".")[0]) or self._shadowed(binding)

    def _shadowed(self, binding: AttributeBinding) -> Place:
        holder: LiteralString = f"{self.alias}.shadow"
        if issubclass(binding.model, Extension):
            holder = f"{holder} -> {quoted(str(binding.model.__schema__))}"
        head, *sub = scim_names(binding)
        if binding.is_multivalued:
            return Entries(array=f"({holder} -> {quoted(head)})", scalar=not _is_complex(binding.field_type))
        if sub:
            return Operand(sql=f"({holder} -> {quoted(head)} ->> {quoted(sub[0])})")
        if _is_complex(binding.field_type):
            return Node(sql=f"({holder} -> {quoted(head)})")
        return Operand(sql=f"({holder} ->> {quoted(head)})")


def scim_names(binding: AttributeBinding) -> list[str]:
    """The names of the attribute and, if the path designates one, of its sub-attribute."""
    return binding.urn.rpartition(":")[2].split(".")


def _is_complex(declared: type | None) -> bool:
    return isclass(declared) and issubclass(declared, ComplexAttribute)


def _meta(alias: LiteralString, kind: LiteralString) -> Mapping[str, Operand]:
    return {
        "id": Operand(sql=f"{alias}.id", kind="uuid", nullable=False),
        "externalId": Operand(sql=f"{alias}.external_id"),
        "meta.resourceType": Operand(sql=f"'{kind}'::text", nullable=False),
        "meta.created": Operand(sql=f"{alias}.created", kind="timestamptz", nullable=False),
        "meta.lastModified": Operand(sql=f"{alias}.last_modified", kind="timestamptz", nullable=False),
    }


_ANSWERED_ONLY: Final = frozenset({"meta.location", "meta.version"})

_DIRECTORY_USER_COMPARED: Final[LiteralString] = (
    "CASE WHEN coalesce(u.saml_connection_id::text, u.saml_mark::text) IS NULL THEN '[]'::jsonb ELSE"
    """ '["urn:ietf:params:scim:schemas:extension:scimserver:2.0:user"]'::jsonb END"""
)

USERS: Final = ResourceTable(
    kind="User",
    model=ProvisionedUser,
    table="users",
    alias="u",
    columns={
        **_meta("u", "User"),
        "userName": Operand(sql="u.user_name_key", nullable=False),
        "displayName": Operand(sql="u.display_name_key"),
        "name.familyName": Operand(sql="u.family_name_key"),
        "active": Operand(sql="u.active", kind="boolean", nullable=False),
        f"{ENTERPRISE_SCHEMA}:manager.displayName": Operand(
            sql="(SELECT b.display_name_key FROM users AS b"
            " WHERE b.org_id = u.org_id AND b.id = u.manager_id)"
        ),
        f"{DIRECTORY_USER_SCHEMA}:samlManaged": Operand(
            sql="CASE WHEN u.saml_connection_id IS NULL THEN u.saml_mark ELSE true END", kind="boolean"
        ),
        f"{DIRECTORY_USER_SCHEMA}:authenticationMethod": Operand(
            sql="CASE WHEN u.saml_connection_id IS NOT NULL THEN 'saml' END"
        ),
        f"{DIRECTORY_USER_SCHEMA}:identityProvider.value": Operand(sql="u.saml_connection_id", kind="uuid"),
        f"{DIRECTORY_USER_SCHEMA}:passwordManagement.managedBy": Operand(
            sql="CASE WHEN u.saml_connection_id IS NOT NULL THEN 'identityprovider' END"
        ),
    },
    nodes={
        f"{DIRECTORY_USER_SCHEMA}:identityProvider": Node(sql="u.saml_connection_id", is_column=True),
        f"{DIRECTORY_USER_SCHEMA}:passwordManagement": Node(sql="u.saml_connection_id", is_column=True),
    },
    same_in_all={
        "schemas": Entries(array=f"((u.shadow -> 'schemas') || {_DIRECTORY_USER_COMPARED})", scalar=True)
    },
    memberships={
        "groups": Membership(
            rows="group_members AS m",
            named_rows="group_members AS m JOIN groups AS x ON x.org_id = m.org_id AND x.id = m.group_id",
            belongs="m.org_id = u.org_id AND m.user_id = u.id",
            operands={
                "value": Operand(sql="m.group_id", kind="uuid", nullable=False),
                "display": Operand(sql="x.display_name_key", nullable=False),
                "type": Operand(sql="'direct'::text", nullable=False),
            },
        )
    },
    answered_only=_ANSWERED_ONLY
    | {
        "groups.$ref",
        f"{ENTERPRISE_SCHEMA}:manager.$ref",
        f"{ENTERPRISE_SCHEMA}:schemas",
        f"{DIRECTORY_USER_SCHEMA}:schemas",
        f"{DIRECTORY_USER_SCHEMA}:identityProvider.display",
        f"{DIRECTORY_USER_SCHEMA}:identityProvider.$ref",
        f"{DIRECTORY_USER_SCHEMA}:passwordManagement.resetUri",
        f"{DIRECTORY_USER_SCHEMA}:passwordManagement.contact",
        f"{DIRECTORY_USER_SCHEMA}:samlSubject",
        f"{DIRECTORY_USER_SCHEMA}:samlSubject.nameId",
        f"{DIRECTORY_USER_SCHEMA}:samlSubject.format",
        f"{DIRECTORY_USER_SCHEMA}:samlSubject.linkedAt",
    },
    lookup_columns=frozenset({"id", "userName", "externalId", "displayName"}),
    lookup_entries=frozenset({"emails.value"}),
    unique=frozenset({"userName"}),
)

GROUPS: Final = ResourceTable(
    kind="Group",
    model=Group,
    table="groups",
    alias="g",
    columns={
        **_meta("g", "Group"),
        "displayName": Operand(sql="g.display_name_key", nullable=False),
    },
    memberships={
        "members": Membership(
            rows="group_members AS m",
            named_rows="group_members AS m JOIN users AS x ON x.org_id = m.org_id AND x.id = m.user_id",
            belongs="m.org_id = g.org_id AND m.group_id = g.id",
            operands={
                "value": Operand(sql="m.user_id", kind="uuid", nullable=False),
                "display": Operand(sql="x.display_name_key"),
                "type": Operand(sql="'user'::text", nullable=False),
            },
        )
    },
    answered_only=_ANSWERED_ONLY | {"members.$ref"},
    lookup_columns=frozenset({"id", "externalId", "displayName"}),
)

_ROLE_SCHEMA_COMPARED: Final[LiteralString] = '"urn:ietf:params:scim:schemas:scimserver:2.0:role"'

ROLES: Final = ResourceTable(
    kind="Role",
    model=Role,
    table="roles",
    alias="r",
    columns={
        **_meta("r", "Role"),
        "displayName": Operand(sql="r.name_key", nullable=False),
        "startPage": Operand(sql="r.start_page"),
        "builtIn": Operand(sql="r.built_in", kind="boolean", nullable=False),
    },
    memberships={
        "permissions": Membership(
            rows="unnest(r.permissions) AS m (value)",
            named_rows="unnest(r.permissions) AS m (value)",
            belongs="true",
            operands={"value": Operand(sql="m.value", nullable=False)},
        )
    },
    same_in_all={"schemas": Entries(array=f"'[{_ROLE_SCHEMA_COMPARED}]'::jsonb", scalar=True)},
    answered_only=_ANSWERED_ONLY,
    lookup_columns=frozenset({"id", "displayName"}),
    unique=frozenset({"displayName"}),
)

CASES: Final = ResourceTable(
    kind="Case",
    model=Case,
    table="cases",
    alias="c",
    columns={
        **_meta("c", "Case"),
        "subject": Operand(sql="c.subject_key", nullable=False),
        "status": Operand(sql="c.status"),
        "owner.value": Operand(sql="c.owner_id", kind="uuid"),
        "owner.display": Operand(
            sql="(SELECT o.display_name_key FROM users AS o WHERE o.org_id = c.org_id AND o.id = c.owner_id)"
        ),
    },
    nodes={"owner": Node(sql="c.owner_id", is_column=True)},
    answered_only=_ANSWERED_ONLY | {"owner.$ref"},
    lookup_columns=frozenset({"id", "externalId", "subject", "owner.value"}),
)
