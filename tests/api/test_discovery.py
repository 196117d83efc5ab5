"""Discovery (RFC 7644, section 4): exactly what is implemented, and nothing to be asked of it."""

from typing import Any

import pytest

from scimserver.scim.models import DIRECTORY_USER_SCHEMA
from tests.serving import BASE_URL, CASE, ENTERPRISE, LIST, USER, Installation, ScimClient

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ROLE = "urn:ietf:params:scim:schemas:scimserver:2.0:Role"
CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"


async def test_configuration_announces_what_is_implemented(scim: ScimClient):
    body = (await scim.get("/ServiceProviderConfig")).json
    assert body["schemas"] == [CONFIG]
    supported = {
        name: part["supported"]
        for name, part in body.items()
        if isinstance(part, dict) and "supported" in part
    }
    assert supported == {
        "patch": True,
        "bulk": False,
        "filter": True,
        "changePassword": False,
        "sort": True,
        "etag": True,
    }


async def test_configuration_names_a_page_about_passwords(scim: ScimClient):
    """`changePassword` says whether somebody may have one, and not who."""
    body = (await scim.get("/ServiceProviderConfig")).json
    assert body["documentationUri"] == BASE_URL.removesuffix("/scim/v2") + "/help/passwords"


async def test_configuration_always_has_its_limits(scim: ScimClient):
    body = (await scim.get("/ServiceProviderConfig")).json
    assert body["bulk"] == {"supported": False, "maxOperations": 0, "maxPayloadSize": 0}
    assert body["filter"]["maxResults"] == 1000


async def test_configuration_announces_both_ways_of_paging(scim: ScimClient):
    assert (await scim.get("/ServiceProviderConfig")).json["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 1000,
        "cursorTimeout": 3600,
    }


async def test_configuration_names_the_way_to_authenticate(scim: ScimClient):
    [scheme] = (await scim.get("/ServiceProviderConfig")).json["authenticationSchemes"]
    assert (scheme["type"], scheme["primary"]) == ("oauthbearertoken", True)
    assert scheme["name"]
    assert scheme["description"]


async def test_resource_types_are_those_that_are_served(scim: ScimClient):
    body = (await scim.get("/ResourceTypes")).json
    assert body["schemas"] == [LIST]
    assert body["totalResults"] == 4
    assert {kind["id"]: (kind["name"], kind["endpoint"], kind["schema"]) for kind in body["Resources"]} == {
        "User": ("User", "/Users", USER),
        "Group": ("Group", "/Groups", GROUP),
        "Role": ("Role", "/Roles", ROLE),
        "Case": ("Case", "/Cases", CASE),
    }


async def test_user_type_names_its_extensions(scim: ScimClient):
    body = (await scim.get("/ResourceTypes/User")).json
    assert body["schemaExtensions"] == [
        {"schema": ENTERPRISE, "required": False},
        {"schema": DIRECTORY_USER_SCHEMA, "required": False},
    ]


async def test_schemas_are_those_that_are_served(scim: ScimClient):
    body = (await scim.get("/Schemas")).json
    assert {schema["id"] for schema in body["Resources"]} >= {USER, GROUP, ROLE, CASE, ENTERPRISE}
    assert body["totalResults"] == len(body["Resources"])


@pytest.mark.parametrize(
    "path",
    [
        "/ServiceProviderConfig",
        "/ResourceTypes/User",
        "/ResourceTypes/Group",
        "/ResourceTypes/Role",
        f"/Schemas/{USER}",
        f"/Schemas/{GROUP}",
        f"/Schemas/{ROLE}",
    ],
)
async def test_single_answer_knows_its_own_place(scim: ScimClient, path: str):
    answer = await scim.get(path)
    assert answer.status == 200
    assert answer.json["meta"]["location"] == answer.headers["Content-Location"] == BASE_URL + path


@pytest.mark.parametrize("path", ["/ResourceTypes", "/Schemas"])
async def test_listed_answer_is_the_single_one(scim: ScimClient, path: str):
    for listed in (await scim.get(path)).json["Resources"]:
        single = (await scim.get(f"{path}/{listed['id']}")).json
        assert single["meta"].pop("location") == listed["meta"].pop("location")
        assert single == listed


