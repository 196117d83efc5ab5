"""A row of a file becomes a user, or changes one, by the rules of every door; and says what it did."""

import json
from typing import Any

import pytest

from scimserver.directory import cloning
from scimserver.directory.organizations import Addresses
from scimserver.directory.transfer import Format, Row, RowOutcome
from scimserver.directory.users.model import ENTERPRISE
from scimserver.kernel.actor import Actor, ActorKind
from scimserver.kernel.permissions import Permission
from tests.importing import Acme, outcomes

ADA = "ada@acme.example"
BO = "bo@acme.example"
EVERYONE = "SELECT jsonb_agg(to_jsonb(u) ORDER BY id)::text FROM users AS u"
STAND_IN = [{"value": ADA, "type": "work", "primary": True}]


async def test_row_makes_a_user_with_all_that_it_says(office: Acme):
    await office.team("Sales")
    row = {
        "userName": ADA,
        "externalId": "E-7",
        "givenName": "Ada",
        "familyName": "Lovelace",
        "title": "Dr",
        "timezone": "Europe/London",
        "active": "false",
        "role": "admin role",
        "teams": "sales",
        "emails": "*work:ada@acme.example;home:ada@home.example",
        "phoneNumbers": "'+49 30",
        "department": "Analysis",
    }
    [verdict] = await office.imported(row)
    assert (verdict.row, verdict.outcome, verdict.user_name) == (2, RowOutcome.CREATED, ADA)
    assert await office.document(ADA) == {
        "userName": ADA,
        "externalId": "E-7",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "title": "Dr",
        "timezone": "Europe/London",
        "active": False,
        "roles": [{"value": "admin role", "primary": True}],
        "emails": [
            {"type": "work", "value": ADA, "primary": True},
            {"type": "home", "value": "ada@home.example"},
        ],
        "phoneNumbers": [{"value": "+49 30"}],
        ENTERPRISE: {"department": "Analysis"},
    }
    assert await office.teams(ADA) == ["Sales"]


async def test_row_with_an_address_alone_makes_a_user_with_the_defaults(office: Acme):
    empty = dict.fromkeys(("id", "title", "active", "role", "timezone", "teams", "emails"), "")
    assert outcomes(await office.imported({"userName": ADA, **empty})) == ["created"]
    assert await office.document(ADA) == {
        "userName": ADA,
        "active": True,
        "roles": [{"value": "Minimal Permissions", "primary": True}],
        "timezone": "UTC",
        "emails": STAND_IN,
    }


async def test_row_changes_what_it_says_and_keeps_the_rest(office: Acme):
    before = {"title": "Dr", "nickName": "Ada", "addresses": [{"locality": "London"}]}
    await office.user(ADA, **before)
    assert outcomes(await office.imported({"userName": "ADA@ACME.example", "title": "Prof"})) == ["updated"]
    document = await office.document(ADA)
    assert {name: document[name] for name in before} == {**before, "title": "Prof"}


async def test_empty_cell_clears(office: Acme):
    mails = [{"value": "x@y.example", "type": "home"}]
    user = await office.user(ADA, title="Dr", name={"givenName": "Ada"}, emails=mails)
    await office.team("Sales", user.id)
    row = {"userName": ADA, "title": "", "givenName": "", "emails": "", "teams": ""}
    assert outcomes(await office.imported(row)) == ["updated"]
    document = await office.document(ADA)
    assert not document.keys() & {"title", "name", "emails"}
    assert await office.teams(ADA) == []


async def test_empty_cell_of_what_every_user_has_leaves_it(office: Acme):
    role = [{"value": "Admin Role"}]
    await office.user(ADA, active=False, roles=role, timezone="Europe/Berlin")
    row = {"userName": ADA, "active": "", "role": "", "timezone": ""}
    assert outcomes(await office.imported(row)) == ["unchanged"]


async def test_row_is_matched_by_its_id_first(office: Acme):
    user = await office.user(ADA)
    row = {"id": str(user.id), "userName": "countess@acme.example"}
    assert outcomes(await office.imported(row)) == ["updated"]
    assert (await office.document(str(user.id)))["userName"] == "countess@acme.example"


