"""A single new role beside the one that a user had takes its place; nothing else is read into roles."""

from typing import Any

import pytest

from scimserver.scim.assigning import with_new_role

AGENT, LEAD, ADMIN = {"value": "Agent"}, {"value": "Lead"}, {"value": "Admin Role", "primary": True}


@pytest.mark.parametrize(
    "before,sent,after",
    [
        ([AGENT], [AGENT, LEAD], [LEAD]),
        ([AGENT], [LEAD, AGENT], [LEAD]),
        ([{**AGENT, "primary": True}], [{**AGENT, "primary": False}, ADMIN], [ADMIN]),
        ([AGENT], [LEAD], [LEAD]),
        ([AGENT], [], []),
        ([AGENT], [LEAD, ADMIN], [LEAD, ADMIN]),
        ([AGENT], [AGENT, LEAD, ADMIN], [AGENT, LEAD, ADMIN]),
        ([AGENT, LEAD], [AGENT, LEAD], [AGENT, LEAD]),
        ([], [AGENT, LEAD], [AGENT, LEAD]),
    ],
)
def test_new_role_takes_the_place_of_the_old_one(before: list[Any], sent: list[Any], after: list[Any]):
    assert with_new_role({"userName": "ada", "roles": sent}, {"roles": before}) == {
        "userName": "ada",
        "roles": after,
    }


def test_document_that_was_given_is_left_alone():
    sent: dict[str, Any] = {"roles": [AGENT, LEAD]}
    with_new_role(sent, {"roles": [AGENT]})
    assert sent == {"roles": [AGENT, LEAD]}
