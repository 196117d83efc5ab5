"""Housekeeping: totals folded, messages dropped, counts and uses written; nothing lost, nothing twice."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from scimserver.access import connections, tokens
from scimserver.access.refusals import Refusals
from scimserver.access.usage import Usage
from scimserver.audit import store
from scimserver.audit.entry import Entry
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.db.queries import load
from scimserver.directory import organizations
from scimserver.kernel.actor import NOBODY, Actor, ActorKind, Origin, operator
from scimserver.kernel.errors import Unavailable
from scimserver.kernel.ids import INSTALLATION, OrganizationId, TokenId
from scimserver.work import WorkRoom
from scimserver.workers.tidying import Tidying

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORIGIN = Origin(request_id="tests", client_address="192.0.2.7")
ADD_DELTA = "INSERT INTO total_deltas (org_id, kind, id, delta) VALUES ($1, $2, $3, $4)"
TOTALS = """
    SELECT org_id, kind, sum(number)::int AS number
    FROM (SELECT org_id, kind, total AS number FROM totals
          UNION ALL SELECT org_id, kind, delta FROM total_deltas) AS every
    GROUP BY org_id, kind
"""


@dataclass
class Hands:
    """A clock that stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class House:
    """What is tidied, and a connection beside it."""

    tidying: Tidying
    connection: asyncpg.Connection
    hands: Hands = field(default_factory=Hands)

    async def deltas(self) -> int:
        return await self.connection.fetchval("SELECT count(*) FROM total_deltas")

    async def add_delta(self, organization: UUID, kind: str, delta: int) -> None:
        await self.connection.execute(ADD_DELTA, organization, kind, uuid4(), delta)

    async def totals(self) -> dict[tuple[UUID, str], int]:
        rows = await self.connection.fetch(TOTALS)
        return {(row["org_id"], row["kind"]): row["number"] for row in rows}

    def refuse(self, times: int) -> None:
        """Refused credentials: the first would be logged by whoever saw it, the others are counted."""
        for _ in range(times):
            self.tidying.refusals.seen(NOBODY, ORIGIN, reason="unauthenticated", now=self.hands())

    async def refusals_logged(self) -> list[int]:
        """How many refusals each entry stands for."""
        entries = await store.page(
            self.tidying.room.database, INSTALLATION, store.Filter(), after=store.OLDEST, count=100
        )
        return [entry.entry.get("count", 1) for entry in entries]


