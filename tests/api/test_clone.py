"""Cloning (rule P6) over SCIM: what a clone has, its address until it is changed, what is refused."""

from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.connections import Passwords
from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.directory import domains
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.permissions import Scope
from scimserver.scim.actions import CLONE_REQUEST
from tests.serving import ENTERPRISE, USER, Answer, Installation, ScimClient, replace

NOBODY = "0190b4f0-0000-7000-8000-000000000000"
WORK = {"value": "ada@example.com", "type": "work", "primary": True}
HOME = {"value": "ada@home.test", "type": "home"}
COPIED: dict[str, Any] = {
    "name": {"givenName": "Ada", "familyName": "Lovelace", "formatted": "Ada Lovelace"},
    "displayName": "Ada Lovelace",
    "nickName": "Ada",
    "title": "Agent",
    "userType": "Employee",
    "preferredLanguage": "en-GB",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "phoneNumbers": [{"value": "+44 20 1234", "type": "work"}],
    "ims": [{"value": "ada", "type": "xmpp"}],
    "addresses": [{"locality": "London", "type": "work"}],
    "roles": [{"value": "Minimal Permissions", "primary": True}],
}
LEFT: dict[str, Any] = {
    "externalId": "00u1",
    "profileUrl": "https://people.test/ada",
    "photos": [{"value": "https://people.test/ada.png", "type": "photo"}],
    "entitlements": [{"value": "seat"}],
    "x509Certificates": [{"value": "QUJD"}],
}


@pytest_asyncio.fixture(loop_scope="session")
async def ada(scim: ScimClient) -> Answer:
    """A user with a value in every attribute."""
    enterprise = {"department": "Support", "costCenter": "7", "employeeNumber": "1815"}
    return await scim.make_user(
        "ada@example.com", emails=[WORK, HOME], **COPIED, **LEFT, **{ENTERPRISE: enterprise}
    )


async def clone(scim: ScimClient, user: Answer | str, **body: Any) -> Answer:
    """Ask for a clone; a body is a request of ours."""
    identifier = user if isinstance(user, str) else user.id
    message = {"schemas": [CLONE_REQUEST], **body} if body else None
    return await scim.request("POST", f"/Users/{identifier}/.clone", message)


async def name_of_clone(scim: ScimClient, user: Answer) -> str:
    answer = await clone(scim, user)
    assert answer.status == 201, answer.text
    return answer.json["userName"]


async def test_clone_is_answered_as_a_new_user_is(scim: ScimClient, ada: Answer):
    made = await clone(scim, ada)
    stored = await scim.get(f"/Users/{made.id}")
    assert made.status == 201
    assert made.headers["Location"] == made.json["meta"]["location"]
    assert (made.json, made.headers["ETag"]) == (stored.json, stored.headers["ETag"])
    assert made.id != ada.id


@pytest.mark.parametrize("attribute", COPIED)
async def test_clone_has_its_source_s(scim: ScimClient, ada: Answer, attribute: str):
    assert (await clone(scim, ada)).json[attribute] == COPIED[attribute] == ada.json[attribute]


@pytest.mark.parametrize("attribute", LEFT)
async def test_clone_has_not_its_source_s(scim: ScimClient, ada: Answer, attribute: str):
    assert attribute in ada.json
    assert attribute not in (await clone(scim, ada)).json


async def test_clone_has_the_enterprise_attributes_but_the_employee_number(scim: ScimClient, ada: Answer):
    assert (await clone(scim, ada)).json[ENTERPRISE] == {"department": "Support", "costCenter": "7"}


async def test_clone_has_the_manager(scim: ScimClient):
    boss = await scim.make_user(displayName="The Boss")
    manager: dict[str, Any] = {ENTERPRISE: {"manager": {"value": boss.id}}}
    user = await scim.make_user(**manager)
    assert (await clone(scim, user)).json[ENTERPRISE] == user.json[ENTERPRISE]


