"""Email Domains (rule P2): which addresses they let through, and what is looked at where names are free.

Every path that sets an address is in test_address_doors.py.
"""

from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.directory import domains
from scimserver.directory.organizations import Addresses
from scimserver.kernel.actor import Origin, operator
from tests.serving import PATCH_OP, Answer, Installation, ScimClient, replace

OUTSIDE = "anna@elsewhere.test"


async def attempt(scim: ScimClient, method: str, path: str, body: Any) -> Answer:
    """Set an address; `U` is a user."""
    if method == "PATCH":
        body = {"schemas": [PATCH_OP], "Operations": [body]}
    if path == "U":
        path = f"/Users/{(await scim.make_user('anna@example.com')).id}"
    return await scim.request(method, path, body)


@pytest.mark.parametrize(
    "user_name",
    [
        "anna@sub.example.com",
        "anna@notexample.com",
        "anna@example.com.evil.test",
        "anna@example.co",
        "anna@ex\u0430mple.com",
        "anna@xn--exmple-4nf.com",
        "anna@example\u200b.com",
        "anna@example.com@elsewhere.test",
        "anna@example.com\u3002evil.test",
        "anna%elsewhere.test@example.com",
        '"anna@elsewhere.test"@example.com',
        "anna(@elsewhere.test)@example.com",
        "anna@[192.0.2.1]",
        "anna@example.com ",
        "anna",
        "@example.com",
        "anna@",
        "anna @example.com",
        "=?utf-8?q?anna=40elsewhere.test?=@example.com",
        "anna@example.com\r\nBcc: x@elsewhere.test",
        "a" * 65 + "@example.com",
    ],
)
async def test_address_that_only_looks_right_is_refused(scim: ScimClient, user_name: str):
    assert (await scim.post("/Users", {"userName": user_name})).error == (400, "invalidValue")


@pytest.mark.parametrize(
    "user_name", ["anna@EXAMPLE.com", "anna+tag@example.com", "änna@example.com", "o'brien@example.com"]
)
async def test_address_in_the_email_domains_is_taken(scim: ScimClient, user_name: str):
    assert (await scim.post("/Users", {"userName": user_name})).json["userName"] == user_name


@pytest.mark.parametrize("user_name", ["anna@sub.example.com", "anna@a.b.example.com", "anna@example.com"])
async def test_sub_domains_are_taken_where_the_entry_says_so(installation: Installation, user_name: str):
    scim = await installation.client(await installation.organization(subdomains=True))
    assert (await scim.post("/Users", {"userName": user_name})).status == 201


@pytest.mark.parametrize("user_name", ["anna@notexample.com", "anna@example.com.evil.test"])
async def test_sub_domains_are_true_ones(installation: Installation, user_name: str):
    scim = await installation.client(await installation.organization(subdomains=True))
    assert (await scim.post("/Users", {"userName": user_name})).error == (400, "invalidValue")


async def test_refusal_of_a_sub_domain_says_that_its_parent_is_listed(scim: ScimClient):
    detail = (await scim.post("/Users", {"userName": "anna@sub.example.com"})).json["detail"]
    assert '"sub.example.com"' in detail
    assert '"example.com" is listed there without its sub-domains' in detail


@pytest.mark.parametrize("listed", ["münchen.example", "xn--mnchen-3ya.example", "MÜNCHEN.example"])
@pytest.mark.parametrize("sent", ["anna@münchen.example", "anna@XN--MNCHEN-3YA.example"])
async def test_international_domain_is_one_in_all_spellings(
    installation: Installation, listed: str, sent: str
):
    scim = await installation.client(await installation.organization(domain=listed))
    assert (await scim.post("/Users", {"userName": sent})).json["userName"] == sent


async def test_refusal_of_a_look_alike_shows_its_true_spelling(scim: ScimClient):
    detail = (await scim.post("/Users", {"userName": "anna@ex\u0430mple.com"})).json["detail"]
    assert "xn--exmple-4nf.com" in detail


async def test_placeholder_outside_the_email_domains_says_so_too(scim: ScimClient):
    answer = await scim.post("/Users", {"userName": "anna@elsewhere.test (Copy 1)"})
    assert answer.error == (400, "invalidValue")


