"""What can be done to passwords: by whom, what is stored, what may not come again, what goes with it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scimserver.db.pool import Database
from scimserver.directory import domains, organizations, passwords, users
from scimserver.directory.passwords import (
    Cost,
    Credential,
    NewPassword,
    PasswordDesk,
    PasswordHasher,
    Profile,
    SetBy,
    Standing,
)
from scimserver.directory.passwords.policy import RULES
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, ActorKind, Origin, operator
from scimserver.kernel.errors import Conflicted, InvalidValue, NotPermitted, PasswordNotAllowed
from scimserver.kernel.ids import OrganizationId
from scimserver.kernel.permissions import OF_ORGANIZATION, Permission
from scimserver.work import Work, WorkRoom
from tests.serving import USER

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DAY = timedelta(days=1)
ORIGIN = Origin(request_id="r-1")
FIRST, SECOND = "17 blue socks in a drawer", "11 green umbrellas outside"
ADMIN = [{"value": "Admin Role"}]


@dataclass(slots=True)
class House:
    """An organisation with a user and an administrator, at a time that can be changed."""

    database: Database
    room: WorkRoom
    desk: PasswordDesk
    organization: OrganizationId
    ada: User
    admin: User
    now: datetime = NOW

    def work(self, who: Actor | None = None) -> Work:
        """A unit of work, of an operator unless it is said otherwise."""
        return self.room.open(who or operator("tests", self.organization), ORIGIN)

    def person(self, *permissions: Permission, kind: ActorKind = ActorKind.USER) -> Actor:
        """Somebody who may do so much."""
        return Actor(kind=kind, organization=self.organization, permissions=frozenset(permissions))

    async def credential(self, user: User | None = None) -> Credential | None:
        """What is stored of a user's password."""
        async with self.work() as work:
            return await passwords.find(work, (user or self.ada).id)

    async def set(self, text: str, **options: Any) -> None:
        """Let an operator set the user's password."""
        async with self.work() as work:
            await passwords.set_by_administrator(work, self.ada, self.desk.take(text), **options)

    async def set_as(self, who: Actor) -> None:
        """Let somebody set the password of the user, as whom they read before."""
        async with self.work(who) as work:
            await passwords.set_by_administrator(work, self.ada, self.desk.take(FIRST))

    async def promote(self) -> None:
        """Make the user an administrator."""
        async with self.work() as work:
            await users.update(work, self.ada, {**self.ada.document, "roles": ADMIN})

    async def delete(self) -> None:
        """Delete the user."""
        async with self.work() as work:
            await users.delete(work, self.ada)

    async def used(self, credential: Credential, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Let somebody sign in, while something else happens."""
        async with self.work() as work:
            passwords.use(work, credential, None)
            await meanwhile()

    async def change(self, text: str) -> None:
        """Let the user choose another one."""
        current = await self.credential()
        assert current is not None
        async with self.work(self.person()) as work:
            await passwords.change_own(work, self.ada, self.desk.take(text), current)

    async def is_current(self, text: str) -> bool:
        """Whether somebody who knows this knows the user's password."""
        current = await self.credential()
        return current is not None and (await self.desk.hasher.verify(current.phc, text)).matches

    async def use(self, profile: Profile) -> None:
        """Give the organisation another profile."""
        async with self.work() as work:
            [found] = await organizations.every(self.database)
            await organizations.update(work, found, password_profile=profile)


@pytest.fixture
async def house(database: Database) -> AsyncGenerator[House]:
    """The house, closed when the test is done."""
    made: list[House] = []
    room = WorkRoom(database, clock=lambda: made[0].now if made else NOW)
    async with room.open(operator("tests"), ORIGIN) as work:
        acme = await organizations.create(work, name="acme")
    who = operator("tests", acme.id)
    async with room.open(who, ORIGIN) as work:
        await domains.add(work, "acme.example")
    hasher = PasswordHasher(threads=2)
    ada = await _user(room, who, "ada@acme.example")
    admin = await _user(room, who, "root@acme.example", roles=ADMIN)
    made.append(House(database, room, PasswordDesk(hasher), acme.id, ada, admin))
    yield made[0]
    hasher.close()


async def _user(room: WorkRoom, who: Actor, name: str, **attributes: Any) -> User:
    async with room.open(who, ORIGIN) as work:
        made = await users.create(work, {"schemas": [USER], "userName": name, **attributes})
    async with room.open(who, ORIGIN) as work:
        return await users.get(work, made.id)


# -- by an administrator ------------------------------------------------------------


async def test_administrators_password_is_stored_with_what_becomes_of_it(house: House):
    await house.set(FIRST)
    found = await house.credential()
    assert found is not None
    assert await house.is_current(FIRST)
    assert (found.changed, found.must_change, found.expires, found.set_by, found.former) == (
        NOW,
        True,
        NOW + DAY,
        SetBy.ADMINISTRATOR,
        (),
    )


@pytest.mark.parametrize("kind", [ActorKind.USER, ActorKind.CONNECTION, ActorKind.SYSTEM])
async def test_nobody_sets_the_password_of_somebody_who_may_do_more(house: House, kind: ActorKind):
    almost = house.person(*OF_ORGANIZATION - {Permission.LOG_READ}, kind=kind)
    for action in (passwords.set_by_administrator, _clear):
        with pytest.raises(NotPermitted, match=r"log\.read") as refused:
            async with house.work(almost) as work:
                await action(work, house.admin, house.desk.take(FIRST))
        assert refused.value.display == "root@acme.example"
        assert refused.value.attempted[0].path == "password"
    assert await house.credential(house.admin) is None


async def _clear(work: Work, user: User, password: NewPassword) -> None:
    await passwords.clear(work, user)


async def test_administrators_set_each_others_passwords(house: House):
    async with house.work(house.person(*OF_ORGANIZATION)) as work:
        await passwords.set_by_administrator(work, house.admin, house.desk.take(FIRST))
    assert await house.credential(house.admin) is not None


@pytest.mark.parametrize("action", [passwords.set_by_administrator, _clear])
async def test_setting_a_password_takes_a_permission(
    house: House, action: Callable[[Work, User, NewPassword], Awaitable[None]]
):
    with pytest.raises(NotPermitted, match=r"users\.set_password"):
        async with house.work(house.person(*OF_ORGANIZATION - {Permission.USERS_SET_PASSWORD})) as work:
            await action(work, house.ada, house.desk.take(FIRST))


async def test_password_is_not_set_for_somebody_who_was_promoted_meanwhile(house: House):
    await house.promote()
    with pytest.raises(Conflicted):
        await house.set_as(house.person(Permission.USERS_SET_PASSWORD))
    assert await house.credential() is None


async def test_password_is_not_set_for_somebody_who_was_deleted_meanwhile(house: House):
    await house.delete()
    with pytest.raises(Conflicted):
        await house.set(FIRST)


# -- used, or not -------------------------------------------------------------------


@pytest.mark.parametrize("must_change,expires", [(False, None), (True, NOW + DAY)])
async def test_password_that_is_used_in_time_stays(house: House, must_change: bool, expires: datetime | None):
    await house.set(FIRST, must_change=must_change)
    found = await house.credential()
    assert found is not None
    async with house.work() as work:
        passwords.use(work, found, None)
    used = await house.credential()
    assert used == replace(found, expires=expires)


async def test_digest_out_of_date_is_replaced_when_its_password_is_used(house: House):
    await house.set(FIRST)
    found = await house.credential()
    assert found is not None
    dearer = PasswordHasher(cost=Cost(passes=3))
    verified = await dearer.verify(found.phc, FIRST)
    async with house.work() as work:
        passwords.use(work, found, verified.rehashed)
    used = await house.credential()
    assert used is not None
    assert "t=3" in used.phc
    assert (await dearer.verify(used.phc, FIRST)).matches
    assert replace(used, phc=found.phc) == found
    dearer.close()


async def test_password_that_was_changed_meanwhile_is_not_used(house: House):
    await house.set(FIRST, must_change=False)
    found = await house.credential()
    assert found is not None
    with pytest.raises(Conflicted):
        await house.used(found, lambda: house.set(SECOND))
    assert await house.is_current(SECOND)


async def test_using_a_password_that_stays_as_it_is_writes_nothing(house: House):
    await house.set(FIRST)
    await house.change(SECOND)
    found = await house.credential()
    assert found is not None
    async with house.work() as work:
        passwords.use(work, found, None)
    assert await house.credential() == found


# -- by its owner -------------------------------------------------------------------


async def test_owner_chooses_another_one(house: House):
    await house.set(FIRST)
    house.now += DAY / 2
    await house.change(SECOND)
    found = await house.credential()
    assert found is not None
    assert await house.is_current(SECOND)
    assert (found.changed, found.must_change, found.expires, found.set_by) == (
        house.now,
        False,
        None,
        SetBy.OWNER,
    )


async def test_owner_chooses_another_one_than_before(house: House):
    await house.set(FIRST)
    with pytest.raises(PasswordNotAllowed, match="the one that you have"):
        await house.change(FIRST)


async def test_owner_changes_only_the_password_that_was_verified(house: House):
    await house.set(FIRST)
    verified = await house.credential()
    assert verified is not None
    await house.set("something else 2 come")
    with pytest.raises(Conflicted):
        async with house.work(house.person()) as work:
            await passwords.change_own(work, house.ada, house.desk.take(SECOND), verified)
    assert await house.is_current("something else 2 come")


async def test_two_changes_at_once_are_one(house: House):
    await house.set(FIRST)
    verified = await house.credential()
    assert verified is not None

    async def change(text: str) -> None:
        async with house.work(house.person()) as work:
            await passwords.change_own(work, house.ada, house.desk.take(text), verified)

    done = await asyncio.gather(change(SECOND), change(SECOND + "!"), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Conflicted", "NoneType"]


async def test_link_needs_no_former_password(house: House):
    async with house.work(house.person()) as work:
        await passwords.set_by_link(work, house.ada, house.desk.take(FIRST))
    found = await house.credential()
    assert found is not None
    assert (found.must_change, found.expires, found.set_by) == (False, None, SetBy.LINK)
    assert await house.is_current(FIRST)


# -- by policy ----------------------------------------------------------------------


@pytest.mark.parametrize("text,why", [("short", "at least 15"), ("Ada.Acme.Example", "names")])
async def test_every_way_obeys_the_policy(house: House, text: str, why: str):
    await house.set(FIRST)
    before = await house.credential()
    assert before is not None
    ways: list[Callable[[Work, NewPassword], Awaitable[None]]] = [
        lambda work, new: passwords.set_by_administrator(work, house.ada, new),
        lambda work, new: passwords.change_own(work, house.ada, new, before),
        lambda work, new: passwords.set_by_link(work, house.ada, new),
    ]
    for way in ways:
        with pytest.raises(PasswordNotAllowed, match=why) as refused:
            async with house.work() as work:
                await way(work, house.desk.take(text))
        assert refused.value.display == "ada@acme.example"
        assert refused.value.attempted[0].path == "password"
    assert await house.credential() == before


async def test_organization_may_have_administrators_passwords_changed(house: House):
    async with house.work() as work:
        [found] = await organizations.every(house.database)
        await organizations.update(work, found, must_change_locked=True)
    with pytest.raises(InvalidValue, match="mustChange"):
        await house.set(FIRST, must_change=False)
    assert await house.credential() is None


async def test_pci_remembers_the_last_four(house: House):
    await house.use(Profile.PCI)
    four = [f"password no. {number} of ours" for number in range(1, 5)]
    await house.set(four[0])
    for text in four[1:]:
        await house.change(text)
    for text in four[:3]:
        with pytest.raises(PasswordNotAllowed, match="none of the last 4"):
            await house.change(text)
    await house.change("password no. 5 of ours")
    # The first is the fifth from the end now.
    await house.change(four[0])
    assert await house.is_current(four[0])


async def test_pci_does_not_let_an_administrator_set_what_was_there(house: House):
    await house.use(Profile.PCI)
    await house.set(FIRST)
    with pytest.raises(PasswordNotAllowed, match="none of the last 4"):
        await house.set(FIRST)


async def test_default_remembers_none(house: House):
    await house.set(FIRST)
    await house.change(SECOND)
    await house.change(FIRST)
    found = await house.credential()
    assert found is not None
    assert found.former == ()


async def test_former_ones_go_when_the_profile_does_not_look_at_them(house: House):
    await house.use(Profile.PCI)
    await house.set(FIRST)
    await house.change(SECOND)
    await house.use(Profile.DEFAULT)
    await house.change(FIRST)
    found = await house.credential()
    assert found is not None
    assert found.former == ()


async def test_two_passwords_at_once_do_not_forget_one(house: House):
    """Both would remember the same one before: the second has to look again."""
    await house.use(Profile.PCI)
    await house.set(FIRST)
    both = (house.set(SECOND), house.set("password no. 3 of ours"))
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Conflicted", "NoneType"]
    found = await house.credential()
    assert found is not None
    assert len(found.former) == 1


async def test_pci_wants_another_one_after_ninety_days(house: House):
    await house.use(Profile.PCI)
    await house.set(FIRST)
    await house.change(SECOND)
    found = await house.credential()
    assert found is not None
    async with house.work() as work:
        rules = (await passwords.policy_of(work)).rules
    assert rules == RULES[Profile.PCI]
    assert found.standing(rules, NOW + 90 * DAY) is Standing.TOO_OLD


# -- taken away ---------------------------------------------------------------------


async def test_password_is_taken_away_with_all_before_it(house: House):
    await house.use(Profile.PCI)
    await house.set(FIRST)
    await house.change(SECOND)
    async with house.work() as work:
        await passwords.clear(work, house.ada)
    assert await house.credential() is None


async def test_password_goes_with_its_user(house: House):
    await house.set(FIRST)
    await house.delete()
    assert await house.credential() is None