async def test_e_mail_that_was_the_address_is_the_clone_s(scim: ScimClient, ada: Answer):
    assert (await clone(scim, ada)).json["emails"] == [{**WORK, "value": "ada@example.com (Copy 1)"}, HOME]


async def test_e_mail_that_was_made_from_the_address_is_made_anew(scim: ScimClient):
    made = await clone(scim, await scim.make_user("bob@example.com"))
    assert made.json["emails"] == [{**WORK, "value": "bob@example.com (Copy 1)"}]


async def test_clone_joins_the_teams_of_its_source(scim: ScimClient, ada: Answer):
    teams = [await scim.make_group(name, ada.id) for name in ("Support", "Sales")]
    made = await clone(scim, ada)
    assert {group["value"] for group in made.json["groups"]} == {team.id for team in teams}
    for team in teams:
        now = await scim.get(f"/Groups/{team.id}")
        assert {member["value"] for member in now.json["members"]} == {ada.id, made.id}
        assert now.headers["ETag"] != team.headers["ETag"]


async def test_clone_of_somebody_who_was_deactivated_is_active(scim: ScimClient, ada: Answer):
    await scim.patch(f"/Users/{ada.id}", replace("active", False))
    assert (await clone(scim, ada)).json["active"] is True


async def test_number_is_the_smallest_that_is_free(scim: ScimClient, ada: Answer):
    first, second = [await clone(scim, ada) for _ in range(2)]
    assert [each.json["userName"][-8:] for each in (first, second)] == ["(Copy 1)", "(Copy 2)"]
    await scim.delete(f"/Users/{first.id}")
    assert [(await name_of_clone(scim, ada))[-8:] for _ in range(2)] == ["(Copy 1)", "(Copy 3)"]


async def test_number_is_free_again_when_the_clone_has_an_address_of_its_own(scim: ScimClient, ada: Answer):
    made = await clone(scim, ada)
    await scim.patch(f"/Users/{made.id}", replace("userName", "charles@example.com"))
    assert await name_of_clone(scim, ada) == "ada@example.com (Copy 1)"


async def test_clone_of_a_clone_counts_on_the_same_stem(scim: ScimClient, ada: Answer):
    assert await name_of_clone(scim, await clone(scim, ada)) == "ada@example.com (Copy 2)"


async def test_numbers_of_addresses_that_begin_alike_do_not_meet(scim: ScimClient, ada: Answer):
    other = await scim.make_user("ad@example.com")
    assert await name_of_clone(scim, ada) == "ada@example.com (Copy 1)"
    assert await name_of_clone(scim, other) == "ad@example.com (Copy 1)"


@pytest.mark.parametrize("address", ["Zoë@Example.com", "\uff46ull@example.com", "straße@EXAMPLE.com"])
async def test_clones_count_whatever_the_letters_of_the_address(scim: ScimClient, address: str):
    user = await scim.make_user(address)
    assert [await name_of_clone(scim, user) for _ in range(2)] == [
        f"{address} (Copy 1)",
        f"{address} (Copy 2)",
    ]


async def test_clones_count_in_a_domain_of_another_script(installation: Installation):
    scim = await installation.client(await installation.organization(domain="xn--bcher-kva.xn--p1ai"))
    for address in ("ada@bücher.рф", "eve@xn--bcher-kva.xn--p1ai"):
        user = await scim.make_user(address)
        assert [(await name_of_clone(scim, user))[-8:] for _ in range(2)] == ["(Copy 1)", "(Copy 2)"]


async def test_placeholder_that_is_sent_back_stays(scim: ScimClient, ada: Answer):
    made = await clone(scim, ada)
    body = {**made.json, "title": "Lead"}
    body.pop("groups", None)
    put = await scim.put(f"/Users/{made.id}", body)
    patched = await scim.patch(f"/Users/{made.id}", replace("userName", made.json["userName"]))
    assert (put.status, patched.status) == (200, 200)
    assert (put.json["title"], patched.json["userName"]) == ("Lead", "ada@example.com (Copy 1)")


