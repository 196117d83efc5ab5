"""Organisations that hostile requests are sent to, and what their tables hold."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson

from scimserver.access import connections, tokens
from scimserver.access.connections import Dialect, Passwords
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.directory import domains, organizations
from scimserver.directory.removals import HIGHEST_COUNT, RemovalLimit
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.ids import OrganizationId, TokenId
from scimserver.kernel.permissions import Scope
from scimserver.work import WorkRoom
from tests.hostile.judging import document
from tests.hostile.places import BASE
from tests.hostile.plan import Request
from tests.hostile.wire import Wire

USERS = 30
GROUPS = 8
ROLES = 4
CASES = 8
STRANGER = "nobody-else-knows"
"""Stands in every name of the other organisation: no answer may hold it."""

_SENDING = 8
"""The lock that whoever sends to a server shares, over the database that all of them know."""

_ORIGIN = Origin(request_id="hostile")
_READ_WRITE = tokens.DEFAULT_SCOPES
_SQL = Path(__file__).with_name("ground.sql")
_STATE = Path(__file__).with_name("state.sql").read_text("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """An organisation, and the tokens of its connections."""

    id: OrganizationId
    domain: str
    tokens: tuple[str, ...]
    """Tolerant, strict, with passwords and revival, of Okta, of Entra, that may assign roles, that may only
    read, and one that was revoked."""
    users: tuple[str, ...]
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    cases: tuple[str, ...]


async def prepare(dsn: str) -> None:
    """Make what the houses of a database need beside its tables."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock(7)")
        await connection.execute(_SQL.read_text("utf-8"))
    finally:
        await connection.close()


async def houses(dsn: str, address: tuple[str, int], names: Sequence[str]) -> list[House]:
    """Organisations of these names, each with users, groups and cases that came over SCIM."""
    settings = DatabaseSettings(dsn=dsn, points_size=1, searches_size=1)
    async with Database.open(settings) as database:
        return [await _house(WorkRoom(database), address, name) for name in names]


async def _house(room: WorkRoom, address: tuple[str, int], name: str) -> House:
    domain = f"{name}.example"
    async with room.open(operator("tests"), _ORIGIN) as work:
        organization = (await organizations.create(work, name=name)).id
    async with room.open(operator("tests", organization), _ORIGIN) as work:
        await domains.add(work, domain)
    secrets = await _tokens(room, organization)
    wire = Wire(*address)
    try:
        users = [
            await _made(wire, secrets[5], "/Users", _user(name, number, domain)) for number in range(USERS)
        ]
        groups = [
            await _made(wire, secrets[0], "/Groups", _group(name, number, users)) for number in range(GROUPS)
        ]
        roles = [await _made(wire, secrets[5], "/Roles", _role(name, number)) for number in range(ROLES)]
        cases = [
            await _made(wire, secrets[0], "/Cases", _case(name, number, users)) for number in range(CASES)
        ]
    finally:
        await wire.close()
    return House(
        id=organization,
        domain=domain,
        tokens=secrets,
        users=tuple(users),
        groups=tuple(groups),
        roles=tuple(roles),
        cases=tuple(cases),
    )


async def _tokens(room: WorkRoom, organization: OrganizationId) -> tuple[str, ...]:
    kinds = (
        (Dialect.GENERIC, False, Passwords.IGNORE, False, _READ_WRITE),
        (Dialect.GENERIC, True, Passwords.IGNORE, False, _READ_WRITE),
        (Dialect.GENERIC, False, Passwords.ACCEPT, True, _READ_WRITE),
        (Dialect.OKTA, False, Passwords.IGNORE, False, _READ_WRITE),
        (Dialect.ENTRA, False, Passwords.IGNORE, False, _READ_WRITE),
        (Dialect.GENERIC, False, Passwords.IGNORE, False, _READ_WRITE | {Scope.ADMINISTER}),
        (Dialect.GENERIC, False, Passwords.IGNORE, False, frozenset({Scope.SCIM_READ})),
        (Dialect.GENERIC, False, Passwords.IGNORE, False, _READ_WRITE),
    )
    found: list[tuple[TokenId, str]] = []
    who = operator("tests", organization)
    for number, (dialect, strict, passwords, revive, scopes) in enumerate(kinds):
        async with room.open(who, _ORIGIN) as work:
            connection = await connections.create(
                work,
                name=f"connection-{number}",
                dialect=dialect,
                strict=strict,
                passwords=passwords,
                revive=revive,
                # Counted, but never paused: what is refused here may leave nothing behind.
                removal_limit=RemovalLimit(count=HIGHEST_COUNT),
            )
        async with room.open(who, _ORIGIN) as work:
            found.append(await tokens.issue(work, connection, scopes=scopes))
    revoked = await tokens.find(room.database, organization, found[-1][0])
    async with room.open(who, _ORIGIN) as work:
        await tokens.revoke(work, revoked)
    return tuple(secret for _, secret in found)


