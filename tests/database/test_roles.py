"""Who may give, take and change what (rule P9), for each kind of actor, and who stays (P5)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from scimserver.access import connections, tokens
from scimserver.access.connections import Dialect
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.db.queries import Query
from scimserver.directory import cloning, domains, organizations, roles, users
from scimserver.directory.organizations import Addresses
from scimserver.directory.roles import ADMIN_ROLE, MINIMAL_PERMISSIONS, Role, Wanted
from scimserver.directory.users import Document, User
from scimserver.kernel.actor import Actor, ActorKind, Origin, operator
from scimserver.kernel.errors import (
    AlreadyTaken,
    Conflicted,
    Immutable,
    InvalidValue,
    LastAdministrator,
    NotPermitted,
    Refused,
)
from scimserver.kernel.ids import OrganizationId, UserId, new_uuid
from scimserver.kernel.permissions import Permission, Scope
from scimserver.work import Work, WorkRoom

ORIGIN = Origin(request_id="tests")
_LOG = Query(
    "log",
    "",
    "SELECT entry FROM log_entries WHERE org_id = $1 ORDER BY id",
)
_SHADOW = Query("shadow", "", "SELECT shadow -> 'roles' AS roles FROM users WHERE org_id = $1 AND id = $2")


@dataclass(frozen=True, slots=True)
class House:
    """An organisation whose Email Domain is example.com, and those who act in it."""

    database: Database
    room: WorkRoom
    id: OrganizationId

    @property
    def operator(self) -> Actor:
        """Whoever runs commands."""
        return operator("tests", self.id)

    def person(self, permissions: Iterable[Permission], user: UserId | None = None) -> Actor:
        """A user who is signed in."""
        return Actor(
            kind=ActorKind.USER,
            organization=self.id,
            permissions=frozenset(permissions),
            user=user or UserId(new_uuid()),
        )

    async def do(
        self, action: Callable[[Work], Awaitable[Any]], actor: Actor | None = None, *, lock: bool = False
    ) -> Any:
        """What an action answers, in a unit of work of its own; the operator's, unless somebody is named."""
        async with self.room.open(actor or self.operator, ORIGIN, lock=lock) as work:
            return await action(work)

    async def role(self, name: str, *permissions: Permission, **more: Any) -> Role:
        """A new role."""
        return await self.do(
            lambda work: roles.create(work, Wanted(name=name, permissions=frozenset(permissions), **more))
        )

    async def user(
        self, name: str, role: str = MINIMAL_PERMISSIONS, *, lock: bool = False, **more: Any
    ) -> User:
        """A new user who has a role."""
        document: Document = {"userName": f"{name}@example.com", "roles": [{"value": role}], **more}
        return await self.do(lambda work: users.create(work, document), lock=lock)

    async def again(self, user: User) -> User:
        """A user as committed."""
        return await self.do(lambda work: users.get(work, user.id))

    async def log(self) -> list[dict[str, Any]]:
        """The log's entries, oldest first."""
        return [orjson.loads(row["entry"]) for row in await self.database.fetch(_LOG, self.id)]


@pytest.fixture
async def database(database_dsn: str) -> AsyncGenerator[Database]:
    """A database of the test's own."""
    async with Database.open(DatabaseSettings(dsn=database_dsn)) as opened:
        yield opened


async def built(database: Database, name: str, **more: Any) -> House:
    """An organisation."""
    room = WorkRoom(database)
    async with room.open(operator("tests"), ORIGIN) as work:
        made = await organizations.create(work, name=name, **more)
    house = House(database, room, made.id)
    await house.do(lambda work: domains.add(work, f"{name}.com"))
    return house


@pytest.fixture
async def house(database: Database) -> House:
    """An organisation with an administrator who is in nobody's way."""
    made = await built(database, "example")
    await made.user("boss", ADMIN_ROLE)
    return made


AGENT = (Permission.USERS_READ, Permission.USERS_UPDATE)
GIVER = frozenset({*AGENT, Permission.USERS_ASSIGN_ROLE, Permission.ROLES_READ, Permission.ROLES_MANAGE})


async def test_role_is_made_with_all_that_its_permissions_need(house: House):
    made = await house.role("Cloner", Permission.USERS_CLONE)
    assert made.permissions == {"users.clone", "users.create", "users.read"}


async def test_role_is_found_by_name_and_id(house: House):
    made = await house.role("Team Lead")
    for named in ("team lead", " TEAM LEAD ", str(made.id)):
        assert await house.do(lambda work, named=named: roles.find(work, named)) == made


