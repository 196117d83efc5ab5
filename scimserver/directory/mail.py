"""Mail that is to be sent: a job is written in the transaction of what caused it, or not at all.

A job says which letter goes to which user. It holds no text, no secret, and no address: mail goes to
the address that the user has when it is sent. The one exception is the notice that the address was changed,
which goes to the one before. `workers.mail` sends what is here (docs/decisions/0023).
Proven by tests/database/test_mail_worker.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import orjson
from asyncpg import Record

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory.limits import shown
from scimserver.directory.mailboxes import deliverable, mailbox
from scimserver.directory.views import provider_of
from scimserver.kernel.errors import Conflicted
from scimserver.kernel.facts import Change, MailGivenUp, MailSent
from scimserver.kernel.ids import OrganizationId, UserId, new_uuid
from scimserver.kernel.providers import IdentityProvider
from scimserver.work import Broken, Work

_QUERIES = load("mail")
_INSERT = _QUERIES.change("insert_job")
_INSERT_ADDRESS_NOTICE = _QUERIES.change("insert_address_notice")
_CANCEL = _QUERIES.change("cancel_jobs")
_CLAIM = _QUERIES["claim_job"]
_ADDRESSEE = _QUERIES["read_addressee"]
_DELETE = _QUERIES.change("delete_job")
_FAIL = _QUERIES.change("fail_job")
_DEFER = _QUERIES.change("defer_job")
_POSTPONE = _QUERIES.change("postpone_jobs")
_SPEND = _QUERIES["spend"]
_COUNT = _QUERIES["count_jobs"]
_LIST = _QUERIES["list_jobs"]

# The user was deleted meanwhile: whoever tries again finds nobody.
_BROKEN: Final[Broken] = {"mail_jobs_user_id_fkey": Conflicted}


class Kind(StrEnum):
    """Which letter. Values are stored and logged: never rename one."""

    LINK_SELF_SERVICE = "link.self_service"
    LINK_ADMINISTRATOR = "link.administrator"
    LINK_INVITATION = "link.invitation"
    PASSWORD_CHANGED = "notice.password_changed"  # noqa: S105 - vocabulary, no secret
    PASSWORD_SET_BY_ADMINISTRATOR = "notice.password_set_by_administrator"  # noqa: S105 - as above
    PASSWORD_RESET = "notice.password_reset"  # noqa: S105 - as above
    ADDRESS_CHANGED = "notice.address_changed"
    PASSWORD_MANAGED = "notice.password_managed"  # noqa: S105 - as above
    RECOVERY_USED = "notice.recovery_used"


LINKS: Final = frozenset({Kind.LINK_SELF_SERVICE, Kind.LINK_ADMINISTRATOR, Kind.LINK_INVITATION})

EVEN_TO_DEACTIVATED: Final = frozenset({Kind.PASSWORD_CHANGED, Kind.PASSWORD_RESET, Kind.ADDRESS_CHANGED})
"""What was done in a user's name: whose account it is should know, all the more if it was closed since."""

_TRIED_FOR: Final = {Kind.LINK_SELF_SERVICE: timedelta(days=1), Kind.PASSWORD_MANAGED: timedelta(days=1)}
_TRIED_FOR_ELSE: Final = timedelta(days=3)


