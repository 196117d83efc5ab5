"""`scimserver user add` and `clone` (rules P3 and P6).

Proven by tests/database/test_adding.py and tests/database/test_cli_user.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import cloning, organizations, password_resets, roles, users
from scimserver.directory.password_resets import Purpose
from scimserver.directory.users import Document
from scimserver.kernel.facts import UserCloned, UserCreated


@click.command()
@click.argument("org")
@click.argument("address")
@click.option("--given-name", default="", help="Required.")
@click.option("--family-name", default="", help="Required.")
@click.option("--role", metavar="NAME", help="Without it: Minimal Permissions.")
@click.option("--timezone", metavar="ZONE", help="Such as Europe/Berlin; without it the organisation's.")
@click.option("--invite", is_flag=True, help="Have a link mailed to the user, who sets a password there.")
@show.json_option
def add(
    org: str,
    address: str,
    *,
    given_name: str,
    family_name: str,
    role: str | None,
    timezone: str | None,
    invite: bool,
    as_json: bool,
) -> None:
    """Add a user to ORG, who signs in with ADDRESS once there is a password."""
    wanted: Document = {
        "userName": address,
        "name": {"givenName": given_name, "familyName": family_name},
        **({} if role is None else {"roles": roles.entries_of(role)}),
        **({} if timezone is None else {"timezone": timezone}),
    }

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, UserCreated, address, organization.id) as work:
            made = await users.add(work, wanted)
            if invite:
                await password_resets.mail_link(work, made, Purpose.INVITATION)
        if as_json:
            show.document({"id": str(made.id), "userName": made.user_name, "invited": invite})
            return
        show.sentence(f'Added "{made.user_name}".' + (" A link is being mailed." if invite else ""))

    run(command)


@click.command()
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
