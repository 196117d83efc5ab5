"""`scimserver connection`: identity providers, and how each is treated (rule P7 for passwords).

Proven by tests/database/test_cli_connection.py.
"""

import click

from scimserver.access import connections
from scimserver.access.connections import Connection, Dialect, Passwords
from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import organizations
from scimserver.kernel.facts import ConnectionCreated, ConnectionUpdated, Json

_dialect = click.option(
    "--dialect", type=click.Choice([each.value for each in Dialect]), help="Which client speaks."
)
_passwords = click.option(
    "--passwords",
    type=click.Choice([each.value for each in Passwords]),
    help="What becomes of passwords that arrive over SCIM.",
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
@show.json_option
def create(
    org: str,
    name: str,
    *,
    dialect: str | None,
    strict: bool,
    passwords: str | None,
    revive: bool,
    as_json: bool,
) -> None:
    """Give ORG a connection called NAME."""

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
            ("name", "dialect", "strict", "passwords", "revive", "last call"),
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
@show.json_option
def update(
    org: str,
    name: str,
    *,
    dialect: str | None,
    strict: bool | None,
    passwords: str | None,
    revive: bool | None,
    as_json: bool,
) -> None:
    """Treat the connection NAME of ORG differently; what is not given stays."""
    if dialect is None and strict is None and passwords is None and revive is None:
        raise click.UsageError("Say what to change: --dialect, --strict, --passwords or --revive.")

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
            )
        if as_json:
            show.document(_as_object(changed))
        else:
            show.fields(_as_fields(changed))

    run(command)


def _as_object(each: Connection) -> dict[str, Json]:
    return {
        "id": str(each.id),
        "name": each.name,
        "dialect": each.dialect.value,
        "strict": each.strict,
        "passwords": each.passwords.value,
        "revive": each.revive,
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
        "last call": show.moment(each.last_call),
    }
