"""`scimserver user deactivate`, `activate` and `delete` (rule P5).

Proven by tests/database/test_cli_user.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import cases, organizations, users
from scimserver.directory.organizations import Organization
from scimserver.directory.users import User
from scimserver.kernel.facts import Json, UserActivated, UserDeactivated, UserDeleted


@click.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def activate(org: str, name: str, *, as_json: bool) -> None:
    """Let USER of ORG, an address or id, in again."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, UserActivated, name, organization.id) as work:
            found = await users.activate(work, await users.find(work, name))
        if as_json:
            show.document({"id": str(found.id), "userName": found.user_name, "active": found.active})
        else:
            show.sentence(f'"{found.user_name}" is active.')

    run(command)


@click.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def deactivate(org: str, name: str, *, as_json: bool) -> None:
    """Keep USER of ORG, an address or id, out; says how many Cases stay with them."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, UserDeactivated, name, organization.id) as work:
            found = await users.deactivate(work, await users.find(work, name))
        owned = await cases.count_owned(session.database, organization.id, found.id)
        if as_json:
            named: dict[str, Json] = {"id": str(found.id), "userName": found.user_name}
            show.document({**named, "active": found.active, "ownedCases": owned})
        else:
            show.sentence(f'"{found.user_name}" is deactivated; Cases that stay with them: {owned}.')

    run(command)


@click.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@click.option("--yes", is_flag=True, help="Do not ask.")
@show.json_option
def delete(org: str, name: str, *, yes: bool, as_json: bool) -> None:
    """Delete USER of ORG, an address or id, into the bin; says how many Cases become unassigned."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, UserDeleted, name, organization.id) as work:
            found = await users.find(work, name)
            if not yes:
                await _ask_to_delete(session, organization, found)
            unassigned = await users.delete(work, found)
        if as_json:
            show.document({"id": str(found.id), "userName": found.user_name, "unassignedCases": unassigned})
        else:
            show.sentence(f'Deleted "{found.user_name}"; Cases that became unassigned: {unassigned}.')

    run(command)


async def _ask_to_delete(session: Session, organization: Organization, found: User) -> None:
    """Ask on standard error, and abort unless the answer is yes."""
    owned = await cases.count_owned(session.database, organization.id, found.id)
    question = f'Cases that become unassigned: {owned}. Delete "{show.plain(found.user_name)}"?'
    click.confirm(question, abort=True, err=True)
