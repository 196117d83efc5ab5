"""Cases: registered by the product, owned by one user or by nobody (rule P5)."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.serving import BASE_URL, CASE, Answer, Installation, ScimClient, add, remove, replace

UNKNOWN = "0190b4f0-0000-7000-8000-000000000000"


@pytest_asyncio.fixture(loop_scope="session")
async def people(scim: ScimClient) -> dict[str, str]:
    """The ids of three users, of whom the last is deactivated."""
    made = [await scim.make_user(displayName=name, active=name != "carl") for name in ("anna", "bo", "carl")]
    return {user.json["displayName"]: user.id for user in made}


def owned(user: str) -> dict[str, Any]:
    """The owner as it is answered."""
    return {"value": user, "$ref": f"{BASE_URL}/Users/{user}"}


async def test_case_is_answered_with_its_owner(scim: ScimClient, people: dict[str, str]):
    made = await scim.make_case("No e-mail", people["anna"], status="pending", externalId="T-1")
    location = f"{BASE_URL}/Cases/{made.id}"
    body = made.json
    meta = body.pop("meta")
    assert body == {
        "schemas": [CASE],
        "id": made.id,
        "externalId": "T-1",
        "subject": "No e-mail",
        "status": "pending",
        "owner": {**owned(people["anna"]), "display": "anna"},
    }
    assert (meta["resourceType"], meta["location"]) == ("Case", location)
    assert made.headers["Location"] == location
    assert (await scim.get(f"/Cases/{made.id}")).json == made.json


async def test_case_without_owner_and_status_is_open_and_nobodys(scim: ScimClient):
    made = await scim.make_case()
    assert made.json["status"] == "open"
    assert "owner" not in made.json


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("sent,stored", [("open", "open"), ("OPEN", "open"), ("Closed", "closed")])
async def test_status_is_taken_in_any_case(
    installation: Installation, scim: ScimClient, strict: bool, sent: str, stored: str
):
    client = await installation.client(scim.organization, strict=strict)
    made = await client.make_case(status=sent)
    assert made.json["status"] == stored
    assert (await client.find(f'status eq "{sent}"', "/Cases")).ids == [made.id]


REFUSED: dict[str, dict[str, Any]] = {
    "no subject": {"subject": None},
    "blank subject": {"subject": " "},
    "long subject": {"subject": "x" * 1025},
    "unknown status": {"status": "resolved"},
    "empty status": {"status": "open "},
    "owner who is nobody": {"owner": {"value": UNKNOWN}},
    "owner who is no id": {"owner": {"value": "anna"}},
    "owner who is nobody by reference": {"owner": {"$ref": f"{BASE_URL}/Users/{UNKNOWN}"}},
    "owner who is deactivated": {"owner": {"value": "{carl}"}},
    "owner who is a case": {"owner": {"value": "{case}"}},
}


@pytest.mark.parametrize("way", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("wrong", REFUSED.values(), ids=REFUSED)
async def test_case_that_breaks_a_rule_is_refused_and_on_record(
    installation: Installation, scim: ScimClient, people: dict[str, str], way: str, wrong: dict[str, Any]
):
    case = await scim.make_case(owner=people["anna"])
    known = {"{carl}": people["carl"], "{case}": case.id}
    if "owner" in wrong and wrong["owner"].get("value") in known:
        wrong = {"owner": {"value": known[wrong["owner"]["value"]]}}
    answer = await written(scim, way, case, wrong)
    assert answer.error in ((400, "invalidValue"), (400, "mutability"))
    assert (await scim.get(f"/Cases/{case.id}")).json == case.json
    assert (await scim.get("/Cases")).json["totalResults"] == 1
    logged = (await installation.log(scim.organization))[-1]
    assert (logged.entry["event"], logged.entry["outcome"], logged.entry["target"]["kind"]) == (
        "case.create" if way == "POST" else "case.update",
        "failure",
        "Case",
    )


async def written(scim: ScimClient, way: str, case: Answer, values: dict[str, Any]) -> Answer:
    """Write these values of a case in one of the ways."""
    body = {name: value for name, value in {"subject": "S", **values}.items() if value is not None}
    if way == "POST":
        return await scim.post("/Cases", {"schemas": [CASE], **body})
    if way == "PUT":
        return await scim.put(f"/Cases/{case.id}", {"schemas": [CASE], **body})
    gone = [remove(name) for name, value in values.items() if value is None]
    return await scim.patch(
        f"/Cases/{case.id}", *gone, *(replace(name, value) for name, value in values.items() if value)
    )


GIVEN: dict[str, list[dict[str, Any]]] = {
    "replace of the value": [replace("owner.value", "{bo}")],
    "replace of the owner": [replace("owner", {"value": "{bo}"})],
    "add of the owner": [add("owner", {"value": "{bo}"})],
    "replace of the reference": [replace("owner.$ref", BASE_URL + "/Users/{bo}")],
    "owner by reference alone": [replace("owner", {"$ref": BASE_URL + "/Users/{bo}"})],
    "owner with both": [replace("owner", {"value": "{bo}", "$ref": BASE_URL + "/Users/{bo}"})],
    "without path": [{"op": "replace", "value": {"owner": {"value": "{bo}"}}}],
    "qualified": [replace(f"{CASE}:owner.value", "{bo}")],
    "with its name": [replace("owner", {"value": "{bo}", "display": "Somebody else"})],
    "out and in again": [remove("owner"), add("owner", {"value": "{bo}"})],
}


@pytest.mark.parametrize("before", ["anna", "carl", None])
@pytest.mark.parametrize("operations", GIVEN.values(), ids=GIVEN)
async def test_patch_gives_a_case_to_a_user(
    scim: ScimClient, people: dict[str, str], operations: list[dict[str, Any]], before: str | None
):
    case = await scim.make_case(owner=people["anna" if before else "bo"])
    if before == "carl":
        await scim.patch(f"/Users/{people['anna']}", replace("active", False))
    if before is None:
        await scim.patch(f"/Cases/{case.id}", remove("owner"))
    sent = [_naming(operation, people["bo"]) for operation in operations]
    answer = await scim.patch(f"/Cases/{case.id}", *sent)
    assert answer.status == 200, answer.text
    assert answer.json["owner"] == {**owned(people["bo"]), "display": "bo"}
    assert (await scim.get(f"/Cases/{case.id}")).json == answer.json


def _naming(operation: Any, user: str) -> Any:
    if isinstance(operation, dict):
        return {name: _naming(value, user) for name, value in operation.items()}
    return operation.replace("{bo}", user) if isinstance(operation, str) else operation


TAKEN: dict[str, list[dict[str, Any]]] = {
    "remove": [remove("owner")],
    "remove of the value": [remove("owner.value")],
    "replace by null": [replace("owner", None)],
    "replace of the value by null": [replace("owner.value", None)],
}


@pytest.mark.parametrize("operations", TAKEN.values(), ids=TAKEN)
async def test_patch_takes_a_case_off_its_owner(
    scim: ScimClient, people: dict[str, str], operations: list[dict[str, Any]]
):
    case = await scim.make_case(owner=people["anna"])
    answer = await scim.patch(f"/Cases/{case.id}", *operations)
    assert answer.status == 200, answer.text
    assert "owner" not in (await scim.get(f"/Cases/{case.id}")).json


@pytest.mark.parametrize(
    "operation", [remove("owner"), remove("owner.value"), replace("owner.value", "{bo}")]
)
async def test_strict_connection_changes_owners_too(
    strict_scim: ScimClient, people: dict[str, str], operation: dict[str, Any]
):
    case = await strict_scim.make_case(owner=people["anna"])
    answer = await strict_scim.patch(f"/Cases/{case.id}", _naming(operation, people["bo"]))
    assert answer.status == 200, answer.text
    expected = people["bo"] if operation["op"] == "replace" else None
    assert answer.json.get("owner", {}).get("value") == expected


@pytest.mark.parametrize("reference", [False, True])
async def test_put_names_the_owner_or_leaves_nobody(
    scim: ScimClient, people: dict[str, str], reference: bool
):
    case = await scim.make_case(owner=people["anna"], status="closed")
    owner = {"$ref": f"{BASE_URL}/Users/{people['bo']}"} if reference else {"value": people["bo"]}
    answer = await scim.put(f"/Cases/{case.id}", {"subject": "S", "owner": owner})
    assert (answer.json["owner"]["value"], answer.json["status"]) == (people["bo"], "closed")
    answer = await scim.put(f"/Cases/{case.id}", {"subject": "S"})
    assert "owner" not in answer.json


async def test_put_of_what_was_read_changes_nothing(scim: ScimClient, people: dict[str, str]):
    case = await scim.make_case(owner=people["anna"], externalId="T-1")
    answer = await scim.put(f"/Cases/{case.id}", case.json)
    assert answer.json == case.json
    assert answer.headers["ETag"] == case.headers["ETag"]


async def test_owner_who_was_deactivated_meanwhile_may_be_sent_back(scim: ScimClient, people: dict[str, str]):
    case = await scim.make_case(owner=people["anna"])
    await scim.patch(f"/Users/{people['anna']}", replace("active", False))
    answer = await scim.put(f"/Cases/{case.id}", {**case.json, "subject": "Other"})
    assert (answer.status, answer.json["owner"]["value"]) == (200, people["anna"])


async def test_name_of_the_owner_follows_the_user(scim: ScimClient, people: dict[str, str]):
    case = await scim.make_case(owner=people["anna"])
    await scim.patch(f"/Users/{people['anna']}", replace("displayName", "Anna B."))
    after = await scim.get(f"/Cases/{case.id}")
    assert after.json["owner"]["display"] == "Anna B."
    assert after.headers["ETag"] != case.headers["ETag"]
    assert (
        await scim.request("GET", f"/Cases/{case.id}", headers={"If-None-Match": case.headers["ETag"]})
    ).status == 200
    # The case itself is the version it was.
    answer = await scim.patch(
        f"/Cases/{case.id}", replace("subject", "S"), headers={"If-Match": case.headers["ETag"]}
    )
    assert answer.status == 200


FOUND: dict[str, list[int]] = {
    'owner.value eq "{anna}"': [0, 1],
    'owner.value eq "{bo}"': [],
    'owner.value eq "{anna}" and status eq "CLOSED"': [1],
    'owner[value eq "{anna}"]': [],
    "owner pr": [0, 1],
    "not (owner pr)": [2],
    "owner eq null": [2],
    'owner.display eq "ANNA"': [0, 1],
    'owner.display sw "a"': [0, 1],
    "owner.display pr": [0, 1],
    'subject eq "FIRST"': [0],
    'subject co "s"': [0, 1],
    'status ne "open"': [1],
    'externalId eq "T-3"': [2],
    'meta.resourceType eq "Case"': [0, 1, 2],
}


@pytest.mark.parametrize("condition", FOUND)
async def test_cases_are_found(scim: ScimClient, people: dict[str, str], condition: str):
    made = [
        await scim.make_case("First", people["anna"]),
        await scim.make_case("Second", people["anna"], status="closed"),
        await scim.make_case("Third?", externalId="T-3"),
    ]
    made[2] = await scim.patch(f"/Cases/{made[2].id}", replace("subject", "Third"))
    answer = await scim.find(condition.format(**people), "/Cases")
    if condition.startswith("owner["):
        assert answer.error == (400, "invalidFilter")
        return
    assert answer.ids == [made[number].id for number in FOUND[condition]]


async def test_deleted_case_is_gone_and_counted(scim: ScimClient, people: dict[str, str]):
    case, other = await scim.make_case(owner=people["anna"]), await scim.make_case()
    assert (await scim.delete(f"/Cases/{case.id}")).status == 204
    assert (await scim.get(f"/Cases/{case.id}")).error == (404, None)
    assert (await scim.get("/Cases")).ids == [other.id]
    assert (await scim.get("/Cases")).json["totalResults"] == 1


async def test_cases_stand_beside_users_in_a_search_of_everything(scim: ScimClient, people: dict[str, str]):
    case = await scim.make_case(owner=people["anna"])
    found = (await scim.get("/")).json["Resources"]
    assert {each["meta"]["resourceType"] for each in found} == {"User", "Role", "Case"}
    assert [each for each in found if each["id"] == case.id] == [case.json]


async def test_projection_without_owner_does_not_show_it(scim: ScimClient, people: dict[str, str]):
    case = await scim.make_case(owner=people["anna"])
    without = await scim.get(f"/Cases/{case.id}", excludedAttributes="owner")
    assert "owner" not in without.json
    only = await scim.get(f"/Cases/{case.id}", attributes="owner.display")
    assert only.json["owner"] == {"display": "anna"}


async def test_two_who_change_a_case_at_once_both_count(scim: ScimClient, people: dict[str, str]):
    case = await scim.make_case()
    answers = await asyncio.gather(
        scim.patch(f"/Cases/{case.id}", replace("subject", "New")),
        scim.patch(f"/Cases/{case.id}", replace("owner.value", people["bo"])),
    )
    assert [answer.status for answer in answers] == [200, 200]
    after = (await scim.get(f"/Cases/{case.id}")).json
    assert (after["subject"], after["owner"]["value"], after["meta"]["version"][:4]) == (
        "New",
        people["bo"],
        'W/"3',
    )