class LosesAnswers(WorkRoom):
    """A database that fails the first time: before it has stored the entries, or just after."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], failure: Exception, *, after: bool
    ) -> None:
        super().__init__(database, clock=clock)
        self._failures = [failure]
        self._after = after

    async def record(self, *entries: Entry) -> None:
        if not self._failures or self._after:
            await super().record(*entries)
        if self._failures:
            raise self._failures.pop()


def tidying_of(room: WorkRoom, *, every: float = 5.0) -> Tidying:
    return Tidying(
        room=room, refusals=Refusals(), usage=Usage(), outbox_retention=timedelta(days=7), every=every
    )


@pytest.fixture
async def house(database: Database, database_dsn: str):
    connection = await asyncpg.connect(database_dsn)
    hands = Hands()
    yield House(tidying_of(WorkRoom(database, clock=hands)), connection, hands)
    await connection.close()


# -- totals ----------------------------------------------------------------------------------------


async def test_folding_keeps_every_sum_and_leaves_no_deltas(house: House):
    one, other = uuid4(), uuid4()
    for organization, kind, delta in (
        (one, "User", 3),
        (one, "User", -1),
        (one, "Group", 1),
        (other, "User", 5),
    ):
        await house.add_delta(organization, kind, delta)
    expected = {(one, "User"): 2, (one, "Group"): 1, (other, "User"): 5}
    assert await house.totals() == expected
    await house.tidying.once()
    assert await house.totals() == expected
    assert await house.deltas() == 0


async def test_folding_adds_to_what_was_folded_before(house: House):
    organization = uuid4()
    for delta in (4, -1):
        await house.add_delta(organization, "User", delta)
        await house.tidying.once()
    assert await house.totals() == {(organization, "User"): 3}


async def test_folding_loses_nothing_that_is_written_meanwhile(house: House):
    organization = uuid4()

    async def write() -> None:
        for _ in range(100):
            await house.add_delta(organization, "User", 1)

    writing = asyncio.create_task(write())
    while not writing.done():
        await house.tidying.once()
    await house.tidying.once()
    assert await house.totals() == {(organization, "User"): 100}


async def test_only_one_process_tidies_at_a_time(house: House, database_dsn: str):
    await house.add_delta(uuid4(), "User", 1)
    settings = DatabaseSettings(dsn=database_dsn, points_size=1, searches_size=1)
    async with Database.open(settings) as elsewhere, elsewhere.transaction() as transaction:
        assert await transaction.fetchval(load("tidying")["try_tidying"])
        await house.tidying.once()
        assert await house.deltas() == 1
    await house.tidying.once()
    assert await house.deltas() == 0


# -- the outbox ------------------------------------------------------------------------------------


async def test_messages_are_dropped_when_nobody_fetched_them_in_time(house: House):
    sql = "INSERT INTO outbox (org_id, id, topic, payload, created) VALUES ($1, $2, $3, '{}', $4)"
    for topic, age in (("old", timedelta(days=7, seconds=1)), ("young", timedelta(days=6, hours=23))):
        await house.connection.execute(sql, uuid4(), uuid4(), topic, NOON - age)
    await house.tidying.once()
    assert await house.connection.fetch("SELECT topic FROM outbox") == [("young",)]


# -- mail and links ------------------------------------------------------------------------------


async def test_what_mail_left_behind_is_dropped_in_time(house: House):
    """Each table has a row that is old enough, and rows that are not."""
    organization, users = uuid4(), [uuid4() for _ in range(3)]
    await house.connection.execute("SET session_replication_role = replica")  # No users needed.
    month, day, moment = timedelta(days=30), timedelta(days=1), timedelta(seconds=1)
    for kind, failed in (("old", NOON - month - moment), ("young", NOON - month + moment), ("waits", None)):
        await house.connection.execute(
            "INSERT INTO mail_jobs (org_id, id, user_id, kind, request_id, created, due, until, failed)"
            " VALUES ($1, $2, $2, $3, 'r-1', $4, $4, $4, $5)",
            organization,
            uuid4(),
            kind,
            NOON - 2 * month,
            failed,
        )
    for user, (purpose, expires, used) in zip(
        users,
        (
            ("expired", NOON - day - moment, None),
            ("used", NOON + day, NOON - day - moment),
            ("live", NOON - day + moment, NOON - day + moment),
        ),
        strict=True,
    ):
        await house.connection.execute(
            "INSERT INTO password_resets"
            " (org_id, user_id, digest, purpose, user_name_key, issued, expires, used)"
            " VALUES ($1, $2, $3, $4, '', $5, $5, $6)",
            organization,
            user,
            user.bytes,
            purpose,
            expires,
            used,
        )
    for kind, moments in (
        ("idle", [NOON - 2 * day, NOON - day - moment]),
        ("counts", [NOON - 2 * day, NOON - day + moment]),
    ):
        await house.connection.execute(
            "INSERT INTO mail_allowances (org_id, kind, subject, moments) VALUES ($1, $2, '', $3)",
            organization,
            kind,
            moments,
        )
    await house.tidying.once()
    assert await house.connection.fetch("SELECT kind FROM mail_jobs ORDER BY kind") == [
        ("waits",),
        ("young",),
    ]
    assert await house.connection.fetch("SELECT purpose FROM password_resets") == [("live",)]
    assert await house.connection.fetch("SELECT kind FROM mail_allowances") == [("counts",)]


# -- refused credentials ---------------------------------------------------------------------------


async def test_counted_refusals_are_written_when_their_window_is_over(house: House):
    house.refuse(times=50)
    await house.tidying.once()
    assert await house.refusals_logged() == []
    house.hands.now += timedelta(minutes=1)
    await house.tidying.once()
    assert await house.refusals_logged() == [49]


async def test_counted_refusals_are_written_at_the_end(house: House):
    async with house.tidying.running():
        house.refuse(times=3)
    assert await house.refusals_logged() == [2]


@pytest.mark.parametrize("after", [False, True])
async def test_counted_refusals_are_written_once_when_the_first_try_failed(house: House, *, after: bool):
    room = LosesAnswers(house.tidying.room.database, house.hands, Unavailable("gone"), after=after)
    house.tidying = tidying_of(room)
    house.refuse(times=3)
    with pytest.raises(Unavailable):
        await house.tidying.once(last=True)
    house.refuse(times=5)
    await house.tidying.once(last=True)
    assert await house.refusals_logged() == [2, 4]


async def test_tidying_goes_on_after_a_round_that_failed(house: House):
    room = LosesAnswers(house.tidying.room.database, house.hands, ValueError("a mistake"), after=False)
    house.tidying = tidying_of(room, every=0.001)
    house.refuse(times=3)
    house.hands.now += timedelta(minutes=1)
    async with house.tidying.running():
        while not (logged := await house.refusals_logged()):
            pass
    assert logged == [2]


# -- uses of tokens --------------------------------------------------------------------------------


async def test_last_use_of_tokens_is_written_in_one_batch(house: House):
    organization, first, second, unused = await three_tokens(house.tidying.room)
    for token, moment in ((first, NOON), (second, NOON), (first, NOON + timedelta(minutes=5))):
        house.tidying.usage.saw(caller(organization, token), moment)
    assert await uses(house, organization) == {first: None, second: None, unused: None}
    await house.tidying.once()
    assert await uses(house, organization) == {
        first: NOON + timedelta(minutes=5), second: NOON, unused: None
    }  # fmt: skip


async def test_last_use_of_a_token_never_goes_back(house: House):
    organization, token, *_ = await three_tokens(house.tidying.room)
    for moment in (NOON, NOON - timedelta(minutes=5)):
        house.tidying.usage.saw(caller(organization, token), moment)
        await house.tidying.once()
    assert (await uses(house, organization))[token] == NOON


async def three_tokens(room: WorkRoom) -> tuple[OrganizationId, TokenId, TokenId, TokenId]:
    async with room.open(operator("tests"), ORIGIN) as work:
        organization = (await organizations.create(work, name="acme")).id
    who = operator("tests", organization)
    async with room.open(who, ORIGIN) as work:
        connection = await connections.create(work, name="okta")
    made: list[TokenId] = []
    for _ in range(3):
        async with room.open(who, ORIGIN) as work:
            token, _ = await tokens.issue(work, connection)
            made.append(token)
    return organization, made[0], made[1], made[2]


def caller(organization: OrganizationId, token: TokenId) -> Actor:
    return Actor(
        kind=ActorKind.CONNECTION, organization=organization, permissions=frozenset(), credential=token
    )


async def uses(house: House, organization: OrganizationId) -> dict[TokenId, datetime | None]:
    found = await tokens.every(house.tidying.room.database, organization)
    return {token.id: token.last_used for token in found}
