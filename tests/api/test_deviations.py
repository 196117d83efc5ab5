"""Clients' deviations over HTTP: understood on tolerant connections, refused or not on strict ones.

A row is what arrives and what is answered afterwards. tests/unit/test_dialects.py holds every spelling;
here each deviation, by its name in scimserver/scim/dialects.py, goes all the way once.
"""

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from scimserver.scim.dialects import DEVIATIONS, Means
from tests.serving import ENTERPRISE, Answer, ScimClient, add, replace

MANAGER = f"{ENTERPRISE}:manager"
WORK = {"value": "anna@work.test", "type": "work"}
HOME = {"value": "anna@home.test", "type": "home"}


@dataclass(frozen=True, slots=True)
class House:
    """A user who is managed, and a group with two users."""

    boss: str
    anna: str
    bo: str
    group: str

    def filled(self, value: Any) -> Any:
        """The value with ids for the names in braces."""
        if isinstance(value, str):
            for name in ("boss", "anna", "bo", "group"):
                value = value.replace("{" + name + "}", getattr(self, name))
            return value
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, dict):
            return {self.filled(key): self.filled(item) for key, item in value.items()}
        return value


@pytest_asyncio.fixture(loop_scope="session")
async def house(scim: ScimClient) -> House:
    """What rows refer to."""
    boss, bo = await scim.make_user(), await scim.make_user()
    anna = await scim.make_user(
        "anna@example.com",
        title="Agent",
        emails=[HOME],
        **{ENTERPRISE: {"manager": {"value": boss.id}, "department": "Care"}},
    )
    group = await scim.make_group("Support", anna.id, bo.id)
    return House(boss=boss.id, anna=anna.id, bo=bo.id, group=group.id)


Row = tuple[str, str, Any, str, Any]
"""A deviation; `POST` or what is patched; the body or the operation; where to look; what is there."""

ROWS: list[Row] = [
    ("manager-as-text", "POST", {ENTERPRISE: {"manager": "{boss}"}}, "manager", "{boss}"),
    ("manager-as-text", "anna", {"op": "Add", "path": MANAGER, "value": "{bo}"}, "manager", "{bo}"),
    ("manager-emptied", "anna", {"op": "Replace", "path": MANAGER, "value": ""}, "manager", None),
    ("manager-as-list", "POST", {ENTERPRISE: {"manager": [{"value": "{boss}"}]}}, "manager", "{boss}"),
    ("manager-by-uri", "POST", {ENTERPRISE: {"manager": {"$ref": "../Users/{boss}"}}}, "manager", "{boss}"),
    ("manager-without-schema", "POST", {"manager": {"value": "{boss}"}}, "manager", "{boss}"),
    ("object-for-list", "POST", {"emails": WORK}, "emails", [WORK]),
    ("text-for-entry", "POST", {"phoneNumbers": ["1"]}, "phoneNumbers", [{"value": "1"}]),
    ("null-entry", "POST", {"phoneNumbers": [None, {"value": "1"}]}, "phoneNumbers", [{"value": "1"}]),
    ("number-for-text", "POST", {"externalId": 701984}, "externalId", "701984"),
    ("text-for-boolean", "POST", {"active": "False"}, "active", False),
    ("wrapped-value", "anna", replace("title", [{"value": "Lead"}]), "title", "Lead"),
    ("read-only-keys", "anna", {"op": "replace", "value": {"id": "x", "title": "Lead"}}, "title", "Lead"),
    (
        "filter-in-key",
        "anna",
        {"op": "replace", "value": {'emails[type eq "home"].value': "new@home.test"}},
        "emails",
        [{**HOME, "value": "new@home.test"}],
    ),
    (
        "member-twice",
        "group",
        replace("members", [{"value": "{bo}"}, {"value": "{bo}"}]),
        "members",
        ["{bo}"],
    ),
    (
        "member-with-display",
        "group",
        replace("members", [{"value": "{bo}", "display": "Bo"}]),
        "members",
        ["{bo}"],
    ),
    (
        "member-removed-by-value",
        "group",
        {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "{anna}", "display": "old"}]},
        "members",
        ["{bo}"],
    ),
    (
        "removed-value-repeated",
        "anna",
        {"op": "Remove", "path": "title", "value": "Agent"},
        "title",
        None,
    ),
    (
        "role-as-json-text",
        "POST",
        {"roles": [{"value": '{"id":"7","value":"Minimal Permissions","displayName":"M"}'}]},
        "roles",
        [{"value": "Minimal Permissions", "display": "M"}],
    ),
    ("unknown-attributes", "POST", {"costume": "red", "urn:example:badge": {"a": 1}}, "costume", None),
    (
        "removal-by-value",
        "anna",
        {"op": "remove", "path": "emails", "value": [{"type": "home"}]},
        "emails",
        None,
    ),
    (
        "entry-made-by-filter",
        "anna",
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": WORK["value"]},
        "emails",
        [HOME, WORK],
    ),
    ("manager-without-uri", "POST", {ENTERPRISE: {"manager": {"value": "{boss}"}}}, "manager", "{boss}"),
    (
        "any-mail-domain",
        "POST",
        {"emails": [{"value": "Anna@Okta.Local"}]},
        "emails",
        [{"value": "Anna@Okta.Local"}],
    ),
    ("photo-as-text", "POST", {"photos": [{"value": "a b"}]}, "photos", [{"value": "a b"}]),
    ("operation-in-capitals", "anna", {"Op": "Replace", "Path": "title", "Value": "Lead"}, "title", "Lead"),
    (
        "null-reference",
        "group",
        add("members", [{"$ref": None, "value": "{boss}"}]),
        "members",
        ["{anna}", "{bo}", "{boss}"],
    ),
    (
        "path-in-key",
        "anna",
        {"op": "replace", "value": {"name.givenName": "Ann"}},
        "name",
        {"givenName": "Ann"},
    ),
]
TAKEN_BY_ALL = {"member-twice"}
"""A group has each member once, whoever sends it."""

