"""`scimserver connection`: how identity providers are treated."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.commands import Commands

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REFUSED = """
INSERT INTO log_entries (org_id, id, occurred, event, outcome, reason, connection_id, request_id,
                         target_id, entry)
SELECT org_id, $1, $2, 'user.delete', 'failure', $3, id, 'r', $4, '{}' FROM connections
"""
REMOVALS = ("removal_limit", "removal_percent", "removals_paused")
TREATMENT = ("dialect", "strict", "passwords", "revive")


def treatment(connection: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(connection[name] for name in TREATMENT)


def pause(dsn: str, *, refused: list[int]) -> None:
    """Have the connection paused at noon, and these users' removals refused since; others otherwise."""

    async def put() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute("UPDATE connections SET removals_paused = $1, removals_made = 20", NOON)
        entries = [(NOON + timedelta(seconds=1), user, "provider_paused") for user in refused]
        entries += [(NOON - timedelta(hours=1), 9, "provider_paused"), (NOON, 10, "last_administrator")]
        for occurred, user, reason in entries:
            entry = UUID(int=(int(occurred.timestamp() * 1000) << 80) + uuid4().int % 2**80)
            await connection.execute(REFUSED, entry, occurred, reason, UUID(int=user))
        await connection.close()

    asyncio.run(put())


def only(commands: Commands) -> dict[str, Any]:
    [connection] = commands.json("connection", "list", "acme")
    return connection


def test_connection_create_is_tolerant_and_ignores_passwords(commands: Commands):
    commands.done("org", "create", "acme")
    made = commands.json("connection", "create", "acme", "Any")
    assert (made["name"], *treatment(made)) == ("Any", "generic", False, "ignore", False)
    assert only(commands) == made


def test_connection_create_takes_every_treatment(commands: Commands):
    commands.done("org", "create", "acme")
    options = ("--dialect", "entra", "--strict", "--passwords", "accept", "--revive")
    commands.done("connection", "create", "acme", "Entra", *options)
    assert treatment(only(commands)) == ("entra", True, "accept", True)


def test_connection_create_refuses_a_name_twice(acme: Commands):
    assert 'a connection called "Okta" already' in acme.refused("connection", "create", "acme", "Okta")


def test_connection_create_refuses_a_name_that_a_terminal_would_obey(acme: Commands):
    assert "needs a name" in acme.refused("connection", "create", "acme", "\x1b[2J")


def test_connection_list_is_a_table(acme: Commands):
    printed = acme.done("connection", "list", "acme")
    assert [word in printed for word in ("Okta", "okta", "ignore", "last call")] == [True] * 4


@pytest.mark.parametrize(
    "options,changed",
    [
        (("--strict",), ("okta", True, "ignore", False)),
        (("--revive",), ("okta", False, "ignore", True)),
        (("--passwords", "accept"), ("okta", False, "accept", False)),
        (("--dialect", "generic"), ("generic", False, "ignore", False)),
    ],
)
def test_connection_update_changes_what_is_given(
    acme: Commands, options: tuple[str, ...], changed: tuple[Any, ...]
):
    assert treatment(acme.json("connection", "update", "acme", "Okta", *options)) == changed
    assert treatment(only(acme)) == changed


@pytest.mark.parametrize("name", ["strict", "revive"])
def test_connection_update_takes_a_treatment_back(acme: Commands, name: str):
    acme.done("connection", "update", "acme", "Okta", f"--{name}")
    acme.done("connection", "update", "acme", "Okta", f"--no-{name}")
    assert only(acme)[name] is False


def test_connection_create_pauses_beyond_twenty_users_or_a_tenth(acme: Commands):
    connection = only(acme)
    assert [connection[name] for name in REMOVALS] == [20, 10, None]
    assert "20 or 10 %" in acme.done("connection", "list", "acme")


@pytest.mark.parametrize(
    "options,limit",
    [
        (("--removal-limit", "50"), (50, 10)),
        (("--removal-limit", "0", "--removal-percent", "0"), (0, 0)),
        (("--removal-percent", "25"), (20, 25)),
        (("--no-removal-limit",), (None, 10)),
    ],
)
def test_connection_takes_a_limit_of_removals(
    acme: Commands, options: tuple[str, ...], limit: tuple[int | None, int]
):
    made = acme.json("connection", "create", "acme", "Entra", *options)
    changed = acme.json("connection", "update", "acme", "Okta", *options)
    for connection in (made, changed):
        assert (connection["removal_limit"], connection["removal_percent"]) == limit


