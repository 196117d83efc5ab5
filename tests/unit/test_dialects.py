"""Clients' deviations, each beside the standard form that it is taken for, as tables.

A row holds what arrives and what it means. What it means is read by the strict service, which knows
no deviation; what arrives is read by the tolerant one.
"""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from scim2_models import SCIMException

from scimserver.scim.dialects import DEVIATIONS, Means, table
from scimserver.scim.models import ENTERPRISE_SCHEMA, USER_SCHEMA
from tests.bodies import MINIMAL, Body, created, enterprise, message, op, patched

MEANS = {deviation.name: deviation.means for deviation in DEVIATIONS}
MANAGER = f"{ENTERPRISE_SCHEMA}:manager"
WORK = 'emails[type eq "work"]'
HOME = 'emails[type eq "home"]'
NOTHING = op("replace", None, {})

RESOURCES: list[tuple[str, str, Body, Body]] = [
    ("manager-as-text", "User", enterprise(manager="m1"), enterprise(manager={"value": "m1"})),
    ("manager-as-text", "User", enterprise(Manager="m1"), enterprise(manager={"value": "m1"})),
    ("manager-as-text", "User", enterprise(manager=42), enterprise(manager={"value": "42"})),
    (
        "manager-as-text",
        "User",
        {ENTERPRISE_SCHEMA.upper(): {"MANAGER": "m1", "department": "Tours"}},
        enterprise(manager={"value": "m1"}, department="Tours"),
    ),
    ("manager-emptied", "User", enterprise(manager="", division="A"), enterprise(division="A")),
    ("manager-emptied", "User", enterprise(manager=[], division="A"), enterprise(division="A")),
    ("manager-emptied", "User", enterprise(manager=[None], division="A"), enterprise(division="A")),
    ("manager-emptied", "User", enterprise(manager={"Value": ""}, division="A"), enterprise(division="A")),
    (
        "manager-as-list",
        "User",
        enterprise(manager=[{"$ref": "https://example.com/Users/m1", "value": "m1"}]),
        enterprise(manager={"$ref": "https://example.com/Users/m1", "value": "m1"}),
    ),
    *[
        (
            "manager-by-uri",
            "User",
            enterprise(manager={**value, "$ref": uri}),
            enterprise(manager={"value": "m1", "$ref": uri}),
        )
        for uri in ("https://example.com/v2/Users/m1", "../Users/m1/", "https://example.com/Users/m1?a=/b#/c")
        for value in ({}, {"value": None}, {"VALUE": ""})
    ],
    *[
        ("manager-without-schema", "User", {name: sent}, enterprise(manager={"value": "m1"}))
        for name in ("manager", "Manager", "manager.value", MANAGER, f"{MANAGER}.value", MANAGER.upper())
        for sent in ("m1", {"value": "m1"})
    ],
    (
        "manager-without-schema",
        "User",
        {"manager": "m1", **enterprise(department="Tours", Manager=None)},
        enterprise(department="Tours", manager={"value": "m1"}),
    ),
    ("object-for-list", "User", {"emails": {"value": "a@x"}}, {"emails": [{"value": "a@x"}]}),
    ("object-for-list", "User", {"Addresses": {"region": "CA"}}, {"addresses": [{"region": "CA"}]}),
    ("object-for-list", "User", {"phoneNumbers": {"Value": "1"}}, {"phoneNumbers": [{"value": "1"}]}),
    ("object-for-list", "Group", {"members": {"value": "u1"}}, {"members": [{"value": "u1"}]}),
    ("text-for-entry", "User", {"emails": "a@x"}, {"emails": [{"value": "a@x"}]}),
    ("text-for-entry", "User", {"emails": ["a@x", "b@x"]}, {"emails": [{"value": "a@x"}, {"value": "b@x"}]}),
    ("text-for-entry", "Group", {"members": ["u1", "u1"]}, {"members": [{"value": "u1"}]}),
    ("null-entry", "User", {"emails": [None, {"value": "a@x"}]}, {"emails": [{"value": "a@x"}]}),
    ("null-entry", "Group", {"members": [None]}, {}),
    ("number-for-text", "User", {"externalId": 701984}, {"externalId": "701984"}),
    ("number-for-text", "User", {"EXTERNALID": 2**64 - 1}, {"externalId": "18446744073709551615"}),
    ("number-for-text", "User", {"userName": -7}, {"userName": "-7"}),
    ("number-for-text", "User", {"name": {"givenName": 5}}, {"name": {"givenName": "5"}}),
    (
        "number-for-text",
        "User",
        {"addresses": [{"postalCode": 91608}]},
        {"addresses": [{"postalCode": "91608"}]},
    ),
    ("number-for-text", "User", enterprise(employeeNumber=0), enterprise(employeeNumber="0")),
    ("number-for-text", "Group", {"members": [{"value": 5}]}, {"members": [{"value": "5"}]}),
    ("text-for-boolean", "User", {"active": "True"}, {"active": True}),
    ("text-for-boolean", "User", {"Active": "FALSE"}, {"active": False}),
    (
        "text-for-boolean",
        "User",
        {"roles": [{"value": "Agent", "Primary": "true"}]},
        {"roles": [{"value": "Agent", "primary": True}]},
    ),
    (
        "member-twice",
        "Group",
        {"members": [{"value": "u1", "display": "Anna"}, {"value": "u2"}, {"Value": "u1"}]},
        {"members": [{"value": "u1", "display": "Anna"}, {"value": "u2"}]},
    ),
    (
        "role-as-json-text",
        "User",
        {"roles": [{"value": '{"id":"7","value":"Agent","displayName":"An agent"}'}]},
        {"roles": [{"value": "Agent", "display": "An agent"}]},
    ),
    (
        "role-as-json-text",
        "User",
        {"Roles": ['{"value":"Agent"}', {"Display": "Chief", "type": "t", "value": '{"value":"Admin"}'}]},
        {"roles": [{"value": "Agent"}, {"value": "Admin", "display": "Chief", "type": "t"}]},
    ),
    ("unknown-attributes", "User", {"costume": "red", "name": {"nick": "A"}}, {"name": {}}),
    ("unknown-attributes", "User", {"urn:example:badge": {"value": 1}}, {}),
    (
        "manager-without-uri",
        "User",
        enterprise(manager={"value": "m1"}),
        enterprise(manager={"value": "m1", "$ref": None}),
    ),
    (
        "any-mail-domain",
        "User",
        {"emails": [{"value": "A@Okta.Local"}]},
        {"emails": [{"value": "A@Okta.Local"}]},
    ),
    ("photo-as-text", "User", {"photos": [{"value": "a b"}]}, {"photos": [{"value": "a b"}]}),
    (
        "null-reference",
        "Group",
        {"members": [{"$ref": None, "value": "u1"}]},
        {"members": [{"value": "u1"}]},
    ),
]

