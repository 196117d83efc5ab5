"""A dry run says of each row what would become of it and changes nothing: by the same code, taken back."""

import asyncio
from typing import Any

import pytest

from scimserver.db.pool import Database
from scimserver.db.queries import Query
from scimserver.db.rehearsal import rehearsing
from scimserver.directory.transfer import Importing, Row
from scimserver.work import WorkRoom
from tests.importing import ORIGIN, Acme, outcomes

ADMIN = [{"value": "Admin Role"}]
HOLD = Query("hold", "", "SELECT id FROM users WHERE user_name = $1 FOR UPDATE NOWAIT")


def row(name: str, **values: Any) -> dict[str, Any]:
    """A row about a user."""
    return {"userName": f"{name}@acme.example", **values}


FILES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "each outcome": (
        [
            row("new"),
            row("ada", title="Prof"),
            row("ada-2", title=""),
            row("eve", timezone="Mars"),
            row("other", teams="Sales"),
        ],
        ["created", "updated", "unchanged", "invalid_value", "created"],
    ),
    "the same user twice": ([row("new"), row("NEW", title="Dr")], ["created", "invalid_value"]),
    "a user who is there, twice": (
        [row("ada", title="1"), row("ada", title="2")],
        ["updated", "invalid_value"],
    ),
    "by id and by name": (
        [{"id": "{ada}", "title": "1"}, row("ada", title="2")],
        ["updated", "invalid_value"],
    ),
    "a name that was given up": (
        [{"id": "{ada}", **row("countess")}, row("ada")],
        ["updated", "invalid_value"],
    ),
    "a name that was taken": (
        [{"id": "{ada}", **row("countess")}, {"id": "{ada-2}", **row("countess")}],
        ["updated", "invalid_value"],
    ),
    "after a row that was refused": ([row("new", timezone="Mars"), row("new")], ["invalid_value", "created"]),
    "both administrators go": (
        [row("boss", active="false"), row("chief", active="false")],
        ["updated", "last_administrator"],
    ),
    "both administrators go, in two ways": (
        [row("boss", role="Minimal Permissions"), row("ada", title="1"), row("chief", active="false")],
        ["updated", "updated", "last_administrator"],
    ),
    "one comes before both go": (
        [row("new", role="Admin Role"), row("boss", active="false"), row("chief", active="false")],
        ["created", "updated", "updated"],
    ),
    "one is made one before both go": (
        [row("ada", role="Admin Role"), row("boss", active="false"), row("chief", active="false")],
        ["updated", "updated", "updated"],
    ),
}


async def arranged(office: Acme) -> dict[str, str]:
    """The users whom the files are about; their ids."""
    people = {"ada": {}, "ada-2": {}, "boss": {"roles": ADMIN}, "chief": {"roles": ADMIN}}
    made = {name: await office.user(f"{name}@acme.example", **values) for name, values in people.items()}
    await office.team("Sales", made["boss"].id)
    return {f"{{{name}}}": str(user.id) for name, user in made.items()}


@pytest.mark.parametrize("file", FILES)
async def test_dry_run_says_what_then_happens_and_changes_nothing(office: Acme, file: str):
    rows, expected = FILES[file]
    ids = await arranged(office)
    filled = [{name: ids.get(value, value) for name, value in each.items()} for each in rows]
    before = await office.everything()
    rehearsed = await office.rehearsed(*filled)
    assert outcomes(rehearsed) == expected
    assert await office.everything() == before
    done = await office.imported(*filled)
    assert [(each.outcome, each.user_name, each.detail) for each in done] == [
        (each.outcome, each.user_name, each.detail) for each in rehearsed
    ]


async def test_row_of_a_dry_run_holds_nobody_up_once_it_is_over(office: Acme, database: Database):
    await arranged(office)
    async with rehearsing(database) as stage:
        importing = Importing(room=WorkRoom(stage), actor=office.operator, origin=ORIGIN, rehearsal=stage)
        await importing.take(Row(number=2, values=row("ada", title="Prof", teams="Sales")))
        async with asyncio.timeout(5):
            assert await database.fetchval(HOLD, "ada@acme.example") is not None
            await office.user("meanwhile@acme.example")
            await office.imported(row("boss", teams="", title="x"))


async def test_end_of_a_dry_run_is_not_on_record(office: Acme, database: Database):
    before = await office.everything()
    async with rehearsing(database) as stage:
        importing = Importing(room=WorkRoom(stage), actor=office.operator, origin=ORIGIN, rehearsal=stage)
        await importing.take(Row(number=2, values=row("ada")))
        await importing.take(Row(number=3, fault="It is broken."))
        await importing.finish("acme")
    assert await office.everything() == before
