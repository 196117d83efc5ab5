"""`scimserver mail`: what waits to be sent, and what could not be.

Proven by tests/database/test_cli_mail.py.
"""

from typing import Final

import click

from scimserver.cli import show
from scimserver.cli.runtime import Session, run
from scimserver.directory import mail as mails
from scimserver.directory import organizations
from scimserver.directory.mail import Failure, Listed
from scimserver.kernel.facts import Json

_REASONS: Final = {
    Failure.UNREACHABLE: "the mail server cannot be reached",
    Failure.UNTRUSTED: "the mail server's certificate is not trusted, or it offers no TLS",
    Failure.NOT_LOGGED_IN: "the mail server does not take user and password",
    Failure.NOT_NOW: "the mail server said to try again",
    Failure.SENDER_REFUSED: "the mail server takes no mail from SCIMSERVER_MAIL_FROM",
    Failure.NOT_WRITTEN: "the folder for mail cannot be written to",
    Failure.BUDGET: "the organisation has sent what it may within an hour",
    Failure.RECIPIENT_REFUSED: "the mail server refuses mail to the address",
    Failure.MESSAGE_REFUSED: "the mail server refuses the message",
    Failure.NOT_MANAGED: "no identity provider manages the user's password any more",
    Failure.NO_ADDRESS: "the user has no address where mail arrives",
    Failure.INACTIVE: "the user is deactivated",
    Failure.TOO_LATE: "it could not be sent in time",
}


@click.group()
def mail() -> None:
    """Mail that waits, and mail that could not be sent."""


@mail.command("list")
@click.argument("org")
@show.json_option
def list_all(org: str, *, as_json: bool) -> None:
    """The mail of ORG that waits to be sent, and what was given up within the last 30 days."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await mails.every(session.database, organization.id)
        if as_json:
            show.document([_as_object(each) for each in found])
            return
        show.table(
            ("user", "mail", "since", "tries", "next try", "why not sent"),
            [
                (
                    each.user_name,
                    each.kind.value,
                    show.moment(each.created),
                    str(each.attempts),
                    show.moment(None if each.failed else each.due),
                    _REASONS[each.failure] if each.failure else show.NOTHING,
                )
                for each in found
            ],
            empty=f'"{org}" has no mail that waits or could not be sent.',
        )

    run(command)


def _as_object(each: Listed) -> dict[str, Json]:
    return {
        "id": str(each.id),
        "user": str(each.user),
        "userName": each.user_name,
        "kind": each.kind.value,
        "state": "failed" if each.failed else "waiting",
        "created": show.stamp(each.created),
        "attempts": each.attempts,
        "nextTry": None if each.failed else show.stamp(each.due),
        "lastTry": show.stamp(each.until),
        "failure": each.failure.value if each.failure else None,
        "failed": show.stamp(each.failed),
    }