async def test_placeholder_is_found_by_filters(scim: ScimClient, ada: Answer):
    made = await clone(scim, ada)
    for condition in (
        'userName eq "ADA@example.com (copy 1)"',
        'userName ew "(Copy 1)"',
        'emails[type eq "work"].value eq "ada@example.com (Copy 1)"',
    ):
        assert (await scim.find(condition)).ids == [made.id]


async def test_clone_may_have_an_address_of_its_own(scim: ScimClient, ada: Answer):
    made = await clone(scim, ada, userName="grace@example.com")
    assert made.json["userName"] == "grace@example.com"
    assert made.json["emails"] == [{**WORK, "value": "grace@example.com"}, HOME]


REFUSED: list[tuple[Any, tuple[int, str | None]]] = [
    ({"userName": "grace@elsewhere.test"}, (400, "invalidValue")),
    ({"userName": "ada@example.com"}, (409, "uniqueness")),
    ({"userName": "grace@example.com (Copy 1)"}, (400, "invalidValue")),
    ({"userName": ""}, (400, "invalidValue")),
    ({"userName": 7}, (400, "invalidValue")),
    ({"userName": ["grace@example.com"]}, (400, "invalidValue")),
    ({"schemas": [USER], "userName": "grace@example.com"}, (400, "invalidSyntax")),
    ([], (400, "invalidSyntax")),
]


@pytest.mark.parametrize("body,error", REFUSED)
async def test_refused_clone_leaves_nothing_but_its_entry(
    installation: Installation, scim: ScimClient, ada: Answer, body: Any, error: tuple[int, str | None]
):
    answer = await scim.post(f"/Users/{ada.id}/.clone", body)
    assert answer.error == error
    assert (await scim.get("/Users")).json["totalResults"] == 1
    log = [each.entry for each in await installation.log(scim.organization, events=["user.clone"])]
    assert [(entry["outcome"], entry["target"]["id"]) for entry in log] == [("failure", ada.id)]


@pytest.mark.parametrize("address", ["grace@elsewhere.test", "bob@example.com"])
async def test_refused_clone_is_on_record_with_its_source_and_the_address(
    installation: Installation, scim: ScimClient, ada: Answer, address: str
):
    await scim.make_user("bob@example.com")
    await scim.make_group("Support", ada.id)
    assert (await clone(scim, ada, userName=address)).status in (400, 409)
    [logged] = await installation.log(scim.organization, events=["user.clone"])
    assert logged.personal["target.display"] == "ada@example.com"
    paths = [change["path"] for change in logged.entry["changes"]]
    changes = {path: logged.personal[f"changes.{at}.new"] for at, path in enumerate(paths)}
    assert (changes["clonedFrom"], changes["userName"]) == (ada.id, address)


async def test_deactivated_clone_does_not_come_back_under_its_placeholder(
    installation: Installation, scim: ScimClient, ada: Answer
):
    reviving = await installation.client(scim.organization, revive=True)
    made = await clone(reviving, ada)
    await reviving.patch(f"/Users/{made.id}", replace("active", False))
    answer = await reviving.post("/Users", {"schemas": [USER], "userName": made.json["userName"]})
    assert answer.error == (400, "invalidValue")


@pytest.mark.parametrize(
    "body,error",
    [
        ({"userName": "grace@example.com"}, (400, "invalidSyntax")),
        ({"schemas": [CLONE_REQUEST], "title": "x"}, (400, "invalidSyntax")),
    ],
)
async def test_strict_connection_takes_the_message_as_it_is_declared_only(
    strict_scim: ScimClient, body: Any, error: tuple[int, str | None]
):
    user = await strict_scim.make_user()
    assert (await strict_scim.post(f"/Users/{user.id}/.clone", body)).error == error
    assert (await clone(strict_scim, user, userName="grace@example.com")).status == 201