@pytest.mark.parametrize("name", ["Agent", "AGENT", " agent "])
async def test_name_of_a_role_is_taken_whatever_its_case(house: House, name: str):
    await house.role("Agent")
    with pytest.raises(AlreadyTaken) as refused:
        await house.role(name)
    assert refused.value.attribute == "displayName"
    assert refused.value.attempted


async def test_clone_of_a_role_holds_the_same(house: House):
    source = await house.role("Agent", *AGENT, start_page="/cases", external_id="e-1")
    made = await house.do(lambda work: roles.clone(work, source, "Senior Agent"))
    assert (made.permissions, made.start_page, made.external_id) == (source.permissions, "/cases", None)


@pytest.mark.parametrize("name", [ADMIN_ROLE, MINIMAL_PERMISSIONS])
@pytest.mark.parametrize("change", ["update", "delete"])
async def test_built_in_role_cannot_be_changed(house: House, name: str, change: str):
    async def action(work: Work) -> None:
        role = await roles.find(work, name)
        await (
            roles.delete(work, role)
            if change == "delete"
            else roles.update(work, role, Wanted(name="Other", permissions=role.permissions))
        )

    with pytest.raises(Immutable, match="built in"):
        await house.do(action)


async def test_clone_of_a_built_in_role_can_be_changed(house: House):
    source = await house.do(lambda work: roles.find(work, ADMIN_ROLE))
    made = await house.do(lambda work: roles.clone(work, source, "Chief"))
    assert (made.built_in, made.permissions) == (False, source.permissions)
    changed = await house.do(lambda work: roles.update(work, made, Wanted(name="Chief")))
    assert changed.permissions == frozenset()


async def test_update_without_effect_leaves_version_and_time_alone(house: House):
    made = await house.role("Agent", *AGENT)
    assert await house.do(lambda work: roles.update(work, made, made.wanted)) == made
    assert (await house.log())[-1]["outcome"] == "noop"


async def test_update_of_a_version_that_is_gone_conflicts(house: House):
    made = await house.role("Agent", *AGENT)
    await house.do(lambda work: roles.update(work, made, Wanted(name="Agent")))
    with pytest.raises(Conflicted):
        await house.do(lambda work: roles.update(work, made, Wanted(name="Other")))
    with pytest.raises(Conflicted):
        await house.do(lambda work: roles.delete(work, made))


# -- renaming ----------------------------------------------------------------


@pytest.mark.parametrize(
    "sent, then",
    [
        ([{"value": "Agent"}], [{"value": "Advisor"}]),
        (
            [{"value": " aGENT ", "type": "x", "primary": True}],
            [{"value": "Advisor", "type": "x", "primary": True}],
        ),
        ([{"display": "Agent"}], [{"display": "Advisor"}]),
        ([{"value": "Agent", "display": "agent"}], [{"value": "Advisor", "display": "Advisor"}]),
        ([{"value": "{id}"}], [{"value": "{id}"}]),
        ([{"value": "{id}", "display": "Agent"}], [{"value": "{id}", "display": "Advisor"}]),
    ],
)
async def test_users_name_a_renamed_role_by_its_new_name(house: House, sent: list[Any], then: list[Any]):
    role = await house.role("Agent", *AGENT)

    def filled(entries: list[Any]) -> list[Any]:
        return [
            {key: str(role.id) if each == "{id}" else each for key, each in entry.items()}
            for entry in entries
        ]

    note = 'says "roles":[{"value":"Agent"}] of herself'
    user = await house.user("anna", roles=filled(sent), title=note)
    await house.do(
        lambda work: roles.update(work, role, Wanted(name="Advisor", permissions=role.permissions))
    )
    again = await house.again(user)
    assert again.document == {**user.document, "roles": filled(then)}
    assert again.role == role.id
    row = await house.database.fetchrow(_SHADOW, house.id, user.id)
    lowered = [
        {key: each.lower() if isinstance(each, str) else each for key, each in entry.items()}
        for entry in filled(then)
    ]
    assert row is not None
    assert orjson.loads(row["roles"]) == lowered


async def test_user_whose_role_was_renamed_has_another_version(house: House):
    role = await house.role("Agent")
    anna, bo = await house.user("anna", "Agent"), await house.user("bo", str(role.id))
    await house.do(lambda work: roles.update(work, role, Wanted(name="Advisor")))
    assert [(await house.again(user)).version for user in (anna, bo)] == [2, 1]


async def test_old_name_of_a_role_is_forgotten_and_the_new_one_known(house: House):
    role = await house.role("Agent")
    await house.user("anna", "Agent")
    await house.do(lambda work: roles.update(work, role, Wanted(name="Advisor")))
    with pytest.raises(Conflicted):
        await house.user("bo", "Agent")
    with pytest.raises(InvalidValue, match='no role "Agent": among the roles are "Admin Role"'):
        await house.user("bo", "Agent", lock=True)
    assert (await house.user("bo", "Advisor")).role == role.id


