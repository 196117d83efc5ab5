"""`scimserver token`: bearer tokens of connections (RFC 6750). A secret is printed once and never again.

Proven by tests/database/test_cli_token.py.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import click

from scimserver.access import connections, tokens
from scimserver.access.tokens import Token
from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.moments import duration, moment
from scimserver.cli.runtime import Session, run
from scimserver.directory import organizations
from scimserver.kernel.errors import InvalidValue, NotFound
from scimserver.kernel.facts import Json, TokenIssued, TokenRevoked
from scimserver.kernel.ids import OrganizationId, TokenId, parse_uuid
from scimserver.kernel.permissions import Scope


@click.group()
def token() -> None:
    """Bearer tokens of connections."""


@token.command()
@click.argument("org")
@click.argument("connection")
@click.option("--name", default="", help="What to call it; without, as the connection.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([each.value for each in Scope]),
    multiple=True,
    default=sorted(each.value for each in tokens.DEFAULT_SCOPES),
    show_default=True,
    help="What it may do; repeatable.",
)
@click.option(
    "--expires-in", callback=duration, metavar="DURATION", help="How long it lives, such as 90d or 12h."
)
@click.option("--expires", callback=moment, metavar="TIME", help="When it ends, such as 2027-01-31T12:00Z.")
@show.json_option
def create(
    org: str,
    connection: str,
    *,
    name: str,
    scopes: Sequence[str],
    expires_in: timedelta | None,
    expires: datetime | None,
    as_json: bool,
) -> None:
    """Issue a token for the CONNECTION of ORG; its secret is printed once."""
    if expires_in is not None and expires is not None:
        raise click.UsageError("Give --expires-in or --expires, not both.")

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, TokenIssued, name or connection, organization.id) as work:
            owner = await connections.find(session.database, organization.id, connection)
            issued, secret = await tokens.issue(
                work,
                owner,
                name=name,
                scopes=frozenset(Scope(scope) for scope in scopes),
                expires=expires if expires_in is None else work.now + expires_in,
            )
        made = await tokens.find(session.database, organization.id, issued)
        _hand_over(made, secret, as_json=as_json)

    run(command)


@token.command("list")
@click.argument("org")
@show.json_option
def list_all(org: str, *, as_json: bool) -> None:
    """The tokens of ORG, newest first, without their secrets."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await tokens.every(session.database, organization.id)
        if as_json:
            show.document([_as_object(each) for each in found])
            return
        show.table(
            ("id", "connection", "name", "ends in", "scopes", "created", "expires", "revoked", "last used"),
            [_cells(each) for each in found],
            empty=f'"{org}" has no tokens: issue one with `scimserver token create`.',
        )

    run(command)


@token.command()
@click.argument("org")
@click.argument("token_id", metavar="ID")
@click.option(
    "--after", callback=duration, metavar="DURATION", default="0s", help="Leave it this long, such as 24h."
)
@show.json_option
def revoke(org: str, token_id: str, *, after: timedelta, as_json: bool) -> None:
    """End the token ID of ORG, at once or after some time."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, TokenRevoked, token_id, organization.id) as work:
            ending = await _find(session, organization.id, token_id)
            await tokens.revoke(work, ending, after=after)
        ended = await tokens.find(session.database, organization.id, ending.id)
        if as_json:
            show.document(_as_object(ended))
        else:
            show.sentence(f'The token "{ended.name}" (…{ended.hint}) ends at {show.moment(_end(ended))}.')

    run(command)


@token.command()
@click.argument("org")
@click.argument("token_id", metavar="ID")
@click.option(
    "--overlap",
    callback=duration,
    metavar="DURATION",
    default="24h",
    show_default=True,
    help="How long the old token still works.",
)
@show.json_option
def rotate(org: str, token_id: str, *, overlap: timedelta, as_json: bool) -> None:
    """Replace the token ID of ORG by one with the same connection, scopes, name and length of life."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, TokenIssued, token_id, organization.id) as work:
            old = await _find(session, organization.id, token_id)
            owner = await connections.find(session.database, organization.id, old.connection)
            _check_alive(old, work.now)
            expires = None if old.expires is None else work.now + (old.expires - old.created)
            issued, secret = await tokens.issue(
                work, owner, name=old.name, scopes=old.scopes, expires=expires
            )
            await tokens.revoke(work, old, after=overlap)
        made = await tokens.find(session.database, organization.id, issued)
        ending = await tokens.find(session.database, organization.id, old.id)
        _hand_over(made, secret, as_json=as_json, replaced=ending)

    run(command)


async def _find(session: Session, organization: OrganizationId, token_id: str) -> Token:
    parsed = parse_uuid(token_id)
    if parsed is None:
        raise NotFound(f'"{token_id}" is no token\'s id: see `scimserver token list`.')
    return await tokens.find(session.database, organization, TokenId(parsed))


def _check_alive(old: Token, now: datetime) -> None:
    end = _end(old)
    if end is not None and end <= now:
        raise InvalidValue("The token has ended: issue a new one with `scimserver token create`.")


def _end(each: Token) -> datetime | None:
    """When the token stops working, whichever comes first."""
    return min((end for end in (each.expires, each.revoked) if end is not None), default=None)


def _hand_over(made: Token, secret: str, *, as_json: bool, replaced: Token | None = None) -> None:
    if as_json:
        old: dict[str, Json] = {} if replaced is None else {"replaces": _as_object(replaced)}
        show.document({**_as_object(made), "secret": secret, **old})
        return
    end = f", ends at {show.moment(made.expires)}" if made.expires else ""
    show.sentence(f'Issued the token {made.id} for the connection "{made.connection}"{end}.')
    if replaced is not None:
        show.sentence(f"The old one, {replaced.id}, ends at {show.moment(_end(replaced))}.")
    show.sentence("Its secret, which is shown this once:")
    click.echo(secret)


def _as_object(each: Token) -> dict[str, Json]:
    return {
        "id": str(each.id),
        "name": each.name,
        "connection": each.connection,
        "hint": each.hint,
        "scopes": sorted(each.scopes),
        "created": show.stamp(each.created),
        "expires": show.stamp(each.expires),
        "revoked": show.stamp(each.revoked),
        "last_used": show.stamp(each.last_used),
    }


def _cells(each: Token) -> tuple[str, ...]:
    return (
        str(each.id),
        each.connection,
        each.name,
        "…" + each.hint,
        " ".join(sorted(each.scopes)),
        show.moment(each.created),
        show.moment(each.expires),
        show.moment(each.revoked),
        show.moment(each.last_used),
    )
