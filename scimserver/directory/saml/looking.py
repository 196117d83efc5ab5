"""Looking after connections: other metadata, and certificates that end soon, are told of.

What is seen takes no effect: another entity id, address or certificate counts once an administrator says so.
Proven by tests/database/test_saml_looking.py.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory.saml import store
from scimserver.directory.saml.certificates import Certificate
from scimserver.directory.saml.model import Provider, SamlConnection, Seen, difference
from scimserver.kernel.facts import Change, SamlCertificateEnds, SamlMetadataDiffers
from scimserver.kernel.ids import OrganizationId, SamlConnectionId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

_QUERIES = load("saml")
_CLAIM = _QUERIES["claim_look"]
_WANT = _QUERIES["want_look"]
_FINISH = _QUERIES.change("finish_look")

WARNED_BEFORE: Final = (timedelta(days=30), timedelta(days=7), timedelta(days=1))
"""How long before a certificate ends that is told."""

WANTED_EVERY: Final = timedelta(minutes=10)
"""How often a connection may be wanted to be looked at at once."""


class Claimed(NamedTuple):
    """Which connection to look at."""

    organization: OrganizationId
    connection: SamlConnectionId


async def claim_look(database: Database, now: datetime, again: datetime) -> Claimed | None:
    """The next connection to look at, this process's until `again`; None where none is due."""
    row = await database.fetchrow(_CLAIM, now, again)
    return Claimed(OrganizationId(row["org_id"]), SamlConnectionId(row["id"])) if row else None


async def want_look(
    database: Database, organization: OrganizationId, connection: SamlConnectionId, now: datetime
) -> None:
    """Have a connection looked at soon: its identity provider may have a new key."""
    await database.fetchrow(_WANT, organization, connection, now, now - WANTED_EVERY)


async def finish_look(
    work: Work, connection: SamlConnection, provider: Provider | None, failure: str | None, due: datetime
) -> None:
    """Keep what was seen: the metadata at the connection's address, or why it cannot be read, if it has one.

    Other metadata is told of once, and a certificate's end at each of some moments before it. Raises
    `NotPermitted`; when the work ends, `Conflicted` where somebody else looked or changed something.
    """
    work.require(Permission.SAML_MANAGE)
    seen = connection.seen
    pending, checked = seen.pending, seen.checked
    if provider is not None:
        pending, checked = difference(connection, provider, connection.wanted), work.now
    work.change(
        _FINISH,
        work.actor.organization,
        connection.id,
        work.now,
        checked,
        failure,
        store.pending_text(pending),
        due,
        connection.version,
        seen.looked,
    )
    if pending and pending != seen.pending:
        work.note(SamlMetadataDiffers(target=connection.id, display=connection.wanted.name, changes=pending))
    for whose, certificate in _all(connection):
        if ends_soon(certificate, seen, work.now):
            work.note(_end(connection, whose, certificate, work.now))


def ends_soon(certificate: Certificate, seen: Seen, now: datetime) -> bool:
    """Whether one of the moments to tell of a certificate's end came since it was looked at."""
    moments = (certificate.not_after - before for before in WARNED_BEFORE)
    return any(moment <= now and (seen.looked is None or seen.looked < moment) for moment in moments)


def _all(connection: SamlConnection) -> Iterator[tuple[str, Certificate]]:
    yield from (("theirs", each) for each in connection.provider.certificates)
    yield from (("ours", key.certificate) for key in connection.keys if key.sealed is not None)


def _end(
    connection: SamlConnection, whose: str, certificate: Certificate, now: datetime
) -> SamlCertificateEnds:
    changes = (
        Change(path="whose", new=whose),
        Change(path="certificate", new=certificate.sha256),
        Change(path="notAfter", new=certificate.not_after.isoformat()),
        Change(path="daysLeft", new=certificate.days_left(now)),
    )
    return SamlCertificateEnds(target=connection.id, display=connection.wanted.name, changes=changes)