@pytest.mark.parametrize(
    "row,reason,event",
    [
        ({"id": "01900000-0000-7000-8000-000000000000", "userName": ADA}, "not_found", "user.update"),
        ({"id": "7", "userName": ADA}, "invalid_value", "user.update"),
        ({"id": "", "userName": ""}, "invalid_value", "user.import"),
        ({"id": ""}, "invalid_value", "user.import"),
        ({"userName": "eve@evil.example"}, "domain_not_allowed", "user.create"),
        ({"userName": "eve"}, "invalid_value", "user.create"),
        ({"userName": ADA + " (Copy 1)"}, "invalid_value", "user.create"),
        ({"userName": "a" * 2000 + "@acme.example"}, "invalid_value", "user.create"),
        ({"userName": ADA, "role": "King"}, "invalid_value", "user.create"),
        ({"userName": ADA, "role": "Admin Role;Minimal Permissions"}, "invalid_value", "user.create"),
        ({"userName": ADA, "timezone": "Mars"}, "invalid_value", "user.create"),
        ({"userName": ADA, "active": "yes"}, "invalid_value", "user.create"),
        ({"userName": ADA, "teams": "Sales"}, "invalid_value", "user.create"),
        ({"userName": ADA, "emails": "*a@b.example;*c@d.example"}, "invalid_value", "user.create"),
        ({"userName": ADA, "emails": "work:"}, "invalid_value", "user.create"),
        ({"userName": ADA, "title": "x\0"}, "invalid_value", "user.create"),
        ({"userName": ADA, "title": "x" * 1_000_000}, "invalid_value", "user.create"),
        ({"userName": ADA, "displayName": "x" * 2000}, "invalid_value", "user.create"),
    ],
)
async def test_row_that_is_refused_changes_nothing_and_is_on_record(
    office: Acme, row: dict[str, Any], reason: str, event: str
):
    users, groups, members, entries, messages, deltas = await office.everything()
    [verdict] = await office.imported(row)
    assert (verdict.outcome, verdict.reason) == (RowOutcome.ERROR, reason)
    assert verdict.detail
    assert await office.everything() == (users, groups, members, entries + 1, messages, deltas)
    [entry] = await office.rows.fetch("SELECT * FROM log_entries WHERE outcome = 'failure'")
    assert (entry["reason"], entry["event"]) == (reason, event)


async def test_user_name_of_another_user_is_taken(office: Acme):
    ada, _ = await office.user(ADA), await office.user(BO)
    assert outcomes(await office.imported({"id": str(ada.id), "userName": BO})) == ["already_taken"]


async def test_user_name_is_not_cleared(office: Acme):
    ada = await office.user(ADA)
    [verdict] = await office.imported({"id": str(ada.id), "userName": ""})
    assert verdict.reason == "invalid_value"
    [entry] = await office.rows.fetch("SELECT * FROM log_entries WHERE outcome = 'failure'")
    assert (entry["event"], entry["target_id"]) == ("user.update", ada.id)


async def test_last_administrator_stays(office: Acme):
    await office.user(ADA, roles=[{"value": "Admin Role"}])
    rows: list[dict[str, Any]] = [
        {"userName": ADA, "active": "false"},
        {"userName": ADA, "role": "Minimal Permissions"},
    ]
    assert outcomes(await office.imported(*rows)) == ["last_administrator"] * 2


async def test_whoever_may_not_give_a_role_may_not_by_a_file(office: Acme):
    permissions = {Permission.USERS_READ, Permission.USERS_CREATE, Permission.USERS_UPDATE}
    clerk = Actor(
        kind=ActorKind.SYSTEM,
        organization=office.operator.organization,
        permissions=frozenset(permissions),
    )
    await office.team("Sales")
    importing = office.importing(clerk)
    rows = [{"role": "Admin Role"}, {"teams": "Sales"}, {"title": "Dr"}]
    verdicts = [await importing.take(Row(number=2, values={"userName": ADA, **row})) for row in rows]
    assert outcomes(verdicts) == ["not_permitted", "not_permitted", "created"]