IDS = [f"{row[0]}-{number}" for number, row in enumerate(ROWS)]
MEANS = {deviation.name: deviation.means for deviation in DEVIATIONS}


async def sent(scim: ScimClient, house: House, where: str, what: Any) -> Answer:
    """The answer to what a row sends."""
    what = house.filled(what)
    if where == "POST":
        return await scim.post("/Users", {"userName": "new@example.com", **what})
    path = f"/Groups/{house.group}" if where == "group" else f"/Users/{house.anna}"
    return await scim.patch(path, what)


async def seen(scim: ScimClient, house: House, where: str, answer: Answer, attribute: str) -> Any:
    """What is there afterwards: a manager and members by their ids."""
    if where == "group":
        body = (await scim.get(f"/Groups/{house.group}")).json
        return sorted(member["value"] for member in body.get("members", []))
    body = answer.json
    if attribute == "manager":
        return body.get(ENTERPRISE, {}).get("manager", {}).get("value")
    return body.get(attribute)


def wanted(house: House, where: str, expected: Any) -> Any:
    """What a row expects, in the form in which `seen` tells it."""
    return sorted(house.filled(expected)) if where == "group" else house.filled(expected)


@pytest.mark.parametrize("deviation,where,what,attribute,expected", ROWS, ids=IDS)
async def test_tolerant_connection_understands(
    scim: ScimClient, house: House, deviation: str, where: str, what: Any, attribute: str, expected: Any
):
    answer = await sent(scim, house, where, what)
    assert answer.status in (200, 201, 204), answer.text
    assert await seen(scim, house, where, answer, attribute) == wanted(house, where, expected)


@pytest.mark.parametrize("deviation,where,what,attribute,expected", ROWS, ids=IDS)
async def test_strict_connection_understands_what_the_models_do_and_no_more(
    strict_scim: ScimClient,
    house: House,
    deviation: str,
    where: str,
    what: Any,
    attribute: str,
    expected: Any,
):
    answer = await sent(strict_scim, house, where, what)
    found = await seen(strict_scim, house, where, answer, attribute) if answer.status < 400 else "refused"
    understood = found == wanted(house, where, expected)
    has_path = where == "POST" or "path" in {key.lower() for key in what}
    meant = MEANS[deviation] in {Means.MODEL, Means.LIBRARY} and has_path
    assert understood == (meant or deviation in TAKEN_BY_ALL), answer.text


