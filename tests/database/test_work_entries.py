"""What a unit of work leaves in the log: entries that commit to personal values kept apart."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from scimserver.audit.entry import SALT_BYTES, Entry, canonical, commitment
from scimserver.kernel.facts import (
    Change,
    Fact,
    Outcome,
    UserCreated,
)
from scimserver.kernel.ids import EntryId, new_uuid
from scimserver.work import Work, WorkRoom
from tests.works import (
    ACTOR,
    DELETED,
    MAKE,
    NOW,
    ORGANIZATION,
    ORIGIN,
    RENAMED,
    TARGET,
    UNCHANGED,
    Rows,
)


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
        found |= {f"changes.{index}.{side}": change.get(side) for side in ("old", "new")}
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
