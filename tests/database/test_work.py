"""The unit of work: change, log entry and outbox are there together, or not at all."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from scimserver.audit.entry import SALT_BYTES, Entry, canonical, commitment
from scimserver.db.pool import Database
from scimserver.db.queries import Query, parse
from scimserver.db.violations import ConstraintViolated
from scimserver.kernel.actor import NOBODY, Origin, operator
from scimserver.kernel.errors import AlreadyTaken, Conflicted, NotPermitted, Unavailable
from scimserver.kernel.facts import (
    Change,
    Fact,
    Outcome,
    UserCreated,
    UserDeleted,
    UserUnchanged,
    UserUpdated,
)
from scimserver.kernel.ids import EntryId, OrganizationId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, WorkRoom
from scimserver.work.work import Broken

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
ORGANIZATION = OrganizationId(UUID(int=1))
TARGET = UUID(int=7)
ACTOR = operator("tests", ORGANIZATION)
ORIGIN = Origin(request_id="r-1", client_address="192.0.2.7", method="PATCH", path="/Users/{id}")
RENAMED = UserUpdated(
    target=TARGET,
    display="ada@example.com",
    changes=(Change(path="displayName", old="Ada", new="Countess"), Change(path="title", new="Dr")),
)
UNCHANGED = UserUnchanged(target=TARGET, display="ada@example.com")
DELETED = UserDeleted(target=TARGET)

CLAUSES = parse(
    """
-- change: make
-- A thing.  $1 name
change AS (INSERT INTO things (name) VALUES ($1) RETURNING name)

-- change: rename
-- A thing's next version, if it still is the one that was read.  $1 name, $2 title, $3 version
change AS (
    UPDATE things SET title = $2, version = version + 1 WHERE name = $1 AND version = $3 RETURNING name
)

-- name: read
-- A thing.  $1 name
SELECT title, version FROM things WHERE name = $1;

-- name: seize
-- A thing, held, or an error at once.  $1 name
SELECT title, version FROM things WHERE name = $1 FOR UPDATE NOWAIT;
""",
    source="things.sql",
)
MAKE, RENAME, READ, SEIZE = (
    CLAUSES.change("make"),
    CLAUSES.change("rename"),
    CLAUSES["read"],
    CLAUSES["seize"],
)
TAKEN = {"things_pkey": lambda: AlreadyTaken("There is one already.")}
TABLES = ("things", "log_entries", "log_values", "outbox")
_ALL = "SELECT *, xmin::text AS by_transaction, cmin::text AS by_statement FROM"
READING = {
    "things": f"{_ALL} things ORDER BY name",
    "log_entries": f"{_ALL} log_entries ORDER BY id",
    "log_values": f"{_ALL} log_values ORDER BY entry_id, field",
    "outbox": f"{_ALL} outbox ORDER BY id",
}

Rows = Callable[[str], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def connection(database_dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """Another connection to the database of the work, which has a table of things."""
    opened = await asyncpg.connect(database_dsn)
    await opened.execute(
        "CREATE TABLE things (name text PRIMARY KEY, title text, version int NOT NULL DEFAULT 1)"
    )
    yield opened
    await opened.close()


@pytest.fixture
def rows(connection: asyncpg.Connection) -> Rows:
    """Reads a whole table, in order of creation, with what PostgreSQL knows of each row's writing."""

    async def read(table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(READING[table])]

    return read


@pytest.fixture
def room(database: Database, connection: asyncpg.Connection) -> WorkRoom:
    """Where works are made, at a fixed time."""
    return WorkRoom(database, clock=lambda: NOW)


@pytest.fixture
def open_work(room: WorkRoom) -> Callable[..., Work]:
    """Makes a work of the operator."""

    def make(*, lock: bool = False) -> Work:
        return room.open(ACTOR, ORIGIN, lock=lock)

    return make


@pytest.fixture
async def thing(open_work: Callable[..., Work]) -> str:
    """The name of a thing of version 1, whose making is not on record."""
    async with open_work() as work:
        work.change(MAKE, "thing")
    return "thing"


async def commit(work: Work, *changes: tuple[Any, ...], broken: Broken | None = None) -> None:
    """Stages changes, each a clause with its arguments, notes a fact, and ends the work."""
    async with work:
        for clause, *arguments in changes:
            work.change(clause, *arguments, broken=broken)
        work.note(RENAMED)


async def counts(rows: Rows) -> dict[str, int]:
    return {table: len(await rows(table)) for table in TABLES}