# -- deleting ----------------------------------------------------------------


async def test_users_of_a_deleted_role_fall_to_the_least(house: House):
    role = await house.role("Agent", *AGENT)
    least = await house.do(lambda work: roles.find(work, MINIMAL_PERMISSIONS))
    staff = [await house.user(f"user{number}", "Agent", title="kept") for number in range(3)]
    assert await house.do(lambda work: roles.delete(work, role)) == 3
    for user in staff:
        again = await house.again(user)
        assert (again.role, again.permissions, again.version) == (least.id, frozenset(), 2)
        assert again.document == {**user.document, "roles": [{"value": MINIMAL_PERMISSIONS, "primary": True}]}
    logged = (await house.log())[-4:]
    assert [entry["event"] for entry in logged] == ["user.update"] * 3 + ["role.delete"]
    assert {entry["target"]["id"] for entry in logged[:3]} == {str(user.id) for user in staff}


async def test_more_users_than_a_block_fall_to_the_least(house: House):
    role = await house.role("Agent", *AGENT)
    for start in range(0, 2500, 500):
        names = range(start, start + 500)
        await asyncio.gather(*(house.user(f"user{number}", "Agent") for number in names))
    assert await house.do(lambda work: roles.delete(work, role)) == 2500
    assert sum(entry["event"] == "user.update" for entry in await house.log()) == 2500


async def test_role_that_is_deleted_while_somebody_is_given_it_is_given_to_nobody(house: House):
    role = await house.role("Agent", *AGENT)
    await house.user("known", "Agent")
    for number in range(20):
        first, second = await asyncio.gather(
            house.user(f"user{number}", "Agent"),
            house.do(lambda work, role=role: roles.delete(work, role)),
            return_exceptions=True,
        )
        assert isinstance(first, User | Conflicted | InvalidValue), first
        assert isinstance(second, int | Conflicted), second
        if isinstance(first, User):
            again = await house.again(first)
            assert isinstance(second, Conflicted) or again.permissions == frozenset()
        if isinstance(second, int):
            role = await house.role("Agent", *AGENT)


# -- giving ------------------------------------------------------------------


async def test_role_is_given_to_many(house: House):
    role = await house.role("Agent", *AGENT)
    staff = [await house.user(f"user{number}") for number in range(3)]
    given = {user.id for user in staff}
    assert await house.do(lambda work: roles.give(work, role, given)) == 3
    assert await house.do(lambda work: roles.give(work, role, given)) == 0
    for user in staff:
        again = await house.again(user)
        assert (again.role, again.document["roles"]) == (role.id, [{"value": "Agent", "primary": True}])


async def test_role_is_given_to_nobody_if_one_is_unknown(house: House):
    role, user = await house.role("Agent", *AGENT), await house.user("anna")
    unknown = UserId(new_uuid())
    with pytest.raises(InvalidValue, match=str(unknown)):
        await house.do(lambda work: roles.give(work, role, {user.id, unknown}))
    assert await house.again(user) == user


async def test_role_given_where_roles_are_stored_as_they_come_leaves_them(database: Database):
    house = await built(database, "free", addresses=Addresses.FREE)
    user = await house.user("anna", roles=[{"value": "any"}, {"value": "other"}])
    role = await house.role("Agent", Permission.USERS_READ)
    await house.do(lambda work: roles.give(work, role, {user.id}))
    again = await house.again(user)
    assert (again.role, again.document) == (role.id, user.document)
    changed = await house.do(lambda work: users.update(work, again, {**again.document, "title": "x"}))
    assert changed.role == role.id
    assert await house.do(lambda work: roles.delete(work, role)) == 1
    assert (await house.again(user)).document["roles"] == user.document["roles"]


# -- nobody gives what they do not hold, or raises themselves ------------------


async def created(work: Work, house: House, user: User, role: Role) -> None:
    await users.create(work, {"userName": "new@example.com", "roles": [{"value": role.name}]})


async def updated(work: Work, house: House, user: User, role: Role) -> None:
    await users.update(work, user, {**user.document, "roles": [{"value": role.name}]})


async def given(work: Work, house: House, user: User, role: Role) -> None:
    await roles.give(work, role, {user.id})


async def cloned(work: Work, house: House, user: User, role: Role) -> None:
    await cloning.clone(work, await users.find(work, "holder@example.com"))


