"""What is exported comes in again as it was: nothing is changed by it, in whichever format."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from scimserver.directory import cloning, transfer
from scimserver.directory.organizations import Addresses
from scimserver.directory.transfer import COLUMNS, Column, Format, Verdict
from scimserver.directory.users.model import ENTERPRISE
from tests.importing import ORIGIN, Acme, outcomes

PEOPLE: tuple[dict[str, Any], ...] = (
    {"userName": "plain@acme.example"},
    {
        "userName": "full@acme.example",
        "externalId": "E-7",
        "name": {"givenName": "Ada", "familyName": 'Lovelace, "Countess"', "formatted": "A. L."},
        "displayName": "Ada\nLovelace",
        "nickName": " spaced;=1+1",
        "title": "=HYPERLINK(A1)",
        "userType": "'=quoted",
        "preferredLanguage": "en-GB",
        "locale": "-en",
        "timezone": "Europe/London",
        "active": False,
        "roles": [{"display": "admin role"}],
        "emails": [
            {"value": "full@acme.example", "type": "work", "primary": True},
            {"value": "x@y.example", "type": "a:b;c", "display": "X"},
            {"value": " *z@y.example", "primary": False},
        ],
        "phoneNumbers": [{"value": "tel:+49;ext=1", "type": "work"}, {"value": "+1"}],
        "addresses": [{"locality": "London"}],
        ENTERPRISE: {"department": "@home", "manager": {"value": "somebody"}, "costCenter": "\t7"},
    },
    {
        "userName": "alike@acme.example",
        "emails": [{"value": "no@primary.example"}],
        "phoneNumbers": [{"value": "1", "display": "A"}, {"value": "1", "display": "B"}],
    },
    {"userName": "empty@acme.example", "title": "", "emails": [{"value": "a@b.example"}]},
)


async def arranged(office: Acme) -> None:
    """An organisation with people of every kind."""
    made = [await office.person(person) for person in PEOPLE]
    await office.team("Sales; and more", *(user.id for user in made[:2]))
    for name in ("Twins", "twins", " spaced ", "0190b4f0-0000-7000-8000-000000000000", "*Stars"):
        await office.team(name, made[1].id)
    async with office.room.open(office.operator, ORIGIN) as work:
        await cloning.clone(work, made[1])
    bare = await office.user("bare@acme.example", emails=[{"value": "a@b.example"}])
    assert outcomes(await office.imported({"id": str(bare.id), "emails": ""})) == ["updated"]


async def written(office: Acme, form: Format, columns: Sequence[Column] = COLUMNS) -> str:
    """An export as a file."""
    how = transfer.writing(form, columns)
    rows = [how.row(number, values) for number, values in enumerate(await office.exported())]
    return "".join((how.head, *rows, how.foot))


async def imported(
    office: Acme, text: str, form: Format, renamed: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """What becomes of the rows of a file, in which somebody gave some users other names."""
    importing = office.importing()
    verdicts: list[Verdict] = []
    for row in transfer.read(io.StringIO(text, newline=""), form):
        name = str(row.values["userName"])
        verdicts.append(
            await importing.take(
                replace(row, values={**row.values, "userName": renamed[name]}) if name in renamed else row
            )
        )
    return outcomes(verdicts)


@pytest.mark.parametrize("form", Format)
async def test_export_comes_in_without_a_change(office: Acme, form: Format):
    await arranged(office)
    text = await written(office, form)
    users, groups, members, *_ = await office.everything()
    assert await imported(office, text, form) == ["unchanged"] * 6
    after = await office.everything()
    assert after[:3] == (users, groups, members)
    assert await written(office, form) == text


@pytest.mark.parametrize("form", Format)
async def test_export_in_which_users_are_renamed_comes_to_rest(office: Acme, form: Format):
    await arranged(office)
    renamed = {"full@acme.example": "else@acme.example", "plain@acme.example": "simple@acme.example"}
    text = await written(office, form)
    assert sorted(await imported(office, text, form, renamed)) == ["unchanged"] * 4 + ["updated"] * 2
    after = await office.everything()
    assert await imported(office, text, form, renamed) == ["unchanged"] * 6
    assert (await office.everything())[:3] == after[:3]


async def test_export_of_free_names_comes_in_without_a_change(office: Acme):
    free = Acme(office.database, office.rows)
    await free.found("free", Addresses.FREE)
    roles = [{"value": "a;b", "primary": True}, {"value": "c", "type": "x"}]
    await free.user("anything; goes", roles=roles, timezone="Mars", emails=[{"value": "no address"}])
    assert await imported(free, await written(free, Format.CSV), Format.CSV) == ["unchanged"]


@pytest.mark.parametrize("form", Format)
async def test_export_without_ids_makes_the_same_users_elsewhere(office: Acme, form: Format):
    for person in PEOPLE:
        await office.person(person)
    elsewhere = Acme(office.database, office.rows)
    await elsewhere.found("other")
    columns = [column for column in COLUMNS if column.name != "id"]
    text = (await written(office, form, columns)).replace("@acme.example", "@other.example")
    assert await imported(elsewhere, text, form) == ["created"] * 4
    assert await imported(elsewhere, text, form) == ["unchanged"] * 4
    assert await written(elsewhere, form, columns) == text


async def test_formula_is_no_formula_in_csv(office: Acme):
    await arranged(office)
    text = await written(office, Format.CSV)
    rows = [list(row.values.values()) for row in transfer.read(io.StringIO(text, newline=""), Format.CSV)]
    cells = [str(cell) for row in rows for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert {"'=HYPERLINK(A1)", "''=quoted", "'-en", "'@home", "'\t7"} <= set(cells)


async def test_export_goes_on_behind_a_page(office: Acme):
    for number in range(7):
        await office.user(f"user-{number}@acme.example")
    names = [values["userName"] for values in await office.exported(at_once=3)]
    assert names == [f"user-{number}@acme.example" for number in range(7)]


async def test_export_shows_nobody_of_another_organisation(office: Acme):
    theirs = Acme(office.database, office.rows)
    await theirs.found("theirs")
    user = await theirs.user("zoe@theirs.example")
    await theirs.team("Sales", user.id)
    await office.user("ada@acme.example")
    assert [values["userName"] for values in await office.exported()] == ["ada@acme.example"]
