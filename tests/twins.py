"""Two organisations whose resources have the same ids: what one row leaks to the other is seen at once.

Ids are random, so a query that forgot its organisation would rarely be caught by chance. Here theirs
is made over SCIM with a value in every attribute, all made from one word, and ours is a copy of its
rows with another word. A wrong join, condition or update then meets a row of the other.
"""

import asyncio
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import asyncpg
import pytest
from structlog.testing import capture_logs

from scimserver.access import tokens
from scimserver.access.connections import Connection, Passwords
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.directory.organizations import Addresses
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.ids import OrganizationId, new_uuid
from scimserver.kernel.permissions import Scope
from tests.conftest import Administration
from tests.discovered import Kind, kinds
from tests.serving import Answer, Installation, ScimClient, running

THEIRS: Final = "zebra"
OURS: Final = "llama"
"""As long as the other, so that nothing is told by a length."""

SCOPES: Final = tokens.DEFAULT_SCOPES | {Scope.ADMINISTER}
"""What either connection's token may do."""

NOT_COPIED: Final = {
    "api_tokens": "a token's digest is unique in the installation: ours gets one of its own",
    "log_entries": "ours has a log of its own",
    "log_values": "as log_entries",
    "outbox": "as log_entries",
}
MOVING: Final = {
    "api_tokens": "when it was last used is written in batches, for whoever called",
    "totals": "housekeeping adds up deltas here, whoever calls",
    "total_deltas": "as totals",
}
"""Tables whose rows change without anybody changing anything."""

_TABLES: Final = """
SELECT c.relname, array_agg(ARRAY[a.attname::text, format_type(a.atttypid, NULL)] ORDER BY a.attnum)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
GROUP BY c.oid HAVING bool_or(a.attname = 'org_id') OR c.relname = 'organizations'
ORDER BY c.oid
"""
_REPLACED: Final = {
    "text": "replace({0}, $3, $4)",
    "jsonb": "replace({0}::text, $3, $4)::jsonb",
    "bytea": "convert_to(replace(convert_from({0}, 'UTF8'), $3, $4), 'UTF8')",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two organisations, and what its connection's token is."""

    organization: OrganizationId
    connection: Connection
    token: str

    def client(self, installation: Installation) -> ScimClient:
        return ScimClient(installation.http, self.token, self.organization, self.connection)


@dataclass(frozen=True, slots=True)
class Twins:
    """The two as they are stored in a database that nobody is connected to: one to be cloned."""

    database: str
    """The database's name."""
    kinds: list[Kind]
    ours: Side
    theirs: Side
    """Their connections have the same id, too, but ours is strict."""
    made: Mapping[str, Answer]
    """A resource of theirs of each type; the one of ours has the same id."""

    async def remove_theirs(self, dsn: str) -> None:
        """Take theirs away, as if it had never been there."""
        connection = await asyncpg.connect(dsn)
        for table in reversed(await _tables(connection)):
            condition = f"WHERE {_owner(table)} = $1"
            await connection.execute(f"DELETE FROM {table} {condition}", self.theirs.organization)
        await connection.close()


async def rows_of(connection: asyncpg.Connection, organization: OrganizationId) -> dict[str, list[str]]:
    """Everything that is stored of an organisation, by table, but for what moves by itself."""
    return {
        table: [
            row[0]
            for row in await connection.fetch(
                f"SELECT t::text FROM {table} AS t WHERE t.{_owner(table)} = $1 ORDER BY 1", organization
            )
        ]
        for table in await _tables(connection)
        if table not in MOVING
    }


@pytest.fixture(scope="module")
def twins(database_administration: Administration, database_template: str) -> Generator[Twins]:
    """The two organisations, in a database that is cloned by whoever wants to use it."""
    with database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn:
        with capture_logs():
            made = asyncio.run(_made(dsn))
        yield made


@asynccontextmanager
async def serving(dsn: str) -> AsyncIterator[Installation]:
    """The application over a database."""
    settings = DatabaseSettings(dsn=dsn, points_size=5, searches_size=2)
    async with Database.open(settings) as database, running(database) as installation:
        yield installation


async def _made(dsn: str) -> Twins:
    connection = await asyncpg.connect(dsn)
    async with serving(dsn) as installation:
        first = await installation.client(
            await installation.organization(THEIRS, domain=f"{THEIRS}.example", addresses=Addresses.FREE),
            passwords=Passwords.ACCEPT,
            scopes=SCOPES,
        )
        found = await kinds(first)
        resources = await _provisioned(first, found)
        copy = await _copied(connection, first.organization, THEIRS, OURS)
        await connection.execute("UPDATE connections SET strict = TRUE WHERE org_id = $1", copy)
        second = replace(first.connection, strict=True)
        async with installation.room.open(operator("tests", copy), Origin(request_id="tests")) as work:
            _, secret = await tokens.issue(work, second, scopes=SCOPES)
    name = await connection.fetchval("SELECT current_database()")
    await connection.close()
    theirs = Side(first.organization, first.connection, first.token)
    return Twins(name, found, Side(copy, second, secret), theirs, resources)


async def _provisioned(theirs: ScimClient, found: list[Kind]) -> dict[str, Answer]:
    """A resource of each type, with a value in every attribute; and two more users."""
    boss = await theirs.make_user(f"{THEIRS}-boss", displayName=f"{THEIRS}-boss", password="13 pair of boots")
    await theirs.make_user(f"{THEIRS}-gone", active=False)
    deleted = await theirs.make_user(f"{THEIRS}-deleted")
    await theirs.delete(f"/Users/{deleted.id}")
    made: dict[str, Answer] = {}
    for kind in found:
        member = {"value": made["User"].id if "User" in made else boss.id}
        body = kind.filled(THEIRS, manager={"value": boss.id}, members=member, owner=member)
        made[kind.name] = await theirs.post(kind.endpoint, body)
        assert made[kind.name].status == 201, made[kind.name].text
    # Now that others refer to it, it has values that derive from them.
    return {kind.name: await theirs.get(f"{kind.endpoint}/{made[kind.name].id}") for kind in found}


async def _copied(
    connection: asyncpg.Connection, organization: OrganizationId, word: str, other: str
) -> OrganizationId:
    """Another organisation with a copy of all rows, the one word replaced by the other."""
    copy = new_uuid()
    for table, columns in (await _tables(connection)).items():
        if table not in NOT_COPIED:
            owner = _owner(table)
            names = ", ".join(columns)
            values = ", ".join(
                "$1" if name == owner else _REPLACED.get(kind, "{0}").format(name)
                for name, kind in columns.items()
            )
            await connection.execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM {table}"
                f" WHERE {owner} = $2 AND $3 <> $4::text",
                copy,
                organization,
                word,
                other,
            )
    return OrganizationId(copy)


async def _tables(connection: asyncpg.Connection) -> dict[str, dict[str, Any]]:
    """The tables that say whose their rows are, each with its columns' types; older ones first."""
    return {table: dict(columns) for table, columns in await connection.fetch(_TABLES)}


def _owner(table: str) -> str:
    return "id" if table == "organizations" else "org_id"
