"""SAML-managed users over SCIM (rule P8): the mark, what is told of it, and no password for who has it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.connections import Passwords
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
ENFORCE = "UPDATE email_domains SET verified_at = now(), saml_connection_id = $2 WHERE org_id = $1"
HAS_PASSWORD = "SELECT EXISTS (SELECT FROM credentials WHERE org_id = $1 AND user_id = $2)"


@dataclass(frozen=True, slots=True)
class House:
    """An organisation with an active SAML connection, and an identity provider that provisions it."""

    installation: Installation
    scim: ScimClient
    connection: asyncpg.Connection
    saml: UUID

    async def user(self, **attributes: Any) -> Answer:
        made = await self.scim.post("/Users", {"userName": fresh_address(), **attributes})
        assert made.status == 201, made.text
        return made

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
    return House(installation, client, connection, saml)


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
    await house.connection.execute(ENFORCE, house.scim.organization, house.saml)
    assert signing(await house.user())["samlManaged"] is True


async def test_user_of_an_enforced_domain_stays_managed(house: House):
    await house.connection.execute(ENFORCE, house.scim.organization, house.saml)
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


async def test_mark_takes_the_password_and_what_it_opened(
    installation: Installation, scim: ScimClient, connection: asyncpg.Connection
):
    house = House(
        installation,
        await installation.client(scim.organization, passwords=Passwords.ACCEPT),
        connection,
        uuid4(),
    )
    await connection.execute(CONNECT, scim.organization, house.saml)
    user = await house.user(password=PASSWORD)
    assert await house.has_password(user)
    marked = await house.scim.patch(f"/Users/{user.id}", replace(MARK, True))
    assert signing(marked)["authenticationMethod"] == "saml"
    assert not await house.has_password(user)
    assert "password.clear" in await house.events()


async def test_user_who_is_managed_no_more_is_mailed_an_invitation(house: House):
    user = await house.user(**MANAGED)
    freed = await house.scim.patch(f"/Users/{user.id}", replace(MARK, False))
    assert signing(freed) == {"samlManaged": False}
    jobs = await house.connection.fetch("SELECT kind FROM mail_jobs WHERE user_id = $1", UUID(user.id))
    assert [job["kind"] for job in jobs] == ["link.invitation"]
