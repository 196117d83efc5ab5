"""RFC 7644, section 3.5: what its examples of PUT and PATCH make of a resource."""

from typing import Any

import pytest

from tests.conformance.rfc_examples import FULL_USER, free_client
from tests.serving import USER, Answer, Installation, ScimClient

WORK_MAIL, HOME_MAIL = FULL_USER["emails"]
[WORK_ADDRESS] = FULL_USER["addresses"]
NEW_ADDRESS = {
    "type": "work",
    "streetAddress": "911 Universal City Plaza",
    "locality": "Hollywood",
    "region": "CA",
    "postalCode": "91608",
    "country": "US",
    "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
    "primary": True,
}

Attributes = dict[str, Any]
USERS: list[Any] = [
    pytest.param(
        {"emails": [WORK_MAIL]},
        # The name of the attribute is written in another letter case there.
        {"op": "add", "value": {"emails": [HOME_MAIL], "nickname": "Babs"}},
        {"emails": [WORK_MAIL, HOME_MAIL], "nickName": "Babs"},
        id="3.5.2.1-add-attributes-without-path",
    ),
    pytest.param(
        {"emails": [WORK_MAIL, HOME_MAIL]},
        {"op": "remove", "path": 'emails[type eq "work" and value ew "example.com"]'},
        {"emails": [HOME_MAIL]},
        id="3.5.2.2-remove-what-matches",
    ),
    pytest.param(
        {"addresses": [WORK_ADDRESS]},
        {"op": "replace", "path": 'addresses[type eq "work"]', "value": NEW_ADDRESS},
        {"addresses": [NEW_ADDRESS]},
        id="3.5.2.3-replace-an-address",
    ),
    pytest.param(
        {"addresses": [WORK_ADDRESS]},
        {
            "op": "replace",
            "path": 'addresses[type eq "work"].streetAddress',
            "value": "1010 Broadway Ave",
        },
        {"addresses": [WORK_ADDRESS | {"streetAddress": "1010 Broadway Ave"}]},
        id="3.5.2.3-replace-a-part-of-an-address",
    ),
    pytest.param(
        {"emails": [{"value": "old@example.com", "type": "other"}]},
        {"op": "replace", "value": {"emails": [WORK_MAIL, HOME_MAIL], "nickname": "Babs"}},
        {"emails": [WORK_MAIL, HOME_MAIL], "nickName": "Babs"},
        id="3.5.2.3-replace-attributes-without-path",
    ),
]

BABS, JAMES, MANDY = "Babs Jensen", "James Smith", "Mandy Pepperidge"
GROUPS: list[Any] = [
    pytest.param([], [("add", "members", [BABS])], {BABS}, id="3.5.2.1-add-a-member"),
    pytest.param([BABS], [("add", "members", [BABS])], {BABS}, id="3.5.2.1-add-who-is-a-member"),
    pytest.param([BABS, JAMES], [("remove", BABS, None)], {JAMES}, id="3.5.2.2-remove-one-member"),
    pytest.param([BABS, JAMES], [("remove", "members", None)], set(), id="3.5.2.2-remove-all-members"),
    pytest.param(
        [BABS, MANDY],
        [("remove", BABS, None), ("add", "members", [JAMES])],
        {MANDY, JAMES},
        id="3.5.2.2-remove-one-and-add-one",
    ),
    pytest.param(
        [BABS, MANDY],
        [("remove", "members", None), ("add", "members", [BABS, JAMES])],
        {BABS, JAMES},
        id="3.5.2.2-remove-all-and-add-two",
    ),
    pytest.param(
        [MANDY], [("replace", "members", [BABS, JAMES])], {BABS, JAMES}, id="3.5.2.3-replace-all-members"
    ),
]


@pytest.fixture
async def free(installation: Installation) -> ScimClient:
    return await free_client(installation)


@pytest.mark.parametrize("before, operation, after", USERS)
async def test_patch_of_a_user_does_what_is_shown(
    free: ScimClient, before: Attributes, operation: dict[str, Any], after: Attributes
) -> None:
    user = await free.make_user("bjensen", **before)
    assert (await free.patch(f"/Users/{user.id}", operation)).status in (200, 204)
    read = (await free.get(f"/Users/{user.id}")).json
    assert {name: read.get(name) for name in after} == after


async def people(client: ScimClient) -> dict[str, Answer]:
    return {name: await client.make_user(name, displayName=name) for name in (BABS, JAMES, MANDY)}


@pytest.mark.parametrize("before, operations, after", GROUPS)
async def test_patch_of_a_group_does_what_is_shown(
    free: ScimClient,
    before: list[str],
    operations: list[tuple[str, str, list[str] | None]],
    after: set[str],
) -> None:
    known = await people(free)
    group = await free.make_group("Tour Guides", *(known[name].id for name in before))
    sent: list[dict[str, Any]] = []
    for op, at, names in operations:
        path = f'members[value eq "{known[at].id}"]' if at in known else at
        values = [{"display": name, "value": known[name].id} for name in names or ()]
        sent.append({"op": op, "path": path} | ({"value": values} if values else {}))
    assert (await free.patch(f"/Groups/{group.id}", *sent)).status in (200, 204)
    read = (await free.get(f"/Groups/{group.id}")).json
    assert {member["display"] for member in read.get("members", [])} == after


async def test_remove_without_a_path_has_no_target(free: ScimClient) -> None:
    user = await free.make_user("bjensen")
    assert (await free.patch(f"/Users/{user.id}", {"op": "remove"})).error == (400, "noTarget")


async def test_replace_that_matches_nothing_has_no_target_when_strict(installation: Installation) -> None:
    organization = await installation.organization()
    strict = await installation.client(organization, strict=True)
    user = await strict.make_user()
    operation = {"op": "replace", "path": 'addresses[type eq "work"]', "value": NEW_ADDRESS}
    assert (await strict.patch(f"/Users/{user.id}", operation)).error == (400, "noTarget")


async def test_put_replaces_the_user_as_section_3_5_1_shows(free: ScimClient) -> None:
    user = await free.make_user("bjensen", externalId="bjensen", nickName="Babs", title="Tour Guide")
    replacement = {
        "schemas": [USER],
        "id": user.id,
        "userName": "bjensen",
        "externalId": "bjensen",
        "name": {"formatted": "Ms. Barbara J Jensen III", "familyName": "Jensen", "givenName": "Barbara"},
        "roles": [],
        "emails": [{"value": "bjensen@example.com"}, {"value": "babs@jensen.org"}],
    }
    answer = await free.put(f"/Users/{user.id}", replacement, headers={"If-Match": user.headers["ETag"]})
    assert answer.status == 200, answer.text
    wanted = replacement | {"nickName": None, "title": None, "roles": None}
    assert {name: answer.json.get(name) for name in wanted} == wanted


async def test_put_never_creates(free: ScimClient) -> None:
    unknown = "2819c223-7f76-453a-919d-413861904646"
    assert (await free.put(f"/Users/{unknown}", FULL_USER)).error == (404, None)
