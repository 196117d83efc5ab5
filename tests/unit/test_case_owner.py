"""Whom a client names as the owner of a case: by `value`, by `$ref`, or by both."""

from typing import Any

import pytest

from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.ids import UserId, new_uuid
from scimserver.scim.cases import named_owner

ANNA, BO, CARL = (UserId(new_uuid()) for _ in range(3))
BASE = "https://scim.test/scim/v2/Users/"

NAMED: list[tuple[Any, UserId | None, UserId | None]] = [
    (None, ANNA, None),
    ({}, ANNA, None),
    ({"display": "Anna"}, ANNA, None),
    ({"value": str(ANNA)}, None, ANNA),
    ({"$ref": f"{BASE}{ANNA}"}, None, ANNA),
    ({"$ref": f"../Users/{ANNA}"}, None, ANNA),
    ({"$ref": f"{BASE}{ANNA}/?a=b#c"}, None, ANNA),
    ({"value": "", "$ref": f"{BASE}{ANNA}"}, None, ANNA),
    ({"value": str(ANNA), "$ref": f"{BASE}{ANNA}"}, ANNA, ANNA),
    ({"value": str(BO), "$ref": f"{BASE}{ANNA}"}, ANNA, BO),
    ({"value": str(ANNA), "$ref": f"{BASE}{BO}"}, ANNA, BO),
    ({"value": str(BO), "$ref": f"{BASE}{CARL}"}, ANNA, BO),
    ({"value": str(BO), "$ref": f"{BASE}{CARL}"}, None, BO),
]


@pytest.mark.parametrize("owner,before,expected", NAMED)
def test_owner_is_whom_the_client_names_anew(owner: Any, before: UserId | None, expected: UserId | None):
    assert named_owner({"owner": owner}, before) == expected


@pytest.mark.parametrize(
    "owner",
    [{"value": ""}, {"value": "anna"}, {"$ref": "x"}, {"value": str(ANNA).upper()}, {"value": "x" * 9}],
)
def test_owner_that_is_no_id_is_refused(owner: Any):
    with pytest.raises(InvalidValue, match=r"owner\.value"):
        named_owner({"owner": owner}, None)
