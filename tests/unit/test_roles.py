"""What a role may be called, lead to and hold, without a database (rule P9)."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from scimserver.directory.roles import Role, Wanted, explained, parse_permission, role_key
from scimserver.directory.roles.model import MAX_NAME, MAX_START_PAGE, difference, settled
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Change
from scimserver.kernel.ids import RoleId
from scimserver.kernel.permissions import Permission

READ, UPDATE, CREATE, CLONE = (
    Permission.USERS_READ,
    Permission.USERS_UPDATE,
    Permission.USERS_CREATE,
    Permission.USERS_CLONE,
)


def test_role_gets_the_prerequisites_of_its_permissions():
    assert settled(Wanted(name="Agent", permissions=frozenset({CLONE}))).permissions == {CLONE, CREATE, READ}


def test_permission_that_another_needs_cannot_be_taken_away():
    with pytest.raises(
        InvalidValue, match=r"users\.read cannot be taken away while the role has users\.update"
    ):
        settled(Wanted(name="Agent", permissions=frozenset({UPDATE})), frozenset({READ, UPDATE}))


def test_permission_is_taken_away_with_those_that_need_it():
    assert settled(Wanted(name="Agent"), frozenset({READ, UPDATE})).permissions == frozenset()


@pytest.mark.parametrize("name", ["", "  ", "x" * (MAX_NAME + 1), "a\nb", "a\x00b"])
def test_name_that_nobody_could_read_is_refused(name: str):
    with pytest.raises(InvalidValue) as refused:
        settled(Wanted(name=name))
    assert refused.value.attribute == "displayName"


def test_name_loses_outer_spaces():
    assert settled(Wanted(name="  Team Lead ")).name == "Team Lead"


@pytest.mark.parametrize("one, other", [("Agent", "AGENT "), ("Müller", "MÜLLER"), ("é", "e\u0301")])
def test_names_that_look_alike_are_one(one: str, other: str):
    assert role_key(one) == role_key(other)


@pytest.mark.parametrize(
    "page", ["/", "/cases?mine=1#top", "https://cx.example/start", "https://cx.example:8443/", None]
)
def test_start_page_leads_somewhere(page: str | None):
    assert settled(Wanted(name="Agent", start_page=page)).start_page == page


@pytest.mark.parametrize(
    "page",
    [
        "javascript:alert(1)",
        "http://cx.example/",
        "//evil.example/",
        "/\\evil.example",
        "https://user:secret@cx.example/",
        "https://",
        "https://cx.example:port/",
        "https://[::1/",
        "cases",
        "/a b",
        "/ä",
        "/\u202e",
        "/" + "x" * MAX_START_PAGE,
    ],
)
def test_start_page_that_leads_astray_is_refused(page: str):
    with pytest.raises(InvalidValue) as refused:
        settled(Wanted(name="Agent", start_page=page))
    assert refused.value.attribute == "startPage"


def test_empty_start_page_is_none():
    assert settled(Wanted(name="Agent", start_page="")).start_page is None


@pytest.mark.parametrize("name", ["users.fly", "organizations.manage", "USERS.READ", "", "users.read "])
def test_permission_of_no_role_is_refused(name: str):
    with pytest.raises(InvalidValue, match=r"users\.read"):
        parse_permission(name)


def test_explanation_says_what_needs_a_permission():
    held = {each.permission: each.required_by for each in explained({READ, CREATE, CLONE})}
    assert held == {READ: {CREATE, CLONE}, CREATE: {CLONE}, CLONE: frozenset()}


def test_difference_is_told_by_the_names_of_the_schema():
    role = Role(
        id=RoleId(UUID(int=1)),
        name="Agent",
        start_page="/cases",
        permissions=frozenset({READ}),
        external_id=None,
        built_in=False,
        version=1,
        created=datetime(2026, 1, 2, tzinfo=UTC),
        last_modified=datetime(2026, 1, 2, tzinfo=UTC),
    )
    wanted = Wanted(name="Agent", permissions=frozenset({READ, UPDATE}), external_id="e-1")
    assert difference(role.wanted, wanted) == (
        Change("startPage", "/cases", None),
        Change("permissions", ["users.read"], ["users.read", "users.update"]),
        Change("externalId", None, "e-1"),
    )