def _user(name: str, number: int, domain: str) -> dict[str, object]:
    return {
        "userName": f"seed{number:02d}@{domain}",
        "externalId": f"{name}-{number}",
        "displayName": f"{name} {number}",
        "name": {"givenName": "Anna", "familyName": name},
        "active": number % 5 != 4,
        "emails": [{"value": f"seed{number:02d}@{domain}", "type": "work", "primary": True}],
        "roles": [{"value": "Admin Role" if number == 0 else "Minimal Permissions"}],
    }


def _group(name: str, number: int, users: Sequence[str]) -> dict[str, object]:
    members = [{"value": user} for user in users[: number * 3]]
    return {"displayName": f"{name} team {number}", "members": members}


def _role(name: str, number: int) -> dict[str, object]:
    permissions = [{"value": each} for each in ("users.read", "log.read", "users.clone")[:number]]
    return {"displayName": f"{name} role {number}", "permissions": permissions}


def _case(name: str, number: int, users: Sequence[str]) -> dict[str, object]:
    owner = {"owner": {"value": users[number % 3]}} if number % 4 else {}
    return {"subject": f"{name} case {number}", "externalId": f"{name}-case-{number}", **owner}


async def _made(wire: Wire, token: str, path: str, body: dict[str, object]) -> str:
    answer = await wire.exchange(posted(token, path, body))
    assert answer.status == 201, answer.body
    return document(answer)["id"]


def posted(token: str, path: str, body: object) -> Request:
    """A creation, made as it should be."""
    return Request(
        method=b"POST",
        target=(BASE + path).encode(),
        headers=(
            (b"Authorization", b"Bearer " + token.encode()),
            (b"Content-Type", b"application/scim+json"),
        ),
        body=orjson.dumps(body),
    )


def read(token: str, path: str) -> Request:
    """A read, made as it should be."""
    return Request(
        method=b"GET",
        target=(BASE + path).encode(),
        headers=((b"Authorization", b"Bearer " + token.encode()),),
    )


class Ledger:
    """What the tables hold, past the server."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def keep(self, house: House) -> None:
        """Remember the organisation as it is."""
        await self._connection.execute("SELECT hostile.keep($1)", UUID(str(house.id)))

    async def restore(self, house: House) -> None:
        """Put the organisation back to what was kept."""
        await self._connection.execute("SELECT hostile.restore($1)", UUID(str(house.id)))

    async def state(self, house: House) -> tuple[str, ...]:
        """The organisation's rows, a phrase for each table; any write of any row changes one."""
        row = await self._connection.fetchrow(_STATE, UUID(str(house.id)))
        return tuple(row or ())

    @asynccontextmanager
    async def sending(self, *, alone: bool) -> AsyncGenerator[None]:
        """For the time of the block nobody sends alone, or nobody else sends at all."""
        shared = "" if alone else "_shared"
        await self._connection.execute(f"SELECT pg_advisory_lock{shared}({_SENDING})")
        try:
            yield
        finally:
            await self._connection.execute(f"SELECT pg_advisory_unlock{shared}({_SENDING})")

    async def forget_log(self) -> None:
        """Drop the log, which would fill the disk."""
        await self._connection.execute("TRUNCATE log_entries, log_values, outbox")
