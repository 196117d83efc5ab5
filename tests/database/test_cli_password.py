"""`scimserver user password`: a password is typed, read or made; no argument, and printed once at most."""

import asyncio
import os
import pty
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from argon2 import PasswordHasher

from tests.commands import Commands, put_user

ADA = UUID(int=7)
NAME = "ada@acme.example"
PASSWORD = "seventeen blue socks"


@pytest.fixture
def staffed(acme: Commands) -> Commands:
    """`acme` with a user."""
    put_user(acme.dsn, "acme", ADA, NAME)
    return acme


def stored(commands: Commands) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(commands.dsn)
        rows = await connection.fetch("SELECT * FROM credentials")
        await connection.close()
        return [dict(row) for row in rows]

    return asyncio.run(read())


def is_stored(commands: Commands, password: str) -> bool:
    [row] = stored(commands)
    return PasswordHasher().verify(row["password_hash"], password)


@pytest.mark.parametrize("named", [NAME, "ADA@acme.example", str(ADA)])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_password_is_a_line_of_standard_input(staffed: Commands, named: str, end: str):
    said = staffed.done("user", "password", "acme", named, "--set", answer=PASSWORD + end)
    assert said.startswith(f'Set the password of "{NAME}".\nIt works from now on')
    assert is_stored(staffed, PASSWORD)


def test_password_has_to_be_changed_and_used_within_a_day(staffed: Commands):
    staffed.done("user", "password", "acme", NAME, "--set", answer=PASSWORD)
    [row] = stored(staffed)
    assert (row["must_change"], row["set_by"]) == (True, "administrator")
    assert row["expires"] - row["changed"] == timedelta(hours=24)


def test_password_need_not_be_changed_where_it_is_said(staffed: Commands):
    staffed.done("user", "password", "acme", NAME, "--set", "--no-must-change", answer=PASSWORD)
    assert [row["must_change"] for row in stored(staffed)] == [False]


def test_password_always_has_to_be_changed_where_the_organization_wants_it(staffed: Commands):
    staffed.done("org", "update", "acme", "--must-change")
    said = staffed("user", "password", "acme", NAME, "--generate", "--no-must-change")
    assert (said.exit_code, said.stdout) == (1, "")
    assert "leave mustChange true" in said.stderr
    assert stored(staffed) == []


def test_password_is_made_and_printed_once(staffed: Commands):
    said = staffed.done("user", "password", "acme", NAME, "--generate")
    [made] = re.findall(r'of "ada@acme.example": (\S+)\n', said)
    assert is_stored(staffed, made)
    assert made not in str(staffed.log("acme"))


def test_password_is_made_for_programs(staffed: Commands):
    made = staffed.json("user", "password", "acme", NAME, "--generate")
    assert made.keys() == {"id", "userName", "mustChange", "expires", "password"}
    assert (made["id"], made["userName"], made["mustChange"]) == (str(ADA), NAME, True)
    assert datetime.fromisoformat(made["expires"]) == stored(staffed)[0]["expires"]
    assert is_stored(staffed, made["password"])


def test_password_that_was_read_is_not_printed(staffed: Commands):
    said = staffed("user", "password", "acme", NAME, "--set", "--json", answer=PASSWORD)
    assert said.exit_code == 0
    assert "socks" not in said.output


def test_password_with_a_space_at_its_end_is_kept_and_warned_of(staffed: Commands):
    said = staffed("user", "password", "acme", NAME, "--set", answer=PASSWORD + " \n")
    assert "begins or ends with a space" in said.stderr
    assert is_stored(staffed, PASSWORD + " ")