async def test_clone_s_address_goes_back_in_unharmed_and_no_other_one(office: Acme):
    ada = await office.user(ADA)
    async with office.room.open(office.operator, office.importing().origin) as work:
        clone = await cloning.clone(work, ada)
    row = {"userName": ADA + " (Copy 1)", "title": "Agent"}
    assert outcomes(await office.imported(row)) == ["updated"]
    assert outcomes(await office.imported({"id": str(clone.id), **row})) == ["unchanged"]
    assert outcomes(await office.imported({"userName": ADA + " (Copy 2)"})) == ["invalid_value"]


async def test_entries_that_stay_keep_what_the_file_does_not_say(office: Acme):
    phone = {"type": "work", "value": "1", "display": "Desk", "primary": True}
    await office.user(ADA, phoneNumbers=[phone])
    assert outcomes(await office.imported({"userName": ADA, "phoneNumbers": "*work:1"})) == ["unchanged"]
    assert outcomes(await office.imported({"userName": ADA, "phoneNumbers": "work:1;*home:2"})) == ["updated"]
    document = await office.document(ADA)
    assert document["phoneNumbers"] == [
        {"type": "work", "value": "1", "display": "Desk"},
        {"type": "home", "value": "2", "primary": True},
    ]


async def test_json_row_says_the_same(office: Acme):
    await office.team("Sales")
    row = {
        "userName": ADA,
        "active": False,
        "teams": ["Sales"],
        "emails": [{"value": "x@y.example"}],
        "title": None,
    }
    assert outcomes(await office.imported(row, written=Format.JSON)) == ["created"]
    assert outcomes(await office.imported(row, written=Format.JSON)) == ["unchanged"]
    assert (await office.document(ADA))["active"] is False


async def test_blank_row_is_skipped_and_row_that_cannot_be_read_is_on_record(office: Acme):
    importing = office.importing()
    verdicts = [
        await importing.take(row)
        for row in (Row(number=2, is_blank=True), Row(number=3, fault="It is broken."))
    ]
    assert outcomes(verdicts) == ["skipped", "invalid_value"]
    assert verdicts[1].detail == "It is broken."
    assert importing.counts[RowOutcome.SKIPPED] == importing.counts[RowOutcome.ERROR] == 1
    assert await office.rows.fetchval("SELECT count(*) FROM log_entries WHERE event = 'user.import'") == 1


async def test_end_of_a_file_is_on_record_with_what_became_of_its_rows(office: Acme):
    importing = office.importing()
    await importing.take(Row(number=2, values={"userName": ADA}))
    await importing.finish("acme")
    [kept] = await office.rows.fetch(
        "SELECT v.kept FROM log_entries AS e JOIN log_values AS v ON v.entry_id = e.id"
        " WHERE event = 'user.import'"
    )
    counts = {field: value for field, (_, value) in json.loads(kept["kept"]).items()}
    assert [counts[f"changes.{number}.new"] for number in range(5)] == ["1", "0", "0", "0", "0"]


@pytest.mark.parametrize("is_there", [False, True])
async def test_primary_e_mail_of_a_row_is_looked_at_where_names_are_free(office: Acme, is_there: bool):
    await office.found("free", Addresses.FREE)
    if is_there:
        await office.user("anna", emails=[{"value": "anna@free.example", "primary": True}])
    before = await office.rows.fetchval(EVERYONE)
    [verdict] = await office.imported({"userName": "anna", "emails": "*work:anna@elsewhere.test"})
    assert (verdict.outcome, verdict.reason) == (RowOutcome.ERROR, "domain_not_allowed")
    assert '"elsewhere.test"' in verdict.detail
    assert await office.rows.fetchval(EVERYONE) == before
    assert outcomes(await office.imported({"userName": "anna", "emails": "home:anna@elsewhere.test"})) == [
        "updated" if is_there else "created"
    ]
