"""Passwords that arrive over SCIM (rule P7): dropped or governed, and never seen again."""

import asyncio
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from scimserver.access.connections import Passwords
from tests.serving import Answer, Installation, ScimClient, fresh_address, remove, replace

PASSWORD = "seventeen blue socks"
OTHER = "eleven green umbrellas"


@pytest_asyncio.fixture(loop_scope="session")
async def accepting(installation: Installation, scim: ScimClient) -> ScimClient:
    """A connection of the same organisation that takes passwords."""
    return await installation.client(scim.organization, passwords=Passwords.ACCEPT)


async def set_by(scim: ScimClient, form: str, password: Any) -> Answer:
    """The answer to a password that comes in some form."""
    if form == "POST":
        return await scim.post("/Users", {"userName": fresh_address(), "password": password})
    user = await scim.make_user()
    if form == "PUT":
        return await scim.put(f"/Users/{user.id}", {**user.json, "password": password})
    operation = replace("password", password)
    if form == "PATCH without path":
        operation = {"op": "replace", "value": {"password": password}}
    return await scim.patch(f"/Users/{user.id}", operation)


FORMS = ["POST", "PUT", "PATCH", "PATCH without path"]


@pytest.mark.parametrize("form", FORMS)
async def test_password_is_dropped_by_default(scim: ScimClient, connection: asyncpg.Connection, form: str):
    assert (await set_by(scim, form, "short")).status in (200, 201)
    assert await connection.fetchval("SELECT count(*) FROM credentials") == 0


async def test_dropped_password_is_no_change(installation: Installation, scim: ScimClient):
    answer = await set_by(scim, "PATCH", PASSWORD)
    [logged] = await installation.log(scim.organization, request_id=answer.headers["X-Request-Id"])
    assert logged.entry["outcome"] == "noop"


@pytest.mark.parametrize("form", FORMS)
async def test_accepted_password_is_kept_as_a_digest(
    accepting: ScimClient, connection: asyncpg.Connection, form: str
):
    assert (await set_by(accepting, form, PASSWORD)).status in (200, 201)
    digest = await connection.fetchval("SELECT password_hash FROM credentials")
    assert digest.startswith("$argon2id$")
    assert PasswordHasher().verify(digest, PASSWORD)


async def test_second_password_takes_the_place_of_the_first(
    accepting: ScimClient, connection: asyncpg.Connection
):
    user = await accepting.make_user(password=PASSWORD)
    await accepting.patch(f"/Users/{user.id}", replace("password", OTHER))
    assert PasswordHasher().verify(await connection.fetchval("SELECT password_hash FROM credentials"), OTHER)


@pytest.mark.parametrize("form", ["PUT", "PATCH"])
async def test_password_stays_when_nothing_is_said_of_it(
    accepting: ScimClient, connection: asyncpg.Connection, form: str
):
    user = await accepting.make_user(password=PASSWORD)
    if form == "PUT":
        await accepting.put(f"/Users/{user.id}", {**user.json, "title": "Lead"})
    else:
        await accepting.patch(f"/Users/{user.id}", replace("title", "Lead"))
    assert PasswordHasher().verify(
        await connection.fetchval("SELECT password_hash FROM credentials"), PASSWORD
    )


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 14, "x" * 257, "\u00e9" * 14, "tab\tand\nline and more"]
)
@pytest.mark.parametrize("form", ["POST", "PATCH"])
async def test_password_that_breaks_the_policy_is_refused(
    accepting: ScimClient, connection: asyncpg.Connection, form: str, password: str
):
    answer = await set_by(accepting, form, password)
    assert answer.error == (400, "invalidValue")
    assert "password" in answer.json["detail"]
    assert await connection.fetchval("SELECT count(*) FROM credentials") == 0


@pytest.mark.parametrize(
    "password",
    ["17 socks in red", (PASSWORD + " and more ") * 8, "spaces are good too", "\u5bc6\u7801" + PASSWORD],
)
async def test_password_that_meets_the_policy_is_taken(accepting: ScimClient, password: str):
    assert (await set_by(accepting, "POST", password)).status == 201


async def test_removing_a_password_over_scim_leaves_it(accepting: ScimClient, connection: asyncpg.Connection):
    user = await accepting.make_user(password=PASSWORD)
    await accepting.patch(f"/Users/{user.id}", remove("password"))
    assert await connection.fetchval("SELECT count(*) FROM credentials") == 1


