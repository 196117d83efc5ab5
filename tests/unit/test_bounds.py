"""How much a request may ask of the models: counted before they begin."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from scim2_models import PatchOp, PayloadTooLargeException

from scimserver.scim import bounds
from scimserver.scim.json_body import JsonObject
from tests.bodies import Body, message, model_of, op

EMAIL = 'emails[type eq "work"].value'


def refused(words: str) -> AbstractContextManager[Any]:
    return pytest.raises(PayloadTooLargeException, match=words)


def listed(name: str, count: int) -> JsonObject:
    return {name: ["x" for _ in range(count)]}


def check_patch(resource_type: str, *operations: Body) -> None:
    bounds.check_patch_for_models(resource_type, b"x" * 100_000, message([*operations]))


def check_looks(resource_type: str, stored: JsonObject, *operations: Body) -> None:
    patch: Any = PatchOp.__class_getitem__(model_of(resource_type))
    bounds.check_looks(resource_type, stored, patch.model_validate(message([*operations])))


@pytest.mark.parametrize(
    "resource_type,entries,outcome",
    [
        ("User", 1_000, nullcontext()),
        ("User", 1_003, refused("more than 1000 values")),
        ("Group", 20_000, nullcontext()),
        ("Group", 20_003, refused("more than 20000 values")),
    ],
)
def test_entries_of_a_body_are_bounded(
    resource_type: str, entries: int, outcome: AbstractContextManager[Any]
):
    with outcome:
        bounds.check_body(resource_type, b"x" * 100_000, listed("members", entries))


def test_fewer_entries_may_go_to_the_models():
    with refused("more than 10000 values"):
        bounds.check_body_for_models("Group", b"x" * 100_000, listed("members", 10_003))


@pytest.mark.parametrize("resource_type", ["User", "Group"])
def test_operations_for_the_models_are_bounded(resource_type: str):
    check_patch(resource_type, *[op("remove", "externalId")] * 100)
    with refused("more than 100 operations"):
        check_patch(resource_type, *[op("remove", "externalId")] * 101)


def test_operations_of_a_user_are_bounded_whatever_they_are():
    with refused("more than 100 operations"):
        bounds.check_patch("User", b"", message([op("replace", "title", "x")] * 101))


def test_operations_of_a_group_are_bounded_too():
    operations = [op("remove", "members")] * 20_000
    bounds.check_patch("Group", b"x" * 100_000, message(operations))
    with refused("more than 20000 operations"):
        bounds.check_patch("Group", b"x" * 100_000, message([*operations, *operations[:1]]))


@pytest.mark.parametrize(
    "value",
    [
        {f"name{number}": 1 for number in range(501)},
        {"urn:x": {f"name{number}": 1 for number in range(500)}},
    ],
)
def test_names_in_values_are_bounded(value: JsonObject):
    with refused("more than 500 names"):
        check_patch("User", {"op": "add", "value": value})


def test_names_in_lists_are_entries():
    check_patch("User", op("add", "emails", [{"value": "x", "type": "x", "display": "x"}] * 300))


@pytest.mark.parametrize(
    "stored,operations,outcome",
    [
        (10, [op("replace", EMAIL, "x")] * 100, nullcontext()),
        (900, [op("replace", EMAIL, "x")] * 10, nullcontext()),
        (900, [op("replace", EMAIL, "x")] * 20, refused("The user has too many entries")),
        (900, [{"op": "replace", "value": {"emails": []}}] * 20, refused("The user has too many entries")),
        (0, [op("add", "emails", [{}] * 900), *[op("replace", EMAIL, "x")] * 20], refused("entries")),
        (900, [op("replace", "title", "x")] * 100, nullcontext()),
        (900, [{"op": "replace", "value": {"title": "x", "name": {"givenName": "x"}}}] * 100, nullcontext()),
    ],
)
def test_looks_at_entries_are_bounded(
    stored: int, operations: list[Body], outcome: AbstractContextManager[Any]
):
    with outcome:
        check_looks("User", listed("emails", stored), *operations)


def test_members_count_as_entries():
    removal = op("remove", 'members[value ne "x"]')
    check_looks("Group", listed("members", 6_000), removal)
    with refused("The group has too many entries"):
        check_looks("Group", listed("members", 7_000), removal)


def test_replacement_of_a_group_of_too_many_members_is_refused():
    bounds.check_looks("Group", listed("members", 20_000))
    with refused("The group has too many entries"):
        bounds.check_looks("Group", listed("members", 20_001))


def filtered(terms: int) -> str:
    return f"emails[{' or '.join(['value pr'] * terms)}].value"


@pytest.mark.parametrize(
    "operations,outcome",
    [
        ([op("replace", filtered(200), "x")], nullcontext()),
        ([op("replace", filtered(201), "x")], refused("more than 200 terms")),
        ([op("replace", filtered(21), "x")] * 10, refused("more than 200 terms")),
        ([{"op": "replace", "value": {filtered(201): "x"}}], refused("more than 200 terms")),
        ([op("replace", "title or title", "x")] * 90, nullcontext()),
        ([op("replace", "x" * 20_000, "x")], nullcontext()),
        ([op("replace", "x" * 20_001, "x")], refused("more than 20000 characters")),
        ([op("replace", "x" * 10_001, "x")] * 2, refused("more than 20000 characters")),
        ([{"op": "replace", "value": {"x" * 20_001: "x"}}], refused("more than 20000 characters")),
    ],
)
def test_paths_for_the_models_are_bounded(operations: list[Body], outcome: AbstractContextManager[Any]):
    with outcome:
        check_patch("User", *operations)


@pytest.mark.parametrize(
    "body",
    [
        {f"name{number}": 1 for number in range(5_001)},
        {"name": {f"name{number}": 1 for number in range(5_000)}},
        {"emails": [{f"name{number}": 1 for number in range(5_000)}]},
    ],
    ids=["at the top", "in a value", "in an entry"],
)
def test_names_of_a_body_for_the_models_are_bounded(body: JsonObject):
    with refused("more than 5000 names"):
        bounds.check_body_for_models("User", b"x" * 100_000, body)
    with refused("more than 5000 names"):
        check_patch("User", op("add", "emails", [body]))


def test_each_term_of_a_path_is_a_look_at_all_entries():
    check_looks("User", listed("emails", 900), op("remove", filtered(10)))
    with refused("The user has too many entries"):
        check_looks("User", listed("emails", 900), op("remove", filtered(11)))
