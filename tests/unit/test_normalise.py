"""Where normalising ends: what it leaves to the models, in which order, and what it never does."""

from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError
from scim2_models import SCIMException

from scimserver.scim.models import ENTERPRISE_SCHEMA
from scimserver.scim.normalise import normalise_patch, normalise_resource
from tests.bodies import MINIMAL, STORED, Body, created, enterprise, message, op, patched

MANAGER = f"{ENTERPRISE_SCHEMA}:manager"
WORK = 'emails[type eq "work"]'


@pytest.mark.parametrize(
    "attributes",
    [
        {"title": True},
        {"title": 1.5},
        {"externalId": 1e3},
        {"title": {"value": "X"}},
        {"title": [{"value": "X"}]},
        {"active": "perhaps"},
        {"name": "Anna"},
        {"name": []},
        {"emails": ""},
        {"emails": [""]},
        {"emails": True},
        {"emails": [["anna@example.com"]]},
        {"addresses": "1 Main Street"},
        enterprise(manager=True),
        enterprise(manager=[["m1"]]),
        enterprise(manager=[{"value": "m1"}, {"value": "m2"}]),
        {ENTERPRISE_SCHEMA: "m1"},
        {ENTERPRISE_SCHEMA: "m1", "manager": "m1"},
    ],
)
def test_resource_that_is_not_understood_is_left_to_be_refused(attributes: Body) -> None:
    body: Body = {**MINIMAL["User"], **attributes}
    assert normalise_resource("User", body) == body
    with pytest.raises(ValidationError):
        created("User", body, strict=False, normal=True)


@pytest.mark.parametrize(
    "value",
    [
        '{"value":"{\\"value\\":\\"Agent\\"}"}',
        '{"value":7}',
        '{"displayName":"Agent"}',
        '{"value":"a\\u0000"}',
        '{"value":"a","value":"b"}',
        "{Agent}",
        "{}",
        "[]",
        "",
    ],
)
def test_role_whose_value_is_no_packed_role_is_left_alone(value: str) -> None:
    body: Body = {**MINIMAL["User"], "roles": [{"value": value}]}
    assert normalise_resource("User", body) == body


def test_manager_inside_the_extension_wins_over_one_outside() -> None:
    body: Body = {**MINIMAL["User"], "manager": "m2", **enterprise(manager="m1")}
    resource = created("User", body, strict=False, normal=True)
    assert resource[ENTERPRISE_SCHEMA] == {"manager": {"value": "m1"}}


def test_reference_whose_uri_names_nothing_is_left_alone() -> None:
    body: Body = {**MINIMAL["User"], **enterprise(manager={"$ref": "/?a=b"})}
    assert normalise_resource("User", body) == body


def test_members_without_a_value_are_all_kept() -> None:
    members: list[Any] = [{"type": "User"}, {"type": "User"}, {"value": None}]
    body: Body = {**MINIMAL["Group"], "members": members}
    assert normalise_resource("Group", body) == body


@pytest.mark.parametrize("path", ["id", "meta", "meta.location", "groups", 'groups[value eq "g"]', "ID"])
@pytest.mark.parametrize("verb", ["add", "replace", "remove"])
def test_patch_refuses_a_path_to_what_is_read_only(verb: str, path: str) -> None:
    with pytest.raises(ValidationError, match="scim_mutability"):
        patched(
            "User",
            message([op(verb, path, "other") if verb != "remove" else op(verb, path)]),
            strict=False,
            normal=True,
        )


@pytest.mark.parametrize(
    "operation",
    [
        op("add", "title", None),
        op("add", "emails", None),
        op("add", "title"),
        op("replace", "title"),
        op("replace", "title", [{"value": {"value": "X"}}]),
        op("replace", "title", [{"value": "X"}, {"value": "Y"}]),
        op("replace", "title", 1.5),
        op("replace", "name", "Anna"),
        op("replace", None, "Anna"),
        op("replace", ENTERPRISE_SCHEMA, "m1"),
        op("replace", None, {f"{WORK}.value": True}),
        op("replace", None, {"emails[type eq work].value": "a@x"}),
        op("replace", f'{MANAGER}[value eq "m0"]', "m1"),
        op("remove", f'{MANAGER}[value eq "m0"]'),
        op("remove"),
        op("remove", None, {"title": "X"}),
        op("remove", ""),
        op("remove", "emails", ""),
        op("remove", "emails", [""]),
        op("remove", "emails", True),
        op("remove", "emails.value", "anna@home.example"),
        op("remove", WORK, "anna@home.example"),
        op("remove", ENTERPRISE_SCHEMA, {"manager": "m0"}),
        op("move", "title", "X"),
        {"path": "title", "value": "X"},
        {"op": "replace", "path": 7, "value": {"title": "X"}},
        {"op": "replace", "path": False, "value": {"title": "X"}},
    ],
)
def test_patch_that_is_not_understood_is_left_to_be_refused(operation: Body) -> None:
    with pytest.raises((ValidationError, SCIMException)):
        patched("User", message([operation]), strict=False, normal=True)