PATCHES: list[tuple[str, str, list[Body], list[Body]]] = [
    *[
        ("manager-as-text", "User", [op(verb, path, "m1")], [op("replace", MANAGER, {"value": "m1"})])
        for verb in ("add", "Replace")
        for path in (MANAGER, MANAGER.upper(), "manager", "Manager")
    ],
    *[
        ("manager-as-text", "User", [op("replace", None, value)], [op("replace", MANAGER, {"value": "m1"})])
        for value in (
            {MANAGER: "m1"},
            enterprise(Manager="m1"),
            {"manager": "m1"},
            {"manager.value": "m1"},
        )
    ],
    (
        "manager-as-text",
        "User",
        [op("add", ENTERPRISE_SCHEMA, {"Manager": 7})],
        [op("add", MANAGER, {"value": "7"})],
    ),
    *[
        ("manager-emptied", "User", [op(verb, path, value)], [op("remove", MANAGER)])
        for verb, values in (("add", ("", None, [], [None], {"value": ""})), ("Replace", ("", [], [None])))
        for value in values
        for path in (MANAGER, "manager")
    ],
    *[
        ("manager-emptied", "User", [op("replace", path, "")], [op("remove", MANAGER)])
        for path in (f"{MANAGER}.value", "manager.value", "Manager.Value")
    ],
    *[
        ("manager-emptied", "User", [op(verb, None, value)], [op("remove", MANAGER)])
        for verb in ("add", "replace")
        for value in ({MANAGER: ""}, enterprise(manager=""), {"Manager": []}, {f"{MANAGER}.value": ""})
    ],
    (
        "manager-as-list",
        "User",
        [op("Add", "manager", [{"$ref": "https://example.com/Users/m1", "value": "m1"}])],
        [op("add", MANAGER, {"$ref": "https://example.com/Users/m1", "value": "m1"})],
    ),
    (
        "manager-by-uri",
        "User",
        [op("add", MANAGER, {"$ref": "https://example.com/Users/m1"})],
        [op("add", MANAGER, {"$ref": "https://example.com/Users/m1", "value": "m1"})],
    ),
    (
        "manager-without-schema",
        "User",
        [op("replace", "manager.value", "m1")],
        [op("replace", f"{MANAGER}.value", "m1")],
    ),
    ("manager-without-schema", "User", [op("remove", "Manager")], [op("remove", MANAGER)]),
    ("text-for-entry", "User", [op("add", "emails", "a@x")], [op("add", "emails", [{"value": "a@x"}])]),
    ("text-for-entry", "Group", [op("add", "members", "u3")], [op("add", "members", [{"value": "u3"}])]),
    (
        "text-for-entry",
        "Group",
        [op("add", "members", ["u3", "u3"])],
        [op("add", "members", [{"value": "u3"}])],
    ),
    ("text-for-entry", "User", [op("replace", HOME, "a@x")], [op("replace", HOME, {"value": "a@x"})]),
    ("text-for-entry", "User", [op("replace", HOME, ["a@x"])], [op("replace", HOME, {"value": "a@x"})]),
    (
        "null-entry",
        "Group",
        [op("add", "members", [None, {"value": "u3"}])],
        [op("add", "members", [{"value": "u3"}])],
    ),
    ("number-for-text", "User", [op("replace", "externalId", 5)], [op("replace", "externalId", "5")]),
    ("number-for-text", "User", [op("add", f"{HOME}.value", 5)], [op("add", f"{HOME}.value", "5")]),
    ("number-for-text", "User", [op("add", None, {"name.givenName": 5})], [op("add", "name.givenName", "5")]),
    (
        "number-for-text",
        "User",
        [op("add", None, enterprise(employeeNumber=5))],
        [op("add", f"{ENTERPRISE_SCHEMA}:employeeNumber", "5")],
    ),
    ("text-for-boolean", "User", [op("Replace", "active", "False")], [op("replace", "active", False)]),
    (
        "text-for-boolean",
        "User",
        [op("add", f"{HOME}.primary", "True")],
        [op("add", f"{HOME}.primary", True)],
    ),
    (
        "wrapped-value",
        "User",
        [op("Replace", "title", [{"$ref": None, "value": "X"}])],
        [op("replace", "title", "X")],
    ),
    ("wrapped-value", "User", [op("add", "active", [{"Value": "False"}])], [op("add", "active", False)]),
    (
        "wrapped-value",
        "User",
        [op("add", f"{HOME}.value", [{"value": "a@x"}])],
        [op("add", f"{HOME}.value", "a@x")],
    ),
    (
        "wrapped-value",
        "User",
        [op("add", "manager.value", [{"value": 7}])],
        [op("add", f"{MANAGER}.value", "7")],
    ),
    *[
        (
            "read-only-keys",
            "User",
            [op("replace", None, {**value, "title": "X"})],
            [op("replace", "title", "X")],
        )
        for value in (
            {"id": "other", "meta": {"version": "1"}, "schemas": [USER_SCHEMA], "groups": [{"value": "g"}]},
            {"ID": "other", "Meta": {}, "Groups": []},
            {f"{USER_SCHEMA}:groups": [{"value": "g"}], "groups.value": "g", 'groups[value eq "g"]': {}},
            {USER_SCHEMA: {"id": "other"}},
        )
    ],
    (
        "read-only-keys",
        "User",
        [op("replace", USER_SCHEMA, {"id": "x", "title": "X"})],
        [op("replace", "title", "X")],
    ),
    ("read-only-keys", "User", [op("replace", None, {"id": "other"})], [NOTHING]),
    (
        "read-only-keys",
        "User",
        [op("replace", MANAGER, {"value": "m1", "displayName": "Boss"})],
        [op("replace", MANAGER, {"value": "m1"})],
    ),
    (
        "read-only-keys",
        "User",
        [op("add", None, enterprise(manager={"value": "m1", "displayName": "Boss"}))],
        [op("add", MANAGER, {"value": "m1"})],
    ),
    (
        "read-only-keys",
        "Group",
        [op("replace", None, {"id": "other", "displayName": "Sales"})],
        [op("replace", "displayName", "Sales")],
    ),
    (
        "filter-in-key",
        "User",
        [op("replace", None, {f"{HOME}.value": "a@x"})],
        [op("replace", f"{HOME}.value", "a@x")],
    ),
    (
        "filter-in-key",
        "User",
        [op("Add", None, {HOME: {"value": "a@x"}})],
        [op("add", HOME, {"value": "a@x"})],
    ),
    (
        "filter-in-key",
        "User",
        [op("replace", None, {f"{USER_SCHEMA}:{HOME}.value": "a@x"})],
        [op("replace", f"{HOME}.value", "a@x")],
    ),
    (
        "filter-in-key",
        "User",
        [op("add", None, {USER_SCHEMA: {f"{HOME}.value": 5}})],
        [op("add", f"{HOME}.value", "5")],
    ),
    (
        "member-twice",
        "Group",
        [op("replace", "members", [{"value": "u3"}, {"value": "u3", "display": "C"}])],
        [op("replace", "members", [{"value": "u3"}])],
    ),
    (
        "member-with-display",
        "Group",
        [op("add", "members", [{"value": "u3", "display": "C"}, {"Value": "u4", "Display": "D"}])],
        [op("add", "members", [{"value": "u3"}, {"Value": "u4"}])],
    ),
    *[
        (
            "member-removed-by-value",
            "Group",
            [op("Remove", "members", value)],
            [op("remove", 'members[value eq "u1"]')],
        )
        for value in (
            [{"value": "u1", "display": "an old name", "type": "User"}],
            [{"Value": "u1", "$ref": "https://example.com/Users/u1"}],
            {"value": "u1", "display": None},
            ["u1", None],
            "u1",
        )
    ],
    ("member-removed-by-value", "Group", [op("Remove", "members", [None])], [NOTHING]),
    *[
        ("removed-value-repeated", "User", [op("Remove", path, value)], [op("remove", path)])
        for path, value in (
            ("title", "Engineer"),
            ("title", ""),
            ("name.givenName", "Anna"),
            (MANAGER, "m0"),
            (MANAGER, [{"value": "m0"}]),
            (f"{HOME}.value", "anna@home.example"),
        )
    ],
    (
        "role-as-json-text",
        "User",
        [op("Add", "roles", [{"value": '{"id":"7","value":"Admin","displayName":"Admin"}'}])],
        [op("add", "roles", [{"value": "Admin", "display": "Admin"}])],
    ),
    ("unknown-attributes", "User", [op("replace", "costume", "red")], [NOTHING]),
    (
        "unknown-attributes",
        "User",
        [op("add", None, {"costume": "red", "title": "X"})],
        [op("add", "title", "X")],
    ),
    (
        "removal-by-value",
        "Group",
        [op("Remove", "members", [{"value": "u1"}])],
        [op("remove", 'members[value eq "u1"]')],
    ),
    ("removal-by-value", "User", [op("remove", "emails", {"type": "home"})], [op("remove", HOME)]),
    (
        "removal-by-value",
        "User",
        [op("remove", "roles", ["Agent"])],
        [op("remove", 'roles[value eq "Agent"]')],
    ),
    (
        "removal-by-value",
        "User",
        [op("remove", "emails", [{"$ref": None, "type": "home"}])],
        [op("remove", HOME)],
    ),
    (
        "entry-made-by-filter",
        "User",
        [op("Add", f"{WORK}.value", "a@x")],
        [op("add", "emails", [{"type": "work", "value": "a@x"}])],
    ),
    (
        "entry-made-by-filter",
        "User",
        [op("replace", 'addresses[type eq "work"].postalCode', 5)],
        [op("add", "addresses", [{"type": "work", "postalCode": "5"}])],
    ),
    (
        "entry-made-by-filter",
        "User",
        [op("Add", 'roles[primary eq "True"].value', "Admin")],
        [op("add", "roles", [{"primary": True, "value": "Admin"}])],
    ),
    (
        "null-reference",
        "Group",
        [op("Add", "members", [{"$ref": None, "value": "u3"}])],
        [op("add", "members", [{"value": "u3"}])],
    ),
    (
        "operation-in-capitals",
        "User",
        [{"Op": "Replace", "Path": "TITLE", "Value": "X"}],
        [op("replace", "title", "X")],
    ),
    ("operation-in-capitals", "User", [{"OP": "REMOVE", "PATH": "title"}], [op("remove", "title")]),
    (
        "path-in-key",
        "User",
        [op("replace", None, {"name.givenName": "A"})],
        [op("replace", "name.givenName", "A")],
    ),
    (
        "path-in-key",
        "User",
        [op("replace", None, {f"{ENTERPRISE_SCHEMA}:department": "X", f"{USER_SCHEMA}:title": "X"})],
        [op("replace", f"{ENTERPRISE_SCHEMA}:department", "X"), op("replace", "title", "X")],
    ),
]


