"""`scimserver audit`: what is read, what is followed, and that reading is on record."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.commands import Commands

FOLLOW = (sys.executable, "-m", "scimserver", "audit", "list", "acme", "--follow")


def lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def events(commands: Commands, *arguments: str) -> list[str]:
    return [entry["event"] for entry in commands.log(*arguments)]


def raw(commands: Commands, *arguments: str) -> list[dict[str, Any]]:
    return lines(commands.done("audit", "list", *arguments, "--json"))


@pytest.fixture
def busy(acme: Commands) -> Commands:
    """`acme` with seven more entries: one failure, and a token."""
    for name in ("a", "b", "c", "d"):
        acme.done("domain", "add", "acme", f"{name}.example")
    acme.refused("domain", "add", "acme", "a.example")
    acme.done("token", "create", "acme", "Okta")
    acme.done("connection", "update", "acme", "Okta", "--strict")
    return acme


def test_audit_list_is_json_lines_with_personal_values_apart(acme: Commands):
    [entry, _] = raw(acme, "acme")
    assert entry["personal"] == {
        "target.display": "acme.example",
        "changes.0.new": "acme.example",
        "changes.1.new": False,
    }
    assert len(entry["target"]["display"]) == 64


def test_audit_list_is_a_table_for_people(acme: Commands):
    acme.done("connection", "update", "acme", "Okta", "--passwords", "accept")
    printed = acme.done("audit", "list", "acme")
    row = next(line for line in printed.splitlines() if "connection.update" in line)
    parts = ("success", "operator ", "Connection Okta", "passwords: ignore → accept")
    assert [part for part in parts if part not in row] == []


def test_audit_list_is_oldest_first(busy: Commands):
    found = [datetime.fromisoformat(entry["occurred"]) for entry in raw(busy, "acme")]
    assert (len(found), found) == (9, sorted(found))


def test_audit_list_gives_the_last_ones_and_says_that_there_are_more(busy: Commands):
    result = busy("audit", "list", "acme", "--last", "2", "--json")
    assert [entry["event"] for entry in lines(result.stdout)] == ["token.issue", "connection.update"]
    assert "Earlier entries fit too" in result.stderr


def test_audit_list_says_nothing_of_more_when_these_are_all(busy: Commands):
    assert busy("audit", "list", "acme", "--last", "9").stderr == ""


def test_audit_list_gives_none_of_the_last_zero(acme: Commands):
    assert raw(acme, "acme", "--last", "0") == []


@pytest.mark.parametrize(
    "narrow,found",
    [
        (("--event", "token.issue"), ["token.issue"]),
        (("--event", "token.issue", "--event", "connection.update"), ["token.issue", "connection.update"]),
        (("--outcome", "failure"), ["domain.add"]),
        (("--event", "connection.create", "--last", "1"), ["connection.create"]),
        (("--event", "domain.add", "--last", "2"), ["domain.add", "domain.add"]),
        (("--connection", "Okta"), []),
        (("--since", "2100-01-01"), []),
        (("--until", "1h"), []),
        (("--until", "2020-01-01T00:00Z"), []),
        (("--since", "1h", "--event", "token.issue"), ["token.issue"]),
    ],
)
def test_audit_list_gives_what_was_asked_for(busy: Commands, narrow: tuple[str, ...], found: list[str]):
    assert events(busy, "acme", *narrow) == found


def test_audit_list_looks_back_as_far_as_a_rare_entry_is(busy: Commands):
    assert events(busy, "acme", "--event", "connection.create", "--last", "1") == ["connection.create"]


def test_audit_list_gives_one_target_or_one_request(busy: Commands):
    [issued] = raw(busy, "acme", "--event", "token.issue")
    assert events(busy, "acme", "--target", issued["target"]["id"]) == ["token.issue"]
    assert events(busy, "acme", "--request", issued["request"]["id"]) == ["token.issue"]


def test_audit_list_of_a_connection_gives_what_came_over_it(acme: Commands):
    [connection] = acme.json("connection", "list", "acme")

    async def put() -> None:
        opened = await asyncpg.connect(acme.dsn)
        await opened.execute(
            """
            INSERT INTO log_entries (org_id, id, occurred, event, outcome, connection_id, request_id, entry)
            SELECT id, gen_random_uuid(), now(), 'user.create', 'success', $1, 'r',
                   '{"event": "user.create", "request": {"id": "r"}}'
            FROM organizations WHERE name = 'acme'
            """,
            connection["id"],
        )
        await opened.close()

    asyncio.run(put())
    assert events(acme, "acme", "--connection", "Okta") == ["user.create"]


def test_audit_list_refuses_an_unknown_connection(acme: Commands):
    assert "no connection" in acme.refused("audit", "list", "acme", "--connection", "None")


def test_audit_list_of_the_installation_is_apart(acme: Commands):
    assert events(acme, "--installation") == ["organization.create"]
    assert "organization.create" not in events(acme, "acme")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("acme", "--installation"),
        ("--installation", "--connection", "Okta"),
        ("acme", "--since", "yesterday"),
        ("acme", "--last", "-1"),
        ("acme", "--target", "nonsense"),
        ("acme", "--outcome", "maybe"),
    ],
)
def test_audit_list_asked_wrongly_is_wrong_usage(acme: Commands, arguments: tuple[str, ...]):
    acme.refused("audit", "list", *arguments, code=2)


@pytest.mark.parametrize("how", [(), ("--json",), ("--last", "0"), ("--event", "nothing")])
def test_audit_list_is_itself_logged_once(acme: Commands, how: tuple[str, ...]):
    acme.done("audit", "list", "acme", *how)
    [read] = raw(acme, "acme", "--event", "log.read")
    assert (read["outcome"], read["actor"]["kind"], read["target"]["kind"]) == (
        "success",
        "operator",
        "Organization",
    )
    assert read["personal"] == {"target.display": "acme"}


def test_audit_list_of_the_installation_is_logged_there(commands: Commands):
    commands.done("audit", "list", "--installation")
    [read] = raw(commands, "--installation")
    assert read["event"] == "log.read"


def test_audit_list_does_not_show_its_own_reading(acme: Commands):
    assert "log.read" not in acme.done("audit", "list", "acme")


def test_audit_list_is_not_logged_when_it_is_refused(acme: Commands):
    acme.refused("audit", "list", "acme", "--connection", "None")
    assert raw(acme, "acme", "--event", "log.read") == []


def test_audit_list_says_what_was_erased(acme: Commands):
    async def erase() -> None:
        opened = await asyncpg.connect(acme.dsn)
        await opened.execute("DELETE FROM log_values")
        await opened.close()

    asyncio.run(erase())
    printed = acme.done("audit", "list", "acme")
    assert "EmailDomain (erased)" in printed
    assert "domain: — → (erased)" in printed


def test_audit_list_lets_no_control_character_through(acme: Commands):
    acme.done("org", "update", "acme", "--title", "\x1b[2J\nforged line")
    printed = acme.done("audit", "list", "acme")
    assert "\x1b" not in printed
    assert "title: acme → �[2J�forged line" in printed


def test_audit_list_since_is_counted_from_now(acme: Commands):
    before = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    assert events(acme, "acme", "--since", "1h", "--until", before) == events(acme, "acme")


@contextmanager
def followed(*options: str) -> Generator[subprocess.Popen[str]]:
    """A log that is being followed, as in a terminal; ended after the block, whatever happened."""
    # Whoever starts the tests may ignore Ctrl-C (a shell does in the background), and that is inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        following = subprocess.Popen(
            [*FOLLOW, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with following:
        try:
            yield following
        finally:
            following.kill()


def test_audit_follow_prints_what_there_is_and_ends_well_on_ctrl_c(acme: Commands):
    with followed("--last", "1", "--json") as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["event"] == "connection.create"
        following.send_signal(signal.SIGINT)
        rest, said = following.communicate(timeout=30)
    assert (following.returncode, rest, said) == (0, "", "")


def test_audit_follow_prints_a_line_for_each_new_entry(acme: Commands):
    with followed("--last", "1") as following:
        assert following.stdout is not None
        assert "connection.create" in following.stdout.readline()
        acme.done("connection", "update", "acme", "Okta", "--strict")
        line = following.stdout.readline()
    assert "connection.update  success  operator" in line
    assert "Connection Okta  strict: false → true" in line
