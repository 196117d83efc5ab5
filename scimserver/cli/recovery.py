"""`scimserver recovery`: accounts that get in when the identity provider lets nobody in (rule P8).

Proven by tests/database/test_cli_recovery.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.config import ConfigurationError
from scimserver.directory import organizations, users
from scimserver.directory import recovery as accounts
from scimserver.directory.organizations import Organization
from scimserver.directory.recovery import Account, Codes, Secret
from scimserver.kernel.facts import Json, RecoveryEnrolled, RecoveryPrepared, RecoveryWithdrawn


@click.group()
def recovery() -> None:
    """Recovery accounts: who gets in when the identity provider lets nobody in."""


@recovery.command()
@click.argument("org")
@click.argument("user")
@click.option("--code", metavar="CODE", help="The code that the user's app shows: from then on it counts.")
@show.json_option
def enrol(org: str, user: str, *, code: str | None, as_json: bool) -> None:
    """Give USER of ORG a recovery account: prints the secret for an app once, then takes a code of it."""

    async def command(session: Session) -> None:
        codes = _codes(session)
        organization = await organizations.find(session.database, org)
        if code is not None:
            await _confirm(session, organization, user, code, codes, as_json=as_json)
            return
        async with attempt(session, RecoveryPrepared, user, organization.id) as work:
            found = await users.find(work, user)
            secret = await accounts.prepare(work, found, codes)
        _hand_over(secret, secret.uri(found.user_name, organization.title), as_json=as_json)
        typed = "" if as_json else _asked()
        if typed:
            await _confirm(session, organization, user, typed, codes, as_json=False)
        elif not as_json:
            show.sentence(
                f"It counts once a code was shown: scimserver recovery enrol {org} USER --code CODE"
            )

    run(command)


@recovery.command("list")
@click.argument("org")
@show.json_option
def list_all(org: str, *, as_json: bool) -> None:
    """The recovery accounts of ORG, and whether each gets in."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await accounts.every(session.database, organization.id)
        if as_json:
            show.document([_as_object(each) for each in found])
            return
        show.table(
            ("user", "confirmed", "gets in", "enrolled by"),
            [
                (each.user_name, show.moment(each.confirmed), show.yes_no(each.gets_in), each.enrolled_by)
                for each in found
            ],
            empty=f'"{org}" has no recovery accounts: enrol one with `scimserver recovery enrol`.',
        )

    run(command)


@recovery.command()
@click.argument("org")
@click.argument("user")
@show.json_option
def withdraw(org: str, user: str, *, as_json: bool) -> None:
    """Take the recovery account of USER of ORG away; ends the user's sessions."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, RecoveryWithdrawn, user, organization.id) as work:
            found = await users.find(work, user)
            await accounts.withdraw(work, found)
        if as_json:
            show.document({"user": str(found.id), "userName": found.user_name, "withdrawn": True})
            return
        show.sentence(
            f'"{found.user_name}" has no recovery account any more. Where SAML is enforced, run'
            " `scimserver domain enforce` again: it marks this user too."
        )

    run(command)


async def _confirm(
    session: Session, organization: Organization, user: str, code: str, codes: Codes, *, as_json: bool
) -> None:
    async with attempt(session, RecoveryEnrolled, user, organization.id) as work:
        found = await users.find(work, user)
        await accounts.confirm(work, found, code, codes)
    if as_json:
        show.document({"user": str(found.id), "userName": found.user_name, "enrolled": True})
    else:
        show.sentence(f'"{found.user_name}" has a recovery account now, for the page /recovery.')


def _codes(session: Session) -> Codes:
    """What judges codes as the server does. Raises `ConfigurationError` without the server's secret."""
    secret = session.settings.secret
    if secret is None:
        raise ConfigurationError(
            ["SCIMSERVER_SECRET: recovery accounts are sealed with it: set it, the same as for `serve`"]
        )
    return Codes(secret.get_secret_value().encode())


def _hand_over(secret: Secret, uri: str, *, as_json: bool) -> None:
    if as_json:
        show.document({"secret": secret.text, "uri": uri})
        return
    show.sentence(f"For an authenticator app, shown this once: {secret.text}")
    show.sentence(uri)


def _asked() -> str:
    """The code that an operator types; nothing where nobody does."""
    try:
        return click.prompt(
            "The code that the app shows now, or nothing", default="", show_default=False, err=True
        )
    except click.Abort:
        return ""


def _as_object(each: Account) -> dict[str, Json]:
    return {
        "user": str(each.user),
        "userName": each.user_name,
        "confirmed": show.stamp(each.confirmed),
        "getsIn": each.gets_in,
        "enrolledBy": each.enrolled_by,
        "created": show.stamp(each.created),
    }
