"""`scimserver user`: what an operator does to users.

Proven by tests/database/test_cli_user.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import cloning, organizations, roles, users
from scimserver.kernel.facts import UserCloned


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
