"""`scimserver user`: what an operator does to users.

Proven by tests/database/test_cli_user.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.password import password
from scimserver.cli.runtime import Session, run
from scimserver.directory import cloning, organizations, password_resets, roles, users
from scimserver.directory.password_resets import LASTS, Purpose
from scimserver.kernel.facts import PasswordLinkOrdered, PasswordLinkWithdrawn, UserCloned


@click.group()
def user() -> None:
    """Users of an organisation."""


user.add_command(password)


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


@user.command("reset-link")
@click.argument("org")
@click.argument("name", metavar="USER")
@click.option("--invite", is_flag=True, help="A link for a new user, which works for longer.")
@click.option("--withdraw", is_flag=True, help="Mail nothing, and make useless what was mailed before.")
@show.json_option
def reset_link(org: str, name: str, *, invite: bool, withdraw: bool, as_json: bool) -> None:
    """Have a link to set a password mailed to USER of ORG, an address or id. Nobody is shown the link."""
    if invite and withdraw:
        raise click.UsageError("--invite mails a link, --withdraw takes it back: choose one.")
    purpose = Purpose.INVITATION if invite else Purpose.ADMINISTRATOR
    fact = PasswordLinkWithdrawn if withdraw else PasswordLinkOrdered

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, fact, name, organization.id) as work:
            found = await users.find(work, name)
            if withdraw:
                await password_resets.withdraw(work, found)
            else:
                await password_resets.mail_link(work, found, purpose)
        if as_json:
            show.document(
                {
                    "id": str(found.id),
                    "userName": found.user_name,
                    "purpose": None if withdraw else purpose.value,
                    "withdrawn": withdraw,
                }
            )
        elif withdraw:
            show.sentence(f'No link mailed to "{found.user_name}" works any more.')
        else:
            hours = int(LASTS[purpose].total_seconds()) // 3600
            show.sentence(
                f'A link is being mailed to "{found.user_name}"; it works once, for {hours} hours.'
                f" What waits to be sent: `scimserver mail list {org}`."
            )

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