@pytest.mark.parametrize("deviation,resource_type,arriving,meant", RESOURCES)
def test_resource_with_a_deviation_means_the_standard_form(
    deviation: str, resource_type: str, arriving: Body, meant: Body
) -> None:
    standard = created(resource_type, MINIMAL[resource_type] | meant, strict=True, normal=False)
    assert created(resource_type, MINIMAL[resource_type] | arriving, strict=False, normal=True) == standard


@pytest.mark.parametrize("deviation,resource_type,arriving,meant", PATCHES)
def test_patch_with_a_deviation_means_the_standard_form(
    deviation: str, resource_type: str, arriving: list[Body], meant: list[Body]
) -> None:
    standard = patched(resource_type, message(meant), strict=True, normal=False)
    assert patched(resource_type, message(arriving), strict=False, normal=True) == standard


def made_of(resource_type: str, body: Body, *, strict: bool) -> dict[str, Any] | None:
    """What a body that nobody rewrote makes; None if it is refused."""
    act = patched if "Operations" in body else created
    try:
        return act(resource_type, body, strict=strict, normal=False)
    except (ValidationError, SCIMException):
        return None


ROWS = [
    *((name, kind, MINIMAL[kind] | sent, MINIMAL[kind] | meant) for name, kind, sent, meant in RESOURCES),
    *((name, kind, message(sent), message(meant)) for name, kind, sent, meant in PATCHES),
]
REWRITTEN = [row for row in ROWS if MEANS[row[0]] is Means.BODY]
CONFIGURED = [row for row in ROWS if MEANS[row[0]] is Means.POLICY]
ALWAYS = [row for row in ROWS if MEANS[row[0]] in {Means.MODEL, Means.LIBRARY}]


