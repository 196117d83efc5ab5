"""Each door by which a password is set: it signs in at once (P4), and no other than is allowed is (P7)."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.connections import Passwords
from scimserver.directory.users import User
from scimserver.scim.actions import PASSWORD_REQUEST
from tests.commands import Commands
from tests.commands import clean_settings as clean_settings
from tests.people import ADA, PASSWORD, Browser, Reception, Shown
from tests.serving import Answer, ScimClient, add, replace

EVE = "eve@example.com"
HELP = "Helpdesk <1234>"
EVERYTHING = """
SELECT (SELECT jsonb_agg(to_jsonb(u) ORDER BY id) FROM users AS u)::text,
       (SELECT jsonb_agg(to_jsonb(c) ORDER BY user_id) FROM credentials AS c)::text,
       (SELECT count(*) FROM mail_jobs), (SELECT count(*) FROM sessions)
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """Where people sign in: a connection that passes passwords on, and an operator's commands."""

    front: Reception
    scim: ScimClient
    commands: Commands
    ada: User
    """She has a password, and is signed in."""
    browser: Browser


@dataclass(frozen=True, slots=True)
class Told:
    """What a door answered: how it says that something was refused, and what it said."""

    code: Any
    """Status and `scimType`, the status of a page, an exit code; None where it was done."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Door:
    """A way to set a password."""

    call: Callable[[Keys, str], Awaitable[Told]]
    event: str
    code: Any
    """How it refuses."""
    user_name: str = ADA


@pytest_asyncio.fixture(loop_scope="session")
async def keys(
    front: Reception,
    connection: asyncpg.Connection,
    process_database_dsn: str,
    clean_settings: Callable[..., None],
) -> Keys:
    clean_settings(SCIMSERVER_DATABASE_URL=process_database_dsn)
    await connection.execute("UPDATE organizations SET support_contact = $1 WHERE name = 'acme'", HELP)
    ada = await front.person()
    browser = front.browser()
    await browser.sign_in()
    scim = await front.installation.client(front.organization, passwords=Passwords.ACCEPT)
    return Keys(front, scim, Commands(process_database_dsn), ada, browser)


def told(answer: Answer) -> Told:
    return Told(None) if answer.status < 300 else Told(answer.error, answer.json["detail"])


def shown(page: Shown) -> Told:
    return Told(None) if page.status == 303 else Told(page.status, page.errors["new"])


async def posted(keys: Keys, new: str) -> Told:
    return told(await keys.scim.post("/Users", {"userName": EVE, "password": new}))


async def put(keys: Keys, new: str) -> Told:
    return told(await keys.scim.put(f"/Users/{keys.ada.id}", {"userName": ADA, "password": new}))


def patched(operation: Callable[[str], Mapping[str, Any]]) -> Callable[[Keys, str], Awaitable[Told]]:
    async def call(keys: Keys, new: str) -> Told:
        return told(await keys.scim.patch(f"/Users/{keys.ada.id}", operation(new)))

    return call


async def set_by_action(keys: Keys, new: str) -> Told:
    body = {"schemas": [PASSWORD_REQUEST], "method": "set", "password": new, "mustChange": False}
    return told(await keys.scim.post(f"/Users/{keys.ada.id}/.password", body))


async def set_by_command(keys: Keys, new: str) -> Told:
    arguments = ("user", "password", "acme", ADA, "--set", "--no-must-change")
    result = await asyncio.to_thread(keys.commands, *arguments, answer=new + "\n")
    return Told(result.exit_code or None, result.stderr)


async def set_by_link(keys: Keys, new: str) -> Told:
    browser = keys.front.browser()
    page = await browser.follow(await browser.get(f"/reset?token={await keys.front.link(keys.ada)}"))
    fields = {"token": page.field("token")["value"], "new": new, "again": new}
    return shown(await browser.post("/reset", fields))


async def changed(keys: Keys, new: str) -> Told:
    return shown(await keys.browser.submit("/password", current=PASSWORD, new=new, again=new))


BAD_REQUEST = (400, "invalidValue")
DOORS = {
    "POST": Door(posted, "user.create", BAD_REQUEST, EVE),
    "PUT": Door(put, "user.update", BAD_REQUEST),
    "PATCH": Door(patched(lambda new: replace("password", new)), "user.update", BAD_REQUEST),
    "PATCH, add": Door(patched(lambda new: add("password", new)), "user.update", BAD_REQUEST),
    "PATCH without a path": Door(
        patched(lambda new: {"op": "replace", "value": {"password": new}}), "user.update", BAD_REQUEST
    ),
    "POST .password": Door(set_by_action, "password.set_by_admin", BAD_REQUEST),
    "user password": Door(set_by_command, "password.set_by_admin", 1),
    "a mailed link": Door(set_by_link, "password.set_by_link", 422),
    "one's own page": Door(changed, "password.change", 422),
}
WAYS = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


async def signed_in_on_the_page(keys: Keys, address: str, password: str) -> bool:
    browser = keys.front.browser()
    return (await browser.sign_in(address, password)).location == "/sessions" and await browser.is_signed_in()


async def signed_in_by_the_product(keys: Keys, address: str, password: str) -> bool:
    body = json.dumps({"address": address, "password": password}).encode()
    headers = {"Content-Type": "application/json"}
    async with keys.front.installation.http.post("/session", data=body, headers=headers) as response:
        return response.status == 201


SIGNING_IN = pytest.mark.parametrize("signed_in", [signed_in_on_the_page, signed_in_by_the_product])


@SIGNING_IN
@WAYS
async def test_password_that_was_set_signs_in_at_once_in_each_of_its_spellings(
    keys: Keys, door: Door, signed_in: Any
):
    assert (await door.call(keys, "ﬁfteen large white storks")).code is None
    assert await signed_in(keys, door.user_name, "fifteen large white storks")
    assert not await signed_in(keys, door.user_name, PASSWORD)


@WAYS
async def test_password_that_was_set_ends_the_sessions_of_before(keys: Keys, door: Door):
    left = keys.front.browser()
    await left.sign_in()
    assert (await door.call(keys, "fifteen large white storks")).code is None
    assert await left.is_signed_in() == (door.user_name == EVE)


WRONG = {
    "short": ("herons", "at least 15"),
    "longer than is read": ("x" * 1025, "at most 256"),
    "with a bell": ("seven small\x07grey herons", "control"),
    "of names": ("Acme Example.com 42", "names"),
    "repeating itself": ("abcabcabcabcabcabc", "repeat"),
    "used by many": ("passwordpassword", "many"),
}


@pytest.mark.parametrize("wrong,why", WRONG.values(), ids=WRONG)
@WAYS
async def test_password_that_is_not_allowed_is_refused_changes_nothing_and_is_on_record(
    keys: Keys, connection: asyncpg.Connection, door: Door, wrong: str, why: str
):
    before = await connection.fetchrow(EVERYTHING)
    answered = await door.call(keys, wrong)
    assert answered.code == door.code
    assert why in answered.text
    assert f"Help: {HELP}" in answered.text
    assert await connection.fetchrow(EVERYTHING) == before
    [failed] = [each for each in await keys.front.logged(door.event) if each.entry["outcome"] == "failure"]
    assert failed.entry["reason"] == "password_not_allowed"
    assert {"path": "password"} in failed.entry["changes"]
    assert wrong not in str(failed)
