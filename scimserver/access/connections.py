"""Connections: the identity provider behind a credential, and how it is treated."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from asyncpg import Record

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory.removals import USUAL_LIMIT, RemovalLimit
from scimserver.kernel.errors import AlreadyTaken, InvalidValue, NotFound
from scimserver.kernel.facts import Change, ConnectionCreated, ConnectionUnchanged, ConnectionUpdated, Json
from scimserver.kernel.ids import ConnectionId, OrganizationId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

_QUERIES = load("access")
_INSERT = _QUERIES.change("insert_connection")
_UPDATE = _QUERIES.change("update_connection")
_FIND = _QUERIES["find_connection"]
_LIST = _QUERIES["list_connections"]


_SET: Final = (
    "dialect",
    "strict",
    "passwords",
    "revive",
    "removal_limit",
    "removal_percent",
    "removals_paused",
)


class Dialect(StrEnum):
    """Which client speaks. Values are stored: never rename one."""

    GENERIC = "generic"
    OKTA = "okta"
    ENTRA = "entra"


class Passwords(StrEnum):
    """What becomes of a password that arrives over SCIM (rule P7). Values are stored."""

    IGNORE = "ignore"
    """It is dropped: Okta sends a random one with every create."""

    ACCEPT = "accept"
    """It must meet the policy, and signs the user in at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An identity provider's door into one organisation."""

    id: ConnectionId
    name: str
    dialect: Dialect
    strict: bool
    """Whether every deviation from the RFCs is refused instead of understood."""
    passwords: Passwords
    revive: bool
    """Whether creating a user who is deactivated gives that user back instead of 409."""
    created: datetime
    removal_limit: RemovalLimit = USUAL_LIMIT
    """How many users it may deactivate and delete in an hour (rule P11)."""
    removals_paused: datetime | None = None
    """Since when it may remove nobody, until an administrator agrees."""
    last_call: datetime | None = None


async def create(
    work: Work,
    *,
    name: str,
    dialect: Dialect = Dialect.GENERIC,
    strict: bool = False,
    passwords: Passwords = Passwords.IGNORE,
    revive: bool = False,
    removal_limit: RemovalLimit = USUAL_LIMIT,
) -> Connection:
    """A new connection. Raises `InvalidValue`; when the work ends, `AlreadyTaken`."""
    work.require(Permission.CONNECTIONS_MANAGE)
    if not name.strip() or not name.isprintable() or len(name) > 100:
        raise InvalidValue("A connection needs a name of at most 100 characters.", attribute="name")
    connection = Connection(
        id=ConnectionId(new_uuid()),
        name=name,
        dialect=dialect,
        strict=strict,
        passwords=passwords,
        revive=revive,
        created=work.now,
        removal_limit=removal_limit,
    )
    removal_limit.check()
    taken = {
        "connections_name_key": lambda: AlreadyTaken(
            f'The organisation has a connection called "{name}" already.', attribute="name"
        )
    }
    work.note(
        ConnectionCreated(
            target=connection.id,
            display=name,
            changes=(
                Change(path="name", new=name),
                Change(path="dialect", new=dialect.value),
                Change(path="removal_limit", new=removal_limit.count),
                Change(path="removal_percent", new=removal_limit.percent),
            ),
        )
    )
    await work.run(
        _INSERT, work.actor.organization, connection.id, name, *_treatment(connection), work.now, broken=taken
    )
    return connection


async def update(
    work: Work,
    current: Connection,
    *,
    dialect: Dialect | None = None,
    strict: bool | None = None,
    passwords: Passwords | None = None,
    revive: bool | None = None,
    removal_limit: RemovalLimit | None = None,
) -> Connection:
    """Treat a connection differently; what is None stays. Raises `InvalidValue`."""
    work.require(Permission.CONNECTIONS_MANAGE)
    wanted = replace(
        current,
        dialect=current.dialect if dialect is None else dialect,
        strict=current.strict if strict is None else strict,
        passwords=current.passwords if passwords is None else passwords,
        revive=current.revive if revive is None else revive,
        removal_limit=current.removal_limit if removal_limit is None else removal_limit,
    )
    wanted.removal_limit.check()
    if wanted.removal_limit.count is None:
        wanted = replace(wanted, removals_paused=None)
    changes = tuple(
        Change(path=path, old=old, new=new)
        for path, old, new in zip(_SET, _settings(current), _settings(wanted), strict=True)
        if old != new
    )
    if changes:
        work.change(_UPDATE, work.actor.organization, current.id, *_treatment(wanted))
        work.note(ConnectionUpdated(target=current.id, display=current.name, changes=changes))
    else:
        work.note(ConnectionUnchanged(target=current.id, display=current.name))
    return wanted


async def find(database: Database, organization: OrganizationId, name: str) -> Connection:
    """The organisation's connection of that name. Raises `NotFound`."""
    row = await database.fetchrow(_FIND, organization, name)
    if row is None:
        raise NotFound(f'There is no connection called "{name}": see `scimserver connection list`.')
    return connection_of(row)


async def every(database: Database, organization: OrganizationId) -> list[Connection]:
    """The organisation's connections, by name."""
    rows = await database.fetch(_LIST, organization)
    return [replace(connection_of(row), last_call=row["last_call"]) for row in rows]


def connection_of(row: Record) -> Connection:
    """The connection that a row of ours describes."""
    return Connection(
        id=ConnectionId(row["id"]),
        name=row["name"],
        dialect=Dialect(row["dialect"]),
        strict=row["strict"],
        passwords=Passwords(row["passwords"]),
        revive=row["revive"],
        created=row["created"],
        removal_limit=RemovalLimit(count=row["removal_limit"], percent=row["removal_percent"]),
        removals_paused=row["removals_paused"],
    )


def _treatment(connection: Connection) -> tuple[str, bool, str, bool, int | None, int]:
    return (
        connection.dialect.value,
        connection.strict,
        connection.passwords.value,
        connection.revive,
        connection.removal_limit.count,
        connection.removal_limit.percent,
    )


def _settings(connection: Connection) -> tuple[Json, ...]:
    """What `_SET` names, as the log has it."""
    paused = connection.removals_paused
    return (*_treatment(connection), paused.isoformat() if paused else None)
