"""The rules of a user's document, without a database: what is filled in, kept, checked and compared."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from scimserver.directory.differences import difference
from scimserver.directory.mailboxes import primary_mail
from scimserver.directory.users.model import (
    CORE,
    ENTERPRISE,
    Document,
    User,
    arranged,
    columns,
    encoded,
    manager_of,
    stand_in,
)
from scimserver.directory.users.rules import Settled, settle
from scimserver.kernel.actor import operator
from scimserver.kernel.errors import DomainNotAllowed, InvalidValue, NotPermitted
from scimserver.kernel.facts import Change
from scimserver.kernel.ids import OrganizationId, RoleId, UserId
from scimserver.kernel.permissions import Permission
from scimserver.work import Trace, Work
from scimserver.work.memory import Memory

RULES = UUID(int=5)
LEAST, ADMIN = RoleId(UUID(int=1)), RoleId(UUID(int=2))
ANNA = UserId(UUID(int=3))
NOON = datetime(2026, 1, 2, tzinfo=UTC)
MINIMAL = [{"value": "Minimal Permissions", "primary": True}]
WORK = {"value": "anna@example.com", "type": "work", "primary": True}
HOME = {"value": "anna@home.test", "type": "home"}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """An organisation as the rules see it, in the place of a unit of work."""

    addresses: str = "required"
    domains: frozenset[str] = frozenset({"example.com"})
    may: frozenset[Permission] = frozenset()
    memory: Memory = field(default_factory=Memory)
    locking: bool = False

    @property
    def actor(self) -> Any:
        return replace(operator("tests", OrganizationId(UUID(int=9))), permissions=self.may)

    def step(self, name: str) -> AbstractContextManager[None]:
        return Trace().step(name)

    def require_holding(self, permissions: Collection[Permission], what: str) -> None:
        if not self.may.issuperset(permissions):
            raise NotPermitted(f"{what} holds more")

    def require(self, *permissions: Permission) -> None:
        if not self.may.issuperset(permissions):
            raise NotPermitted("no")

    async def fetchrow(self, query: Any, *arguments: Any) -> Mapping[str, Any]:
        _, user_name, _, role, mail, _ = arguments
        asked = user_name if self.addresses == "required" else mail
        return {
            "rules": RULES,
            "addresses": self.addresses,
            "timezone": "Europe/Berlin",
            "covered": asked in self.domains,
            "parent": None,
            "permissions": ["users.update"] if role == "admin role" else [],
            "role_names": ["Admin Role"],
            "enforced": None,
            "in_use": None,
            "role_id": {"minimal permissions": LEAST, "admin role": ADMIN}.get(role),
            "default_role_id": LEAST,
        }


async def settled(wanted: Document, previous: User | None = None, **more: Any) -> Settled:
    """What the rules make of a document; `house` and `replacing` as the case needs."""
    house = more.pop("house", House())
    replacing = more.pop("replacing", previous is None)
    return await settle(
        cast(Work, house), {"userName": "anna@example.com", **wanted}, previous, replacing=replacing
    )


def user(*, mail_stand_in: bool = False, role: RoleId = LEAST, active: bool = True, **more: Any) -> User:
    """A user as committed."""
    document: Document = {"userName": "anna@example.com", "emails": [WORK], "roles": MINIMAL, **more}
    return User(
        id=ANNA,
        active=active,
        role=role,
        permissions=frozenset(),
        mail_stand_in=mail_stand_in,
        mail_domain="example.com",
        provider=None,
        mark=None,
        version=1,
        created=NOON,
        last_modified=NOON,
        document=document,
        stored=encoded(document),
    )


async def test_new_user_is_filled_in():
    made = await settled({})
    assert made == Settled(
        document={
            "userName": "anna@example.com",
            "emails": [WORK],
            "roles": MINIMAL,
            "timezone": "Europe/Berlin",
            "active": True,
        },
        active=True,
        role=LEAST,
        permissions=frozenset(),
        mail_stand_in=True,
        mail_domain="example.com",
        provider=None,
        mark=None,
        rules=RULES,
    )


async def test_argument_is_left_alone():
    wanted: Document = {"userName": "anna@example.com"}
    await settled(wanted)
    assert wanted == {"userName": "anna@example.com"}


@pytest.mark.parametrize("user_name", [None, "", "   ", 7])
async def test_user_without_a_name_is_refused(user_name: Any):
    with pytest.raises(InvalidValue) as refused:
        await settled({"userName": user_name})
    assert refused.value.attribute == "userName"


MAILS: list[tuple[str, User | None, bool, Document, Any, bool]] = [
    ("created without", None, True, {}, [WORK], True),
    ("created with", None, True, {"emails": [HOME]}, [HOME], False),
    ("created with the same", None, True, {"emails": [WORK]}, [WORK], False),
    ("replaced without", user(emails=[HOME]), True, {}, [WORK], True),
    ("removed", user(), False, {}, None, False),
    ("removed while made", user(mail_stand_in=True), False, {}, None, False),
    ("left while made", user(mail_stand_in=True), False, {"emails": [WORK]}, [WORK], True),
    ("changed while made", user(mail_stand_in=True), False, {"emails": [HOME]}, [HOME], False),
]


@pytest.mark.parametrize(
    "previous,replacing,wanted,emails,made", [row[1:] for row in MAILS], ids=[row[0] for row in MAILS]
)
async def test_emails_are_kept_or_made(
    previous: User | None, replacing: bool, wanted: Document, emails: Any, made: bool
):
    result = await settled(wanted, previous, replacing=replacing)
    assert (result.document.get("emails"), result.mail_stand_in) == (emails, made)


NEW = "bo@example.com"
FOLLOWING: list[tuple[str, list[Any], bool, list[Any]]] = [
    ("made", [WORK], True, [{**WORK, "value": NEW}]),
    ("equal", [WORK, HOME], False, [{**WORK, "value": NEW}, HOME]),
    ("equal but for case", [{"value": "ANNA@example.com"}], False, [{"value": NEW}]),
    ("other", [HOME], False, [HOME]),
    ("without a value", [{"type": "work"}], False, [{"type": "work"}]),
]


@pytest.mark.parametrize(
    "emails,made,expected", [row[1:] for row in FOLLOWING], ids=[row[0] for row in FOLLOWING]
)
async def test_emails_follow_the_user_name(emails: list[Any], made: bool, expected: list[Any]):
    previous = user(emails=emails, mail_stand_in=made)
    result = await settled({"userName": NEW, "emails": emails}, previous)
    assert result.document["emails"] == expected


@pytest.mark.parametrize("replacing", [True, False])
async def test_emails_that_are_sent_with_a_new_user_name_are_kept(replacing: bool):
    wanted: Document = {"userName": NEW, "emails": [WORK]}
    result = await settled(wanted, user(emails=[HOME]), replacing=replacing)
    assert result.document["emails"] == [WORK]


async def test_address_outside_is_refused():
    with pytest.raises(DomainNotAllowed, match="elsewhere"):
        await settled({"userName": "anna@elsewhere.test"})


async def test_address_that_stays_is_not_looked_at():
    house = House(domains=frozenset())
    assert (await settled({}, user(), house=house)).mail_domain == "example.com"


async def test_placeholder_that_stays_is_fine():
    name = "anna@example.com (Copy 2)"
    assert (await settled({"userName": name}, user(userName=name))).mail_domain == "example.com"


async def test_new_placeholder_is_refused():
    with pytest.raises(InvalidValue, match="Copy N"):
        await settled({"userName": "anna@example.com (Copy 2)"}, user())


@pytest.mark.parametrize(
    "emails,domain",
    [
        ([], None),
        ([{"value": "a@elsewhere.test"}], None),
        ([{"value": "a@EXAMPLE.com", "primary": True}], "example.com"),
        ([{"value": "no address", "primary": True}], None),
    ],
)
async def test_free_house_looks_at_the_primary_email(emails: list[Any], domain: str | None):
    result = await settled({"userName": "anna", "emails": emails}, house=House(addresses="free"))
    assert result.mail_domain == domain


async def test_free_house_refuses_a_primary_email_outside():
    emails = [{"value": "a@elsewhere.test", "primary": True}]
    with pytest.raises(DomainNotAllowed):
        await settled({"userName": "anna", "emails": emails}, house=House(addresses="free"))


async def test_free_house_fills_in_neither_role_nor_time_zone():
    result = await settled({"userName": "anna"}, house=House(addresses="free"))
    assert not {"roles", "timezone"} & result.document.keys()


ASSIGNER = House(may=frozenset({Permission.USERS_ASSIGN_ROLE, Permission.USERS_UPDATE}))


@pytest.mark.parametrize(
    "entry", [{"value": "Admin Role"}, {"value": " ADMIN role "}, {"display": "Admin Role", "value": ""}]
)
async def test_role_is_found_by_its_name(entry: Document):
    assert (await settled({"roles": [entry]}, house=ASSIGNER)).role == ADMIN


@pytest.mark.parametrize("entry", [{"value": "Agent"}, {"type": "work"}, {"value": ""}, {}])
async def test_unknown_role_is_refused(entry: Document):
    with pytest.raises(InvalidValue) as refused:
        await settled({"roles": [entry]}, house=ASSIGNER)
    assert refused.value.attribute == "roles"


async def test_giving_a_role_takes_a_permission():
    with pytest.raises(NotPermitted):
        await settled({"roles": [{"value": "Admin Role"}]})


async def test_giving_a_role_takes_what_the_role_holds():
    giver = House(may=frozenset({Permission.USERS_ASSIGN_ROLE}))
    with pytest.raises(NotPermitted, match="holds more"):
        await settled({"roles": [{"value": "Admin Role"}]}, house=giver)


async def test_taking_a_role_takes_what_the_role_holds():
    giver = House(may=frozenset({Permission.USERS_ASSIGN_ROLE}))
    administrator = replace(user(role=ADMIN), permissions=frozenset({Permission.USERS_UPDATE}))
    with pytest.raises(NotPermitted, match="holds more"):
        await settled({"roles": []}, administrator, house=giver)


async def test_keeping_a_role_takes_none():
    entries = [{"value": "Admin Role"}]
    assert (await settled({"roles": entries}, user(roles=entries, role=ADMIN))).role == ADMIN


@pytest.mark.parametrize("previous", [None, user()])
@pytest.mark.parametrize("first", [{"value": "Agent"}, *MINIMAL])
async def test_two_roles_are_refused(first: Document, previous: User | None):
    with pytest.raises(InvalidValue, match="exactly one role"):
        await settled({"roles": [first, {"value": "Admin Role"}]}, previous, house=ASSIGNER)


async def test_no_role_is_the_least():
    assert (await settled({"roles": []}, user(role=ADMIN), house=ASSIGNER)).role == LEAST


@pytest.mark.parametrize("timezone", ["", "Mars", "localtime"])
async def test_time_zone_that_is_none_is_refused(timezone: str):
    with pytest.raises(InvalidValue) as refused:
        await settled({"timezone": timezone})
    assert refused.value.attribute == "timezone"


async def test_time_zone_that_stays_is_not_looked_at():
    previous = user(timezone="Mars")
    assert (await settled({"timezone": "Mars"}, previous)).document["timezone"] == "Mars"


@pytest.mark.parametrize("before", [True, False])
async def test_silence_does_not_change_whether_a_user_is_active(before: bool):
    assert (await settled({}, user(active=before))).active is before


# -- documents ----------------------------------------------------------------


def test_document_is_arranged_with_the_manager_last():
    extension: Document = {"manager": {"value": "m", "displayName": "Bo", "$ref": "x"}, "department": "Care"}
    document = arranged({ENTERPRISE: extension, "title": "Lead", "id": "x", "meta": {}, "groups": []}, ANNA)
    assert list(document.items()) == [
        ("schemas", [CORE, ENTERPRISE]),
        ("id", str(ANNA)),
        ("title", "Lead"),
        (ENTERPRISE, {"department": "Care", "manager": {"value": "m"}}),
    ]
    assert list(cast(Document, document[ENTERPRISE])) == ["department", "manager"]


@pytest.mark.parametrize("extension", [None, {}])
def test_document_does_not_list_an_empty_extension(extension: Any):
    assert arranged({ENTERPRISE: extension}, ANNA) == {"schemas": [CORE], "id": str(ANNA)}


def test_document_never_holds_a_password():
    assert b"secret" not in encoded(arranged({"userName": "a", "password": "secret"}, ANNA))


DIFFERENCES: list[tuple[Document, Document, list[Change]]] = [
    ({"a": 1}, {"a": 1}, []),
    ({"id": "1", "schemas": []}, {"id": "2", "schemas": ["x"]}, []),
    ({}, {"title": "x"}, [Change(path="title", new="x")]),
    ({"title": "x"}, {}, [Change(path="title", old="x")]),
    ({"active": True}, {"active": False}, [Change(path="active", old=True, new=False)]),
    ({}, {"active": False}, [Change(path="active", new=False)]),
    ({"title": ""}, {}, [Change(path="title", old="")]),
    ({"name": {"a": 1, "b": 2}}, {"name": {"a": 3, "b": 2}}, [Change(path="name.a", old=1, new=3)]),
    ({}, {"name": {"a": 1}}, [Change(path="name.a", new=1)]),
    ({"name": {"a": 1}}, {}, [Change(path="name.a", old=1)]),
    ({"emails": [1]}, {"emails": [1, 2]}, [Change(path="emails", old=[1], new=[1, 2])]),
    (
        {ENTERPRISE: {"manager": {"value": "m"}}},
        {ENTERPRISE: {"manager": {"value": "n"}, "division": "d"}},
        [
            Change(path=f"{ENTERPRISE}:manager.value", old="m", new="n"),
            Change(path=f"{ENTERPRISE}:division", new="d"),
        ],
    ),
]


@pytest.mark.parametrize("old,new,changes", DIFFERENCES)
def test_difference_tells_each_attribute(old: Document, new: Document, changes: list[Change]):
    assert list(difference(old, new)) == changes


@pytest.mark.parametrize("old,new,changes", DIFFERENCES)
def test_difference_backwards_is_the_same_turned_round(old: Document, new: Document, changes: list[Change]):
    turned = {change.path: (change.new, change.old) for change in changes}
    assert {change.path: (change.old, change.new) for change in difference(new, old)} == turned


def test_columns_hold_the_forms_that_are_compared():
    document = arranged(
        {
            "userName": "ANNA@Example.com",
            "displayName": "ANNA",
            "name": {"familyName": "BERG"},
            "externalId": "E-1",
            ENTERPRISE: {"manager": {"value": str(ANNA)}},
        },
        ANNA,
    )
    row = columns(
        document,
        encoded(document),
        active=True,
        role=LEAST,
        mail_stand_in=False,
        mail_domain="example.com",
        provider=None,
        mark=None,
    )
    assert row[:11] == (
        "ANNA@Example.com",
        "anna@example.com",
        "example.com",
        "E-1",
        "ANNA",
        "anna",
        "berg",
        True,
        LEAST,
        ANNA,
        False,
    )
    assert row[11] == encoded(document)


@pytest.mark.parametrize("value", ["nobody", "", None, str(ANNA).upper() + "x"])
def test_manager_who_cannot_be_ours_is_nobody(value: Any):
    assert manager_of({ENTERPRISE: {"manager": {"value": value}}}) is None


@pytest.mark.parametrize(
    "emails,primary",
    [
        (None, None),
        ([], None),
        ([HOME], None),
        ([HOME, WORK], "anna@example.com"),
        ([{"primary": True}], None),
    ],
)
def test_primary_mail_is_the_marked_one(emails: Any, primary: str | None):
    assert primary_mail({"emails": emails}) == primary


def test_stand_in_is_a_primary_work_address():
    assert stand_in("anna@example.com") == [WORK]
