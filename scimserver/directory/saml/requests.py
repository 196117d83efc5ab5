"""Requests to identity providers, each answered once, and assertions, each used once.

A request belongs to the browser that was sent with it: somebody else's answer is no answer to it.
Proven by tests/console/test_saml_trial.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from scimserver.db.pool import Reader
from scimserver.db.queries import load
from scimserver.directory.saml.model import SamlConnection
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Change, SamlTried
from scimserver.kernel.ids import OrganizationId, SamlConnectionId, UserId
from scimserver.kernel.permissions import Permission, known_permissions
from scimserver.kernel.secrets import digest
from scimserver.work import Work

_QUERIES = load("saml")
_INSERT = _QUERIES.change("insert_request")
_PEEK = _QUERIES["peek_request"]
_TAKE = _QUERIES.change("take_request")
_USE = _QUERIES.change("use_assertion")
_TRIED = _QUERIES.change("mark_tried")

LASTS: Final = timedelta(minutes=10)
"""How long people may take at their identity provider."""


class AnsweredAlready(Refused):
    """The request of a response was answered, or is not waited for any more."""

    reason = "saml_request"


class UsedBefore(Refused):
    """The assertion of a response was used before."""

    reason = "saml_replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that waits for its answer."""

    id: str
    user: UserId
    """Who tries the connection out."""
    permissions: frozenset[Permission]
    """What they may do now."""


async def begin_trial(work: Work, connection: SamlConnection, request: str, browser: str) -> None:
    """Remember a request by which somebody who manages SAML tries a connection out.

    `browser` is the secret that their browser keeps. Raises `NotPermitted`.
    """
    work.require(Permission.SAML_MANAGE)
    assert work.actor.user is not None, "somebody who sits at a browser"
    await work.run(
        _INSERT,
        work.actor.organization,
        connection.id,
        request,
        digest(browser),
        work.actor.user,
        work.now,
        work.now + LASTS,
    )


async def asked(
    reader: Reader,
    organization: OrganizationId,
    connection: SamlConnectionId,
    request: str | None,
    browser: str | None,
    now: datetime,
) -> Asked | None:
    """The request that waits for an answer in this browser; None where nobody asked here."""
    if request is None or browser is None:
        return None
    row = await reader.fetchrow(_PEEK, organization, connection, request, digest(browser), now)
    if row is None:
        return None
    return Asked(id=request, user=UserId(row["user_id"]), permissions=known_permissions(row["permissions"]))


async def finish_trial(
    work: Work, connection: SamlConnection, request: Asked, assertion: str, until: datetime
) -> None:
    """Take the answer to a request, and the assertion in it: neither counts again.

    `until` is when nobody would take the assertion any more. Raises `NotPermitted`, `AnsweredAlready` also
    where the connection was changed meanwhile, and `UsedBefore`.
    """
    work.require(Permission.SAML_MANAGE)
    organization = work.actor.organization
    if await work.run(_TAKE, organization, connection.id, request.id, work.now, connection.version) == 0:
        raise AnsweredAlready(
            "This request was answered already, waited for too long, or the connection was changed meanwhile."
        )
    if await work.run(_USE, organization, connection.id, assertion, until) == 0:
        raise UsedBefore("This assertion was used before.")
    if await work.run(_TRIED, organization, connection.id, work.now, connection.version) == 0:
        raise AnsweredAlready("The connection was changed meanwhile.")
    changes = (Change(path="assertion", new=assertion),)
    work.note(SamlTried(target=connection.id, display=connection.wanted.name, changes=changes))