class Failure(StrEnum):
    """Why a mail was not sent. Values are stored and logged: never rename one."""

    UNREACHABLE = "unreachable"
    """No connection to the mail server, or it broke."""
    UNTRUSTED = "untrusted"
    """The mail server's certificate cannot be trusted, or it offers no TLS where it must."""
    NOT_LOGGED_IN = "not_logged_in"
    """The mail server does not take our user and password."""
    NOT_NOW = "not_now"
    """The mail server said to try again."""
    SENDER_REFUSED = "sender_refused"
    """The mail server takes nothing from our address."""
    NOT_WRITTEN = "not_written"
    """The folder for mail cannot be written to."""
    BUDGET = "budget"
    """The organisation sent all that it may within an hour."""
    RECIPIENT_REFUSED = "recipient_refused"
    """The mail server knows no such mailbox, or refuses mail to it."""
    MESSAGE_REFUSED = "message_refused"
    """The mail server takes no such message."""
    NO_ADDRESS = "no_address"
    """The user has no address where mail arrives: a clone's placeholder, or a name that is none."""
    INACTIVE = "inactive"
    """The user is deactivated."""
    NOT_MANAGED = "not_managed"
    """No identity provider manages the user's password any more."""
    TOO_LATE = "too_late"
    """It could not be sent in the time there was for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A mail that this process is to send now."""

    organization: OrganizationId
    id: UUID
    user: UserId
    kind: Kind
    former_address: str | None
    request_id: str
    created: datetime
    until: datetime
    attempt: int
    """From 1 on; another one's claim has another number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """To whom a mail goes, as stored at this moment, and in whose name."""

    user_name: str
    user_name_key: str
    active: bool
    mailbox: str | None
    organization_title: str
    support_contact: str
    """Whom to ask for help; may be empty."""
    provider: IdentityProvider | None
    """Who manages the user's password instead (P8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A mail that waits, or was given up."""

    id: UUID
    user: UserId
    user_name: str
    kind: Kind
    created: datetime
    due: datetime
    until: datetime
    attempts: int
    failure: Failure | None
    failed: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How often something may happen, counted over all processes."""

    kind: str
    per_hour: int
    per_day: int | None = None


def of_organization(per_hour: int) -> Allowance:
    """Mails of an organisation; those beyond it wait."""
    return Allowance(kind="organization", per_hour=per_hour)


# -- what causes mail ------------------------------------------------------------------------------


def put(work: Work, user: UserId, kind: Kind) -> None:
    """Have a letter sent to a user, if the work commits. Deleting the user takes it back."""
    work.change(_INSERT, *_row(work, user, kind, None), broken=_BROKEN)


async def put_to_former_address(work: Work, user: UserId, former: str) -> None:
    """Have the address that a user had told that it is theirs no more, if the user has a password."""
    if deliverable(former) is not None:
        row = _row(work, user, Kind.ADDRESS_CHANGED, former)
        await work.run(_INSERT_ADDRESS_NOTICE, *row, broken=_BROKEN)


async def cancel(work: Work, user: UserId, kinds: frozenset[Kind]) -> int:
    """Take back what was not sent yet; how many that were."""
    return await work.run(_CANCEL, work.actor.organization, user, sorted(kinds))


def _row(work: Work, user: UserId, kind: Kind, former: str | None) -> tuple[object, ...]:
    until = work.now + _TRIED_FOR.get(kind, _TRIED_FOR_ELSE)
    organization, request = work.actor.organization, work.origin.request_id
    return organization, new_uuid(), user, kind.value, former, request, work.now, until


async def spend(
    work: Work, allowance: Allowance, subject: str, organization: OrganizationId | None = None
) -> bool:
    """Take one of what is allowed; False where nothing is left, and nothing was taken then.

    It counts in the actor's organisation, or in another one.
    """
    transaction = await work.begin()
    return (
        await transaction.fetchval(
            _SPEND,
            work.actor.organization if organization is None else organization,
            allowance.kind,
            subject,
            work.now,
            allowance.per_hour,
            allowance.per_day,
        )
        is not None
    )


# -- what sends mail -------------------------------------------------------------------------------


async def claim(database: Database, now: datetime, due_again: datetime) -> Job | None:
    """The next mail to send, this process's until `due_again`; None where nothing is due."""
    row = await database.fetchrow(_CLAIM, now, due_again)
    return None if row is None else _job(row)


async def addressee(database: Database, job: Job) -> Addressee | None:
    """To whom a mail goes; None where the user was deleted."""
    row = await database.fetchrow(_ADDRESSEE, job.organization, job.user)
    if row is None:
        return None
    own = mailbox(row["user_name"], orjson.loads(row["document"]))
    return Addressee(
        user_name=row["user_name"],
        user_name_key=row["user_name_key"],
        active=row["active"],
        mailbox=own if job.former_address is None else deliverable(job.former_address),
        organization_title=row["title"],
        support_contact=row["support_contact"],
        provider=provider_of(columns) if (columns := row["provider"]) else None,
    )


async def sent(work: Work, job: Job, display: str) -> None:
    """Put on record that a mail was sent. It may have been withdrawn meanwhile: sent it is all the same."""
    await work.run(_DELETE, job.organization, job.id)
    work.note(MailSent(target=job.user, display=display, changes=(Change(path="kind", new=job.kind.value),)))


async def give_up(work: Work, job: Job, display: str, failure: Failure, reply: str = "") -> None:
    """Put on record that a mail will not be sent, and what the mail server said, which may be personal."""
    if await work.run(_FAIL, job.organization, job.id, failure.value, work.now):
        changes = [Change(path="kind", new=job.kind.value)]
        if reply:
            changes.append(Change(path="reply", new=shown(reply)))
        work.note(MailGivenUp(target=job.user, display=display, changes=tuple(changes), reason=failure.value))


async def defer(work: Work, job: Job, failure: Failure, until: datetime) -> None:
    """Have a mail tried again."""
    await work.run(_DEFER, job.organization, job.id, failure.value, until)


async def postpone(work: Work, job: Job, until: datetime) -> None:
    """Have all mail of a mail's organisation wait."""
    await work.run(_POSTPONE, job.organization, job.id, until)


async def waiting(database: Database) -> int:
    """How many mails wait, of all organisations."""
    return await database.fetchval(_COUNT)


async def every(database: Database, organization: OrganizationId) -> list[Listed]:
    """An organisation's mails that wait or were given up, oldest first."""
    return [
        Listed(
            id=row["id"],
            user=UserId(row["user_id"]),
            user_name=row["user_name"],
            kind=Kind(row["kind"]),
            created=row["created"],
            due=row["due"],
            until=row["until"],
            attempts=row["attempts"],
            failure=Failure(row["failure"]) if row["failure"] else None,
            failed=row["failed"],
        )
        for row in await database.fetch(_LIST, organization)
    ]


def _job(row: Record) -> Job:
    return Job(
        organization=OrganizationId(row["org_id"]),
        id=row["id"],
        user=UserId(row["user_id"]),
        kind=Kind(row["kind"]),
        former_address=row["former_address"],
        request_id=row["request_id"],
        created=row["created"],
        until=row["until"],
        attempt=row["attempts"],
    )
