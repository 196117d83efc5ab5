"""Files of users on their way into an organisation, as tests meet them: rows, verdicts, what is stored."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from scimserver.db.pool import Database
from scimserver.db.rehearsal import rehearsing
from scimserver.directory import domains, groups, organizations, transfer, users
from scimserver.directory.organizations import Addresses
from scimserver.directory.transfer import Format, Importing, Row, Verdict
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, Origin, operator
from scimserver.kernel.ids import UserId
from scimserver.work import WorkRoom

ORIGIN = Origin(request_id="tests", method="CLI")
EVERYTHING = """
SELECT (SELECT jsonb_agg(to_jsonb(u) ORDER BY id) FROM users AS u)::text,
       (SELECT jsonb_agg(to_jsonb(g) ORDER BY id) FROM groups AS g)::text,
       (SELECT jsonb_agg(to_jsonb(m) ORDER BY group_id, user_id) FROM group_members AS m)::text,
       (SELECT count(*) FROM log_entries), (SELECT count(*) FROM outbox), (SELECT count(*) FROM total_deltas)
"""


@dataclass
class Acme:
    """An organisation whose Email Domain is acme.example, an operator in it, and a look at its rows."""

    database: Database
    rows: asyncpg.Connection
    room: WorkRoom = field(init=False)
    operator: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.room = WorkRoom(self.database)

    async def found(self, name: str = "acme", addresses: Addresses = Addresses.REQUIRED) -> None:
        """Make the organisation, and be its operator."""
        async with self.room.open(operator("tests"), ORIGIN) as work:
            made = await organizations.create(work, name=name, addresses=addresses)
        self.operator = operator("tests", made.id)
        async with self.room.open(self.operator, ORIGIN) as work:
            await domains.add(work, f"{name}.example")

    async def user(self, user_name: str, **attributes: Any) -> User:
        """A user who is there."""
        return await self.person({"userName": user_name, **attributes})

    async def person(self, document: dict[str, Any]) -> User:
        """A user of that document who is there."""
        async with self.room.open(self.operator, ORIGIN) as work:
            return await users.create(work, document)

    async def team(self, name: str, *members: UserId) -> str:
        """A Team that is there; its id."""
        async with self.room.open(self.operator, ORIGIN) as work:
            return str((await groups.create(work, {"displayName": name}, members)).id)

    async def document(self, user_name: str) -> dict[str, Any]:
        """A user's document, without what each has."""
        async with self.room.open(self.operator, ORIGIN) as work:
            found = await users.find(work, user_name)
        left_out = {"schemas", "id"}
        return {name: value for name, value in found.document.items() if name not in left_out}

    async def teams(self, user_name: str) -> list[str]:
        """The names of a user's Teams."""
        async with self.room.open(self.operator, ORIGIN) as work:
            found = await users.find(work, user_name)
        return sorted(group.name or "" for group in found.groups)

    async def everything(self) -> tuple[Any, ...]:
        """All that an import could change."""
        row = await self.rows.fetchrow(EVERYTHING)
        assert row is not None
        return tuple(row)

    def importing(self, actor: Actor | None = None) -> Importing:
        """A file's way in."""
        return Importing(room=self.room, actor=actor or self.operator, origin=ORIGIN)

    async def imported(self, *rows: Mapping[str, Any], written: Format = Format.CSV) -> list[Verdict]:
        """What becomes of rows."""
        importing = self.importing()
        return [await importing.take(row) for row in numbered(rows, written)]

    async def rehearsed(self, *rows: Mapping[str, Any], written: Format = Format.CSV) -> list[Verdict]:
        """What would become of rows."""
        async with rehearsing(self.database) as stage:
            importing = Importing(room=WorkRoom(stage), actor=self.operator, origin=ORIGIN, rehearsal=stage)
            return [await importing.take(row) for row in numbered(rows, written)]

    async def exported(self, **options: Any) -> list[dict[str, Any]]:
        """What each user has in each column."""
        found = transfer.users(self.database, self.operator.organization, **options)
        return [dict(values) async for values in found]


def numbered(rows: tuple[Mapping[str, Any], ...], written: Format) -> list[Row]:
    """Rows as they are read from a file."""
    return [Row(number=number, values=values, format=written) for number, values in enumerate(rows, start=2)]


def outcomes(verdicts: list[Verdict]) -> list[str]:
    """What became of each row, and why where it was refused."""
    return [verdict.reason or verdict.outcome.value for verdict in verdicts]


@pytest.fixture
async def office(database: Database, database_dsn: str) -> AsyncGenerator[Acme]:
    """An organisation to import into."""
    rows = await asyncpg.connect(database_dsn)
    made = Acme(database, rows)
    await made.found()
    yield made
    await rows.close()