def test_every_deviation_of_a_body_has_a_row():
    assert {row[0] for row in ROWS} | {"manager-in-filter"} == {deviation.name for deviation in DEVIATIONS}


@pytest.mark.parametrize("deviation", ["manager-in-filter"])
async def test_tolerant_connection_understands_in_a_filter(scim: ScimClient, house: House, deviation: str):
    assert (await scim.find(f'manager eq "{house.boss}"')).ids == [house.anna]


@pytest.mark.parametrize("deviation", ["manager-in-filter"])
async def test_strict_connection_refuses_in_a_filter(strict_scim: ScimClient, house: House, deviation: str):
    assert (await strict_scim.find(f'manager eq "{house.boss}"')).error == (400, "invalidFilter")


# -- where sources conflict ---------------------------------------------------


DECISIONS: list[tuple[str, str, Any, str]] = [
    ("D1 unknown attribute", "POST", {"costume": "red"}, "invalidSyntax"),
    ("D1 unknown schema", "POST", {"urn:example:badge": {"a": 1}}, "invalidSyntax"),
    ("D1 unknown path", "anna", replace("costume", "red"), "invalidPath"),
    ("D2 no path", "anna", {"op": "replace", "value": {"title": "Lead"}}, "invalidSyntax"),
    ("D4 no match", "anna", replace('emails[type eq "work"].value', "x@y.test"), "noTarget"),
]


@pytest.mark.parametrize(
    "where,what,scim_type", [row[1:] for row in DECISIONS], ids=[row[0] for row in DECISIONS]
)
async def test_strict_connection_decides_for_the_profile(
    strict_scim: ScimClient, house: House, where: str, what: Any, scim_type: str
):
    assert (await sent(strict_scim, house, where, what)).error == (400, scim_type)


@pytest.mark.parametrize("where,what", [row[1:3] for row in DECISIONS], ids=[row[0] for row in DECISIONS])
async def test_tolerant_connection_decides_for_the_client(
    scim: ScimClient, house: House, where: str, what: Any
):
    assert (await sent(scim, house, where, what)).status in (200, 201)


@pytest.mark.parametrize("strict", [False, True])
async def test_d3_put_never_reactivates_by_silence(scim: ScimClient, strict_scim: ScimClient, strict: bool):
    client = strict_scim if strict else scim
    user = await client.make_user("anna@example.com", active=False)
    answer = await client.put(
        f"/Users/{user.id}", {"schemas": user.json["schemas"], "userName": "anna@example.com"}
    )
    assert answer.json["active"] is False


@pytest.mark.parametrize("path", ["id", "meta", "groups"])
async def test_d5_path_to_what_is_read_only_is_refused(scim: ScimClient, house: House, path: str):
    assert (await sent(scim, house, "anna", replace(path, "x"))).error == (400, "mutability")


async def test_d6_patch_answers_a_user_and_no_group(scim: ScimClient, house: House):
    user = await scim.patch(f"/Users/{house.anna}", replace("title", "Lead"))
    group = await scim.patch(f"/Groups/{house.group}", replace("displayName", "Care"))
    assert (user.status, group.status, group.text) == (200, 204, "")


async def test_d8_replacing_a_complex_attribute_merges_it_on_a_tolerant_connection(scim: ScimClient):
    user = await scim.make_user(name={"givenName": "Anna", "familyName": "Berg"})
    answer = await scim.patch(f"/Users/{user.id}", replace("name", {"givenName": "Ann"}))
    assert answer.json["name"] == {"givenName": "Ann", "familyName": "Berg"}


async def test_d8_replacing_a_complex_attribute_replaces_it_on_a_strict_connection(
    scim: ScimClient, strict_scim: ScimClient
):
    user = await scim.make_user(name={"givenName": "Anna", "familyName": "Berg"})
    answer = await strict_scim.patch(f"/Users/{user.id}", replace("name", {"givenName": "Ann"}))
    assert answer.json["name"] == {"givenName": "Ann"}