async def written_by(rows: Rows, which: str) -> set[str]:
    return {row[which] for table in TABLES for row in await rows(table)}


async def test_work_writes_change_log_and_outbox_in_one_statement_when_one_row_changes(
    open_work: Callable[..., Work], rows: Rows
):
    async with open_work() as work:
        work.change(MAKE, "one")
        work.note(RENAMED)
    assert await counts(rows) == {"things": 1, "log_entries": 1, "log_values": 5, "outbox": 1}
    assert len(await written_by(rows, "by_transaction")) == 1
    assert len(await written_by(rows, "by_statement")) == 1


async def test_work_writes_several_rows_in_one_transaction(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.change(MAKE, "one")
        work.change(MAKE, "two")
        work.note(UserCreated(target=TARGET, display="one"))
        work.note(DELETED)
    assert await counts(rows) == {"things": 2, "log_entries": 2, "log_values": 3, "outbox": 2}
    assert len(await written_by(rows, "by_transaction")) == 1


async def test_work_writes_what_ran_at_once_and_the_log_in_one_transaction(
    open_work: Callable[..., Work], rows: Rows
):
    async with open_work() as work:
        assert await work.run(MAKE, "one") == 1
        work.note(DELETED)
    assert await counts(rows) == {"things": 1, "log_entries": 1, "log_values": 1, "outbox": 1}
    assert len(await written_by(rows, "by_transaction")) == 1


async def test_work_says_how_many_rows_a_change_hit(open_work: Callable[..., Work]):
    async with open_work() as work:
        assert await work.run(RENAME, "nobody", "x", 1) == 0


async def test_work_keeps_nothing_when_its_block_fails(open_work: Callable[..., Work], rows: Rows):
    async def fail() -> None:
        async with open_work() as work:
            await work.run(MAKE, "one")
            work.change(MAKE, "two")
            work.note(RENAMED)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await counts(rows) == dict.fromkeys(TABLES, 0)


async def test_work_keeps_nothing_when_a_later_change_fails(open_work: Callable[..., Work], rows: Rows):
    with pytest.raises(ConstraintViolated):
        await commit(open_work(), (MAKE, "one"), (MAKE, "one"))
    assert await counts(rows) == dict.fromkeys(TABLES, 0)


async def test_work_writes_nothing_when_nothing_happened(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.require(Permission.USERS_READ)
    assert await counts(rows) == dict.fromkeys(TABLES, 0)


@pytest.mark.parametrize("others", [(), ("other",)], ids=["alone", "among-several"])
async def test_work_conflicts_and_logs_nothing_when_its_row_moved(
    open_work: Callable[..., Work], rows: Rows, thing: str, others: tuple[str, ...]
):
    with pytest.raises(Conflicted):
        await commit(open_work(), *((MAKE, other) for other in others), (RENAME, thing, "new", 2))
    assert await counts(rows) == {"things": 1, "log_entries": 0, "log_values": 0, "outbox": 0}


async def test_work_loses_against_a_faster_one(open_work: Callable[..., Work], rows: Rows, thing: str):
    async def lose() -> None:
        async with open_work() as slow:
            slow.change(RENAME, thing, "slow", 1)
            slow.note(RENAMED)
            await commit(open_work(), (RENAME, thing, "fast", 1))

    with pytest.raises(Conflicted):
        await lose()
    assert [(row["title"], row["version"]) for row in await rows("things")] == [("fast", 2)]
    assert len(await rows("log_entries")) == 1


async def rename_after(work: Work, thing: str, meanwhile: Callable[[], Awaitable[None]]) -> None:
    async with work:
        row = await work.fetchrow(SEIZE if work.locking else READ, thing)
        assert row is not None
        await meanwhile()
        work.change(RENAME, thing, "mine", row["version"])
        work.note(RENAMED)


async def test_work_done_again_under_lock_keeps_others_away_and_succeeds(
    open_work: Callable[..., Work], database: Database, rows: Rows, thing: str
):
    async def interfere() -> None:
        await database.fetchval(SEIZE, thing)
        async with open_work() as other:
            other.change(RENAME, thing, "theirs", 1)

    async def fail_to_interfere() -> None:
        with pytest.raises(Unavailable):
            await database.fetchval(SEIZE, thing)

    with pytest.raises(Conflicted):
        await rename_after(open_work(), thing, interfere)
    await rename_after(open_work(lock=True), thing, fail_to_interfere)
    assert [(row["title"], row["version"]) for row in await rows("things")] == [("mine", 3)]
    assert [row["event"] for row in await rows("log_entries")] == ["user.update"]


async def test_work_reads_its_own_changes(open_work: Callable[..., Work]):
    async with open_work() as work:
        await work.run(MAKE, "one")
        assert [row["version"] for row in await work.fetch(READ, "one")] == [1]


async def test_work_logs_an_attempt_without_effect_and_announces_nothing(
    open_work: Callable[..., Work], rows: Rows
):
    async with open_work() as work:
        work.note(UNCHANGED)
    assert [(row["event"], row["outcome"]) for row in await rows("log_entries")] == [("user.update", "noop")]
    assert await rows("outbox") == []


@pytest.mark.parametrize("others", [(), ("other",)], ids=["alone", "among-several"])
async def test_work_refuses_a_taken_value_and_says_what_was_attempted(
    open_work: Callable[..., Work], rows: Rows, thing: str, others: tuple[str, ...]
):
    with pytest.raises(AlreadyTaken) as caught:
        await commit(open_work(), *((MAKE, other) for other in others), (MAKE, thing), broken=TAKEN)
    assert (caught.value.attempted, caught.value.display) == (RENAMED.changes, RENAMED.display)
    assert await counts(rows) == {"things": 1, "log_entries": 0, "log_values": 0, "outbox": 0}


async def test_work_refuses_a_taken_value_at_once_when_the_change_runs_at_once(
    open_work: Callable[..., Work], rows: Rows, thing: str
):
    async def take() -> None:
        async with open_work() as work:
            await work.run(MAKE, "one")
            await work.run(MAKE, thing, broken=TAKEN)

    with pytest.raises(AlreadyTaken):
        await take()
    assert [row["name"] for row in await rows("things")] == [thing]


async def test_work_passes_on_a_broken_constraint_that_nobody_foresaw(
    open_work: Callable[..., Work], thing: str
):
    with pytest.raises(ConstraintViolated, match="things_pkey"):
        await commit(open_work(), (MAKE, thing), broken={"another_key": lambda: AlreadyTaken("no")})


async def test_work_requires_permissions_and_names_the_missing_one(room: WorkRoom):
    with pytest.raises(NotPermitted, match=r"users\.delete"):
        room.open(NOBODY, ORIGIN).require(Permission.USERS_DELETE)


async def test_work_entry_says_who_when_what_and_how(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        with work.step("rules"):
            pass
        work.change(MAKE, "one")
        work.note(RENAMED)
    [row] = await rows("log_entries")
    entry = json.loads(row["entry"])
    [[step, outcome, microseconds]] = entry.pop("steps")
    assert (step, outcome) == ("rules", "success")
    assert 0 <= microseconds <= entry.pop("microseconds")
    for commits in (*entry["changes"], entry["target"], entry["request"]):
        for field in ("old", "new", "display", "client"):
            commits.pop(field, None)
    assert entry == {
        "v": 1,
        "id": str(row["id"]),
        "organization": str(ORGANIZATION),
        "occurred": "2026-01-02T03:04:05.678000+00:00",
        "event": "user.update",
        "outcome": "success",
        "actor": {"kind": "operator", "name": "tests"},
        "request": {"id": "r-1", "method": "PATCH", "path": "/Users/{id}"},
        "target": {"kind": "User", "id": str(TARGET)},
        "changes": [{"path": "displayName"}, {"path": "title"}],
        "count": 1,
    }


async def test_work_entry_has_its_filters_in_columns(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.note(DELETED)
    [row] = await rows("log_entries")
    kept = ("org_id", "occurred", "event", "outcome", "reason", "connection_id", "request_id", "target_id")
    assert [row[name] for name in kept] == [
        ORGANIZATION,
        NOW,
        "user.delete",
        "success",
        None,
        None,
        "r-1",
        TARGET,
    ]


async def test_work_announces_by_id_without_personal_data(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.change(MAKE, "one")
        work.note(RENAMED)
    [row] = await rows("outbox")
    assert (row["topic"], json.loads(row["payload"])) == (
        "user.updated",
        {
            "topic": "user.updated",
            "organization": str(ORGANIZATION),
            "resource_type": "User",
            "id": str(TARGET),
            "occurred": NOW.isoformat(),
            "attributes": ["displayName", "title"],
        },
    )


def refusal(**given: Any) -> Entry:
    described: dict[str, Any] = {
        "id": EntryId(new_uuid()),
        "organization": ORGANIZATION,
        "occurred": NOW,
        "event": "user.create",
        "outcome": Outcome.FAILURE,
        "actor": ACTOR,
        "origin": ORIGIN,
        "reason": "domain_not_allowed",
        "detail": "evil.example is not an Email Domain of the organisation.",
        "status": 400,
        "display": "eve@evil.example",
        "changes": (Change(path="userName", new="eve@evil.example"),),
    }
    return Entry(**described | given)


async def test_record_logs_refusals_and_announces_nothing(room: WorkRoom, rows: Rows):
    await room.record(refusal(), refusal(event="user.update"))
    assert {(row["event"], row["outcome"], row["reason"]) for row in await rows("log_entries")} == {
        ("user.create", "failure", "domain_not_allowed"),
        ("user.update", "failure", "domain_not_allowed"),
    }
    assert await rows("outbox") == []


def committed(entry: dict[str, Any]) -> dict[str, str]:
    """The commitments of an entry, by the name of the field each is for."""
    found = {
        "client": entry["request"].get("client"),
        "target.display": entry["target"].get("display"),
        "detail": entry.get("detail"),
    }
    for index, change in enumerate(entry.get("changes", [])):
        found |= {f"changes.{index}.old": change["old"], f"changes.{index}.new": change["new"]}
    return {field: value for field, value in found.items() if value is not None}


SUCCESS: tuple[Fact, ...] = (RENAMED,)
SEVERAL: tuple[Fact, ...] = (
    RENAMED,
    DELETED,
    UserCreated(target=TARGET, changes=(Change(path="x", new=[1]),)),
)
NOOP: tuple[Fact, ...] = (UNCHANGED,)


async def values_fit_entries(rows: Rows) -> bool:
    """Whether each entry commits to exactly the personal values that were kept for it."""
    kept: dict[UUID, dict[str, str]] = {row["id"]: {} for row in await rows("log_entries")}
    for row in await rows("log_values"):
        kept[row["entry_id"]][row["field"]] = commitment(row["field"], row["salt"], row["value"])
    return kept == {row["id"]: committed(json.loads(row["entry"])) for row in await rows("log_entries")}


@pytest.mark.parametrize("facts", [SUCCESS, SEVERAL, NOOP], ids=["success", "several", "noop"])
async def test_work_entry_commits_to_its_personal_values(
    open_work: Callable[..., Work], rows: Rows, facts: tuple[Fact, ...]
):
    async with open_work() as work:
        for fact in facts:
            work.note(fact)
    assert await rows("log_values") != []
    assert await values_fit_entries(rows)


async def test_record_entry_commits_to_its_personal_values(room: WorkRoom, rows: Rows):
    await room.record(refusal())
    assert {row["field"] for row in await rows("log_values")} == {
        "client",
        "target.display",
        "detail",
        "changes.0.new",
    }
    assert await values_fit_entries(rows)


async def test_work_entry_holds_no_personal_value(room: WorkRoom, open_work: Callable[..., Work], rows: Rows):
    await room.record(refusal())
    async with open_work() as work:
        work.note(RENAMED)
    texts = "\n".join(row["entry"] for row in await rows("log_entries"))
    personal = ("eve@", "evil.example", "ada@", "Ada", "Countess", "192.0.2.7")
    assert [value for value in personal if value in texts] == []


async def test_work_entry_is_canonical(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.note(RENAMED)
    [row] = await rows("log_entries")
    assert row["entry"] == canonical(json.loads(row["entry"]))


async def test_work_salts_each_value_by_itself(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.note(RENAMED)
    salts = [row["salt"] for row in await rows("log_values")]
    assert len(set(salts)) == len(salts)
    assert {len(salt) for salt in salts} == {SALT_BYTES}


async def test_work_names_whom_a_value_is_about_but_nobody_for_the_client(
    open_work: Callable[..., Work], rows: Rows
):
    async with open_work() as work:
        work.note(UNCHANGED)
    assert [(row["field"], row["subject"]) for row in await rows("log_values")] == [
        ("client", None),
        ("target.display", TARGET),
    ]


async def test_work_that_fails_gives_its_connection_back(database: Database, open_work: Callable[..., Work]):
    async def fail() -> None:
        async with open_work(lock=True):
            raise ZeroDivisionError

    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            await fail()
    assert await database.fetchval(Query("one", "", "SELECT 1")) == 1
