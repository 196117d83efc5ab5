"""`scimserver user sessions` and `sign-out`: where somebody is signed in, and ending it.

Proven by tests/database/test_cli_user.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import organizations, sessions, users
from scimserver.kernel.facts import Json, SessionsEnded


@click.command("sessions")
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


@click.command("sign-out")
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
