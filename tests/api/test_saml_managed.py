"""SAML-managed users over SCIM (rule P8): the mark, what is told of it, and no password for who has it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.connections import Passwords
from scimserver.directory import bin
from scimserver.directory.organizations import Addresses
from scimserver.kernel.actor import Origin, operator
from scimserver.scim.models import DIRECTORY_USER_SCHEMA, MANAGED_ELSEWHERE_SCHEMA
from tests.serving import Answer, Installation, ScimClient, fresh_address, remove, replace

MARK = f"{DIRECTORY_USER_SCHEMA}:samlManaged"
PASSWORD = "seventeen blue socks"
MANAGED: dict[str, Any] = {DIRECTORY_USER_SCHEMA: {"samlManaged": True}}

CONNECT = """
INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates, reset_uri,
                              allow_unsolicited, authenticated_within, contact, created, last_modified)
VALUES ($1, $2, 'Acme Okta', 'active', 'urn:okta', 'https://acme.okta.example/sso', '{}',
        'https://acme.okta.example/settings', false, '1 hour', 'it@acme.example', now(), now())"""
ENFORCE = """
WITH enforced AS (
    UPDATE email_domains SET verified_at = now(), saml_connection_id = $2
    WHERE org_id = $1 AND domain = 'example.com'
)
UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1"""
OTHER_DOMAIN = """
INSERT INTO email_domains (domain, org_id, subdomains, public_override, created)
VALUES ('other.example', $1, false, false, now())"""
LINK = """
INSERT INTO saml_links (org_id, connection_id, name_id, name_id_format, user_id, linked)
VALUES ($1, $2, 'ada@idp', 'urn:f', $3, '2026-01-02T03:04:05.678Z')"""
HAS_PASSWORD = "SELECT EXISTS (SELECT FROM credentials WHERE org_id = $1 AND user_id = $2)"


@dataclass(frozen=True, slots=True)
class House:
    """An organisation with an active SAML connection, and an identity provider that provisions it."""

    installation: Installation
    scim: ScimClient
    connection: asyncpg.Connection
    saml: UUID
    passwords: Passwords

    async def user(self, **attributes: Any) -> Answer:
        made = await self.scim.post("/Users", {"userName": fresh_address()} | attributes)
        assert made.status == 201, made.text
        return made

    async def enforce(self) -> None:
        """Have everybody of the Email Domain sign in by the connection."""
        await self.connection.execute(ENFORCE, self.scim.organization, self.saml)

    async def has_password(self, user: Answer) -> bool:
        return await self.connection.fetchval(HAS_PASSWORD, self.scim.organization, UUID(user.id))

    async def events(self) -> list[str]:
        return [entry.entry["event"] for entry in await self.installation.log(self.scim.organization)]


@pytest_asyncio.fixture(loop_scope="session", params=[Passwords.ACCEPT, Passwords.IGNORE])
async def house(
    request: pytest.FixtureRequest,
    installation: Installation,
    scim: ScimClient,
    connection: asyncpg.Connection,
) -> House:
    client = await installation.client(scim.organization, passwords=request.param)
    saml = uuid4()
    await connection.execute(CONNECT, scim.organization, saml)
    return House(installation, client, connection, saml, request.param)


def signing(answer: Answer) -> dict[str, Any]:
    return answer.json.get(DIRECTORY_USER_SCHEMA, {})


def without_path(**value: Any) -> dict[str, Any]:
    return {"op": "replace", "value": value}


async def test_managed_user_says_by_what_they_sign_in(house: House):
    told = signing(await house.user(**MANAGED))
    assert told.pop("identityProvider")["value"] == str(house.saml)
    assert told == {
        "samlManaged": True,
        "authenticationMethod": "saml",
        "passwordManagement": {
            "managedBy": "identityProvider",
            "resetUri": "https://acme.okta.example/settings",
            "contact": "it@acme.example",
        },
    }


async def test_read_says_what_the_write_said(house: House):
    made = await house.user(**MANAGED)
    read = await house.scim.get(f"/Users/{made.id}")
    assert (read.json, read.headers["ETag"]) == (made.json, made.headers["ETag"])


@pytest.mark.parametrize(
    "condition",
    [
        f"{MARK} eq true",
        f'{DIRECTORY_USER_SCHEMA}:authenticationMethod eq "saml"',
        f"{DIRECTORY_USER_SCHEMA}:identityProvider pr",
        f'schemas eq "{DIRECTORY_USER_SCHEMA}"',
    ],
)
async def test_managed_users_are_found(house: House, condition: str):
    made = await house.user(**MANAGED)
    await house.user()
    found = await house.scim.get("/Users", filter=condition)
    assert [user["id"] for user in found.json["Resources"]] == [made.id]


async def test_mark_takes_an_active_connection(scim: ScimClient):
    refused = await scim.post("/Users", {"userName": fresh_address(), **MANAGED})
    assert (refused.status, refused.json["scimType"]) == (400, "invalidValue")
    assert "no SAML connection that is active" in refused.json["detail"]


@pytest.mark.parametrize("said", [False, None])
async def test_user_who_is_not_managed_is_answered_as_sent(house: House, said: bool | None):
    extension = {} if said is None else {DIRECTORY_USER_SCHEMA: {"samlManaged": said}}
    made = await house.user(**extension)
    assert signing(made) == extension.get(DIRECTORY_USER_SCHEMA, {})


async def test_new_user_of_an_enforced_domain_is_managed(house: House):
    await house.enforce()
    assert signing(await house.user())["samlManaged"] is True


async def renamed(house: House) -> Answer:
    await house.connection.execute(OTHER_DOMAIN, house.scim.organization)
    user = await house.user(userName=fresh_address("other.example"))
    await house.enforce()
    return await house.scim.patch(f"/Users/{user.id}", replace("userName", fresh_address()))


async def cloned(house: House) -> Answer:
    source = await house.user()
    await house.enforce()
    return await house.scim.post(f"/Users/{source.id}/.clone", {})


async def revived(house: House) -> Answer:
    reviving = await house.installation.client(house.scim.organization, revive=True)
    user = await house.user(active=False)
    await house.enforce()
    return await reviving.post("/Users", {"userName": user.json["userName"]})


async def restored(house: House) -> Answer:
    user = await house.user()
    await house.scim.delete(f"/Users/{user.id}")
    await house.enforce()
    return await back_from_the_bin(house, user)


async def back_from_the_bin(house: House, user: Answer) -> Answer:
    who = operator("tests", house.scim.organization)
    async with house.installation.room.open(who, Origin(request_id="r-1")) as work:
        await bin.restore(work, await bin.find(work, user.id))
    return await house.scim.get(f"/Users/{user.id}")


@pytest.mark.parametrize("door", [renamed, cloned, revived, restored])
async def test_who_comes_into_an_enforced_domain_is_managed(
    house: House, door: Callable[[House], Awaitable[Answer]]
):
    assert signing(await door(house))["samlManaged"] is True


async def test_managed_user_is_managed_again_who_comes_back_from_the_bin(house: House):
    user = await house.user(**MANAGED)
    await house.scim.delete(f"/Users/{user.id}")
    assert signing(await back_from_the_bin(house, user)) == signing(user)


@pytest.mark.parametrize("said", [True, False])
async def test_mark_is_kept_as_it_comes_where_names_are_free_and_nothing_is_in_use(
    installation: Installation, said: bool
):
    free = await installation.organization(domain="free.example", addresses=Addresses.FREE)
    scim = await installation.client(free)
    made = await scim.post("/Users", {"userName": "ada", DIRECTORY_USER_SCHEMA: {"samlManaged": said}})
    assert signing(made) == {"samlManaged": said}
    removed = await scim.patch(f"/Users/{made.id}", remove(DIRECTORY_USER_SCHEMA))
    assert signing(removed) == {}


async def test_as_whom_the_identity_provider_knows_a_user_is_told_on_request_alone(house: House):
    user = await house.user(**MANAGED)
    await house.connection.execute(LINK, house.scim.organization, house.saml, UUID(user.id))
    asked = f"{DIRECTORY_USER_SCHEMA}:samlSubject"
    told = {"nameId": "ada@idp", "format": "urn:f", "linkedAt": "2026-01-02T03:04:05.678Z"}
    one = await house.scim.get(f"/Users/{user.id}", attributes=asked)
    page = await house.scim.get("/Users", attributes=asked, filter=f'id eq "{user.id}"')
    assert signing(one) == {"samlSubject": told}
    assert page.json["Resources"][0][DIRECTORY_USER_SCHEMA] == {"samlSubject": told}
    assert "samlSubject" not in signing(await house.scim.get(f"/Users/{user.id}"))


async def test_user_of_an_enforced_domain_stays_managed(house: House):
    await house.enforce()
    user = await house.user()
    refused = await house.scim.patch(f"/Users/{user.id}", replace(MARK, False))
    assert (refused.status, refused.json["scimType"]) == (400, "mutability")
    assert "'Acme Okta'" in refused.json["detail"]


async def test_put_without_the_extension_keeps_the_mark(house: House):
    user = await house.user(**MANAGED)
    put = await house.scim.put(f"/Users/{user.id}", {"userName": user.json["userName"], "title": "Agent"})
    assert signing(put) == signing(user)


# -- the password, as reference tables have it ---------------------------------------------------------


async def test_post_with_a_password_drops_it(house: House):
    user = await house.user(password=PASSWORD, **MANAGED)
    assert not await house.has_password(user)
    assert "password.set_by_connection" in await house.events()


async def test_put_with_a_password_drops_it(house: House):
    user = await house.user(**MANAGED)
    body = {"userName": user.json["userName"], "title": "Agent", "password": PASSWORD}
    put = await house.scim.put(f"/Users/{user.id}", body)
    assert (put.status, put.json["title"]) == (200, "Agent")
    assert not await house.has_password(user)
    assert "password.set_by_connection" in await house.events()


ALONE = {
    "replace": [replace("password", PASSWORD)],
    "add": [{"op": "add", "path": "password", "value": PASSWORD}],
    "without path": [without_path(password=PASSWORD)],
    "with its schema": [replace("urn:ietf:params:scim:schemas:core:2.0:User:password", PASSWORD)],
}


@pytest.mark.parametrize("form", ALONE)
async def test_patch_of_the_password_alone_is_refused(house: House, form: str):
    user = await house.user(**MANAGED)
    refused = await house.scim.patch(f"/Users/{user.id}", *ALONE[form])
    assert (refused.status, refused.json["scimType"]) == (400, "mutability")
    assert refused.json["schemas"][1:] == [MANAGED_ELSEWHERE_SCHEMA]
    assert refused.json[MANAGED_ELSEWHERE_SCHEMA] == {
        "managedBy": "identityProvider",
        "identityProvider": {"value": str(house.saml), "display": "Acme Okta"},
        "resetUri": "https://acme.okta.example/settings",
        "contact": "it@acme.example",
    }
    assert (await house.scim.get(f"/Users/{user.id}")).json == user.json


@pytest.mark.parametrize("form", ALONE)
async def test_patch_of_the_password_alone_does_nothing_where_the_organisation_ignores_it(
    house: House, form: str
):
    ignoring = "UPDATE organizations SET password_push = 'ignore' WHERE id = $1"
    await house.connection.execute(ignoring, house.scim.organization)
    user = await house.user(**MANAGED)
    answer = await house.scim.patch(f"/Users/{user.id}", *ALONE[form])
    assert (answer.status, answer.json) == (200, user.json)


BESIDE = {
    "without path": [without_path(password=PASSWORD, active=False)],
    "two operations": [replace("password", PASSWORD), replace("active", False)],
}


@pytest.mark.parametrize("form", BESIDE)
async def test_password_beside_other_values_keeps_nobody_from_being_deactivated(house: House, form: str):
    user = await house.user(**MANAGED)
    answer = await house.scim.patch(f"/Users/{user.id}", *BESIDE[form])
    assert (answer.status, answer.json["active"]) == (200, False)
    assert not await house.has_password(user)
    assert "password.set_by_connection" in await house.events()


async def test_patch_that_removes_the_password_changes_nothing(house: House):
    user = await house.user(**MANAGED)
    answer = await house.scim.patch(f"/Users/{user.id}", remove("password"))
    assert (answer.status, answer.json) == (200, user.json)


@pytest.mark.parametrize("asked", [{"method": "email"}, {"method": "set", "password": PASSWORD}])
async def test_action_on_the_password_is_refused(house: House, asked: dict[str, Any]):
    user = await house.user(**MANAGED)
    refused = await house.scim.post(f"/Users/{user.id}/.password", asked)
    assert (refused.status, refused.json["scimType"]) == (400, "mutability")
    assert refused.json[MANAGED_ELSEWHERE_SCHEMA]["identityProvider"]["display"] == "Acme Okta"
    assert not await house.has_password(user)


OPENED = {
    "credentials": "SELECT count(*) FROM credentials WHERE user_id = $1",
    "sessions": "SELECT count(*) FROM sessions WHERE user_id = $1",
    "links": "SELECT count(*) FROM password_resets WHERE user_id = $1",
    "links on their way": "SELECT count(*) FROM mail_jobs WHERE user_id = $1",
}
PUT_THERE = [
    """INSERT INTO credentials (org_id, user_id, password_hash, changed) VALUES ($1, $2, 'x', now())""",
    """INSERT INTO sessions (org_id, digest, id, user_id, method, created, last_used, expires, network, agent)
       VALUES ($1, 'd', gen_random_uuid(), $2, 'password', now(), now(), now() + interval '1 h', '', '')""",
    """INSERT INTO password_resets (org_id, user_id, digest, purpose, user_name_key, issued, expires)
       VALUES ($1, $2, 'd', 'administrator', '', now(), now() + interval '1 hour')""",
]


async def test_mark_takes_the_password_and_all_that_one_opens_or_gives(house: House):
    user = await house.user()
    await house.scim.post(f"/Users/{user.id}/.password", {"method": "email"})
    for statement in PUT_THERE:
        await house.connection.execute(statement, house.scim.organization, UUID(user.id))
    counts = [await house.connection.fetchval(query, UUID(user.id)) for query in OPENED.values()]
    assert counts == [1, 1, 1, 1]
    marked = await house.scim.patch(f"/Users/{user.id}", replace(MARK, True))
    assert signing(marked)["authenticationMethod"] == "saml"
    counts = [await house.connection.fetchval(query, UUID(user.id)) for query in OPENED.values()]
    assert counts == [0, 0, 0, 0]
    assert {"password.clear", "session.end_all", "user.update"} <= set(await house.events())


async def test_user_who_is_managed_no_more_is_mailed_an_invitation(house: House):
    user = await house.user(**MANAGED)
    freed = await house.scim.patch(f"/Users/{user.id}", replace(MARK, False))
    assert signing(freed) == {"samlManaged": False}
    jobs = await house.connection.fetch("SELECT kind FROM mail_jobs WHERE user_id = $1", UUID(user.id))
    assert [job["kind"] for job in jobs] == ["link.invitation"]
    assert "password.mail_link" in await house.events()


async def test_user_who_is_managed_no_more_may_be_given_a_password_with_it(house: House):
    user = await house.user(**MANAGED)
    both = without_path(password=PASSWORD, **{DIRECTORY_USER_SCHEMA: {"samlManaged": False}})
    freed = await house.scim.patch(f"/Users/{user.id}", both)
    assert (freed.status, signing(freed)) == (200, {"samlManaged": False})
    assert await house.has_password(user) is (house.passwords is Passwords.ACCEPT)


async def test_connection_of_another_organisation_marks_nobody(house: House):
    other = await house.installation.organization(domain="elsewhere.example")
    theirs = await house.installation.client(other)
    refused = await theirs.post("/Users", {"userName": fresh_address("elsewhere.example"), **MANAGED})
    assert (refused.status, refused.json["scimType"]) == (400, "invalidValue")


async def announced(house: House) -> bool:
    return (await house.scim.get("/ServiceProviderConfig")).json["changePassword"]["supported"]


async def test_passwords_are_announced_as_long_as_anybody_may_have_one(house: House):
    assert await announced(house) is (house.passwords is Passwords.ACCEPT)
    await house.enforce()
    assert await announced(house) is False
    await house.connection.execute(OTHER_DOMAIN, house.scim.organization)
    assert await announced(house) is (house.passwords is Passwords.ACCEPT)
