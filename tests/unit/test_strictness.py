from typing import Any

import pytest
from scim2_models import InvalidSyntaxException

from scimserver.scim.models import ENTERPRISE_SCHEMA, Group, ProvisionedUser
from scimserver.scim.strictness import strict_patch


def patched(*operations: Any) -> Any:
    return strict_patch(ProvisionedUser, {"Operations": list(operations)})["Operations"]


def test_strict_patch_refuses_an_operation_without_a_path() -> None:
    with pytest.raises(InvalidSyntaxException, match="path"):
        patched({"op": "replace", "value": {"active": False}})


@pytest.mark.parametrize("path", ["name", "NAME", f"{ENTERPRISE_SCHEMA}:manager"])
def test_strict_patch_replaces_a_complex_attribute_whole(path: str) -> None:
    operation = {"op": "replace", "path": path, "value": {"value": "x"}}
    assert patched(operation) == [{"op": "remove", "path": path}, {**operation, "op": "add"}]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "name", "value": {"givenName": "Anna"}},
        {"op": "replace", "path": "name.givenName", "value": "Anna"},
        {"op": "replace", "path": "title", "value": "Engineer"},
        {"op": "replace", "path": "emails", "value": []},
        {"op": "replace", "path": 'emails[type eq "work"]', "value": {"value": "a@example.com"}},
        {"op": "replace", "path": "not a path", "value": 1},
        {"op": "replace", "path": "unknown", "value": 1},
        {"op": "remove", "path": "name"},
        "no operation",
    ],
)
def test_strict_patch_leaves_other_operations_alone(operation: Any) -> None:
    assert patched(operation) == [operation]


@pytest.mark.parametrize("body", [{}, {"Operations": None}, {"Operations": "add"}])
def test_strict_patch_leaves_a_body_without_operations_to_the_models(body: Any) -> None:
    assert strict_patch(Group, body) is body
