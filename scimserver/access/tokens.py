"""Bearer tokens of machines (RFC 6750): issued once, kept as digests, several live per connection."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record

from scimserver.access.connections import Connection, connection_of
from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.kernel import secrets
from scimserver.kernel.actor import Actor, ActorKind
from scimserver.kernel.errors import InvalidValue, NotFound, Unauthenticated
from scimserver.kernel.facts import Change, TokenIssued, TokenRevoked
from scimserver.kernel.ids import ConnectionId, OrganizationId, TokenId, new_uuid
from scimserver.kernel.permissions import Permission, Scope, permissions_of
from scimserver.work import Work

_QUERIES = load("access")
_INSERT = _QUERIES.change("insert_token")
_REVOKE = _QUERIES.change("revoke_token")
_FIND = _QUERIES["find_token"]
_LIST = _QUERIES["list_tokens"]
_CALLER = _QUERIES["caller_of_token"]

DEFAULT_SCOPES = frozenset({Scope.SCIM_READ, Scope.SCIM_WRITE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is listed: never its secret, only the last four characters."""

    id: TokenId
    name: str
    hint: str
    scopes: frozenset[Scope]
    connection: str
    connection_id: ConnectionId
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: an actor, and the connection whose dialect it speaks."""

    actor: Actor
    connection: Connection


class Ended(Unauthenticated):
    """The token is ours but has expired or was revoked; `actor` is whose it was."""

    reason = "credential_ended"

    def __init__(self, detail: str, actor: Actor) -> None:
        super().__init__(detail)
        self.actor = actor


async def issue(
    work: Work,
    connection: Connection,
    *,
    name: str = "",
    scopes: frozenset[Scope] = DEFAULT_SCOPES,
    expires: datetime | None = None,
) -> tuple[TokenId, str]:
    """A new token's id and its secret, which is shown this once. Raises `InvalidValue`."""
    work.require(Permission.TOKENS_MANAGE)
    if not scopes:
        raise InvalidValue("A token needs at least one scope.", attribute="scopes")
    if expires is not None and expires <= work.now:
        raise InvalidValue("A token's end lies in the future.", attribute="expires")
    token, secret = TokenId(new_uuid()), secrets.new_token()
    work.change(
        _INSERT,
        secrets.digest(secret),
        work.actor.organization,
        token,
        connection.id,
        name or connection.name,
        secrets.hint(secret),
        sorted(scopes),
        work.now,
        expires,
    )
    work.note(
        TokenIssued(
            target=token,
            display=name or connection.name,
            changes=(
                Change(path="connection", new=str(connection.id)),
                Change(path="scopes", new=sorted(scopes)),
                *((Change(path="expires", new=expires.isoformat()),) if expires else ()),
            ),
        )
    )
    return token, secret


async def revoke(work: Work, token: Token, *, after: timedelta = timedelta(0)) -> datetime:
    """End a token, at once or after a time that lets clients take up its successor.

    Says when it ends: an earlier end stands.
    """
    work.require(Permission.TOKENS_MANAGE)
    ends = work.now + after
    if token.revoked is not None and token.revoked <= ends:
        ends = token.revoked
    work.change(_REVOKE, work.actor.organization, token.id, ends)
    work.note(
        TokenRevoked(
            target=token.id,
            display=token.name,
            changes=(Change(path="revoked", new=ends.isoformat()),),
        )
    )
    return ends


async def find(database: Database, organization: OrganizationId, token: TokenId) -> Token:
    """The organisation's token of that id. Raises `NotFound`."""
    row = await database.fetchrow(_FIND, organization, token)
    if row is None:
        raise NotFound(f"There is no token {token}: see `scimserver token list`.")
    return _token(row)


async def every(database: Database, organization: OrganizationId) -> list[Token]:
    """The organisation's tokens, newest first."""
    return [_token(row) for row in await database.fetch(_LIST, organization)]


async def authenticate(database: Database, secret: str, now: datetime) -> Caller:
    """Who calls with this secret: one indexed lookup by digest.

    Raises `Unauthenticated` for an unknown secret, `Ended` for one that has run out. Both say the
    same to the caller.
    """
    row = await database.fetchrow(_CALLER, secrets.digest(secret))
    if row is None:
        raise Unauthenticated(_UNKNOWN)
    actor = Actor(
        kind=ActorKind.CONNECTION,
        organization=OrganizationId(row["org_id"]),
        permissions=permissions_of(_scopes(row)),
        connection=ConnectionId(row["id"]),
        credential=TokenId(row["token_id"]),
        name=row["name"],
    )
    if _is_past(row["expires"], now) or _is_past(row["revoked"], now):
        raise Ended(_UNKNOWN, actor)
    return Caller(actor=actor, connection=connection_of(row))


_UNKNOWN = "The bearer token is unknown, expired or revoked. Issue a new one: `scimserver token create`."


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _scopes(row: Record) -> frozenset[Scope]:
    return frozenset(Scope(scope) for scope in row["scopes"])


def _token(row: Record) -> Token:
    return Token(
        id=TokenId(row["id"]),
        name=row["name"],
        hint=row["hint"],
        scopes=_scopes(row),
        connection=row["connection"],
        connection_id=ConnectionId(row["connection_id"]),
        created=row["created"],
        expires=row["expires"],
        revoked=row["revoked"],
        last_used=row["last_used"],
    )
