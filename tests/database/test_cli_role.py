"""`scimserver role`: an operator manages Roles & Permissions."""

from uuid import UUID

import pytest

from tests.commands import Commands, put_user

ADA, EVE = UUID(int=7), UUID(int=8)


@pytest.fixture
def staffed(acme: Commands) -> Commands:
    """`acme` with two users and a role."""
    put_user(acme.dsn, "acme", ADA, "ada@acme.example")
    put_user(acme.dsn, "acme", EVE, "eve@acme.example")
    acme.done("role", "create", "acme", "Agent", "--allow", "users.update", "--start-page", "/cases")
    return acme


def held(commands: Commands, role: str) -> list[str]:
    return [each["value"] for each in commands.json("role", "show", "acme", role)["permissions"]]


def role_of(commands: Commands, user: str) -> str:
    return commands.json("user", "permissions", "acme", user)["role"]["display"]


def test_role_create_gives_what_a_permission_needs(staffed: Commands):
    made = staffed.json("role", "create", "acme", "Cloner", "--allow", "users.clone")
    assert made["permissions"] == [
        {"value": "users.read", "requiredBy": ["users.clone", "users.create"]},
        {"value": "users.create", "requiredBy": ["users.clone"]},
        {"value": "users.clone", "requiredBy": []},
    ]


def test_role_list_counts_users(staffed: Commands):
    listed = staffed.json("role", "list", "acme")
    assert [(each["displayName"], each["builtIn"], each["users"]) for each in listed] == [
        ("Admin Role", True, 0),
        ("Minimal Permissions", True, 2),
        ("Agent", False, 0),
    ]
    assert "Minimal Permissions" in staffed.done("role", "list", "acme")


def test_role_show_tells_where_users_begin(staffed: Commands):
    assert staffed.json("role", "show", "acme", "AGENT")["startPage"] == "/cases"
    told = staffed.done("role", "show", "acme", "Agent")
    assert "/cases" in told
    assert "users.update" in told


def test_role_update_changes_what_it_names(staffed: Commands):
    staffed.done(
        "role", "update", "acme", "agent", "--name", "Advisor", "--allow", "log.read", "--start-page", ""
    )
    shown = staffed.json("role", "show", "acme", "Advisor")
    assert shown["startPage"] is None
    assert held(staffed, "Advisor") == ["users.read", "users.update", "log.read"]
    staffed.done("role", "update", "acme", "Advisor", "--deny", "log.read")
    assert held(staffed, "Advisor") == ["users.read", "users.update"]
    assert staffed.done("role", "update", "acme", "Advisor") == 'The role "Advisor" is as it was.\n'


def test_role_clone_is_changed_by_itself(staffed: Commands):
    staffed.done("role", "clone", "acme", "Admin Role", "Chief")
    staffed.done("role", "update", "acme", "Chief", "--deny", "log.read")
    assert "log.read" not in held(staffed, "Chief")
    assert "log.read" in held(staffed, "Admin Role")


def test_role_assign_gives_it_to_many(staffed: Commands):
    named = ("ada@acme.example", str(EVE))
    assert staffed.json("role", "assign", "acme", "Agent", *named)["assignedUsers"] == 2
    assert [role_of(staffed, each) for each in named] == ["Agent", "Agent"]


def test_role_assign_gives_it_to_nobody_if_one_is_unknown(staffed: Commands):
    said = staffed.refused("role", "assign", "acme", "Agent", "ada@acme.example", "nobody@acme.example")
    assert "nobody@acme.example" in said
    assert role_of(staffed, "ada@acme.example") == "Minimal Permissions"


def test_role_delete_asks_and_says_how_many_users_fall(staffed: Commands):
    put_admin(staffed)
    staffed.done("role", "assign", "acme", "Agent", "ada@acme.example")
    asked = staffed("role", "delete", "acme", "Agent", answer="n\n")
    assert asked.exit_code == 1
    assert 'Users who fall to "Minimal Permissions": 1.' in asked.stderr
    assert role_of(staffed, "ada@acme.example") == "Agent"
    assert staffed.json("role", "delete", "acme", "Agent", "--yes")["movedUsers"] == 1
    assert role_of(staffed, "ada@acme.example") == "Minimal Permissions"


def put_admin(commands: Commands) -> None:
    put_user(commands.dsn, "acme", UUID(int=9), "boss@acme.example")
    commands.done("role", "assign", "acme", "Admin Role", "boss@acme.example")


@pytest.mark.parametrize(
    "arguments,why",
    [
        (("create", "acme", "agent"), "Another role of the organisation has this displayName"),
        (("create", "acme", " "), "may not be blank"),
        (("create", "acme", "X", "--allow", "users.fly"), '"users.fly" is no permission'),
        (("create", "acme", "X", "--start-page", "javascript:x"), "startPage is a path"),
        (("show", "acme", "Nobody"), 'no role "Nobody"'),
        (("update", "acme", "Admin Role", "--deny", "log.read"), "built in"),
        (("update", "acme", "Agent", "--deny", "users.read"), "of no use without it"),
        (("delete", "acme", "Minimal Permissions", "--yes"), "built in"),
        (("delete", "acme", "Nobody", "--yes"), 'no role "Nobody"'),
        (("clone", "acme", "Nobody", "X"), 'no role "Nobody"'),
        (("clone", "acme", "Agent", "admin role"), "Another role"),
        (("assign", "acme", "Nobody", "ada@acme.example"), 'no role "Nobody"'),
        (("list", "nobody"), 'no organisation called "nobody"'),
    ],
)
def test_role_command_says_why_not(staffed: Commands, arguments: tuple[str, ...], why: str):
    assert why in staffed.refused("role", *arguments)


def test_role_commands_are_logged_done_and_refused(staffed: Commands):
    staffed.refused("role", "create", "acme", "agent")
    staffed.done("role", "update", "acme", "Agent", "--allow", "log.read")
    staffed.refused("role", "delete", "acme", "Admin Role", "--yes")
    entries = [each for each in staffed.log("acme") if each["event"].startswith("role.")]
    assert [(each["event"], each["outcome"], each.get("reason")) for each in entries] == [
        ("role.create", "success", None),
        ("role.create", "failure", "already_taken"),
        ("role.update", "success", None),
        ("role.delete", "failure", "immutable"),
    ]


def test_user_permissions_name_their_source(staffed: Commands):
    staffed.done("role", "assign", "acme", "Agent", "ada@acme.example")
    shown = staffed.json("user", "permissions", "acme", "ada@acme.example")
    assert shown["permissions"] == [
        {"value": "users.read", "requiredBy": ["users.update"]},
        {"value": "users.update", "requiredBy": []},
    ]
    assert "Agent" in staffed.done("user", "permissions", "acme", "ada@acme.example")


def test_user_without_permissions_is_told_so(staffed: Commands):
    said = staffed.done("user", "permissions", "acme", "ada@acme.example")
    assert said == '"ada@acme.example" may do nothing: the role "Minimal Permissions" has no permissions.\n'