async def made(work: Work, house: House, user: User, role: Role) -> None:
    await roles.create(work, Wanted(name="Mine", permissions=role.permissions))


async def copied(work: Work, house: House, user: User, role: Role) -> None:
    await roles.clone(work, role, "Mine")


async def widened(work: Work, house: House, user: User, role: Role) -> None:
    own = await roles.get(work, user.role)
    await roles.update(work, own, Wanted(name=own.name, permissions=own.permissions | role.permissions))


async def narrowed(work: Work, house: House, user: User, role: Role) -> None:
    await roles.update(work, role, Wanted(name=role.name))


async def dropped(work: Work, house: House, user: User, role: Role) -> None:
    await roles.delete(work, role)


async def demoted(work: Work, house: House, user: User, role: Role) -> None:
    holder = await users.find(work, "holder@example.com")
    await users.update(work, holder, {**holder.document, "roles": []})


async def replaced(work: Work, house: House, user: User, role: Role) -> None:
    holder = await users.find(work, "holder@example.com")
    await roles.give(work, await roles.find(work, MINIMAL_PERMISSIONS), {holder.id})


async def issued(work: Work, house: House, user: User, role: Role) -> None:
    connection = await connections.create(work, name="Own", dialect=Dialect.GENERIC)
    await tokens.issue(work, connection, scopes=frozenset({Scope.ADMINISTER}))


WAYS = [created, updated, given, cloned, made, copied, widened, narrowed, dropped, demoted, replaced, issued]
GIVERS = GIVER | {
    Permission.USERS_CREATE,
    Permission.USERS_CLONE,
    Permission.USERS_DELETE,
    Permission.CONNECTIONS_MANAGE,
    Permission.TOKENS_MANAGE,
}


@pytest.mark.parametrize("kind", [ActorKind.USER, ActorKind.CONNECTION])
@pytest.mark.parametrize("way", WAYS)
async def test_nobody_gives_or_takes_what_they_do_not_hold(house: House, kind: ActorKind, way: Any):
    role = await house.role("Auditor", Permission.LOG_READ)
    own = await house.role("Giver", *GIVERS)
    await house.user("holder", role.name)
    user = await house.user("anna", own.name)
    actor = Actor(kind=kind, organization=house.id, permissions=own.permissions, user=user.id)
    with pytest.raises(NotPermitted) as refused:
        await house.do(lambda work: way(work, house, user, role), actor)
    assert "log.read" in refused.value.detail
    assert await house.again(user) == user
    holder = await house.do(lambda work: users.find(work, "holder@example.com"))
    assert holder.permissions == {Permission.LOG_READ}


@pytest.mark.parametrize("way", WAYS)
async def test_whoever_holds_as_much_may_give_and_take(house: House, way: Any):
    role = await house.role("Auditor", Permission.LOG_READ)
    own = await house.role("Giver", *GIVERS)
    await house.user("holder", role.name)
    user = await house.user("anna", own.name)
    permissions = frozenset(Permission) - {Permission.ORGANIZATIONS_MANAGE}
    await house.do(lambda work: way(work, house, user, role), house.person(permissions, user.id))


@pytest.mark.parametrize(
    "way, needed",
    [
        (created, Permission.USERS_CREATE),
        (created, Permission.USERS_ASSIGN_ROLE),
        (updated, Permission.USERS_ASSIGN_ROLE),
        (given, Permission.USERS_ASSIGN_ROLE),
        (cloned, Permission.USERS_CLONE),
        (made, Permission.ROLES_MANAGE),
        (copied, Permission.ROLES_MANAGE),
        (widened, Permission.ROLES_MANAGE),
        (narrowed, Permission.ROLES_MANAGE),
        (dropped, Permission.ROLES_MANAGE),
    ],
)
async def test_action_takes_its_permission(house: House, way: Any, needed: Permission):
    role = await house.role("Auditor", Permission.LOG_READ)
    user = await house.user("anna", (await house.role("Giver", *GIVERS)).name)
    await house.user("holder", role.name)
    actor = house.person(frozenset(Permission) - {needed}, user.id)
    with pytest.raises(NotPermitted, match=needed):
        await house.do(lambda work: way(work, house, user, role), actor)


# -- who can do less does not get at who can do more --------------------------


async def moved(work: Work, user: User) -> None:
    await users.update(work, user, {**user.document, "userName": "mine@example.com"})


async def deactivated(work: Work, user: User) -> None:
    await users.update(work, user, {**user.document, "active": False})


async def deleted(work: Work, user: User) -> None:
    await users.delete(work, user)