def attributes(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The attributes of a schema by name, sub-attributes with a dot."""
    found: dict[str, dict[str, Any]] = {}
    for attribute in schema["attributes"]:
        found[attribute["name"]] = attribute
        for inner in attribute.get("subAttributes", []):
            found[f"{attribute['name']}.{inner['name']}"] = inner
    return found


@pytest.mark.parametrize(
    "urn,name,expected",
    [
        (USER, "userName", {"required": True, "uniqueness": "server", "caseExact": False}),
        (USER, "password", {"mutability": "writeOnly", "returned": "never"}),
        (USER, "groups", {"mutability": "readOnly", "multiValued": True}),
        (USER, "active", {"type": "boolean", "required": False}),
        (USER, "emails.value", {"type": "string"}),
        (GROUP, "displayName", {"required": True}),
        (GROUP, "members.value", {"mutability": "immutable"}),
        (GROUP, "members.display", {"mutability": "readOnly"}),
        (ENTERPRISE, "manager", {"type": "complex", "multiValued": False}),
        (ENTERPRISE, "manager.displayName", {"mutability": "readOnly"}),
    ],
)
async def test_schema_says_what_an_attribute_does(
    scim: ScimClient, urn: str, name: str, expected: dict[str, Any]
):
    attribute = attributes((await scim.get(f"/Schemas/{urn}")).json)[name]
    assert {key: attribute[key] for key in expected} == expected


async def test_every_attribute_of_a_whole_user_is_published(scim: ScimClient):
    boss = await scim.make_user(displayName="Bo")
    user = await scim.make_user(
        "anna@example.com",
        name={"givenName": "Anna"},
        phoneNumbers=[{"value": "1", "type": "work"}],
        addresses=[{"locality": "Berlin"}],
        **{ENTERPRISE: {"manager": {"value": boss.id}, "department": "Care"}},
    )
    await scim.make_group("Support", user.id)
    body = (await scim.get(f"/Users/{user.id}")).json
    known = attributes((await scim.get(f"/Schemas/{USER}")).json)
    extension = attributes((await scim.get(f"/Schemas/{ENTERPRISE}")).json)
    outer = {"schemas", "id", "externalId", "meta", ENTERPRISE}
    assert set(names(body)) - outer - {f"meta.{key}" for key in body["meta"]} <= known.keys()
    assert set(names(body[ENTERPRISE])) <= extension.keys()


def names(value: dict[str, Any]) -> list[str]:
    """The names in a resource, those inside with a dot."""
    found: list[str] = []
    for name, item in value.items():
        if name.startswith("urn:"):
            continue
        found.append(name)
        entries = item if isinstance(item, list) else [item]
        found += [f"{name}.{inner}" for entry in entries if isinstance(entry, dict) for inner in entry]
    return found


PLACES = ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas", f"/Schemas/{USER}"]


@pytest.mark.parametrize("path", PLACES)
async def test_filter_is_forbidden(scim: ScimClient, path: str):
    assert (await scim.find('id eq "User"', path)).error == (403, None)


@pytest.mark.parametrize("path", PLACES)
async def test_other_parameters_are_ignored(scim: ScimClient, path: str):
    asked = await scim.get(path, sortBy="id", startIndex="2", count="0", aadOptscim062020="")
    assert asked.json == (await scim.get(path)).json


@pytest.mark.parametrize(
    "path", ["/ResourceTypes/Nothing", "/Schemas/urn:nothing", "/ServiceProviderConfig/x"]
)
async def test_what_is_not_published_is_404(scim: ScimClient, path: str):
    assert (await scim.get(path)).error == (404, None)


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_discovery_is_only_read(scim: ScimClient, method: str, path: str):
    assert (await scim.request(method, path)).status == 405


async def test_strict_connections_are_told_the_same(scim: ScimClient, strict_scim: ScimClient):
    for path in PLACES:
        assert (await scim.get(path)).json == (await strict_scim.get(path)).json


async def test_organizations_are_told_the_same(installation: Installation, scim: ScimClient):
    other = await installation.client(await installation.organization(domain="example.org"))
    for path in PLACES:
        assert (await scim.get(path)).json == (await other.get(path)).json
