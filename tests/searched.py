"""Resources for tests of searching: generated, stored as rows, and as the library has them."""

import asyncio
from collections.abc import Coroutine, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString, TypeVar, cast
from uuid import UUID

import asyncpg
import orjson
from hypothesis import strategies as st
from scim2_models import ComplexAttribute, Meta, Path, Resource

from scimserver.directory.shadow import comparable, exact, shadow
from scimserver.kernel.addresses import address_key
from scimserver.kernel.ids import parse_uuid
from scimserver.scim.columns import CASES, GROUPS, ROLES, USERS, ResourceTable
from scimserver.scim.filter_sql import condition
from scimserver.scim.filter_text import take_apart
from scimserver.scim.literals import Reader
from scimserver.scim.models import (
    DIRECTORY_USER_SCHEMA,
    ENTERPRISE_SCHEMA,
    Case,
    Group,
    ProvisionedUser,
    Role,
)
from scimserver.scim.provider import TOLERANT
from tests.providers import OKTA

T = TypeVar("T")

ORGANIZATION = UUID("0190b8a0-0000-7000-8000-00000000000a")
OTHER_ORGANIZATION = UUID("0190b8a0-0000-7000-8000-00000000000b")
ROLE = UUID("0190b8a0-0000-7000-8000-0000000000f0")

ALPHABET = ["", "a", "A", "b", "%", "_", "\\", "'", '"', " ", "ß", "ẞ", "ss", "İ", "i", "é", "e\u0301"]
ALPHABET += ["ﬁ", "\uff21", "Σ", "ς", "K", "ﾊﾟ", "\u0345", "ǅ", "😀", "1", "$1", "\x7f", "\uffff"]
"""What tends to be compared wrongly: case, composition, width, wildcards, quoting, code-point order."""

texts = st.lists(st.sampled_from(ALPHABET), max_size=3).map("".join)
references = st.sampled_from(["/X", "/x", "https://example.com/A", "https://example.com/a", "urn:a:b"])
binaries = st.sampled_from(["", "QUJD", "YWJj", "/+8="])
instants = st.sampled_from(
    [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        datetime(1999, 12, 31, tzinfo=UTC),
    ]
)

NOT_GENERATED = {"groups", "members", "password", "active", "userName", "displayName", "meta", "id"}
NOT_GENERATED |= {"permissions", "builtIn"}
NOT_GENERATED |= {"subject", "status", "owner"}
"""Attributes that need more than a random value."""


@dataclass(frozen=True, slots=True, repr=False)
class World:
    """What is stored: resources as the library's evaluator reads them."""

    users: Sequence[Any]
    groups: Sequence[Any]
    roles: Sequence[Any]
    cases: Sequence[Any]

    def __repr__(self) -> str:
        # A failure shows the resources that differ; all of them together would be pages.
        return f"World of {len(self.all)} resources"

    def of(self, table: ResourceTable) -> Sequence[Any]:
        """The resources that are rows of the table."""
        return {USERS: self.users, GROUPS: self.groups, ROLES: self.roles, CASES: self.cases}[table]

    @property
    def all(self) -> list[Any]:
        return [*self.users, *self.groups, *self.roles, *self.cases]


def compiled(
    text: str, table: ResourceTable, *others: ResourceTable
) -> tuple[LiteralString, tuple[object, ...]]:
    """A filter over all tables as a condition on the rows of the first, with its arguments from `$1` on.

    Raises InvalidFilterException, and what else `take_apart` and `condition` do.
    """
    taken = take_apart(text)
    where, readers = condition(taken, (table, *others), table).sql.rendered()
    return where, tuple([cast(Reader, read)(taken.literals) for read in readers])


def values_of(binding: Any) -> st.SearchStrategy[Any]:
    """Values of the attribute that a binding designates, as JSON."""
    declared = binding.target_type
    if issubclass(declared, bool):
        return st.booleans()
    if issubclass(declared, bytes):
        return binaries
    if declared.__name__.startswith("Reference"):
        return references
    if declared.__name__ == "Type":
        return st.sampled_from(["work", "WORK", "home", "inApp", "ß", ""])
    return texts