@pytest.mark.parametrize(
    "typed,why",
    [
        ("", "at least 15"),
        ("short", "at least 15"),
        ("password password", "many people use"),
        ("ada acme example", "names"),
        ("x" * 1025, "at most 256"),
        (PASSWORD + "\x07", "control"),
    ],
)
def test_password_that_breaks_the_policy_is_refused(staffed: Commands, typed: str, why: str):
    staffed.done("org", "update", "acme", "--support-contact", "helpdesk@acme.example")
    said = staffed("user", "password", "acme", NAME, "--set", answer=typed)
    assert (said.exit_code, said.stdout) == (1, "")
    assert why in said.stderr
    assert said.stderr.endswith("Help: helpdesk@acme.example\n")
    assert not typed or typed not in said.stderr
    assert stored(staffed) == []
    [entry] = staffed.log("acme", "--event", "password.set_by_admin")
    assert (entry["outcome"], entry["reason"]) == ("failure", "password_not_allowed")
    assert entry["personal"]["target.display"] == NAME


def test_setting_a_password_is_logged_without_it(staffed: Commands):
    staffed.done("user", "password", "acme", NAME, "--set", answer=PASSWORD)
    [entry] = staffed.log("acme", "--event", "password.set_by_admin")
    assert (entry["outcome"], entry["target"]["id"]) == ("success", str(ADA))
    assert "socks" not in str(entry)


@pytest.mark.parametrize("arguments", [("acme", "eve@acme.example"), ("nobody", NAME)])
def test_password_of_nobody_is_refused(staffed: Commands, arguments: tuple[str, str]):
    assert "There is no" in staffed.refused("user", "password", *arguments, "--generate")


def test_password_is_taken_away(staffed: Commands):
    staffed.done("user", "password", "acme", NAME, "--generate")
    assert staffed.done("user", "password", "acme", NAME, "--clear") == f'"{NAME}" has no password now.\n'
    assert stored(staffed) == []
    assert staffed.json("user", "password", "acme", NAME, "--clear") == {"id": str(ADA), "userName": NAME}
    entries = staffed.log("acme", "--event", "password.clear")
    assert [entry["outcome"] for entry in entries] == ["success", "noop"]


def test_password_is_no_argument(staffed: Commands):
    assert "unexpected extra argument" in staffed.refused(
        "user", "password", "acme", NAME, "--set", PASSWORD, code=2
    )


def test_password_command_wants_to_know_what_to_do(staffed: Commands):
    assert "--set, --generate or --clear" in staffed.refused("user", "password", "acme", NAME, code=2)


def typed_at_a_terminal(commands: Commands, *lines: str) -> tuple[int, str]:
    """The exit code of the command, and all that a terminal shows while these lines are typed."""
    arguments = [str(Path(sys.executable).with_name("scimserver")), "user", "password", "acme", NAME, "--set"]
    controller, terminal = pty.openpty()
    environment = {**os.environ, "SCIMSERVER_DATABASE_URL": commands.dsn}
    process = subprocess.Popen(
        arguments, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    )
    os.close(terminal)
    shown = ""
    for line in lines:
        while not shown.endswith(": "):
            shown += os.read(controller, 1000).decode()
        os.write(controller, f"{line}\n".encode())
        shown += "\n"
    try:
        while part := os.read(controller, 1000):
            shown += part.decode()
    except OSError:  # Linux says so when the last one has left the terminal.
        pass
    os.close(controller)
    return process.wait(), shown


def test_password_is_typed_twice_and_not_seen(staffed: Commands):
    staffed.done("org", "update", "acme", "--support-contact", "helpdesk@acme.example")
    code, shown = typed_at_a_terminal(staffed, PASSWORD, PASSWORD)
    assert code == 0, shown
    assert "15 to 256 characters" in shown
    assert "Help: helpdesk@acme.example" in shown
    assert "socks" not in shown
    assert is_stored(staffed, PASSWORD)


def test_password_that_was_typed_in_two_ways_is_asked_for_again(staffed: Commands):
    code, shown = typed_at_a_terminal(staffed, PASSWORD, "another one", PASSWORD, PASSWORD)
    assert code == 0, shown
    assert is_stored(staffed, PASSWORD)
