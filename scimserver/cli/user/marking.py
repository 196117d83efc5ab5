"""`scimserver user mark` and `unmark`: whether an identity provider signs a user in (rule P8).

Proven by tests/database/test_cli_marking.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import organizations, users
from scimserver.directory.users import User
from scimserver.kernel.facts import UserUpdated


@click.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def mark(org: str, name: str, *, as_json: bool) -> None:
    """Have USER of ORG, an address or id, sign in by SAML: there is no password any more, and no session."""
    _run(org, name, managed=True, as_json=as_json)


@click.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def unmark(org: str, name: str, *, as_json: bool) -> None:
    """Have USER of ORG, an address or id, sign in by a password again: a link to set one is mailed."""
    _run(org, name, managed=False, as_json=as_json)


def _run(org: str, name: str, *, managed: bool, as_json: bool) -> None:
    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, UserUpdated, name, organization.id) as work:
            user = await users.mark(work, await users.find(work, name), managed=managed)
        if as_json:
            told = user.provider.name if user.provider else None
            show.document({"id": str(user.id), "userName": user.user_name, "identityProvider": told})
        else:
            show.sentence(_said(user))

    run(command)


def _said(user: User) -> str:
    if user.provider is None:
        return f'"{user.user_name}" signs in by a password.'
    return f'"{user.user_name}" signs in by "{user.provider.name}", and has no password here.'