def _documents(model: type[Resource[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Any document of the model, without the attributes that are not generated."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    extensions: dict[str, dict[str, st.SearchStrategy[Any]]] = {}
    for path in Path[model].iter_paths(include_subattributes=False):
        binding = path.resolve()
        if binding is None or str(path) in NOT_GENERATED:
            continue
        *urn, name = str(path).rpartition(":") if ":" in path else (str(path),)
        if urn[:1] == [DIRECTORY_USER_SCHEMA]:
            continue
        target = extensions.setdefault(urn[0], {}) if urn else fields
        target[name] = _attribute(model, str(path), binding)
    for urn, attributes in extensions.items():
        fields[urn] = st.fixed_dictionaries({}, optional=attributes)
    return st.fixed_dictionaries({}, optional=fields)


def _attribute(model: type[Resource[Any]], path: str, binding: Any) -> st.SearchStrategy[Any]:
    if not issubclass(binding.field_type, ComplexAttribute):
        return values_of(binding)
    names = [binding.field_type._scim_name(name) for name in binding.field_type.model_fields]
    subs = {name: values_of(Path[model](f"{path}.{name}").resolve()) for name in names}
    if path == f"{ENTERPRISE_SCHEMA}:manager":
        subs = {"value": st.sampled_from(["boss", "Boss", str(ROLE)])}
    entry = st.fixed_dictionaries({}, optional=subs)
    return st.lists(entry, max_size=3) if binding.is_multivalued else entry


@st.composite
def worlds(draw: st.DrawFn, users: int = 14, groups: int = 4, cases: int = 4) -> World:
    """Up to so many users, groups with memberships and cases with owners, as they would be stored."""
    user_names = draw(
        st.lists(texts.filter(bool), min_size=users // 2, max_size=users, unique_by=address_key)
    )
    people: list[Any] = []
    for user_name in user_names:
        people.append(_user(draw, user_name, people))
    teams = [_group(draw, number, people) for number in range(draw(st.integers(1, groups)))]
    for person in people:
        person.groups = [
            {"value": team.id, "display": team.display_name, "type": "direct"}
            for team in teams
            if any(member.value == person.id for member in team.members or [])
        ] or None
    names = draw(st.lists(texts.filter(bool), max_size=4, unique_by=comparable))
    roles = [_role(draw, number, name) for number, name in enumerate(["", *names])]
    return World(
        people, teams, roles, [_case(draw, number, people) for number in range(draw(st.integers(0, cases)))]
    )


def _user(draw: st.DrawFn, user_name: str, others: Sequence[Any]) -> Any:
    document = draw(_USER_DOCUMENTS) | {"userName": user_name, "active": draw(st.booleans())}
    if draw(st.booleans()):
        document["displayName"] = draw(texts)
    if others and draw(st.booleans()):
        boss = draw(st.sampled_from(others))
        manager = {"value": boss.id, "displayName": boss.display_name}
        document[ENTERPRISE_SCHEMA] = document.get(ENTERPRISE_SCHEMA, {}) | {"manager": manager}
    signing = draw(st.sampled_from(_SIGNING))
    if signing:
        document[DIRECTORY_USER_SCHEMA] = signing
    user: Any = ProvisionedUser.model_validate(document, scim_policy=TOLERANT)
    stored = ProvisionedUser.model_validate(user.model_dump(), scim_policy=TOLERANT)
    return _with_meta(draw, stored, UUID(int=(len(others) + 1) << 120 | 7), "User")


def _group(draw: st.DrawFn, number: int, people: Sequence[Any]) -> Any:
    document = draw(_GROUP_DOCUMENTS) | {"displayName": draw(texts)}
    group: Any = Group.model_validate(document, scim_policy=TOLERANT)
    members = draw(st.lists(st.sampled_from(people), unique_by=id)) if people else []
    group.members = [
        {"value": one.id, "display": one.display_name, "type": "User"} for one in members
    ] or None
    return _with_meta(draw, group, UUID(int=(number + 1) << 116 | 7), "Group")


def _role(draw: st.DrawFn, number: int, name: str) -> Any:
    """A role; the first is the one that all users have."""
    permissions = draw(st.lists(st.sampled_from(_PERMISSIONS), unique=True))
    document = draw(_ROLE_DOCUMENTS) | {"permissions": [{"value": each} for each in sorted(permissions)]}
    role: Any = Role.model_validate(document | {"displayName": name or "Role"}, scim_policy=TOLERANT)
    role.built_in = draw(st.booleans())
    role.permissions = role.permissions or None
    return _with_meta(draw, role, UUID(int=number << 112 | 7) if number else ROLE, "Role")


def _case(draw: st.DrawFn, number: int, people: Sequence[Any]) -> Any:
    document = draw(_CASE_DOCUMENTS) | {"subject": draw(texts)}
    if draw(st.booleans()):
        document["status"] = draw(st.sampled_from(["open", "pending", "closed"]))
    case: Any = Case.model_validate(document, scim_policy=TOLERANT)
    if people and draw(st.booleans()):
        owner = draw(st.sampled_from(people))
        case.owner = {"value": owner.id, "display": owner.display_name}
    return _with_meta(draw, case, UUID(int=(number + 1) << 112 | 7), "Case")


def _with_meta(draw: st.DrawFn, resource: Any, resource_id: UUID, kind: str) -> Any:
    resource.id = str(resource_id)
    resource.meta = Meta(resource_type=kind, created=draw(instants), last_modified=draw(instants))
    return resource


_SIGNING = [
    None,
    {"samlManaged": False},
    {"samlManaged": True},
    {
        "samlManaged": True,
        "authenticationMethod": "saml",
        "identityProvider": {"value": str(OKTA.id), "display": OKTA.name},
        "passwordManagement": {"managedBy": "identityProvider"},
    },
]
"""How a user signs in: nobody said, or a client said and it has no effect, or by the connection."""

_USER_DOCUMENTS = _documents(ProvisionedUser)
_GROUP_DOCUMENTS = _documents(Group)
_ROLE_DOCUMENTS = _documents(Role)
_PERMISSIONS = ["users.read", "users.create", "log.read"]
_CASE_DOCUMENTS = _documents(Case)


class Rows:
    """A database that holds one world at a time."""

    def __init__(self, runner: asyncio.Runner, connection: asyncpg.Connection) -> None:
        self._runner = runner
        self.connection = connection

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work, done on the connection's event loop."""
        return self._runner.run(work)

    @contextmanager
    def holding(self, world: World) -> Generator[None]:
        """The world's rows for the time of the block, beside those of another organisation."""
        transaction = self.connection.transaction()
        self.run(transaction.start())
        try:
            self.run(self._insert(world, ORGANIZATION))
            self.run(self._insert(world, OTHER_ORGANIZATION))
            yield
        finally:
            self.run(transaction.rollback())

    async def _insert(self, world: World, organization: UUID) -> None:
        run = self.connection.executemany
        await self.connection.execute(_INSERT_ORGANIZATION, organization, str(organization))
        await run(_INSERT_ROLE, [(organization, *_role_row(role)) for role in world.roles])
        await self.connection.execute(_INSERT_CONNECTION, organization, OKTA.id, OKTA.name)
        await run(_INSERT_USER, [(organization, *_user_row(user)) for user in world.users])
        await run(_INSERT_GROUP, [(organization, *_group_row(group)) for group in world.groups])
        await run(_INSERT_CASE, [(organization, *_case_row(case)) for case in world.cases])
        await run(_INSERT_MEMBER, [(organization, *pair) for pair in _memberships(world)])
        await run(
            "INSERT INTO total_deltas (org_id, kind, id, delta) VALUES ($1, $2, $3, 1)",
            [(organization, one.meta.resource_type, UUID(one.id)) for one in world.all],
        )


@contextmanager
def rows_of(dsn: str) -> Generator[Rows]:
    """The rows of the database of that DSN."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn, server_settings={"jit": "off"}))
        yield Rows(runner, connection)
        runner.run(connection.close())


_INSERT_ORGANIZATION = "INSERT INTO organizations (id, name, title, created) VALUES ($1, $2, $2, now())"
_INSERT_ROLE = """
INSERT INTO roles (org_id, id, created, last_modified, external_id,
                   name, name_key, built_in, start_page, permissions)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
_INSERT_CONNECTION = """
INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates,
                              allow_unsolicited, authenticated_within, contact, created, last_modified)
VALUES ($1, $2, $3, 'active', 'urn:okta', 'https://okta.example/sso', '{}',
        false, '1 hour', '', now(), now())"""
_INSERT_USER = """
INSERT INTO users (org_id, id, created, last_modified, document, shadow, external_id,
                   display_name, display_name_key, user_name, user_name_key, family_name_key, active,
                   manager_id, role_id, saml_connection_id, saml_mark, mail_stand_in, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, false, 1)"""
_INSERT_GROUP = """
INSERT INTO groups (org_id, id, created, last_modified, document, shadow, external_id,
                    display_name, display_name_key, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)"""
_INSERT_CASE = """
INSERT INTO cases (org_id, id, created, last_modified, document, shadow, external_id,
                   subject, subject_key, status, owner_id, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1)"""
_INSERT_MEMBER = "INSERT INTO group_members (org_id, group_id, user_id, added) VALUES ($1, $2, $3, now())"


def _row(resource: Any) -> tuple[Any, ...]:
    document = resource.model_dump(exclude={"meta", "groups", "members", "owner"})
    if document.pop(DIRECTORY_USER_SCHEMA, None):
        document["schemas"] = [urn for urn in document["schemas"] if urn != DIRECTORY_USER_SCHEMA]
    document.get(ENTERPRISE_SCHEMA, {}).get("manager", {}).pop("displayName", None)
    return (
        UUID(resource.id),
        resource.meta.created,
        resource.meta.last_modified,
        orjson.dumps(document),
        orjson.dumps(shadow(document)).decode(),
        None if resource.external_id is None else exact(resource.external_id),
    )


def _named_row(resource: Any) -> tuple[Any, ...]:
    name = resource.display_name
    return (*_row(resource), name, None if name is None else comparable(name))


def _user_row(user: Any) -> tuple[Any, ...]:
    family = user.name.family_name if user.name else None
    family_key = None if family is None else comparable(family)
    manager = user.EnterpriseUser and user.EnterpriseUser.manager
    manager_id = parse_uuid((manager and manager.value) or "")
    return (
        *_named_row(user),
        user.user_name,
        address_key(user.user_name),
        family_key,
        user.active,
        manager_id,
        ROLE,
        *signing_of(user),
    )


def signing_of(user: Any) -> tuple[UUID | None, bool | None]:
    """By which connection a user signs in, and what a client said of it."""
    signing = user.DirectoryUser
    if signing is None:
        return None, None
    return (OKTA.id, None) if signing.identity_provider else (None, signing.saml_managed)


def _role_row(role: Any) -> tuple[Any, ...]:
    return (
        UUID(role.id),
        role.meta.created,
        role.meta.last_modified,
        None if role.external_id is None else exact(role.external_id),
        role.display_name,
        comparable(role.display_name),
        role.built_in,
        None if role.start_page is None else str(role.start_page),
        [permission.value for permission in role.permissions or []],
    )


def _group_row(group: Any) -> tuple[Any, ...]:
    return _named_row(group)


def _case_row(case: Any) -> tuple[Any, ...]:
    owner = case.owner and UUID(case.owner.value)
    status = case.status and str(case.status)
    return (*_row(case), case.subject, comparable(case.subject), status, owner)


def _memberships(world: World) -> list[tuple[UUID, UUID]]:
    return [(UUID(group.id), UUID(member.value)) for group in world.groups for member in group.members or []]
