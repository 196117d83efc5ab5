"""Every database call of every request that changes something, broken in every way.

However a call fails, the request has exactly one effect with exactly one entry in the log, or none
and an answer that lets the client try again. Which calls there are is counted in a run without
faults, so a new call is broken too. A failed check names the number of the call and its statement.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.connections import Passwords
from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.db.lender import Lender
from scimserver.db.pool import Database, DatabaseSettings, Patience
from scimserver.directory.removals import RemovalLimit
from scimserver.kernel.permissions import Scope
from tests.api.fault_scenarios import (
    OF_EACH_KIND,
    SCENARIOS,
    SLOW,
    Arrange,
    Attempt,
    delete_user_without_groups,
    post_user_who_was_deactivated,
)
from tests.faults import (
    CANCELLED,
    DOWN,
    GONE,
    LATE,
    Call,
    Fault,
    FaultyInstallation,
    Reply,
    failing,
    pools,
)
from tests.serving import ScimClient

POOL_SIZE = 3
PATIENT = Patience(deadline_s=10, shortest_pause_s=0.001, longest_pause_s=0.01)
IMPATIENT = Patience(deadline_s=0.1, shortest_pause_s=0.005, longest_pause_s=0.02)
"""While only the log works: time for some tries, and for the record."""
IN_VAIN = Patience(deadline_s=0.04, shortest_pause_s=0.002, longest_pause_s=0.008)
"""While nothing works: time for as many tries, which end at once."""
HELD_UP = Patience(deadline_s=0.5, shortest_pause_s=0.001, longest_pause_s=0.01)
"""While rows are held: a fiftieth of the time in operation, as `WHILE_HELD_S` is of that for a statement."""
CALLER_KNOWN = 2
"""The calls until it is known who calls: for a connection, and for the token."""
HOPELESS = DOWN | {Fault.FENCED}
"""While these last, trying again is in vain."""

CASES = [
    pytest.param(arrange, fault, id=f"{arrange.__name__}-{fault}")
    for arrange in SCENARIOS
    for fault in SLOW.get(arrange, Fault)
]

_STATE = """
SELECT (SELECT jsonb_object_agg(id, version) FROM users WHERE org_id = $1) AS users,
       (SELECT jsonb_object_agg(id, version) FROM groups WHERE org_id = $1) AS groups,
       (SELECT jsonb_object_agg(id, version) FROM roles WHERE org_id = $1) AS roles,
       (SELECT jsonb_object_agg(id, version) FROM cases WHERE org_id = $1) AS cases,
       (SELECT jsonb_object_agg(id, version) FROM deleted_users WHERE org_id = $1) AS bin,
       (SELECT jsonb_object_agg(group_id || '/' || user_id, 1)
        FROM group_members WHERE org_id = $1) AS members,
       (SELECT jsonb_object_agg(user_id, changed) FROM credentials WHERE org_id = $1) AS passwords,
       (SELECT jsonb_object_agg(number, 1) FROM removals WHERE org_id = $1) AS removals,
       (SELECT jsonb_object_agg(id, 1) FROM outbox WHERE org_id = $1) AS messages,
       (SELECT jsonb_object_agg(kind, total) FROM (
            SELECT kind, sum(total)::int AS total FROM (
                SELECT kind, total FROM totals WHERE org_id = $1
                UNION ALL SELECT kind, delta FROM total_deltas WHERE org_id = $1) AS parts
            GROUP BY kind) AS totals) AS totals
"""
_ENTRIES = """
    SELECT event, outcome FROM log_entries WHERE org_id = $1 AND request_id = $2 AND event <> 'mail.send'
    ORDER BY 1, 2
"""
_NO_REMOVALS = """
UPDATE connections
SET removal_limit = 0, removal_percent = 0, removals_paused = NULL, removals_made = NULL
"""
_PAUSES = """
SELECT (SELECT count(*) FROM log_entries WHERE event = 'connection.pause') AS entries,
       (SELECT count(*) FROM outbox WHERE topic = 'connection.paused') AS messages
"""
_OTHER_RULES = "UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1"
_AT_WORK = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND (state <> 'idle' OR pid = ANY ($1))
"""

State = dict[str, dict[str, Any]]
Effect = dict[str, tuple[int, ...]]
"""For each table how much appeared, went, and changed; of the totals, how much was added to each."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request left behind."""

    before: State = field(repr=False)
    reply: Reply | None
    effect: Effect
    entries: list[tuple[str, str]]

    @property
    def is_recorded_change(self) -> bool:
        """Whether the log says that something was done, or had been done before."""
        return any(outcome != "failure" for _, outcome in self.entries)


