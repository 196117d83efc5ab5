"""`scimserver user`: what an operator does to users.

Proven by tests/database/test_cli_user.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.bin import list_bin, purge, restore
from scimserver.cli.password import password
from scimserver.cli.runtime import Session, run
from scimserver.directory import cases, cloning, organizations, password_resets, roles, sessions, users
from scimserver.directory.organizations import Organization
from scimserver.directory.password_resets import LASTS, Purpose
from scimserver.directory.users import User
from scimserver.kernel.facts import (
    Json,
    PasswordLinkOrdered,
    PasswordLinkWithdrawn,
    SessionsEnded,
    UserActivated,
    UserCloned,
    UserDeactivated,
    UserDeleted,
)

_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def user() -> None:
    """Users of an organisation."""


for _command in (password, list_bin, restore, purge):
    user.add_command(_command)


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


@user.command("sessions")
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def list_sessions(org: str, name: str, *, as_json: bool) -> None:
    """Where USER of ORG, an address or id, is signed in, the latest first."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with session.work(organization.id) as work:
            found = await users.find(work, name)
            listed = await sessions.every(work, found.id)
        if as_json:
            show.document([_as_object(each) for each in listed])
            return
        show.table(
            ("id", "method", "signed in", "last used", "ends", "network", "program"),
            [
                (
                    str(each.id),
                    each.method.value,
                    show.moment(each.created),
                    show.moment(each.last_used),
                    show.moment(each.ends),
                    each.network or show.NOTHING,
                    each.agent or show.NOTHING,
                )
                for each in listed
            ],
            empty=f'"{found.user_name}" is signed in nowhere.',
        )

    run(command)


@user.command("sign-out")
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def sign_out(org: str, name: str, *, as_json: bool) -> None:
    """End every session of USER of ORG, an address or id."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, SessionsEnded, name, organization.id) as work:
            found = await users.find(work, name)
            ended = await sessions.sign_out(work, found.id)
        if as_json:
            show.document({"id": str(found.id), "userName": found.user_name, "ended": ended})
        else:
            show.sentence(f'"{found.user_name}" is signed out; sessions that were ended: {ended}.')

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


def _as_object(each: sessions.Session) -> dict[str, Json]:
    return {
        "id": str(each.id),
        "method": each.method.value,
        "created": show.stamp(each.created),
        "last_used": show.stamp(each.last_used),
        "ends": show.stamp(each.ends),
        "network": each.network,
        "agent": each.agent,
    }
