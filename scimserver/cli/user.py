"""`scimserver user`: what an operator does to users.

Proven by tests/database/test_cli_user.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import cases, cloning, organizations, roles, users
from scimserver.directory.organizations import Organization
from scimserver.directory.users import User
from scimserver.kernel.facts import Json, UserActivated, UserCloned, UserDeactivated, UserDeleted

_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def user() -> None:
    """Users of an organisation."""


@user.command()
@click.argument("org")
@click.argument("source", metavar="USER")
@click.option(
    "--user-name", metavar="ADDRESS", help='The address of the clone; without, USER\'s with "(Copy N)".'
)
@show.json_option
def clone(org: str, source: str, *, user_name: str | None, as_json: bool) -> None:
    """Make a new user of ORG from USER, an address or id: role, Teams, time zone, contact information."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, UserCloned, source, organization.id) as work:
            found = await users.find(work, source)
            made = await cloning.clone(work, found, user_name)
        if as_json:
            show.document({"id": str(made.id), "userName": made.user_name, "clonedFrom": str(found.id)})
        else:
            show.sentence(f'Cloned "{source}" as "{made.user_name}".')

    run(command)


@user.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def permissions(org: str, name: str, *, as_json: bool) -> None:
    """What USER of ORG, an address or id, may do, and by what."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with session.work(organization.id) as work:
            found = await users.find(work, name)
            role = await roles.get(work, found.role)
        held = roles.explained(role.permissions if found.active else ())
        if as_json:
            show.document(
                {
                    "id": str(found.id),
                    "userName": found.user_name,
                    "active": found.active,
                    "role": {"value": str(role.id), "display": role.name},
                    "permissions": [
                        {"value": each.permission.value, "requiredBy": sorted(each.required_by)}
                        for each in held
                    ],
                }
            )
            return
        show.table(
            ("permission", "by the role", "needed by"),
            [
                (each.permission, role.name, ", ".join(sorted(each.required_by)) or show.NOTHING)
                for each in held
            ],
            empty=f'"{found.user_name}" may do nothing: '
            + (f'the role "{role.name}" has no permissions.' if found.active else "deactivated."),
        )

    run(command)


@user.command()
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


@user.command()
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


@user.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@_yes
@show.json_option
def delete(org: str, name: str, *, yes: bool, as_json: bool) -> None:
    """Delete USER of ORG, an address or id; shows first how many Cases become unassigned."""

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
