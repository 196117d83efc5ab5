"""`scimserver user password` and `reset-link`: a user is given a password, or a link to set one (rule P7).

A password is typed without being seen, or comes on standard input; an argument would stand in the list of
processes and in the history of the shell.
Proven by tests/database/test_cli_password.py and tests/database/test_cli_user.py.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.config import Settings
from scimserver.directory import organizations, password_resets, passwords, users
from scimserver.directory.organizations import Organization
from scimserver.directory.password_resets import LASTS, Purpose
from scimserver.directory.passwords import NewPassword, PasswordDesk, generated
from scimserver.directory.passwords.model import UNUSED_FOR
from scimserver.directory.passwords.settings import desk_of, hasher_of
from scimserver.kernel.facts import (
    Json,
    PasswordCleared,
    PasswordLinkOrdered,
    PasswordLinkWithdrawn,
    PasswordSetByAdministrator,
)
from scimserver.work import Work


@click.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@click.option(
    "--set", "how", flag_value="set", help="Ask for the password, or read a line of standard input."
)
@click.option("--generate", "how", flag_value="generate", help="Make a password, and print it once.")
@click.option("--clear", "how", flag_value="clear", help="Take the password away: nobody signs in with one.")
@click.option(
    "--must-change/--no-must-change",
    default=True,
    show_default=True,
    help="Whether its owner has to choose another one at the first sign-in.",
)
@show.json_option
def password(org: str, name: str, *, how: str | None, must_change: bool, as_json: bool) -> None:
    """Set the password of USER of ORG, an address or id. It works at once."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        if how == "clear":
            await _clear(session, organization, name, as_json=as_json)
            return
        text = generated() if how == "generate" else await _typed(session, organization)
        with _desk(session.settings) as desk:
            new = desk.take(text)
            async with attempt(session, PasswordSetByAdministrator, name, organization.id) as work:
                user = await users.find(work, name)
                await passwords.set_by_administrator(work, user, new, must_change=must_change)
        told: dict[str, Json] = {
            "id": str(user.id),
            "userName": user.user_name,
            "mustChange": must_change,
            "expires": show.stamp(_expires(work)),
        }
        if how == "generate":
            told["password"] = text
        _tell(told, new, _expires(work), as_json=as_json)

    if how is None:
        raise click.UsageError("Say what to do: --set, --generate or --clear.")
    run(command)


async def _clear(session: Session, organization: Organization, name: str, *, as_json: bool) -> None:
    async with attempt(session, PasswordCleared, name, organization.id) as work:
        user = await users.find(work, name)
        await passwords.clear(work, user)
    if as_json:
        show.document({"id": str(user.id), "userName": user.user_name})
    else:
        show.sentence(f'"{user.user_name}" has no password now.')


async def _typed(session: Session, organization: Organization) -> str:
    """What the operator types twice, or a line of standard input; requirements are shown to whoever types."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    async with session.work(organization.id) as work:
        policy = await passwords.policy_of(work)
    for sentence in passwords.requirements(policy):
        click.echo(show.plain(sentence), err=True)
    return click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)


def _tell(told: dict[str, Json], new: NewPassword, expires: datetime, *, as_json: bool) -> None:
    for sentence in new.advice:
        click.echo(sentence, err=True)
    if as_json:
        show.document(told)
        return
    how = f": {told['password']}" if "password" in told else "."
    show.sentence(f'Set the password of "{told["userName"]}"{how}')
    owner = " Its owner has to choose another one then." if told["mustChange"] else ""
    show.sentence(f"It works from now on, and until {show.moment(expires)} unless it is used.{owner}")


def _expires(work: Work) -> datetime:
    return work.now + UNUSED_FOR


@contextmanager
def _desk(settings: Settings) -> Generator[PasswordDesk]:
    hasher = hasher_of(settings)
    try:
        yield desk_of(settings, hasher)
    finally:
        hasher.close()


@click.command("reset-link")
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
