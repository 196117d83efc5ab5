"""`scimserver user reset-link` and `scimserver mail`: links are ordered and withdrawn, and seen waiting."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from scimserver.cli.mail import _REASONS
from scimserver.directory.mail import Failure
from tests.commands import Commands, put_user

ADA = UUID(int=7)
NAME = "ada@acme.example"


@pytest.fixture
def staffed(acme: Commands) -> Commands:
    """`acme` with a user, and one without a mailbox."""
    put_user(acme.dsn, "acme", ADA, NAME)
    acme.done("user", "clone", "acme", NAME)
    return acme


def execute(commands: Commands, sql: str, *arguments: Any) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(commands.dsn)
        await connection.execute(sql, *arguments)
        await connection.close()

    asyncio.run(run())


@pytest.mark.parametrize("named", [NAME, "ADA@acme.example", str(ADA)])
@pytest.mark.parametrize(
    "options,purpose,hours", [((), "administrator", 24), (("--invite",), "invitation", 72)]
)
def test_link_is_ordered_and_never_shown(
    staffed: Commands, named: str, options: tuple[str, ...], purpose: str, hours: int
):
    assert staffed.json("user", "reset-link", "acme", named, *options) == {
        "id": str(ADA),
        "userName": NAME,
        "purpose": purpose,
        "withdrawn": False,
    }
    assert staffed.done("user", "reset-link", "acme", named, *options) == (
        f'A link is being mailed to "{NAME}"; it works once, for {hours} hours.'
        " What waits to be sent: `scimserver mail list acme`.\n"
    )
    kinds = [each["kind"] for each in staffed.json("mail", "list", "acme")]
    assert kinds == [f"link.{purpose}"] * 2


def test_link_that_is_withdrawn_is_not_sent(staffed: Commands):
    staffed.done("user", "reset-link", "acme", NAME)
    assert staffed.done("user", "reset-link", "acme", NAME, "--withdraw") == (
        f'No link mailed to "{NAME}" works any more.\n'
    )
    assert staffed.json("user", "reset-link", "acme", NAME, "--withdraw")["withdrawn"] is True
    assert staffed.json("mail", "list", "acme") == []
    events = [(entry["event"], entry["outcome"]) for entry in staffed.log("acme", "--target", str(ADA))]
    assert events == [
        ("password.mail_link", "success"),
        ("password.withdraw_link", "success"),
        ("password.withdraw_link", "success"),
    ]


@pytest.mark.parametrize(
    "arguments,code,why",
    [
        (("acme", "eve@acme.example"), 1, 'no user "eve@acme.example"'),
        (("acme", f"{NAME} (Copy 1)"), 1, "no address where mail arrives"),
        (("nobody", NAME), 1, 'no organisation called "nobody"'),
        (("acme", NAME, "--invite", "--withdraw"), 2, "choose one"),
    ],
)
def test_link_says_why_not(staffed: Commands, arguments: tuple[str, ...], code: int, why: str):
    assert why in staffed.refused("user", "reset-link", *arguments, code=code)


def test_link_that_is_refused_is_on_record(staffed: Commands):
    staffed.refused("user", "reset-link", "acme", f"{NAME} (Copy 1)")
    (entry,) = staffed.log("acme", "--event", "password.mail_link")
    assert (entry["outcome"], entry["reason"]) == ("failure", "not_mailable")
    assert entry["personal"]["target.display"] == f"{NAME} (Copy 1)"


def test_every_failure_is_explained():
    assert set(_REASONS) == set(Failure)


def test_mail_list_shows_what_waits_and_what_was_given_up(staffed: Commands):
    assert staffed.done("mail", "list", "acme") == '"acme" has no mail that waits or could not be sent.\n'
    for _ in range(2):
        staffed.done("user", "reset-link", "acme", NAME)
    first, second = (each["id"] for each in staffed.json("mail", "list", "acme"))
    execute(staffed, "UPDATE mail_jobs SET failure = 'not_now', attempts = 3 WHERE id = $1", UUID(first))
    execute(
        staffed,
        "UPDATE mail_jobs SET failure = 'recipient_refused', attempts = 1, failed = now() WHERE id = $1",
        UUID(second),
    )
    shown = [
        (each["id"], each["userName"], each["state"], each["attempts"], each["failure"])
        for each in staffed.json("mail", "list", "acme")
    ]
    assert shown == [
        (first, NAME, "waiting", 3, "not_now"),
        (second, NAME, "failed", 1, "recipient_refused"),
    ]
    table = staffed.done("mail", "list", "acme")
    assert "the mail server said to try again" in table
    assert "the mail server refuses mail to the address" in table
