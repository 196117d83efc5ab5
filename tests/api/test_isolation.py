"""Two organisations in one installation: neither learns anything of the other (RFC 7644, section 6)."""

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from scimserver.directory.organizations import Addresses
from tests.serving import ENTERPRISE, Answer, Installation, ScimClient, add, replace

UNKNOWN = "0190b4f0-0000-7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Houses:
    """Two organisations that take any user name, each with a user and a group."""

    ours: ScimClient
    theirs: ScimClient
    user: Answer
    group: Answer


@pytest_asyncio.fixture(loop_scope="session")
async def houses(installation: Installation) -> Houses:
    """Their user and group are what ours tries to reach."""
    ours, theirs = [
        await installation.client(await installation.organization(domain=domain, addresses=Addresses.FREE))
        for domain in ("example.com", "example.org")
    ]
    user = await theirs.make_user("anna", externalId="E-1", displayName="Anna")
    return Houses(ours, theirs, user, await theirs.make_group("Support", user.id))


def without(answer: Answer, *known: str) -> tuple[int, str]:
    """What an answer says, but for the ids that were asked for."""
    text = answer.text
    for each in known:
        text = text.replace(each, "")
    return answer.status, text


CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/Users/{user}", None),
    ("PUT", "/Users/{user}", {"userName": "bo"}),
    ("PATCH", "/Users/{user}", {"Operations": [replace("title", "x")]}),
    ("DELETE", "/Users/{user}", None),
    ("GET", "/Groups/{group}", None),
    ("PUT", "/Groups/{group}", {"displayName": "x"}),
    ("PATCH", "/Groups/{group}", {"Operations": [replace("displayName", "x")]}),
    ("DELETE", "/Groups/{group}", None),
    ("POST", "/Groups", {"displayName": "x", "members": [{"value": "{user}"}]}),
]


def aimed(value: Any, user: str, group: str) -> Any:
    """The value with ids in their places."""
    if isinstance(value, str):
        return value.replace("{user}", user).replace("{group}", group)
    if isinstance(value, list):
        return [aimed(item, user, group) for item in value]
    if isinstance(value, dict):
        return {key: aimed(item, user, group) for key, item in value.items()}
    return value


@pytest.mark.parametrize("method,path,body", CALLS)
async def test_what_is_theirs_answers_like_what_is_not_there(
    houses: Houses, method: str, path: str, body: Any
):
    ids = houses.user.id, houses.group.id
    theirs = await houses.ours.request(method, aimed(path, *ids), aimed(body, *ids))
    nobodys = await houses.ours.request(method, aimed(path, UNKNOWN, UNKNOWN), aimed(body, UNKNOWN, UNKNOWN))
    assert without(theirs, *ids) == without(nobodys, UNKNOWN)
    assert theirs.status in (400, 404)


@pytest.mark.parametrize("method,path,body", CALLS)
async def test_what_is_theirs_stays_as_it_is(houses: Houses, method: str, path: str, body: Any):
    ids = houses.user.id, houses.group.id
    before = await houses.theirs.get("/")
    await houses.ours.request(method, aimed(path, *ids), aimed(body, *ids))
    assert (await houses.theirs.get("/")).json == before.json


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
async def test_conditions_tell_nothing_of_what_is_theirs(houses: Houses, header: str):
    for tag in (houses.user.headers["ETag"], "*", 'W/"9"'):
        answer = await houses.ours.request("GET", f"/Users/{houses.user.id}", headers={header: tag})
        assert answer.error == (404, None)
        deletion = await houses.ours.delete(f"/Users/{houses.user.id}", headers={header: tag})
        assert deletion.error == (404, None)


async def test_one_user_name_may_be_in_both(houses: Houses):
    user = await houses.ours.make_user("anna")
    assert user.id != houses.user.id
    assert (await houses.theirs.get(f"/Users/{houses.user.id}")).json["userName"] == "anna"


async def test_conflict_tells_of_our_own_users_only(houses: Houses):
    assert (await houses.ours.post("/Users", {"userName": "anna"})).status == 201
    assert (await houses.ours.post("/Users", {"userName": "anna"})).status == 409


@pytest.mark.parametrize(
    "path,condition",
    [
        ("/Users", 'userName eq "anna"'),
        ("/Users", 'externalId eq "E-1"'),
        ("/Users", 'id eq "{user}"'),
        ("/Users", 'displayName eq "Anna"'),
        ("/Users", 'emails.value eq "anna"'),
        ("/Users", 'emails[type eq "work"].value eq "anna"'),
        ("/Users", 'groups.value eq "{group}"'),
        ("/Users", "userName pr or not (userName pr)"),
        ("/Groups", 'displayName eq "Support"'),
        ("/Groups", 'members[value eq "{user}"]'),
        ("/Groups", 'members.display eq "Anna"'),
        ("/Groups", 'id eq "{group}"'),
        ("/", "id pr"),
        ("/", 'displayName sw "a" or displayName sw "s"'),
    ],
)
async def test_searches_find_nothing_of_theirs(houses: Houses, path: str, condition: str):
    condition = aimed(condition, houses.user.id, houses.group.id)
    assert (await houses.theirs.find(condition, path)).json["totalResults"] > 0
    answer = await houses.ours.find(condition, path)
    assert (answer.json["totalResults"], answer.json["Resources"]) == (0, [])


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/"])
async def test_totals_count_nothing_of_theirs(houses: Houses, path: str):
    assert (await houses.ours.get(path, count="0")).json["totalResults"] == 0


@pytest.mark.parametrize("verb", ["add", "replace"])
async def test_their_user_cannot_join_our_group(houses: Houses, verb: str):
    group = await houses.ours.make_group("Ours")
    answers = [
        await houses.ours.patch(
            f"/Groups/{group.id}", {"op": verb, "path": "members", "value": [{"value": user}]}
        )
        for user in (houses.user.id, UNKNOWN)
    ]
    assert without(answers[0], houses.user.id) == without(answers[1], UNKNOWN)
    assert answers[0].error == (400, "invalidValue")


async def test_their_user_as_manager_is_like_anybody_unknown(houses: Houses):
    for boss in (houses.user.id, UNKNOWN):
        user = await houses.ours.make_user(f"with {boss}", **{ENTERPRISE: {"manager": {"value": boss}}})
        assert user.json[ENTERPRISE]["manager"] == {"value": boss}


async def test_removing_their_user_from_our_group_changes_nothing_of_theirs(houses: Houses):
    group = await houses.ours.make_group("Ours")
    await houses.ours.patch(
        f"/Groups/{group.id}", {"op": "remove", "path": f'members[value eq "{houses.user.id}"]'}
    )
    assert len((await houses.theirs.get(f"/Groups/{houses.group.id}")).json["members"]) == 1


async def test_log_of_one_holds_nothing_of_the_other(installation: Installation, houses: Houses):
    await houses.ours.patch(f"/Users/{houses.user.id}", add("title", "x"))
    ours = await installation.log(houses.ours.organization)
    theirs = await installation.log(houses.theirs.organization)
    assert [(entry.entry["event"], entry.entry["outcome"]) for entry in ours] == [("user.update", "failure")]
    assert [entry.entry["event"] for entry in theirs] == ["user.create", "group.create"]


async def test_domain_of_another_organization_is_not_ours(installation: Installation, scim: ScimClient):
    other = await installation.client(await installation.organization(domain="example.org"))
    assert (await other.post("/Users", {"userName": "anna@example.com"})).error == (400, "invalidValue")
    assert (await scim.post("/Users", {"userName": "anna@example.com"})).status == 201