@dataclass(slots=True)
class World:
    """An organisation, attempts to change it, and a look at what became of them."""

    installation: FaultyInstallation
    scim: ScimClient
    connection: asyncpg.Connection

    async def state(self) -> State:
        """The tables of the organisation."""
        row = await self.connection.fetchrow(_STATE, self.scim.organization)
        assert row is not None
        return {table: json.loads(rows or "{}") for table, rows in row.items()}

    async def attempted(
        self, attempt: Attempt, fault: Fault | None = None, at: int = 0, patience: Patience = PATIENT
    ) -> Outcome:
        """What an attempt comes to while one of its calls is broken, when all is over."""
        if attempt.rules_change:
            await self.connection.execute(_OTHER_RULES, self.scim.organization)
        before, request_id = await self.state(), uuid4().hex
        self.installation.faults.arm(fault, at)
        self.installation.database.patience = patience
        reply = await self.installation.watched(attempt.sent(self.scim, request_id))
        await self.installation.faults.catch_up()
        await self.settle()
        rows = await self.connection.fetch(_ENTRIES, self.scim.organization, request_id)
        self.installation.faults.disarm()
        self.installation.database.patience = PATIENT
        return Outcome(before, reply, effect(before, await self.state()), [(row[0], row[1]) for row in rows])

    async def settle(self) -> None:
        """Wait until the server has ended what was begun on connections that were given up."""
        for _ in range(2500):
            left = self.installation.pool.left()
            if not await self.connection.fetchval(_AT_WORK, left) and not self.installation.pool.borrowed:
                return
            await asyncio.sleep(0.002)
        raise AssertionError("something is still going on, or a connection was not given back")

    async def repeated(self, attempt: Attempt) -> None:
        """Send an attempt again as an identity provider does: groups have no unique name, so it looks.

        Nor is one clone told from another, so whoever clones looks too.
        """
        if attempt.method == "POST" and attempt.path == "/Groups":
            found = await self.scim.find(f'displayName eq "{attempt.body["displayName"]}"', "/Groups")
            if found.ids:
                return
        if attempt.method == "POST" and attempt.path == "/Cases":
            found = await self.scim.find(f'subject eq "{attempt.body["subject"]}"', "/Cases")
            if found.ids:
                return
        if attempt.path.endswith("/.clone") and not attempt.body:
            source = await self.scim.get(attempt.path.removesuffix("/.clone"))
            if source.status == 200 and await self._is_cloned(source.json["userName"]):
                return
        answer = await self.scim.request(attempt.method, attempt.path, attempt.body, headers=attempt.headers)
        assert answer.status < 500, answer.text

    async def _is_cloned(self, user_name: str) -> bool:
        return bool((await self.scim.find(f'userName eq "{user_name} (Copy 1)"')).ids)


def effect(before: State, after: State) -> Effect:
    """The difference of two states, without the names of things; tables without any are left out."""
    found: Effect = {}
    for table, rows in after.items():
        old = before[table]
        changed = sum(1 for key in rows.keys() & old.keys() if rows[key] != old[key])
        if table in ("users", "groups", "roles", "cases"):
            changed = sum(rows[key] - old[key] for key in rows.keys() & old.keys())
        if table == "totals":
            more = [rows.get(kind, 0) - old.get(kind, 0) for kind in ("User", "Group", "Role", "Case")]
            found[table] = tuple(more)
        else:
            found[table] = (len(rows.keys() - old.keys()), len(old.keys() - rows.keys()), changed)
    return {table: numbers for table, numbers in found.items() if any(numbers)}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def real_pool(process_database_dsn: str) -> AsyncGenerator[Lender]:
    """Connections that work."""
    settings = DatabaseSettings(dsn=process_database_dsn, command_timeout_s=5)
    async with pools(settings, POOL_SIZE) as pool:
        yield pool


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    request: pytest.FixtureRequest,
    database: Database,
    process_database_dsn: str,
    real_pool: Lender,
    connection: asyncpg.Connection,
) -> AsyncGenerator[World]:
    """The organisation for a scenario and a fault."""
    arrange = request.node.callspec.params["arrange"]
    settings = DatabaseSettings(dsn=process_database_dsn, patience=PATIENT)
    async with failing(real_pool, settings) as installation:
        scim = await installation.client(
            await installation.organization(),
            scopes=DEFAULT_SCOPES | {Scope.ADMINISTER},
            passwords=Passwords.ACCEPT if arrange in SLOW else Passwords.IGNORE,
            removal_limit=RemovalLimit(count=1_000_000),
            revive=arrange is post_user_who_was_deactivated,
        )
        yield World(installation, scim, connection)


