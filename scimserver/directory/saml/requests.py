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
from scimserver.kernel.errors import Conflicted, Refused
from scimserver.kernel.facts import Change, SamlTried
from scimserver.kernel.ids import OrganizationId, SamlConnectionId, UserId
from scimserver.kernel.permissions import Permission, known_permissions
from scimserver.kernel.secrets import digest
from scimserver.work import Broken, Work

_QUERIES = load("saml")
_INSERT = _QUERIES.change("insert_request")
_PEEK = _QUERIES["peek_request"]
_TAKE = _QUERIES.change("take_request")
_COUNT_REFUSED = _QUERIES.change("count_refused")
_USE = _QUERIES.change("use_assertion")
_TRIED = _QUERIES.change("mark_tried")

_BROKEN: Final[Broken] = {"saml_requests_user_id_fkey": Conflicted}
"""Whoever tries a connection out was deleted a moment ago."""

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
    tried_by: UserId | None
    """Who tries the connection out; None where somebody signs in."""
    permissions: frozenset[Permission]
    """What whoever tries it out may do now."""
    return_to: str
    """The page of ours to which somebody wanted to go who signs in."""


async def begin_trial(work: Work, connection: SamlConnection, request: str, browser: str) -> None:
    """Remember a request by which somebody who manages SAML tries a connection out.

    `browser` is the secret that their browser keeps. Raises `NotPermitted`.
    """
    work.require(Permission.SAML_MANAGE)
    assert work.actor.user is not None, "somebody who sits at a browser"
    await _remember(work, connection, request, browser, "/")


async def begin_sign_in(
    work: Work, connection: SamlConnection, request: str, browser: str, return_to: str
) -> None:
    """Remember a request by which somebody signs in, whoever it will be: anybody may ask to.

    `browser` is the secret that their browser keeps.
    """
    assert work.actor.user is None, "nobody is anybody yet"
    await _remember(work, connection, request, browser, return_to)


async def _remember(
    work: Work, connection: SamlConnection, request: str, browser: str, return_to: str
) -> None:
    await work.run(
        _INSERT,
        work.actor.organization,
        connection.id,
        request,
        digest(browser),
        work.actor.user,
        return_to,
        work.now,
        work.now + LASTS,
        broken=_BROKEN,
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
    return Asked(
        id=request,
        tried_by=UserId(row["user_id"]) if row["user_id"] else None,
        permissions=known_permissions(row["permissions"] or ()),
        return_to=row["return_to"],
    )


async def count_refused(work: Work, connection: SamlConnection, request: Asked) -> None:
    """Count a refused response to a request: to one that got some it is waited for no more.

    Nobody has to be somebody for it: whoever has the request's browser may have anything refused.
    """
    await work.run(_COUNT_REFUSED, work.actor.organization, connection.id, request.id)


async def finish_trial(
    work: Work, connection: SamlConnection, request: Asked, assertion: str, until: datetime
) -> None:
    """Take the answer to a request, and the assertion in it: neither counts again.

    `until` is when nobody would take the assertion any more. Raises `NotPermitted`, `AnsweredAlready` also
    where the connection was changed meanwhile, and `UsedBefore`.
    """
    work.require(Permission.SAML_MANAGE)
    await use_up(work, connection, request, assertion, until)
    if await work.run(_TRIED, work.actor.organization, connection.id, work.now, connection.version) == 0:
        raise AnsweredAlready("The connection was changed meanwhile.")
    changes = (Change(path="assertion", new=assertion),)
    work.note(SamlTried(target=connection.id, display=connection.wanted.name, changes=changes))


async def use_up(
    work: Work, connection: SamlConnection, request: Asked | None, assertion: str, until: datetime
) -> None:
    """Use a request up, if there was one, and an assertion, as a part of what comes of them.

    Raises `AnsweredAlready` also where the connection was changed meanwhile, and `UsedBefore`.
    """
    organization, taken = work.actor.organization, 1
    if request is not None:
        taken = await work.run(_TAKE, organization, connection.id, request.id, work.now, connection.version)
    if taken == 0:
        raise AnsweredAlready(
            "This request was answered already, waited for too long, or the connection was changed meanwhile."
        )
    if await work.run(_USE, organization, connection.id, assertion, until) == 0:
        raise UsedBefore("This assertion was used before.")