async def test_names_of_the_message_compare_without_case(scim: ScimClient, ada: Answer):
    made = await scim.post(f"/Users/{ada.id}/.clone", {"USERNAME": "grace@example.com", "more": 1})
    assert made.json["userName"] == "grace@example.com"


@pytest.mark.parametrize("identifier", [NOBODY, "x", "bulkId:1"])
async def test_nobody_is_cloned_who_is_not_there(scim: ScimClient, identifier: str):
    assert (await clone(scim, identifier)).error == (404, None)


async def test_user_of_another_organisation_is_not_there(
    installation: Installation, scim: ScimClient, ada: Answer
):
    other = await installation.client(await installation.organization(domain="other.test"))
    assert (await clone(other, ada)).error == (404, None)
    assert (await other.get("/Users")).json["totalResults"] == 0
    assert (await scim.get("/Users")).json["totalResults"] == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_cloning_is_a_post(scim: ScimClient, ada: Answer, method: str):
    answer = await scim.request(method, f"/Users/{ada.id}/.clone")
    assert (answer.error, answer.headers["Allow"]) == ((405, None), "POST")


async def test_source_that_is_not_the_version_expected_is_not_cloned(scim: ScimClient, ada: Answer):
    await scim.patch(f"/Users/{ada.id}", replace("title", "Lead"))
    stale = {"If-Match": ada.headers["ETag"]}
    answer = await scim.request("POST", f"/Users/{ada.id}/.clone", headers=stale)
    assert answer.error == (412, None)


async def test_who_may_only_read_clones_nobody(installation: Installation, scim: ScimClient, ada: Answer):
    reader = await installation.client(scim.organization, scopes=frozenset({Scope.SCIM_READ}))
    assert (await clone(reader, ada)).error == (403, None)
    [refused] = await installation.log(scim.organization, events=["user.clone"])
    assert refused.entry["outcome"] == "failure"


async def test_role_is_given_only_by_who_may_give_it(installation: Installation, scim: ScimClient):
    giver = await installation.client(scim.organization, scopes=DEFAULT_SCOPES | {Scope.ADMINISTER})
    admin = await giver.make_user(roles=[{"value": "Admin Role"}])
    assert (await clone(scim, admin)).error == (403, None)
    assert (await clone(giver, admin)).json["roles"] == [{"value": "Admin Role"}]


async def test_clone_whose_domain_is_no_longer_listed_is_refused(
    installation: Installation, scim: ScimClient, ada: Answer
):
    async with installation.room.open(operator("t", scim.organization), Origin(request_id="tests")) as work:
        await domains.remove(work, "example.com")
    answer = await clone(scim, ada)
    assert answer.error == (400, "invalidValue")
    assert '"example.com"' in answer.json["detail"]


async def test_log_says_of_whom_a_user_is_a_clone_and_which_teams_grew(
    installation: Installation, scim: ScimClient, ada: Answer
):
    team = await scim.make_group("Support", ada.id)
    made = await clone(scim, ada)
    log = await installation.log(scim.organization)
    grown, cloned = log[-2:]
    assert (cloned.entry["event"], cloned.entry["target"]["id"]) == ("user.clone", made.id)
    assert cloned.entry["changes"][0]["path"] == "clonedFrom"
    assert cloned.personal["changes.0.new"] == ada.id
    assert (grown.entry["event"], grown.entry["target"]["id"]) == ("group.update", team.id)


async def test_clone_has_no_password(
    installation: Installation, scim: ScimClient, connection: asyncpg.Connection
):
    keeper = await installation.client(scim.organization, passwords=Passwords.ACCEPT)
    user = await keeper.make_user(password="correct horse battery staple")
    made = await clone(keeper, user)
    count = "SELECT count(*) FROM credentials WHERE user_id = $1"
    assert [await connection.fetchval(count, each.id) for each in (user, made)] == [1, 0]