@pytest.mark.parametrize("arrange,fault", CASES)
async def test_request_has_one_effect_and_one_entry_or_none_whichever_call_is_broken(
    world: World, arrange: Arrange, fault: Fault
):
    # The first of its kind also asks what is remembered afterwards; each later one makes the same calls.
    await world.attempted(await arrange(world.scim))
    whole = await world.attempted(await arrange(world.scim))
    assert whole.reply is not None
    assert whole.reply.status == SCENARIOS[arrange], whole.reply.body
    calls = world.installation.faults.calls
    assert "t.digest" in calls[CALLER_KNOWN - 1].name
    for number in range(0 if arrange in OF_EACH_KIND else CALLER_KNOWN, len(calls)):
        if fault in LATE and not calls[number].writes:
            continue  # What only reads is not noticed late: it is a time-out like any other.
        attempt = await arrange(world.scim)
        outcome = await world.attempted(attempt, fault, number, patience_with(fault, calls[number]))
        at = f"call {number} of {len(calls)}, {calls[number].name[:80]!r}: {outcome}"
        check(outcome, whole, fault, calls, number, at)
        await check_answer(world, attempt, outcome, at)
        await world.repeated(attempt)
        assert effect(outcome.before, await world.state()) == whole.effect, at


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("arrange", [delete_user_without_groups])
async def test_removal_beyond_the_limit_pauses_once_whichever_call_is_broken(
    world: World, arrange: Arrange, fault: Fault
):
    attempt = await arrange(world.scim)
    await world.connection.execute(_NO_REMOVALS)
    await world.attempted(attempt)
    calls = world.installation.faults.calls
    for number in range(CALLER_KNOWN, len(calls)):
        await world.connection.execute(_NO_REMOVALS)
        pauses = await world.connection.fetchrow(_PAUSES)
        outcome = await world.attempted(attempt, fault, number, patience_with(fault, calls[number]))
        at = f"call {number} of {len(calls)}, {calls[number].name[:80]!r}: {outcome}"
        assert outcome.reply is None or outcome.reply.status in (403, 503), at
        repeated = await world.scim.request(attempt.method, attempt.path)
        assert repeated.status == 403, at
        assert (await world.scim.get(attempt.path)).status == 200, at
        assert await world.connection.fetchrow(_PAUSES) == tuple(each + 1 for each in pauses or ()), at


def check(outcome: Outcome, whole: Outcome, fault: Fault, calls: list[Call], number: int, at: str) -> None:
    """Hold an outcome against that of the same attempt without faults."""
    done = (outcome.effect, outcome.entries) == (whole.effect, whole.entries)
    undone = outcome.effect == {} and not outcome.is_recorded_change and len(outcome.entries) <= 1
    assert done or undone, at
    if outcome.reply is None:
        assert fault in GONE | CANCELLED, at
    elif outcome.reply.status == 503:
        assert int(outcome.reply.headers["retry-after"]) >= 1, at
        assert undone or "not known" in outcome.reply.body, at
    else:
        assert whole.reply is not None
        assert (outcome.reply.status, done) == (whole.reply.status, True), at
    if must_succeed(fault, calls, number):
        assert done, at
        assert outcome.reply is None or outcome.reply.status != 503, at
    if holds_rows(fault, calls[number]):
        # What is committed only afterwards may neither be promised nor denied.
        assert done, at
        assert outcome.reply is not None, at
        assert outcome.reply.status == 503, at


def must_succeed(fault: Fault, calls: list[Call], number: int) -> bool:
    """Whether a database that works again, or a client that goes, leaves no excuse."""
    if fault in HOPELESS | CANCELLED:
        return False
    if fault in {Fault.LOST_BEFORE, Fault.LOST_AFTER}:
        return True
    # Before it is known who calls, nothing is asked twice after a time-out, and the body is not there yet.
    return number >= CALLER_KNOWN and not holds_rows(fault, calls[number])


def holds_rows(fault: Fault, call: Call) -> bool:
    """Whether the fault is a COMMIT that outlasts the request and holds all others up."""
    return fault is Fault.LATE_END and call.in_transaction


def patience_with(fault: Fault, call: Call) -> Patience:
    """How long to try while that call is broken: not for long where it is in vain."""
    if fault in DOWN:
        return IN_VAIN
    if fault is Fault.FENCED:
        return IMPATIENT
    return HELD_UP if holds_rows(fault, call) else PATIENT


async def check_answer(world: World, attempt: Attempt, outcome: Outcome, at: str) -> None:
    """Hold a success against what is stored."""
    reply = outcome.reply
    if reply is None or reply.status >= 300:
        return
    if attempt.method == "DELETE":
        assert (await world.scim.get(attempt.path)).status == 404, at
        return
    path = attempt.path
    if path.endswith("/.password"):
        return  # The user is as it was.
    if attempt.method == "POST":
        path = f"/{path.split('/')[1]}/{json.loads(reply.body)['id']}"
    stored = await world.scim.get(path)
    assert reply.headers["etag"] == stored.headers["ETag"], at
    assert not reply.body or json.loads(reply.body) == stored.json, at