def test_connection_update_takes_a_limit_back(acme: Commands):
    acme.done("connection", "update", "acme", "Okta", "--no-removal-limit")
    assert "no limit" in acme.done("connection", "list", "acme")
    acme.done("connection", "update", "acme", "Okta", "--removal-limit", "7")
    assert only(acme)["removal_limit"] == 7
    changes = [entry["changes"][0]["path"] for entry in acme.log("acme", "--event", "connection.update")]
    assert changes == ["removal_limit", "removal_limit"]


@pytest.mark.parametrize(
    "options",
    [
        ("--removal-limit", "-1"),
        ("--removal-limit", "many"),
        ("--removal-limit", "2147483648"),
        ("--removal-percent", "101"),
        ("--removal-limit", "5", "--no-removal-limit"),
    ],
)
@pytest.mark.parametrize("command", ["create", "update"])
def test_limit_of_removals_that_is_none_is_wrong_usage(
    acme: Commands, command: str, options: tuple[str, ...]
):
    before = acme.json("connection", "list", "acme")
    assert "--" in acme.refused("connection", command, "acme", "Okta", *options, code=2)
    assert acme.json("connection", "list", "acme") == before


def test_connection_resume_says_how_many_users_were_held_back(acme: Commands):
    pause(acme.dsn, refused=[7, 7, 8])
    assert "paused" in acme.done("connection", "list", "acme")
    assert only(acme)["removals_paused"] == "2026-01-01T12:00:00+00:00"
    printed = acme.done("connection", "resume", "acme", "Okta")
    assert "2 users were held back, in 3 attempts" in printed
    assert only(acme)["removals_paused"] is None


def test_connection_resume_prints_json(acme: Commands):
    pause(acme.dsn, refused=[7])
    assert acme.json("connection", "resume", "acme", "Okta") == {
        "name": "Okta",
        "paused": "2026-01-01T12:00:00+00:00",
        "held_back": 1,
        "attempts": 1,
    }


def test_connection_resume_is_logged_with_how_many_were_held_back(acme: Commands):
    pause(acme.dsn, refused=[7, 8])
    acme.done("connection", "resume", "acme", "Okta")
    [entry] = acme.log("acme", "--event", "connection.resume")
    assert [change["path"] for change in entry["changes"]] == ["removals_paused", "held_back"]
    assert entry["personal"]["changes.1.new"] == 2
    assert entry["outcome"] == "success"


def test_connection_resume_without_a_pause_is_on_record_as_without_effect(acme: Commands):
    assert "not paused" in acme.done("connection", "resume", "acme", "Okta")
    assert acme.json("connection", "resume", "acme", "Okta")["held_back"] == 0
    assert [entry["outcome"] for entry in acme.log("acme", "--event", "connection.resume")] == ["noop"] * 2


def test_connection_resume_takes_a_connection_that_there_is(acme: Commands):
    assert "no connection" in acme.refused("connection", "resume", "acme", "None")
    [entry] = acme.log("acme", "--event", "connection.resume")
    assert (entry["outcome"], entry["reason"]) == ("failure", "not_found")


def test_connection_update_is_logged_with_old_and_new(acme: Commands):
    acme.done("connection", "update", "acme", "Okta", "--strict")
    [entry] = acme.log("acme", "--event", "connection.update")
    assert [change["path"] for change in entry["changes"]] == ["strict"]
    assert (entry["personal"]["changes.0.old"], entry["personal"]["changes.0.new"]) == (False, True)


def test_connection_update_is_logged_when_it_is_refused(acme: Commands):
    assert "no connection" in acme.refused("connection", "update", "acme", "None", "--strict")
    [entry] = acme.log("acme", "--event", "connection.update")
    assert (entry["outcome"], entry["reason"], entry["personal"]["target.display"]) == (
        "failure",
        "not_found",
        "None",
    )


def test_connection_update_without_a_change_is_wrong_usage(acme: Commands):
    assert "Say what to change" in acme.refused("connection", "update", "acme", "Okta", code=2)