@pytest.mark.parametrize("way", [moved, deactivated, deleted])
async def test_person_does_not_get_at_somebody_who_may_do_more(house: House, way: Any):
    await house.role("Auditor", Permission.LOG_READ)
    user = await house.user("anna", "Auditor")
    less = house.person({*AGENT, Permission.USERS_DELETE})
    with pytest.raises(NotPermitted) as refused:
        await house.do(lambda work: way(work, user), less)
    assert refused.value.attempted
    assert refused.value.display == "anna@example.com"
    await house.do(lambda work: way(work, user), house.person({*less.permissions, Permission.LOG_READ}))


async def test_person_changes_other_things_of_somebody_who_may_do_more(house: House):
    await house.role("Auditor", Permission.LOG_READ)
    user = await house.user("anna", "Auditor")
    await house.do(
        lambda work: users.update(work, user, {**user.document, "title": "Lead"}), house.person(AGENT)
    )


async def test_connection_changes_whom_its_identity_provider_changes(house: House):
    await house.role("Auditor", Permission.LOG_READ)
    user = await house.user("anna", "Auditor")
    connection = Actor(kind=ActorKind.CONNECTION, organization=house.id, permissions=frozenset(AGENT))
    await house.do(lambda work: moved(work, user), connection)


# -- the last who may manage users ---------------------------------------------


async def last_narrowed(work: Work, role: Role, user: User, least: Role) -> None:
    await roles.update(work, role, Wanted(name=role.name, permissions=frozenset({Permission.LOG_READ})))


async def last_dropped(work: Work, role: Role, user: User, least: Role) -> None:
    await roles.delete(work, role)


async def last_given(work: Work, role: Role, user: User, least: Role) -> None:
    await roles.give(work, least, {user.id})


async def last_demoted(work: Work, role: Role, user: User, least: Role) -> None:
    await users.update(work, user, {**user.document, "roles": []})


async def last_deactivated(work: Work, role: Role, user: User, least: Role) -> None:
    await deactivated(work, user)


async def last_deleted(work: Work, role: Role, user: User, least: Role) -> None:
    await deleted(work, user)


LAST = [last_narrowed, last_dropped, last_given, last_demoted, last_deactivated, last_deleted]


@pytest.fixture
async def alone(database: Database) -> tuple[House, Role, User, Role]:
    """An organisation where one user with a role of its own manages users."""
    house = await built(database, "example")
    role = await house.role("Manager", *AGENT)
    user = await house.user("last", role.name)
    await house.user("other")
    return house, role, user, await house.do(lambda work: roles.find(work, MINIMAL_PERMISSIONS))


@pytest.mark.parametrize("way", LAST)
async def test_last_user_manager_stays(alone: tuple[House, Role, User, Role], way: Any):
    house, role, user, least = alone
    with pytest.raises(LastAdministrator):
        await house.do(lambda work: way(work, role, user, least))
    assert await house.again(user) == user
    assert await house.do(lambda work: roles.find(work, "Manager")) == role


@pytest.mark.parametrize("way", LAST)
async def test_user_manager_may_go_where_another_one_stays(alone: tuple[House, Role, User, Role], way: Any):
    house, role, user, least = alone
    await house.user("second", ADMIN_ROLE)
    await house.do(lambda work: way(work, role, user, least))


@pytest.mark.parametrize("way", [last_narrowed, last_dropped, last_given])
async def test_user_manager_stays_where_the_other_one_is_deactivated(
    alone: tuple[House, Role, User, Role], way: Any
):
    house, role, user, least = alone
    await house.user("second", ADMIN_ROLE, active=False)
    with pytest.raises(LastAdministrator):
        await house.do(lambda work: way(work, role, user, least))


@pytest.mark.parametrize("one", LAST)
@pytest.mark.parametrize("other", LAST)
async def test_two_who_take_a_user_manager_away_at_once_leave_one(database: Database, one: Any, other: Any):
    house = await built(database, "example")
    least = await house.do(lambda work: roles.find(work, MINIMAL_PERMISSIONS))
    pairs = [
        (role := await house.role(name, *AGENT), await house.user(name.lower(), role.name))
        for name in ("A", "B")
    ]
    answers = await asyncio.gather(
        *(
            house.do(lambda work, way=way, role=role, user=user: way(work, role, user, least))
            for way, (role, user) in zip((one, other), pairs, strict=True)
        ),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert [type(each) for each in refused] in ([LastAdministrator], [Conflicted])
    held = [await house.again(user) for _, user in pairs if await _is_there(house, user)]
    assert [user.active and user.manages_users for user in held].count(True) == 1


async def _is_there(house: House, user: User) -> bool:
    try:
        await house.again(user)
    except Refused:
        return False
    return True
