"""The bin: who may take somebody out of it, and what is forgotten when its time is over."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from scimserver.access.refusals import Refusals
from scimserver.access.usage import Usage
from scimserver.db.pool import Database
from scimserver.db.queries import Query
from scimserver.directory import bin, domains, organizations, roles, users
from scimserver.directory.bin import KEPT_FOR, wanted_again
from scimserver.directory.organizations import Addresses
from scimserver.directory.roles import ADMIN_ROLE, MINIMAL_PERMISSIONS, Wanted
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, ActorKind, Origin, operator
from scimserver.kernel.errors import NotPermitted
from scimserver.kernel.ids import OrganizationId, UserId, new_uuid
from scimserver.kernel.permissions import OF_ORGANIZATION, Permission
from scimserver.work import Work, WorkRoom
from scimserver.workers.tidying import Tidying

ORIGIN = Origin(request_id="tests")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_LOG = Query(
    "log", "", "SELECT entry FROM log_entries WHERE org_id = $1 AND event = 'user.purge' ORDER BY id"
)

_COPY = Query(
    "copy",
    "",
    """
    INSERT INTO deleted_users
    SELECT org_id, gen_random_uuid(), user_name, user_name_key, role_id, group_ids, mail_stand_in,
           version, created, document, deleted, request_id
    FROM deleted_users CROSS JOIN generate_series(1, $1)
    """,
)


@dataclass(slots=True)
class Hands:
    """A clock that stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True)
class House:
    """An organisation, and the bin of its installation."""

    database: Database
    id: OrganizationId
    hands: Hands = field(default_factory=Hands)

    @property
    def room(self) -> WorkRoom:
        return WorkRoom(self.database, clock=self.hands)

    async def do(self, action: Callable[[Work], Awaitable[Any]], actor: Actor | None = None) -> Any:
        """What an action answers, in a unit of work of its own; the operator's, unless somebody is named."""
        async with self.room.open(actor or operator("tests", self.id), ORIGIN) as work:
            return await action(work)

    async def deleted(self, name: str, role: str = MINIMAL_PERMISSIONS) -> bin.Deleted:
        """A user in the bin, who had a role."""
        document: users.Document = {"userName": f"{name}@example.com", "roles": [{"value": role}]}
        user: User = await self.do(lambda work: users.create(work, document))
        await self.do(lambda work: users.delete(work, user))
        return await self.do(lambda work: bin.find(work, user.user_name))

    async def names(self) -> list[str]:
        """Who is in the bin."""
        return [each.user_name.partition("@")[0] for each in await bin.every(self.database, self.id)]

    async def tidied(self) -> None:
        """A round of housekeeping."""
        tidying = Tidying(
            room=self.room, refusals=Refusals(), usage=Usage(), outbox_retention=timedelta(days=99)
        )
        await tidying.once()

    async def log(self) -> list[dict[str, Any]]:
        """The entries of what was forgotten."""
        return [orjson.loads(row["entry"]) for row in await self.database.fetch(_LOG, self.id)]


async def made(database: Database, name: str, domain: str) -> House:
    room = WorkRoom(database)
    async with room.open(operator("tests"), ORIGIN) as work:
        organization = (await organizations.create(work, name=name)).id
    async with room.open(operator("tests", organization), ORIGIN) as work:
        await domains.add(work, domain)
    return House(database, organization)


@pytest.fixture
async def house(database: Database) -> House:
    return await made(database, "acme", "example.com")


# --- Who may ----------------------------------------------------------------------------------------


def person(house: House, permissions: Iterable[Permission]) -> Actor:
    """A user who is signed in."""
    return Actor(
        kind=ActorKind.USER,
        organization=house.id,
        permissions=frozenset(permissions),
        user=UserId(new_uuid()),
    )


@pytest.mark.parametrize("what", [bin.restore, bin.purge])
async def test_who_may_not_delete_users_may_not_use_the_bin(house: House, what: Any):
    found = await house.deleted("anna")
    with pytest.raises(NotPermitted, match=r"users\.delete"):
        await house.do(
            lambda work: what(work, found), person(house, OF_ORGANIZATION - {Permission.USERS_DELETE})
        )
    assert await house.names() == ["anna"]


@pytest.mark.parametrize("what", [bin.restore, bin.purge])
async def test_who_may_delete_users_may_use_the_bin(house: House, what: Any):
    found = await house.deleted("anna")
    await house.do(lambda work: what(work, found), person(house, {Permission.USERS_DELETE}))
    assert await house.names() == []


LACKING: dict[str, frozenset[Permission]] = {
    "may not give roles": OF_ORGANIZATION - {Permission.USERS_ASSIGN_ROLE},
    "lacks a permission of the role": OF_ORGANIZATION - {Permission.LOG_READ},
}


