"""`scimserver user list` and `show`: who there is, in pages, and what there is to know of one."""

from uuid import UUID

import pytest

from tests.commands import Commands, put_user

NAMES = ("ada@acme.example", "anna@acme.example", "Berta@acme.example", "carl@acme.example")


@pytest.fixture
def staffed(acme: Commands) -> Commands:
    """`acme` with some users."""
    for number, name in enumerate(NAMES):
        put_user(acme.dsn, "acme", UUID(int=number + 1), name.lower())
    return acme


def listed(commands: Commands, *options: str) -> list[str]:
    return [each["userName"] for each in commands.json("user", "list", "acme", *options)]


@pytest.mark.parametrize(
    "options,found",
    [
        ((), ["ada", "anna", "berta", "carl"]),
        (("--search", "A"), ["ada", "anna"]),
        (("--search", "an"), ["anna"]),
        (("--search", "nna"), []),
        (("--search", "a%"), []),
        (("--limit", "2"), ["ada", "anna"]),
        (("--limit", "2", "--after", "anna@acme.example"), ["berta", "carl"]),
        (("--search", "a", "--after", "ADA@acme.example"), ["anna"]),
    ],
)
def test_list_shows_whose_address_begins_so_by_address(
    staffed: Commands, options: tuple[str, ...], found: list[str]
):
    assert listed(staffed, *options) == [f"{name}@acme.example" for name in found]


def test_list_says_how_to_go_on_where_there_are_more(staffed: Commands):
    assert 'There are more: --after "anna@acme.example".' in staffed.done(
        "user", "list", "acme", "--limit", "2"
    )
    assert "more" not in staffed.done("user", "list", "acme", "--limit", "4")


def test_list_of_nobody_says_so(acme: Commands):
    assert acme.done("user", "list", "acme") == "There is no such user.\n"


def test_show_tells_of_role_cases_and_password(staffed: Commands):
    shown = staffed.json("user", "show", "acme", "anna@acme.example")
    assert (shown["role"]["display"], shown["active"], shown["ownedCases"]) == (
        "Minimal Permissions",
        True,
        0,
    )
    assert shown["password"] is None
    staffed.done("user", "password", "acme", "anna@acme.example", "--generate")
    shown = staffed.json("user", "show", "acme", str(UUID(int=2)))
    assert (shown["password"]["setBy"], shown["password"]["mustChange"]) == ("administrator", True)
    told = staffed.done("user", "show", "acme", "anna@acme.example")
    assert "to be changed, good until" in told


def called(commands: Commands) -> list[str]:
    told = commands.done("user", "show", "acme", "ada@acme.example").splitlines()
    return [line.split(maxsplit=1)[1].strip() for line in told if line.startswith("name ")]


def test_show_says_what_a_user_is_called(acme: Commands):
    names = ("--given-name", "Ada", "--family-name", "Byron")
    acme.done("user", "add", "acme", "ada@acme.example", *names)
    assert called(acme) == ["Ada Byron"]
    content = "userName,displayName\nada@acme.example,Countess\n"
    acme.done("import", "acme", "-", "--format", "csv", answer=content)
    assert called(acme) == ["Countess"]


def test_show_holds_nothing_secret(staffed: Commands):
    generated = staffed.json("user", "password", "acme", "carl@acme.example", "--generate")["password"]
    for told in (
        staffed.done("user", "show", "acme", "carl@acme.example"),
        staffed.done("user", "show", "acme", "carl@acme.example", "--json"),
    ):
        assert generated not in told
        assert "argon2" not in told


def test_show_of_nobody_is_refused(acme: Commands):
    assert 'no user "nobody@acme.example"' in acme.refused("user", "show", "acme", "nobody@acme.example")
