"""`POST /Users/{id}/.password` (rule P7): who may set whose password, what has to be sent, what is left."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from scimserver.access.connections import Passwords
from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.kernel.permissions import Scope
from scimserver.scim.actions import PASSWORD_REQUEST
from tests.serving import Answer, Installation, ScimClient, replace

PASSWORD = "seventeen blue socks"
ADMIN = [{"value": "Admin Role"}]
NOBODY = "0190b4f0-0000-7000-8000-000000000000"
_PATH = "/Users/{}/.password"


@pytest_asyncio.fixture(loop_scope="session")
async def accepting(installation: Installation, scim: ScimClient) -> ScimClient:
    """A connection of the same organisation that takes passwords."""
    return await installation.client(scim.organization, passwords=Passwords.ACCEPT)


@pytest_asyncio.fixture(loop_scope="session")
async def strict(installation: Installation, scim: ScimClient) -> ScimClient:
    """A strict one."""
    return await installation.client(scim.organization, passwords=Passwords.ACCEPT, strict=True)


@pytest_asyncio.fixture(loop_scope="session")
async def administering(installation: Installation, scim: ScimClient) -> ScimClient:
    """One that may do all that an administrator may."""
    scopes = DEFAULT_SCOPES | {Scope.ADMINISTER}
    return await installation.client(scim.organization, passwords=Passwords.ACCEPT, scopes=scopes)


async def ask(scim: ScimClient, user: Answer | str, body: Any = None, **headers: str) -> Answer:
    """Ask for a password; without a body, a good one."""
    identifier = user if isinstance(user, str) else user.id
    message = {"schemas": [PASSWORD_REQUEST], "method": "set", "password": PASSWORD} if body is None else body
    return await scim.request("POST", _PATH.format(identifier), message, headers=headers)


async def stored(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    return await connection.fetch("SELECT * FROM credentials")


async def test_password_is_set_and_works_at_once(accepting: ScimClient, connection: asyncpg.Connection):
    user = await accepting.make_user()
    answer = await ask(accepting, user)
    assert (answer.status, answer.text) == (204, "")
    [row] = await stored(connection)
    assert PasswordHasher().verify(row["password_hash"], PASSWORD)
    assert (str(row["user_id"]), row["set_by"]) == (user.id, "administrator")


async def test_password_expires_after_a_day_without_use(
    accepting: ScimClient, connection: asyncpg.Connection
):
    await ask(accepting, await accepting.make_user())
    [row] = await stored(connection)
    assert row["expires"] - row["changed"] == timedelta(hours=24)


@pytest.mark.parametrize(
    "sent,must_change", [({}, True), ({"mustChange": True}, True), ({"mustChange": False}, False)]
)
async def test_password_has_to_be_changed_unless_it_is_said_otherwise(
    accepting: ScimClient, connection: asyncpg.Connection, sent: dict[str, bool], must_change: bool
):
    await ask(accepting, await accepting.make_user(), {"method": "set", "password": PASSWORD, **sent})
    [row] = await stored(connection)
    assert row["must_change"] is must_change


async def test_organization_can_have_each_password_changed(
    accepting: ScimClient, connection: asyncpg.Connection
):
    await connection.execute("UPDATE organizations SET must_change_locked = true")
    user = await accepting.make_user()
    body = {"method": "set", "password": PASSWORD, "mustChange": False}
    assert (await ask(accepting, user, body)).error == (400, "invalidValue")
    assert await stored(connection) == []
    assert (await ask(accepting, user)).status == 204


async def test_user_stays_the_version_it_is(accepting: ScimClient):
    user = await accepting.make_user()
    await ask(accepting, user)
    again = await accepting.get(f"/Users/{user.id}")
    assert (again.headers["ETag"], again.json) == (user.headers["ETag"], user.json)


BAD: list[tuple[Any, tuple[int, str | None], str]] = [
    ({}, (400, "invalidValue"), "method is one of: set, email"),
    ({"method": "set"}, (400, "invalidValue"), "password is required"),
    ({"method": "set", "password": None}, (400, "invalidValue"), "password is required"),
    ({"method": "set", "password": ["s3cret"]}, (400, "invalidValue"), "a string"),
    ({"method": "set", "password": 123456789012345}, (400, "invalidValue"), "a string"),
    ({"method": "set", "password": PASSWORD, "mustChange": "false"}, (400, "invalidValue"), "true or false"),
    ({"method": "set", "password": PASSWORD, "mustChange": None}, (400, "invalidValue"), "true or false"),
    ({"method": "s3cret", "password": PASSWORD}, (400, "invalidValue"), "method is one of"),
    ({"method": ["set"], "password": PASSWORD}, (400, "invalidValue"), "method is one of"),
    ({"method": "set", "password": PASSWORD, "mustchanged": False}, (400, "invalidSyntax"), "nothing else"),
    ({"method": "set", "password": PASSWORD, "userName": "x"}, (400, "invalidSyntax"), "nothing else"),
    ({"schemas": ["urn:s3cret"], "method": "set", "password": PASSWORD}, (400, "invalidSyntax"), "schemas"),
    ({"method": "email", "password": PASSWORD}, (400, "invalidSyntax"), "schemas, method, nothing else"),
    ({"method": "email", "mustChange": True}, (400, "invalidSyntax"), "schemas, method, nothing else"),
    ([], (400, "invalidSyntax"), ""),
    ("s3cret", (400, "invalidSyntax"), ""),
    ({"method": "set", "password": "short"}, (400, "invalidValue"), "at least 15"),
    ({"method": "set", "password": "x" * 1025}, (400, "invalidValue"), "at most 256"),
    ({"method": "set", "password": "password password"}, (400, "invalidValue"), "many people use"),
]


@pytest.mark.parametrize("body,error,why", BAD)
async def test_request_of_another_form_is_refused_and_changes_nothing(
    installation: Installation,
    accepting: ScimClient,
    connection: asyncpg.Connection,
    body: Any,
    error: tuple[int, str | None],
    why: str,
):
    answer = await ask(accepting, await accepting.make_user(), body)
    assert answer.error == error
    assert why in answer.json["detail"]
    assert "s3cret" not in answer.text
    assert await stored(connection) == []
    logged = (await installation.log(accepting.organization))[-1]
    assert (logged.entry["event"], logged.entry["outcome"]) == ("password.set_by_admin", "failure")


async def test_body_is_required(accepting: ScimClient):
    user = await accepting.make_user()
    answer = await accepting.request("POST", _PATH.format(user.id), raw=b"")
    assert answer.error == (400, "invalidSyntax")


async def test_schemas_are_required_of_strict_connections(strict: ScimClient, connection: asyncpg.Connection):
    user = await strict.make_user()
    assert (await ask(strict, user, {"method": "set", "password": PASSWORD})).error == (400, "invalidSyntax")
    assert (await ask(strict, user)).status == 204


async def test_names_of_members_count_without_case(accepting: ScimClient, connection: asyncpg.Connection):
    body = {"SCHEMAS": [PASSWORD_REQUEST], "Method": "set", "PASSWORD": PASSWORD, "mustchange": False}
    assert (await ask(accepting, await accepting.make_user(), body)).status == 204
    assert [row["must_change"] for row in await stored(connection)] == [False]


async def test_member_that_stands_twice_is_refused(accepting: ScimClient, connection: asyncpg.Connection):
    user = await accepting.make_user()
    raw = b'{"method": "set", "password": "%s", "Password": "eleven green umbrellas"}' % PASSWORD.encode()
    answer = await accepting.request("POST", _PATH.format(user.id), raw=raw)
    assert answer.error == (400, "invalidSyntax")
    assert await stored(connection) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_refused(accepting: ScimClient, method: str):
    user = await accepting.make_user()
    answer = await accepting.request(method, _PATH.format(user.id))
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("who", [NOBODY, "x", "%00"])
async def test_nobody_has_no_password(accepting: ScimClient, who: str):
    assert (await ask(accepting, who)).error == (404, None)


@pytest.mark.parametrize("tag,status", [("*", 204), ('W/"1"', 204), ('W/"2"', 412)])
async def test_condition_is_met_or_nothing_is_done(
    accepting: ScimClient, connection: asyncpg.Connection, tag: str, status: int
):
    answer = await ask(accepting, await accepting.make_user(), **{"If-Match": tag})
    assert answer.status == status
    assert len(await stored(connection)) == (status == 204)


async def test_token_without_the_permission_is_refused(installation: Installation, accepting: ScimClient):
    reader = await installation.client(
        accepting.organization, passwords=Passwords.ACCEPT, scopes=frozenset({Scope.SCIM_READ})
    )
    answer = await ask(reader, await accepting.make_user())
    assert answer.error == (403, None)
    assert "users.set_password" in answer.json["detail"]


async def test_connection_that_drops_passwords_does_not_pretend(
    installation: Installation, scim: ScimClient, connection: asyncpg.Connection
):
    answer = await ask(scim, await scim.make_user("ada@example.com"))
    assert answer.error == (403, None)
    assert "--passwords accept" in answer.json["detail"]
    assert await stored(connection) == []
    logged = (await installation.log(scim.organization))[-1]
    assert (logged.entry["event"], logged.entry["reason"]) == ("password.set_by_admin", "not_permitted")


async def test_user_who_may_do_more_is_out_of_reach(
    installation: Installation,
    accepting: ScimClient,
    administering: ScimClient,
    connection: asyncpg.Connection,
):
    admin = await administering.make_user(roles=ADMIN)
    for answer in (
        await ask(accepting, admin),
        await accepting.patch(f"/Users/{admin.id}", replace("password", PASSWORD)),
        await accepting.put(f"/Users/{admin.id}", {**admin.json, "password": PASSWORD}),
    ):
        assert answer.error == (403, None)
        assert "domains.manage" in answer.json["detail"]
        logged = (await installation.log(accepting.organization))[-1]
        assert (logged.entry["outcome"], logged.entry["reason"]) == ("failure", "not_permitted")
        assert "password" in [change["path"] for change in logged.entry["changes"]]
    assert await stored(connection) == []
    assert (await ask(administering, admin)).status == 204


async def test_role_and_password_at_once_are_looked_at_together(
    installation: Installation, accepting: ScimClient, connection: asyncpg.Connection
):
    """Who may give a role, but not all that it permits, makes nobody of that role whose password it knows."""
    assigning = await installation.client(
        accepting.organization,
        passwords=Passwords.ACCEPT,
        scopes=DEFAULT_SCOPES | {Scope.ROLES_ASSIGN},
    )
    made = {"userName": "eve@example.com", "password": PASSWORD, "roles": ADMIN}
    assert (await assigning.post("/Users", made)).status == 403
    user = await assigning.make_user()
    both = {"op": "replace", "value": {"roles": ADMIN, "password": PASSWORD}}
    assert (await assigning.patch(f"/Users/{user.id}", both)).status == 403
    assert await stored(connection) == []


async def test_password_of_another_organization_stays(
    installation: Installation, accepting: ScimClient, connection: asyncpg.Connection
):
    other = await installation.client(
        await installation.organization(domain="example.org"), passwords=Passwords.ACCEPT
    )
    assert (await ask(other, await accepting.make_user())).error == (404, None)
    assert await stored(connection) == []


async def test_setting_a_password_is_on_record_without_it(installation: Installation, accepting: ScimClient):
    user = await accepting.make_user("ada@example.com")
    answer = await ask(accepting, user)
    [logged] = await installation.log(accepting.organization, request_id=answer.headers["X-Request-Id"])
    assert (logged.entry["event"], logged.entry["outcome"]) == ("password.set_by_admin", "success")
    assert logged.entry["target"]["id"] == user.id
    changes = {change["path"]: change for change in logged.entry["changes"]}
    assert changes.keys() == {"password", "mustChange"}
    assert not {"old", "new"} & changes["password"].keys()
    assert "socks" not in str(logged)


# -- by mail ------------------------------------------------------------------------


async def jobs(connection: asyncpg.Connection) -> list[tuple[str, str]]:
    """The mails that wait: to whom, and which."""
    return [(str(row[0]), row[1]) for row in await connection.fetch("SELECT user_id, kind FROM mail_jobs")]


async def test_user_is_mailed_a_link_and_keeps_the_password(
    installation: Installation, accepting: ScimClient, connection: asyncpg.Connection
):
    user = await accepting.make_user(password="eleven green umbrellas")
    answer = await ask(accepting, user, {"schemas": [PASSWORD_REQUEST], "method": "email"})
    assert (answer.status, answer.text) == (202, "")
    assert await jobs(connection) == [(user.id, "link.administrator")]
    [row] = await stored(connection)
    assert PasswordHasher().verify(row["password_hash"], "eleven green umbrellas")
    [logged] = await installation.log(accepting.organization, request_id=answer.headers["X-Request-Id"])
    assert (logged.entry["event"], logged.entry["outcome"]) == ("password.mail_link", "success")


async def test_connection_that_drops_passwords_has_links_mailed(
    scim: ScimClient, connection: asyncpg.Connection
):
    user = await scim.make_user()
    assert (await ask(scim, user, {"method": "email"})).status == 202
    assert await jobs(connection) == [(user.id, "link.administrator")]


async def test_user_without_a_mailbox_is_not_mailed(
    installation: Installation, accepting: ScimClient, connection: asyncpg.Connection
):
    user = await accepting.make_user(active=False)
    answer = await ask(accepting, user, {"method": "email"})
    assert answer.error == (400, "invalidValue")
    assert await jobs(connection) == []
    [logged] = await installation.log(accepting.organization, request_id=answer.headers["X-Request-Id"])
    assert (logged.entry["event"], logged.entry["reason"]) == ("password.mail_link", "not_mailable")


async def test_user_is_mailed_only_so_many_links(
    installation: Installation, accepting: ScimClient, connection: asyncpg.Connection
):
    user = await accepting.make_user()
    answers = [await ask(accepting, user, {"method": "email"}) for _ in range(11)]
    assert [answer.status for answer in answers] == [202] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    logged = (await installation.log(accepting.organization))[-1]
    assert (logged.entry["event"], logged.entry["reason"]) == ("password.mail_link", "rate_limited")


async def test_user_whose_password_was_set_is_told(accepting: ScimClient, connection: asyncpg.Connection):
    user = await accepting.make_user()
    await ask(accepting, user, {"method": "email"})
    await ask(accepting, user)
    # The link that waited is not sent any more.
    assert await jobs(connection) == [(user.id, "notice.password_set_by_administrator")]


@pytest.mark.parametrize("tag,status", [('W/"1"', 202), ('W/"2"', 412)])
async def test_link_is_mailed_only_where_the_condition_is_met(
    accepting: ScimClient, connection: asyncpg.Connection, tag: str, status: int
):
    user = await accepting.make_user()
    answer = await ask(accepting, user, {"method": "email"}, **{"If-Match": tag})
    assert answer.status == status
    assert len(await jobs(connection)) == (status == 202)


# -- what is announced --------------------------------------------------------------


@pytest.mark.parametrize("takes", Passwords)
@pytest.mark.parametrize("scopes", [DEFAULT_SCOPES, frozenset({Scope.SCIM_READ})])
async def test_configuration_announces_what_the_connection_can(
    installation: Installation, scim: ScimClient, takes: Passwords, scopes: frozenset[Scope]
):
    client = await installation.client(scim.organization, passwords=takes, scopes=scopes)
    announced = (await client.get("/ServiceProviderConfig")).json["changePassword"]
    assert announced == {"supported": takes is Passwords.ACCEPT and scopes == DEFAULT_SCOPES}
