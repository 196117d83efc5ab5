"""`scimserver connection`: identity providers, and how each is treated (P7 for passwords, P11 for removals).

Proven by tests/database/test_cli_connection.py.
"""

from dataclasses import replace

import click

from scimserver.access import connections
from scimserver.access.connections import Connection, Dialect, Passwords
from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import organizations, removals
from scimserver.directory.removals import HIGHEST_COUNT, USUAL_LIMIT, RemovalLimit
from scimserver.kernel.facts import ConnectionCreated, ConnectionResumed, ConnectionUpdated, Json

_dialect = click.option(
    "--dialect", type=click.Choice([each.value for each in Dialect]), help="Which client speaks."
)
_passwords = click.option(
    "--passwords",
    type=click.Choice([each.value for each in Passwords]),
    help="What becomes of passwords that arrive over SCIM.",
)
_removal_limit = click.option(
    "--removal-limit",
    type=click.IntRange(0, HIGHEST_COUNT),
    help="How many users it may deactivate and delete in an hour before it is paused.",
)
_removal_percent = click.option(
    "--removal-percent",
    type=click.IntRange(0, 100),
    help="The same as a part of the users of ORG; the greater number counts.",
)
_no_removal_limit = click.option(
    "--no-removal-limit", "unlimited", is_flag=True, help="Never pause it, however many users it removes."
)


@click.group()
def connection() -> None:
    """Connections: the identity providers of an organisation."""


@connection.command()
@click.argument("org")
@click.argument("name")
@_dialect
@click.option("--strict", is_flag=True, help="Refuse what deviates from the RFCs.")
@_passwords
@click.option("--revive", is_flag=True, help="Creating a deactivated user gives that user back.")
@_removal_limit
@_removal_percent
@_no_removal_limit
@show.json_option
def create(
    org: str,
    name: str,
    *,
    dialect: str | None,
    strict: bool,
    passwords: str | None,
    revive: bool,
    removal_limit: int | None,
    removal_percent: int | None,
    unlimited: bool,
    as_json: bool,
) -> None:
    """Give ORG a connection called NAME."""
    limit = _limit(USUAL_LIMIT, removal_limit, removal_percent, unlimited=unlimited)

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, ConnectionCreated, name, organization.id) as work:
            made = await connections.create(
                work,
                name=name,
                dialect=Dialect(dialect or Dialect.GENERIC),
                strict=strict,
                passwords=Passwords(passwords or Passwords.IGNORE),
                revive=revive,
                removal_limit=limit,
            )
        if as_json:
            show.document(_as_object(made))
        else:
            show.sentence(f'Made the connection "{made.name}". Next: `scimserver token create`.')

    run(command)


@connection.command("list")
@click.argument("org")
@show.json_option
def list_all(org: str, *, as_json: bool) -> None:
    """The connections of ORG."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await connections.every(session.database, organization.id)
        if as_json:
            show.document([_as_object(each) for each in found])
            return
        show.table(
            ("name", "dialect", "strict", "passwords", "revive", "removals an hour", "last call"),
            [tuple(_as_fields(each).values()) for each in found],
            empty=f'"{org}" has no connections: make one with `scimserver connection create`.',
        )

    run(command)


@connection.command()
@click.argument("org")
@click.argument("name")
@_dialect
@click.option("--strict/--no-strict", default=None, help="Whether to refuse what deviates from the RFCs.")
@_passwords
@click.option(
    "--revive/--no-revive", default=None, help="Whether creating a deactivated user gives that user back."
)
@_removal_limit
@_removal_percent
@_no_removal_limit
@show.json_option
def update(
    org: str,
    name: str,
    *,
    dialect: str | None,
    strict: bool | None,
    passwords: str | None,
    revive: bool | None,
    removal_limit: int | None,
    removal_percent: int | None,
    unlimited: bool,
    as_json: bool,
) -> None:
    """Treat the connection NAME of ORG differently; what is not given stays."""
    given = (dialect, strict, passwords, revive, removal_limit, removal_percent)
    if not unlimited and all(each is None for each in given):
        raise click.UsageError(
            "Say what to change: --dialect, --strict, --passwords, --revive,"
            " --removal-limit or --removal-percent."
        )

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, ConnectionUpdated, name, organization.id) as work:
            current = await connections.find(session.database, organization.id, name)
            changed = await connections.update(
                work,
                current,
                dialect=None if dialect is None else Dialect(dialect),
                strict=strict,
                passwords=None if passwords is None else Passwords(passwords),
                revive=revive,
                removal_limit=_limit(
                    current.removal_limit, removal_limit, removal_percent, unlimited=unlimited
                ),
            )
        if as_json:
            show.document(_as_object(changed))
        else:
            show.fields(_as_fields(changed))

    run(command)


@connection.command()
@click.argument("org")
@click.argument("name")
@show.json_option
def resume(org: str, name: str, *, as_json: bool) -> None:
    """Agree that the connection NAME of ORG, paused because it removed many users, goes on removing."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, ConnectionResumed, name, organization.id) as work:
            current = await connections.find(session.database, organization.id, name)
            held = await removals.resume(work, current.id, current.name)
        if as_json:
            show.document(
                {
                    "name": current.name,
                    "paused": show.stamp(held.paused) if held else None,
                    "held_back": held.users if held else 0,
                    "attempts": held.attempts if held else 0,
                }
            )
        elif held is None:
            show.sentence(f'"{current.name}" is not paused: nothing was changed.')
        else:
            show.sentence(
                f'"{current.name}" may remove users again, counted from now. Since {show.moment(held.paused)}'
                f" {held.users} users were held back, in {held.attempts} attempts: it has to try again."
            )

    run(command)


def _limit(current: RemovalLimit, count: int | None, percent: int | None, *, unlimited: bool) -> RemovalLimit:
    """The limit that an operator asks for, where the current one is this."""
    if unlimited and count is not None:
        raise click.UsageError("--removal-limit and --no-removal-limit contradict each other.")
    if count is not None or unlimited:
        current = replace(current, count=count)
    return current if percent is None else replace(current, percent=percent)


def _as_object(each: Connection) -> dict[str, Json]:
    return {
        "id": str(each.id),
        "name": each.name,
        "dialect": each.dialect.value,
        "strict": each.strict,
        "passwords": each.passwords.value,
        "revive": each.revive,
        "removal_limit": each.removal_limit.count,
        "removal_percent": each.removal_limit.percent,
        "removals_paused": show.stamp(each.removals_paused),
        "created": show.stamp(each.created),
        "last_call": show.stamp(each.last_call),
    }


def _as_fields(each: Connection) -> dict[str, str]:
    return {
        "name": each.name,
        "dialect": each.dialect.value,
        "strict": show.yes_no(each.strict),
        "passwords": each.passwords.value,
        "revive": show.yes_no(each.revive),
        "removals an hour": _removals(each),
        "last call": show.moment(each.last_call),
    }


def _removals(each: Connection) -> str:
    limit = each.removal_limit
    allowed = "no limit" if limit.count is None else f"{limit.count} or {limit.percent} %"
    return f"{allowed}, paused" if each.removals_paused else allowed
