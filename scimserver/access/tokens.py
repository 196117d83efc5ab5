"""Bearer tokens of machines (RFC 6750): issued once, kept as digests, several live per connection."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record

from scimserver.access.connections import Connection
from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.kernel import secrets
from scimserver.kernel.errors import InvalidValue, NotFound
from scimserver.kernel.facts import Change, TokenIssued, TokenRevoked
from scimserver.kernel.ids import ConnectionId, OrganizationId, TokenId, new_uuid
from scimserver.kernel.permissions import Permission, Scope, permissions_of
from scimserver.work import Work

_QUERIES = load("access")
_INSERT = _QUERIES.change("insert_token")
_REVOKE = _QUERIES.change("revoke_token")
_FIND = _QUERIES["find_token"]
_LIST = _QUERIES["list_tokens"]

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
    work.require_holding(permissions_of(scopes), "A token with these scopes")
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