@pytest.mark.parametrize("deviation,resource_type,arriving,meant", REWRITTEN)
def test_deviation_in_a_body_is_lost_on_the_models(
    deviation: str, resource_type: str, arriving: Body, meant: Body
) -> None:
    standard = made_of(resource_type, meant, strict=True)
    assert standard is not None
    assert made_of(resource_type, arriving, strict=False) != standard


@pytest.mark.parametrize("deviation,resource_type,arriving,meant", CONFIGURED)
def test_deviation_by_policy_is_refused_on_strict_connections(
    deviation: str, resource_type: str, arriving: Body, meant: Body
) -> None:
    assert made_of(resource_type, arriving, strict=True) is None


@pytest.mark.parametrize("deviation,resource_type,arriving,meant", ALWAYS)
def test_deviation_of_models_and_library_is_understood_on_strict_connections(
    deviation: str, resource_type: str, arriving: Body, meant: Body
) -> None:
    standard = made_of(resource_type, meant, strict=True)
    assert standard is not None
    assert made_of(resource_type, arriving, strict=True) == standard


def test_every_deviation_is_named_by_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert [name for name in MEANS if f'"{name}"' not in tests] == []


def test_every_deviation_has_its_own_name() -> None:
    assert len(MEANS) == len(DEVIATIONS)


def test_table_has_a_full_row_for_every_deviation() -> None:
    rows = table()
    assert [row[0] for row in rows] == [deviation.name for deviation in DEVIATIONS]
    assert rows[0] == (
        "manager-as-text",
        "A manager that is the bare id is the manager with that `value`.",
        "Microsoft Entra ID",
        "body",
        "E11, D9; Captain-P-Goldfish/SCIM-SDK#686; MicrosoftDocs/azure-docs#69234",
    )
