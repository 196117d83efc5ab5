"""`scimserver user`: an operator clones a user."""

from uuid import UUID

import pytest

from tests.commands import Commands, put_user

ADA = UUID(int=7)


@pytest.fixture
def staffed(acme: Commands) -> Commands:
    """`acme` with a user."""
    put_user(acme.dsn, "acme", ADA, "ada@acme.example")
    return acme


@pytest.mark.parametrize("named", ["ada@acme.example", "ADA@acme.example", str(ADA)])
def test_user_clone_makes_the_next_copy(staffed: Commands, named: str):
    made = staffed.json("user", "clone", "acme", named)
    assert (made["userName"], made["clonedFrom"]) == ("ada@acme.example (Copy 1)", str(ADA))
    assert staffed.done("user", "clone", "acme", named) == (
        f'Cloned "{named}" as "ada@acme.example (Copy 2)".\n'
    )


def test_user_clone_takes_an_address(staffed: Commands):
    made = staffed.json("user", "clone", "acme", "ada@acme.example", "--user-name", "eve@acme.example")
    assert made["userName"] == "eve@acme.example"


@pytest.mark.parametrize(
    "arguments,why",
    [
        (("acme", "eve@acme.example"), 'no user "eve@acme.example"'),
        (("acme", "ada@acme.example", "--user-name", "eve@elsewhere.test"), '"elsewhere.test"'),
        (("nobody", "ada@acme.example"), 'no organisation called "nobody"'),
    ],
)
def test_user_clone_says_why_not(staffed: Commands, arguments: tuple[str, ...], why: str):
    assert why in staffed.refused("user", "clone", *arguments)


def test_user_clone_is_logged_done_and_refused(staffed: Commands):
    staffed.done("user", "clone", "acme", "ada@acme.example")
    staffed.refused("user", "clone", "acme", "ada@acme.example", "--user-name", "eve@elsewhere.test")
    entries = staffed.log("acme", "--event", "user.clone")
    assert [entry["outcome"] for entry in entries] == ["success", "failure"]
    assert entries[1]["reason"] == "domain_not_allowed"
    assert entries[1]["personal"]["target.display"] == "ada@acme.example"
