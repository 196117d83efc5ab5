"""Links for setting a password: who may order them, which of them can be used, how often, and by whom."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from scimserver.directory import cloning, password_resets, passwords, users
from scimserver.directory.password_resets import Purpose
from scimserver.directory.passwords import NewPassword, PasswordDesk
from scimserver.directory.users import User
from scimserver.kernel.errors import LinkNotLive, NotMailable, NotPermitted, PasswordNotAllowed, RateLimited
from scimserver.kernel.ids import UserId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work
from tests.mailing import House

WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
MAY = Permission.USERS_MAIL_RESET_LINK
PURPOSES = [Purpose.ADMINISTRATOR, Purpose.INVITATION]
LASTS = {Purpose.ADMINISTRATOR: timedelta(hours=24), Purpose.INVITATION: timedelta(hours=72)}


@pytest.fixture
async def ada(house: House) -> User:
    """A user."""
    return await house.user()


async def use(house: House, token: str) -> UserId:
    async with house.work() as work:
        return await password_resets.consume(work, token)


async def undone(house: House, act: Callable[[Work], Awaitable[object]]) -> None:
    """Do something in a unit of work that fails afterwards."""
    async with house.work() as work:
        await act(work)
        raise RuntimeError


# -- ordering --------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", PURPOSES)
async def test_order_is_a_job_and_on_record_with_its_purpose(house: House, ada: User, purpose: Purpose):
    await house.order(ada, purpose)
    assert await house.jobs() == [(f"link.{purpose.value}", None)]
    (entry,) = await house.logged("password.mail_link")
    assert entry.entry["outcome"] == "success"
    assert entry.personal == {"target.display": "ada@acme.example", "changes.0.new": purpose.value}


async def test_order_needs_its_own_permission(house: House, ada: User):
    others = set(Permission) - {MAY}
    with pytest.raises(NotPermitted):
        async with house.work_with(*others) as work:
            await password_resets.mail_link(work, ada, Purpose.ADMINISTRATOR)
    async with house.work_with(MAY) as work:
        await password_resets.mail_link(work, ada, Purpose.ADMINISTRATOR)
    assert len(await house.jobs()) == 1


async def test_order_for_a_deactivated_user_is_refused(house: House, ada: User):
    with pytest.raises(NotMailable, match="deactivated"):
        await house.order(await house.change(ada, active=False))
    assert await house.jobs() == []


async def test_order_for_a_clone_under_its_placeholder_is_refused(house: House, ada: User):
    async with house.work() as work:
        clone = await cloning.clone(work, ada)
    assert clone.user_name == "ada@acme.example (Copy 1)"
    with pytest.raises(NotMailable, match="no address"):
        await house.order(clone)
    assert await house.jobs() == []


async def test_order_is_refused_after_ten_within_an_hour(house: House, ada: User):
    for _ in range(10):
        await house.order(ada)
    with pytest.raises(RateLimited):
        await house.order(ada)
    assert len(await house.jobs()) == 10
    house.hands.move(hours=1)
    await house.order(ada)


async def test_order_that_fails_with_its_work_leaves_no_job(house: House, ada: User):
    with pytest.raises(RuntimeError):
        await undone(house, lambda work: password_resets.mail_link(work, ada, Purpose.ADMINISTRATOR))
    assert await house.jobs() == []


# -- using -----------------------------------------------------------------------------------------


async def test_link_says_whose_it_is_and_is_used_once(house: House, ada: User):
    token = await house.token(ada)
    live = await password_resets.peek(house.database, token, house.hands())
    assert live == password_resets.Live(
        organization=house.organization,
        user=ada.id,
        purpose=Purpose.ADMINISTRATOR,
        expires=house.hands() + timedelta(hours=24),
    )
    assert await house.is_live(token)
    assert await use(house, token) == ada.id
    assert not await house.is_live(token)
    with pytest.raises(LinkNotLive):
        await use(house, token)


async def test_link_is_used_by_exactly_one_of_many_at_once(house: House, ada: User):
    token = await house.token(ada)
    outcomes = await asyncio.gather(*(use(house, token) for _ in range(4)), return_exceptions=True)
    assert [each for each in outcomes if not isinstance(each, LinkNotLive)] == [ada.id]
    assert len(outcomes) == 4


async def test_link_can_be_used_again_when_the_work_that_used_it_failed(house: House, ada: User):
    token = await house.token(ada)
    with pytest.raises(RuntimeError):
        await undone(house, lambda work: password_resets.consume(work, token))
    assert await use(house, token) == ada.id


@pytest.mark.parametrize("purpose", PURPOSES)
async def test_link_can_be_used_until_it_expires(house: House, ada: User, purpose: Purpose):
    token = await house.token(ada, purpose)
    issued = house.hands.now
    house.hands.now = issued + LASTS[purpose] - timedelta(milliseconds=1)
    assert await house.is_live(token)
    house.hands.now = issued + LASTS[purpose]
    assert not await house.is_live(token)
    with pytest.raises(LinkNotLive):
        await use(house, token)


async def test_older_link_is_dead_when_a_newer_one_was_sent(house: House, ada: User):
    older, newer = await house.token(ada), await house.token(ada)
    assert not await house.is_live(older)
    with pytest.raises(LinkNotLive):
        await use(house, older)
    assert await use(house, newer) == ada.id


async def test_newer_link_works_when_the_older_one_was_used(house: House, ada: User):
    await use(house, await house.token(ada))
    assert await use(house, await house.token(ada)) == ada.id


async def test_link_of_another_user_stays_when_one_is_used(house: House, ada: User):
    bob = await house.user("bob@acme.example")
    of_ada, of_bob = await house.token(ada), await house.token(bob)
    assert await use(house, of_ada) == ada.id
    assert await use(house, of_bob) == bob.id


ALTERED: dict[str, Callable[[str], str]] = {
    "last letter": lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
    "first letter, of the organisation": lambda token: ("A" if token[0] != "A" else "B") + token[1:],
    "one letter short": lambda token: token[:-1],
    "one letter more": lambda token: token + "A",
    "end of a line": lambda token: token + "\n",
    "other case": str.swapcase,
    "nothing": lambda _: "",
    "NUL": lambda _: "\x00" * 64,
    "other script": lambda _: "é" * 64,
}


@pytest.mark.parametrize("how", ALTERED)
async def test_altered_token_is_no_link(house: House, ada: User, how: str):
    token = await house.token(ada)
    altered = ALTERED[how](token)
    assert not await house.is_live(altered)
    with pytest.raises(LinkNotLive):
        await use(house, altered)
    assert await house.is_live(token)


async def test_link_cannot_be_used_in_another_organisation(house: House, ada: User):
    token = await house.token(ada)
    other = await house.found(domain="other.example")
    with pytest.raises(LinkNotLive):
        async with house.work(organization=other) as work:
            await password_resets.consume(work, token)
    assert await house.is_live(token)


# -- ending ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        {"userName": "ada.lovelace@acme.example"},
        {"active": False},
    ],
)
async def test_link_is_dead_after_a_change_of_the_user(house: House, ada: User, attributes: dict[str, Any]):
    token = await house.token(ada)
    await house.order(ada)
    changed = await house.change(ada, **attributes)
    assert not await house.is_live(token)
    assert "link.administrator" not in dict(await house.jobs())
    # Nor does it come back with what was.
    await house.change(changed, userName=ada.user_name, active=True)
    assert not await house.is_live(token)


@pytest.mark.parametrize("attributes", [{"title": "Countess"}, {"userName": "Ada@acme.example"}])
async def test_link_outlives_a_change_that_does_not_concern_it(
    house: House, ada: User, attributes: dict[str, Any]
):
    token = await house.token(ada)
    await house.change(ada, **attributes)
    assert await house.is_live(token)


async def _as_attribute(work: Work, user: User, password: NewPassword) -> None:
    await users.update(work, user, user.document, password)


async def _of_ones_own(work: Work, user: User, password: NewPassword) -> None:
    current = await passwords.find(work, user)
    assert current is not None
    await passwords.change_own(work, user, password, current)


async def _cleared(work: Work, user: User, password: NewPassword) -> None:
    await passwords.clear(work, user)


@pytest.mark.parametrize(
    "way,told",
    [
        (_as_attribute, []),
        (passwords.set_by_administrator, ["notice.password_set_by_administrator"]),
        (_of_ones_own, ["notice.password_changed"]),
        (passwords.set_by_link, ["notice.password_reset"]),
        (_cleared, []),
    ],
)
async def test_link_is_dead_after_the_password_was_changed_in_any_way_and_the_user_is_told(
    house: House,
    ada: User,
    desk: PasswordDesk,
    way: Callable[[Work, User, NewPassword], Awaitable[None]],
    told: list[str],
):
    async with house.work() as work:
        ada = await users.update(work, ada, ada.document, desk.take("eleven green umbrellas"))
    token = await house.token(ada)
    await house.order(ada)
    async with house.work() as work:
        current = await users.get(work, ada.id)
        await way(work, current, desk.take("seventeen blue socks"))
    assert not await house.is_live(token)
    assert [kind for kind, _ in await house.jobs()] == told


async def test_refused_password_leaves_the_link_and_tells_nobody(house: House, ada: User, desk: PasswordDesk):
    token = await house.token(ada)
    with pytest.raises(PasswordNotAllowed):
        async with house.work() as work:
            await passwords.set_by_administrator(work, ada, desk.take("short"))
    assert await house.is_live(token)
    assert await house.jobs() == []


async def test_link_and_what_waits_go_with_the_user(house: House, ada: User):
    token = await house.token(ada)
    await house.order(ada)
    async with house.work() as work:
        await users.delete(work, await users.get(work, ada.id))
    assert not await house.is_live(token)
    assert await house.jobs() == []
    assert await house.claimed() is None


async def test_link_that_is_withdrawn_is_dead_and_nothing_is_sent(house: House, ada: User):
    token = await house.token(ada)
    await house.order(ada)
    async with house.work() as work:
        await password_resets.withdraw(work, ada)
    assert not await house.is_live(token)
    assert await house.claimed() is None
    assert [entry.entry["outcome"] for entry in await house.logged("password.withdraw_link")] == ["success"]


async def test_withdrawing_needs_its_permission(house: House, ada: User):
    with pytest.raises(NotPermitted):
        async with house.work_with(*(set(Permission) - {MAY})) as work:
            await password_resets.withdraw(work, ada)


async def test_mail_that_was_withdrawn_while_it_was_being_sent_carries_no_live_link(house: House, ada: User):
    await house.order(ada)
    job = await house.claimed()
    assert job is not None
    async with house.work() as work:
        await password_resets.revoke(work, ada.id)
    assert await house.issued(job) is None


async def test_link_is_withdrawn_also_while_it_is_being_issued(house: House, ada: User):
    for _ in range(5):
        await house.order(ada)
        job = await house.claimed()
        assert job is not None

        async def withdraw() -> None:
            async with house.work() as work:
                await password_resets.revoke(work, ada.id)

        token, _ = await asyncio.gather(house.issued(job), withdraw())
        assert token is None or not await house.is_live(token)


async def test_link_that_is_used_while_a_newer_one_is_issued_ends_both(house: House, ada: User):
    """Whoever touches links holds the user first: else the two would wait for each other."""
    token = await house.token(ada)
    await house.order(ada)
    job = await house.claimed()
    assert job is not None
    async with house.work() as work:
        await password_resets.consume(work, token)
        issuing = asyncio.create_task(house.issued(job))
        while not await house.connection.fetchval(WAITING):
            pass
        await password_resets.revoke(work, ada.id)
    assert await issuing is None
    assert await house.connection.fetchval("SELECT count(*) FROM password_resets") == 0


async def test_of_two_that_send_the_same_mail_the_later_claim_has_the_live_link(house: House, ada: User):
    await house.order(ada)
    first = await house.claimed()
    assert first is not None
    early = await house.issued(first)
    assert early is not None
    house.hands.move(minutes=3)
    second = await house.claimed()
    assert second is not None
    assert (second.id, second.attempt) == (first.id, 2)
    late = await house.issued(second)
    assert late is not None
    assert (await house.is_live(early), await house.is_live(late)) == (False, True)
    # The first one is not dead after all: it may not take the link away that was mailed since.
    assert await house.issued(first) is None
    assert await house.is_live(late)


async def test_clone_has_no_link_of_its_source(house: House, ada: User):
    await house.token(ada)
    async with house.work() as work:
        await cloning.clone(work, ada, "bob@acme.example")
    assert await house.connection.fetchval("SELECT count(*) FROM password_resets") == 1