@pytest.mark.parametrize(
    "value", [[{}], [{"$ref": None}], [{"value": None}], [{"display": None, "type": None}], {}, "", [""], 0]
)
def test_removal_of_members_that_names_nobody_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        patched("Group", message([op("Remove", "members", value)]), strict=False, normal=True)


@pytest.mark.parametrize("value", [[], [None], [{"value": "u9"}], [{"$ref": None, "value": "u9"}]])
def test_removal_of_members_who_are_none_leaves_the_others(value: Any) -> None:
    group = patched("Group", message([op("Remove", "members", value)]), strict=False, normal=True)
    assert group["members"] == STORED["Group"]["members"]


@pytest.mark.parametrize("operation", [op("Remove", "members"), op("Remove", "members", None)])
def test_removal_of_members_without_a_value_removes_all(operation: Body) -> None:
    assert "members" not in patched("Group", message([operation]), strict=False, normal=True)


def test_keys_with_filters_take_their_turn_among_the_others() -> None:
    value: Body = {
        "title": "A",
        f"{WORK}.value": "a@x",
        "emails": [{"type": "work", "value": "b@x"}],
        "id": "other",
        "displayName": "D",
        WORK: {"display": "W"},
    }
    assert normalise_patch("User", message([op("Replace", None, value)]))["Operations"] == [
        {"op": "Replace", "value": {"title": "A"}},
        {"op": "Replace", "path": f"{WORK}.value", "value": "a@x"},
        {"op": "Replace", "value": {"emails": [{"type": "work", "value": "b@x"}], "displayName": "D"}},
        {"op": "Replace", "path": WORK, "value": {"display": "W"}},
    ]


def test_keys_that_mean_one_attribute_are_written_one_after_the_other() -> None:
    value: Body = {MANAGER: "m1", "title": "A", **enterprise(manager={"value": "m2"}), "Manager": "m3"}
    assert normalise_patch("User", message([op("add", None, value)]))["Operations"] == [
        {"op": "add", "value": {MANAGER: {"value": "m1"}, "title": "A"}},
        {"op": "add", "value": {MANAGER: {"value": "m2"}}},
        {"op": "add", "value": {MANAGER: {"value": "m3"}}},
    ]


def test_operations_keep_their_order() -> None:
    sent = [
        op("add", "title", "A"),
        op("add", None, {f"{WORK}.value": "w", "title": "B"}),
        op("remove", "title"),
    ]
    assert normalise_patch("User", message(sent))["Operations"] == [
        {"op": "add", "path": "title", "value": "A"},
        {"op": "add", "path": f"{WORK}.value", "value": "w"},
        {"op": "add", "value": {"title": "B"}},
        {"op": "remove", "path": "title"},
    ]


@pytest.mark.parametrize(
    "body",
    [{}, {"Operations": None}, {"Operations": {"op": "add"}}, {"operations": []}, {"Operations": [7, None]}],
)
def test_patch_without_operations_is_left_alone(body: Body) -> None:
    assert normalise_patch("User", body) == body


def test_patch_finds_its_operations_in_any_case() -> None:
    assert normalise_patch("User", {"OPERATIONS": [{"OP": "add", "Path": "title", "VALUE": 5}]}) == {
        "OPERATIONS": [{"op": "add", "path": "title", "value": "5"}]
    }


def test_resource_is_not_changed_in_place() -> None:
    body: Body = {
        "active": "True",
        "emails": {"value": 5},
        "manager": "m1",
        "roles": [{"value": '{"value":"Agent"}'}, None],
        ENTERPRISE_SCHEMA: {"employeeNumber": 5},
    }
    before = deepcopy(body)
    normalise_resource("User", body)
    assert body == before


def test_patch_is_not_changed_in_place() -> None:
    body = message(
        [
            op("Add", None, {"id": "x", f"{WORK}.value": 5, **enterprise(manager="m1")}),
            op("Remove", "title", "X"),
            op("Replace", "active", [{"value": "True"}]),
        ]
    )
    before = deepcopy(body)
    normalise_patch("User", body)
    assert body == before


@pytest.mark.parametrize("resource_type", ["Users", "", ENTERPRISE_SCHEMA, "ServiceProviderConfig "])
def test_resource_type_that_is_not_served_is_an_error(resource_type: str) -> None:
    with pytest.raises(KeyError):
        normalise_resource(resource_type, {})
    with pytest.raises(KeyError):
        normalise_patch(resource_type, {})