async def test_new_password_is_a_new_version(accepting: ScimClient):
    user = await accepting.make_user()
    answer = await accepting.patch(f"/Users/{user.id}", replace("password", PASSWORD))
    assert answer.headers["ETag"] != user.headers["ETag"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("password", [PASSWORD, "socks"])
async def test_password_is_nowhere_afterwards(
    accepting: ScimClient, connection: asyncpg.Connection, form: str, password: str
):
    answer = await set_by(accepting, form, password)
    assert "socks" not in answer.text
    tables = ("log_entries", "log_values", "outbox", "users", "credentials", "groups")
    for table in tables:
        rows = await connection.fetch(f"SELECT t::text AS text FROM {table} AS t")
        assert not any("socks" in row["text"] for row in rows)
        # What is stored as bytes is written in hexadecimal.
        assert not any(b"socks".hex() in row["text"] for row in rows)


@pytest.mark.parametrize("form", FORMS)
async def test_setting_a_password_is_on_record_without_it(
    installation: Installation, accepting: ScimClient, form: str
):
    answer = await set_by(accepting, form, PASSWORD)
    [logged] = await installation.log(accepting.organization, request_id=answer.headers["X-Request-Id"])
    [change] = [change for change in logged.entry["changes"] if change["path"] == "password"]
    assert (change.get("old"), change.get("new")) == (None, None)


@pytest.mark.parametrize("value", [["seventeen blue socks"], {"a": "socks"}, 12345678901234567890123])
async def test_password_of_the_wrong_kind_is_not_repeated(
    installation: Installation, scim: ScimClient, value: Any
):
    answer = await scim.post("/Users", {"userName": fresh_address(), "password": value})
    assert answer.status == 400
    assert "socks" not in answer.text
    assert "socks" not in str(await installation.log(scim.organization))


@pytest.mark.parametrize("form", FORMS)
async def test_password_made_of_names_is_refused(
    installation: Installation, connection: asyncpg.Connection, form: str
):
    acme = await installation.organization("acme")
    accepting = await installation.client(acme, passwords=Passwords.ACCEPT)
    answer = await set_by(accepting, form, "4cme-Example-2024")
    assert answer.error == (400, "invalidValue")
    assert "names" in answer.json["detail"]
    assert await connection.fetchval("SELECT count(*) FROM credentials") == 0


async def test_names_that_come_with_the_password_count(accepting: ScimClient):
    name = {"givenName": "Augusta", "familyName": "Lovelace"}
    person = {"userName": fresh_address(), "name": name, "password": "AugustaLovelace!"}
    assert (await accepting.post("/Users", person)).error == (400, "invalidValue")
    user = await accepting.make_user()
    both = {"op": "replace", "value": {"name": name, "password": "AugustaLovelace!"}}
    assert (await accepting.patch(f"/Users/{user.id}", both)).error == (400, "invalidValue")
    assert (await accepting.get(f"/Users/{user.id}")).json == user.json


@pytest.mark.parametrize("form", FORMS)
async def test_refused_password_is_on_record_with_what_else_was_asked(
    installation: Installation, accepting: ScimClient, form: str
):
    answer = await set_by(accepting, form, "short")
    [logged] = await installation.log(accepting.organization, request_id=answer.headers["X-Request-Id"])
    assert (logged.entry["outcome"], logged.entry["reason"]) == ("failure", "password_not_allowed")
    assert logged.entry["changes"][-1]["path"] == "password"


async def test_refusal_says_whom_to_ask(accepting: ScimClient, connection: asyncpg.Connection):
    await connection.execute("UPDATE organizations SET support_contact = 'helpdesk@example.com'")
    answer = await set_by(accepting, "PATCH", "short")
    assert answer.json["detail"].endswith("Help: helpdesk@example.com")


async def use_pci(connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE organizations SET password_profile = 'pci'")


@pytest.mark.parametrize("form", FORMS)
async def test_pci_wants_a_letter_and_a_digit(
    accepting: ScimClient, connection: asyncpg.Connection, form: str
):
    await use_pci(connection)
    assert "a letter and a digit" in (await set_by(accepting, form, PASSWORD)).json["detail"]
    assert (await set_by(accepting, form, "17 blue socks, mostly")).status in (200, 201)


async def test_pci_refuses_what_the_user_had_before(accepting: ScimClient, connection: asyncpg.Connection):
    await use_pci(connection)
    user = await accepting.make_user(password="password no. 1 of mine")
    for number in (2, 3):
        change = replace("password", f"password no. {number} of mine")
        assert (await accepting.patch(f"/Users/{user.id}", change)).status == 200
    again = await accepting.patch(f"/Users/{user.id}", replace("password", "password no. 1 of mine"))
    assert again.error == (400, "invalidValue")
    assert "none of the last 4" in again.json["detail"]


async def test_pci_takes_the_same_again_for_no_change(
    installation: Installation, accepting: ScimClient, connection: asyncpg.Connection
):
    await use_pci(connection)
    user = await accepting.make_user(password="password no. 1 of mine")
    before = await connection.fetchrow("SELECT * FROM credentials")
    answer = await accepting.patch(f"/Users/{user.id}", replace("password", "password no. 1 of mine"))
    assert (answer.status, answer.headers["ETag"]) == (200, user.headers["ETag"])
    assert await connection.fetchrow("SELECT * FROM credentials") == before
    [logged] = await installation.log(accepting.organization, request_id=answer.headers["X-Request-Id"])
    assert logged.entry["outcome"] == "noop"


async def test_password_of_a_connection_stays_good(accepting: ScimClient, connection: asyncpg.Connection):
    await set_by(accepting, "POST", PASSWORD)
    row = await connection.fetchrow("SELECT set_by, must_change, expires FROM credentials")
    assert tuple(row or ()) == ("connection", False, None)


async def test_passwords_of_one_user_at_the_same_time_are_set_one_after_the_other(
    accepting: ScimClient, connection: asyncpg.Connection
):
    await use_pci(connection)
    user = await accepting.make_user()
    texts = [f"password no. {number} of mine" for number in range(1, 4)]
    answers = await asyncio.gather(
        *(accepting.patch(f"/Users/{user.id}", replace("password", text)) for text in texts)
    )
    assert [answer.status for answer in answers] == [200] * 3
    [row] = await connection.fetch("SELECT password_hash, former FROM credentials")
    assert len(row["former"]) == 2
    known = [text for text in texts for phc in (row["password_hash"], *row["former"]) if _verifies(phc, text)]
    assert sorted(known) == texts


def _verifies(phc: str, text: str) -> bool:
    try:
        return PasswordHasher().verify(phc, text)
    except VerifyMismatchError:
        return False


async def test_many_passwords_at_once_do_not_stop_other_requests(accepting: ScimClient):
    users = [{"userName": fresh_address(), "password": PASSWORD} for _ in range(8)]
    answers = await asyncio.gather(*(accepting.post("/Users", user) for user in users))
    assert [answer.status for answer in answers] == [201] * 8