@pytest.mark.parametrize("held", LACKING.values(), ids=LACKING)
@pytest.mark.parametrize("role", [ADMIN_ROLE, "Auditor"])
async def test_who_may_not_give_the_role_cannot_restore_who_had_it(
    house: House, role: str, held: frozenset[Permission]
):
    if role != ADMIN_ROLE:
        wanted = Wanted(name=role, permissions=frozenset({Permission.LOG_READ}))
        await house.do(lambda work: roles.create(work, wanted))
    await house.do(
        lambda work: users.create(work, {"userName": "a@example.com", "roles": [{"value": ADMIN_ROLE}]})
    )
    found = await house.deleted("anna", role)
    with pytest.raises(NotPermitted):
        await house.do(lambda work: bin.restore(work, found), person(house, held))
    assert await house.names() == ["anna"]
    await house.do(lambda work: bin.restore(work, found), person(house, OF_ORGANIZATION))
    assert await house.names() == []


# --- Whose time is over -----------------------------------------------------------------------------


async def test_users_are_forgotten_after_thirty_days_and_not_before(house: House):
    await house.deleted("anna")
    house.hands.now += timedelta(days=1)
    await house.deleted("bo")
    house.hands.now = NOON + KEPT_FOR
    await house.tidied()
    assert await house.names() == ["bo", "anna"]
    house.hands.now += timedelta(milliseconds=1)
    await house.tidied()
    assert await house.names() == ["bo"]
    house.hands.now += timedelta(days=1)
    await house.tidied()
    assert await house.names() == []


async def test_each_who_is_forgotten_has_an_entry_of_the_server_itself(house: House):
    found = [await house.deleted(name) for name in ("anna", "bo")]
    house.hands.now += KEPT_FOR + timedelta(days=1)
    await house.tidied()
    entries = await house.log()
    assert [entry["target"] for entry in entries] == [{"kind": "User", "id": str(each.id)} for each in found]
    assert {(entry["actor"]["kind"], entry["outcome"]) for entry in entries} == {("system", "success")}


async def test_many_are_forgotten_a_bounded_number_at_a_time(house: House, database: Database):
    anna = await house.deleted("anna")
    await database.fetch(_COPY, 2 * bin.AT_ONCE)
    house.hands.now += KEPT_FOR + timedelta(days=1)
    left: list[int] = []
    for _ in range(3):
        await house.tidied()
        left.append(len(await house.names()))
    assert left == [bin.AT_ONCE + 1, 1, 0]
    assert len(await house.log()) == 2 * bin.AT_ONCE + 1
    assert str(anna.id) in {entry["target"]["id"] for entry in await house.log()}


async def test_all_processes_that_tidy_at_once_forget_each_once(house: House):
    for name in ("anna", "bo", "carl"):
        await house.deleted(name)
    house.hands.now += KEPT_FOR + timedelta(days=1)
    await asyncio.gather(*(house.tidied() for _ in range(4)))
    assert len(await house.log()) == 3


async def test_who_was_deleted_anew_meanwhile_is_not_forgotten(house: House):
    found = await house.deleted("anna")
    house.hands.now += KEPT_FOR
    assert await house.do(lambda work: bin.purge_overdue(work, [found.id])) == 0
    assert await house.names() == ["anna"]


async def test_organisations_are_tidied_each_in_its_own_log(house: House, database: Database):
    other = await made(database, "other", "other.example")
    async with other.room.open(operator("tests", other.id), ORIGIN) as work:
        user = await users.create(work, {"userName": "eve@other.example"})
    await other.do(lambda work: users.delete(work, user))
    await house.deleted("anna")
    house.hands.now += KEPT_FOR + timedelta(days=1)
    await house.tidied()
    assert [len(await each.log()) for each in (house, other)] == [1, 1]
    assert [await each.names() for each in (house, other)] == [[], []]


# --- What of a document comes back ------------------------------------------------------------------

MAIL = {"emails": [{"value": "anna@example.com"}]}
AUDITOR: dict[str, Any] = {"roles": [{"value": "Auditor", "display": "A"}]}
AGAIN: list[tuple[dict[str, Any], bool, str | None, dict[str, Any]]] = [
    (MAIL, False, None, MAIL),
    (MAIL, True, None, {}),
    (AUDITOR, False, "Auditor", AUDITOR),
    (AUDITOR, False, "AUDITOR ", AUDITOR),
    (AUDITOR, False, "Reviewer", {"roles": [{"value": "Reviewer", "primary": True}]}),
    (AUDITOR, False, None, {}),
    ({"roles": [{"display": "Auditor"}]}, False, "Auditor", {"roles": [{"display": "Auditor"}]}),
    ({}, False, "Auditor", {"roles": [{"value": "Auditor", "primary": True}]}),
]


@pytest.mark.parametrize("document,stand_in,role,expected", AGAIN)
def test_document_comes_back_with_the_role_that_there_is(
    document: dict[str, Any], stand_in: bool, role: str | None, expected: dict[str, Any]
):
    wanted = wanted_again(document, mail_stand_in=stand_in, role=role, addresses=Addresses.REQUIRED)
    assert wanted == expected


@pytest.mark.parametrize("role", ["Minimal Permissions", None])
def test_roles_of_a_free_organisation_are_left_alone(role: str | None):
    assert wanted_again(AUDITOR, mail_stand_in=False, role=role, addresses=Addresses.FREE) == AUDITOR
