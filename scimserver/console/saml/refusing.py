"""The one page for every response that lets nobody in; the reason is in the log, under the page's number.

Proven by tests/console/test_saml_refused.py.
"""

from dataclasses import replace
from typing import Final
from uuid import uuid5

from aiohttp import web

from scimserver.access.refusals import Aim
from scimserver.access.saml.refusal import ResponseRefused, Why
from scimserver.console import faults
from scimserver.console.forms import BadForm
from scimserver.console.saml.place import SamlPlace
from scimserver.console.visit import Visit
from scimserver.directory.saml import SamlConnection, State
from scimserver.kernel.actor import NOBODY
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import SamlTried, SessionStarted
from scimserver.kernel.ids import UserId

_REFUSED: Final = (
    "What your identity provider sent lets nobody in. Begin again; if it happens again, tell your"
    " organisation's systems administrator the number {number}."
)


async def told(visit: Visit, place: SamlPlace, refused: Refused) -> web.Response:
    """The page; of like refusals within a minute the first is put on record, and how many followed."""
    services, connection = visit.services, place.connection
    why = refused.why if isinstance(refused, ResponseRefused) else None
    status = 400 if why is Why.MALFORMED else 403
    fact = SessionStarted if connection.state is State.ACTIVE else SamlTried
    entry = services.refusals.seen(
        replace(NOBODY, organization=place.organization, name=connection.wanted.name),
        visit.origin,
        reason=refused.reason if why is None else why.value,
        now=services.room.clock(),
        status=status,
        event=fact.attempt,
        aim=_aim(connection, refused),
    )
    if entry is not None:
        await services.room.record(entry)
    return faults.told(visit, BadForm(status, _REFUSED.format(number=visit.origin.request_id)))


def _aim(connection: SamlConnection, refused: Refused) -> Aim | None:
    """Whom an identity provider named who was refused, once it was believed."""
    if not refused.display:
        return None
    account = refused.target or uuid5(connection.id, refused.display)
    user = UserId(refused.target) if refused.target else None
    return Aim(account=account, user=user, user_name=refused.display)
