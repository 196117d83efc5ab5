"""Sessions as the directory keeps them: who may end whose, what the log says, what comes before what."""

import pytest

from scimserver.directory import sessions, users
from scimserver.directory.sessions import Method, Started
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, ActorKind, Origin
from scimserver.kernel.errors import Conflicted, NotFound, NotPermitted
from scimserver.kernel.ids import OrganizationId, SessionId, UserId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work
from tests.mailing import House

MANAGE = Permission.SESSIONS_MANAGE


@pytest.fixture
async def ada(house: House) -> User:
    """A user."""
    return await house.user()


def person(house: House, user: UserId, *permissions: Permission) -> Work:
    """A unit of work of somebody who is signed in."""
    actor = Actor(
        kind=ActorKind.USER,
        organization=house.organization,
        permissions=frozenset(permissions),
        user=user,
        session=SessionId(new_uuid()),
    )
    return house.room.open(actor, Origin(request_id="r-1", client_address="192.0.2.7", user_agent="curl/8"))


async def begun(house: House, user: User) -> Started:
    """A session."""
    work = person(house, user.id)
    assert work.actor.session is not None
    async with work:
        await sessions.hold(work, user.id)
        return await sessions.start(work, user.id, user.user_name, Method.PASSWORD, work.actor.session)


async def is_alive(house: House, started: Started) -> bool:
    """Whether somebody is signed in by it."""
    return await sessions.find(house.database, started.secret, house.hands()) is not None


async def test_session_says_who_is_signed_in(house: House, ada: User):
    started = await begun(house, ada)
    found = await sessions.find(house.database, started.secret, house.hands())
    assert found is not None
    assert (found.session.id, found.session.user) == (started.id, ada.id)
    assert (found.user_name, found.organization) == ("ada@acme.example", house.organization)
    assert found.role_name == "Minimal Permissions"
    assert (found.session.network, found.session.agent) == ("192.0.2.0/24", "curl/8")


async def test_secret_is_not_shown_where_a_session_is_printed(house: House, ada: User):
    started = await begun(house, ada)
    assert started.secret not in repr(started)


async def test_own_sessions_need_no_permission(house: House, ada: User):
    started, other = await begun(house, ada), await begun(house, ada)
    async with person(house, ada.id) as work:
        assert {each.id for each in await sessions.every(work, ada.id)} == {started.id, other.id}
        await sessions.end(work, ada.id, started.id)
    async with person(house, ada.id) as work:
        assert await sessions.sign_out(work, ada.id) == 1


async def test_sessions_of_others_need_theirs(house: House, ada: User):
    bob, started = await house.user("bob@acme.example"), await begun(house, ada)
    for act in (
        lambda work: sessions.every(work, ada.id),
        lambda work: sessions.end(work, ada.id, started.id),
        lambda work: sessions.sign_out(work, ada.id),
    ):
        with pytest.raises(NotPermitted):
            async with person(house, bob.id, *(set(Permission) - {MANAGE})) as work:
                await act(work)
    assert await is_alive(house, started)
    async with person(house, bob.id, MANAGE) as work:
        assert len(await sessions.every(work, ada.id)) == 1
        assert await sessions.sign_out(work, ada.id) == 1
    assert not await is_alive(house, started)


async def test_machine_without_the_permission_may_not(house: House, ada: User):
    await begun(house, ada)
    with pytest.raises(NotPermitted):
        async with house.work_with(*(set(Permission) - {MANAGE})) as work:
            await sessions.sign_out(work, ada.id)


async def test_one_session_of_a_user_may_stay(house: House, ada: User):
    kept, ended = await begun(house, ada), await begun(house, ada)
    async with house.work() as work:
        assert await sessions.end_every(work, ada.id, kept.id) == 1
    assert (await is_alive(house, kept), await is_alive(house, ended)) == (True, False)


async def test_ending_none_is_on_record_as_nothing(house: House, ada: User):
    async with house.work() as work:
        assert await sessions.sign_out(work, ada.id) == 0
    [entry] = await house.logged("session.end_all")
    assert entry.entry["outcome"] == "noop"


async def test_ending_none_as_a_part_of_something_else_is_not_on_record(house: House, ada: User):
    await house.change(ada, active=False)
    assert await house.logged("session.end_all") == []


async def test_sessions_that_end_with_something_are_on_record_before_it(house: House, ada: User):
    await begun(house, ada)
    await begun(house, ada)
    await house.change(ada, active=False)
    [ended] = await house.logged("session.end_all")
    [deactivated] = await house.logged("user.deactivate")
    assert (ended.entry["outcome"], ended.personal["changes.0.old"]) == ("success", 2)
    assert ended.entry["request"]["id"] == deactivated.entry["request"]["id"]


async def _ended_in_vain(house: House, user: User) -> None:
    async with house.work() as work:
        await sessions.end_every(work, user.id)
        raise RuntimeError


async def test_change_that_fails_ends_nothing(house: House, ada: User):
    started = await begun(house, ada)
    with pytest.raises(RuntimeError):
        await _ended_in_vain(house, ada)
    assert await is_alive(house, started)


@pytest.mark.parametrize("of_whom", ["nobody", "bob"])
async def test_session_that_is_not_the_users_is_not_there(house: House, ada: User, of_whom: str):
    bob = await house.user("bob@acme.example")
    theirs = (await begun(house, bob)).id if of_whom == "bob" else SessionId(new_uuid())
    with pytest.raises(NotFound):
        async with house.work() as work:
            await sessions.end(work, ada.id, theirs)


async def test_user_who_is_not_there_has_no_sessions(house: House):
    nobody = UserId(new_uuid())
    with pytest.raises(NotFound):
        async with house.work() as work:
            await sessions.sign_out(work, nobody)
    async with house.work() as work:
        assert await sessions.end_every(work, nobody) == 0


async def test_user_of_another_organisation_is_not_there(house: House, ada: User):
    started = await begun(house, ada)
    other: OrganizationId = await house.found(domain="globex.example")
    with pytest.raises(NotFound):
        async with house.work(organization=other) as work:
            await sessions.sign_out(work, ada.id)
    assert await is_alive(house, started)


@pytest.mark.parametrize("gone", ["deactivated", "deleted"])
async def test_nobody_is_held_who_may_not_sign_in(house: House, ada: User, gone: str):
    if gone == "deactivated":
        await house.change(ada, active=False)
    else:
        async with house.work() as work:
            await users.delete(work, await users.get(work, ada.id))
    with pytest.raises(Conflicted):
        async with person(house, ada.id) as work:
            await sessions.hold(work, ada.id)