async def test_address_that_stays_is_not_looked_at_again(scim: ScimClient, connection: asyncpg.Connection):
    user = await scim.make_user("anna@example.com", title="Agent")
    await connection.execute("DELETE FROM email_domains")
    patched = await scim.patch(f"/Users/{user.id}", replace("title", "Lead"))
    put = await scim.put(f"/Users/{user.id}", {**user.json, "title": "Chief"})
    assert (patched.status, put.status, put.json["title"]) == (200, 200, "Chief")


@pytest.mark.parametrize("emails", [[{"value": "anna@elsewhere.test", "primary": True}], [{"value": "x"}]])
async def test_other_emails_are_of_any_domain(scim: ScimClient, emails: Any):
    user = await scim.make_user(emails=emails)
    assert user.json["emails"] == emails


@pytest_asyncio.fixture(loop_scope="session")
async def free(installation: Installation) -> ScimClient:
    """A connection of an organisation that takes any user name."""
    return await installation.client(await installation.organization(addresses=Addresses.FREE))


@pytest.mark.parametrize(
    "user_name", ["anna", "anna@elsewhere.test", "Anna Berg", "anna@example.com (Copy 1)"]
)
async def test_free_organization_takes_any_user_name(free: ScimClient, user_name: str):
    assert (await free.post("/Users", {"userName": user_name})).json["userName"] == user_name


async def test_free_organization_keeps_user_names_unique(free: ScimClient):
    await free.make_user("Anna Berg")
    assert (await free.post("/Users", {"userName": "anna berg"})).error == (409, "uniqueness")


PRIMARY = {"value": OUTSIDE, "primary": True}


@pytest.mark.parametrize(
    "method,path,body",
    [
        ("POST", "/Users", {"userName": "anna", "emails": [PRIMARY]}),
        ("PUT", "U", {"userName": "anna", "emails": [PRIMARY]}),
        ("PATCH", "U", replace("emails", [PRIMARY])),
        ("PATCH", "U", {"op": "add", "path": "emails", "value": [PRIMARY]}),
        ("PATCH", "U", replace("emails[primary eq true].value", OUTSIDE)),
        ("PATCH", "U", {"op": "replace", "value": {"emails": [PRIMARY]}}),
    ],
)
async def test_free_organization_looks_at_the_primary_email(
    free: ScimClient, method: str, path: str, body: Any
):
    answer = await attempt(free, method, path, body)
    assert answer.error == (400, "invalidValue")
    assert '"elsewhere.test"' in answer.json["detail"]


@pytest.mark.parametrize(
    "emails",
    [
        [],
        [{"value": OUTSIDE}],
        [{"value": OUTSIDE}, {"value": "anna@example.com", "primary": True}],
        [{"value": "no address", "primary": True}],
    ],
)
async def test_free_organization_looks_at_no_other_email(free: ScimClient, emails: list[Any]):
    assert (await free.post("/Users", {"userName": "anna", "emails": emails})).status == 201


async def test_free_organization_looks_at_an_email_that_becomes_primary(free: ScimClient):
    user = await free.make_user("anna", emails=[{"value": OUTSIDE, "type": "home"}])
    answer = await free.patch(f"/Users/{user.id}", replace('emails[type eq "home"].primary', True))
    assert answer.error == (400, "invalidValue")


async def test_free_organization_looks_at_the_primary_email_of_a_clone(
    installation: Installation, free: ScimClient
):
    primary = {"value": "anna@example.com", "primary": True}
    user = await free.make_user("anna", emails=[primary])
    who = operator("tests", free.organization)
    async with installation.room.open(who, Origin(request_id="tests")) as work:
        await domains.remove(work, "example.com")
    answer = await free.post(f"/Users/{user.id}/.clone", {"userName": "eve"})
    assert answer.error == (400, "invalidValue")
    assert '"example.com"' in answer.json["detail"]
    assert (await free.get("/Users")).json["totalResults"] == 1


@pytest.mark.parametrize("mail", [" a@evil.test", '"a b"@evil.test', "a@b@evil.test"])
async def test_primary_mail_that_is_malformed_is_refused_where_names_are_free(
    installation: Installation, mail: str
):
    client = await installation.client(await installation.organization(addresses=Addresses.FREE))
    body = {"userName": "anna", "emails": [{"value": mail, "primary": True}]}
    assert (await client.post("/Users", body)).error == (400, "invalidValue")
