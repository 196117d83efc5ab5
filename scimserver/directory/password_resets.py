"""Links by which users set a password themselves (rule P7), mailed because they or an administrator asked.

The token of a link is made when its mail is sent: nothing that waits holds one, and at rest it is a
digest. It begins with the organisation's id, so that a link is looked up inside one organisation. A user
has one link at most: a newer one takes its place. It is used once, however many use it at the same time,
and only while the user is active under the address to which it was mailed (docs/decisions/0024).
Proven by tests/database/test_password_resets.py and tests/unit/test_reset_tokens.py.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory import mail
from scimserver.directory.mail import Allowance, Job, Kind
from scimserver.directory.mailboxes import mailbox
from scimserver.kernel.errors import LinkNotLive, NotMailable, PasswordManagedElsewhere, RateLimited
from scimserver.kernel.facts import Change, Json, PasswordLinkOrdered, PasswordLinkWithdrawn
from scimserver.kernel.ids import OrganizationId, UserId
from scimserver.kernel.permissions import Permission
from scimserver.kernel.providers import IdentityProvider
from scimserver.kernel.secrets import digest
from scimserver.work import Work, telling

_QUERIES = load("password_resets")
_HOLD = _QUERIES["hold_user"]
_ISSUE = _QUERIES.change("issue")
_PEEK = _QUERIES["peek"]
_CONSUME = _QUERIES.change("consume")
_REVOKE = _QUERIES.change("revoke")


class Purpose(StrEnum):
    """What a link is for. Values are stored and logged: never rename one."""

    SELF_SERVICE = "self_service"
    ADMINISTRATOR = "administrator"
    INVITATION = "invitation"


LASTS: Final = {
    Purpose.SELF_SERVICE: timedelta(minutes=60),
    Purpose.ADMINISTRATOR: timedelta(hours=24),
    Purpose.INVITATION: timedelta(hours=72),
}
"""How long a link can be used, from when it is sent."""

_LETTERS: Final = {
    Purpose.SELF_SERVICE: Kind.LINK_SELF_SERVICE,
    Purpose.ADMINISTRATOR: Kind.LINK_ADMINISTRATOR,
    Purpose.INVITATION: Kind.LINK_INVITATION,
}
PURPOSES: Final = {letter: purpose for purpose, letter in _LETTERS.items()}

PER_ACCOUNT_ORDERED: Final = Allowance(kind="links_ordered", per_hour=10)
"""Links that administrators have mailed to one user."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{64}")
_SECRET_BYTES: Final = 32


class Person(Protocol):
    """What has to be known of a user to whom a link shall be mailed."""

    @property
    def id(self) -> UserId:
        """The user's id."""
        ...

    @property
    def user_name(self) -> str:
        """The address that identifies the user (P1)."""
        ...

    @property
    def active(self) -> bool:
        """Whether the user is active."""
        ...

    @property
    def document(self) -> Mapping[str, Json]:
        """The user's document."""
        ...

    @property
    def provider(self) -> IdentityProvider | None:
        """Who manages the user's password instead (P8)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A link that can be used."""

    organization: OrganizationId
    user: UserId
    purpose: Purpose
    expires: datetime


class Token(NamedTuple):
    """A link's token, taken apart: whose organisation it is of, and its digest."""

    organization: OrganizationId
    digest: bytes


# -- tokens ----------------------------------------------------------------------------------------


def new_token(organization: OrganizationId) -> str:
    """A fresh token of 64 URL-safe characters: the organisation's id and 32 random bytes."""
    return base64.urlsafe_b64encode(organization.bytes + secrets.token_bytes(_SECRET_BYTES)).decode()


def parse_token(text: str) -> Token | None:
    """The parts of a token; None for what cannot be one."""
    if not _TOKEN.fullmatch(text):
        return None
    organization = base64.urlsafe_b64decode(text)[:-_SECRET_BYTES]
    return Token(OrganizationId(UUID(bytes=organization)), digest(text))


# -- ordering and withdrawing ----------------------------------------------------------------------


async def mail_link(work: Work, user: Person, purpose: Purpose) -> None:
    """Have a link mailed to a user; the token is made when it is sent, and nobody here sees it.

    Raises `NotPermitted`; `PasswordManagedElsewhere`; `NotMailable` for a deactivated user or one without
    a mailbox, as a clone with its placeholder is; `RateLimited` where one user would get too many.
    """
    assert purpose is not Purpose.SELF_SERVICE, "those are asked for by whoever cannot sign in"
    ordered = _purpose(purpose)
    with telling(user.user_name, ordered, target=user.id):
        work.require(Permission.USERS_MAIL_RESET_LINK)
        if user.provider is not None:
            raise PasswordManagedElsewhere(user.provider)
        check_mailable(user)
        if not await mail.spend(work, PER_ACCOUNT_ORDERED, str(user.id)):
            raise RateLimited(
                f"This user was mailed {PER_ACCOUNT_ORDERED.per_hour} links within an hour:"
                " use the last one.",
                retry_after=3600,
            )
    _order(work, user, purpose)


def invite(work: Work, user: Person) -> None:
    """Have a mailable user invited to set a password, as a part of what makes it necessary."""
    _order(work, user, Purpose.INVITATION)


def _order(work: Work, user: Person, purpose: Purpose) -> None:
    put_link(work, user.id, purpose)
    changes = (_purpose(purpose),)
    work.note(PasswordLinkOrdered(target=user.id, display=user.user_name, changes=changes))


def _purpose(purpose: Purpose) -> Change:
    return Change(path="purpose", new=purpose.value)


def check_mailable(user: Person) -> None:
    """Raise `NotMailable` for a user to whom no link would be mailed."""
    if not user.active:
        raise NotMailable("The user is deactivated: activate the user first, then have a link mailed.")
    if mailbox(user.user_name, user.document) is None:
        raise NotMailable(
            "The user has no address where mail arrives: change it first, then have a link mailed."
            " A clone's address (Copy N) is none until somebody changes it."
        )


def put_link(work: Work, user: UserId, purpose: Purpose) -> None:
    """Have a link mailed, for whoever has asked already who may."""
    mail.put(work, user, _LETTERS[purpose])


async def withdraw(work: Work, user: Person) -> None:
    """Make a user's link useless, mailed or waiting to be. Raises `NotPermitted`."""
    work.require(Permission.USERS_MAIL_RESET_LINK)
    await revoke(work, user.id)
    work.note(PasswordLinkWithdrawn(target=user.id, display=user.user_name))


async def revoke(work: Work, user: UserId) -> None:
    """The same, as a part of what makes it useless: another password or address, the user's deactivation.

    Does nothing where there is no link.
    """
    await _hold(work, user)
    await mail.cancel(work, user, mail.LINKS)
    await work.run(_REVOKE, work.actor.organization, user)


# -- sending and using -----------------------------------------------------------------------------


async def issue(work: Work, job: Job, user_name_key: str) -> str | None:
    """A link's token, good when the work has committed, in place of any before; for whoever sends the job.

    None where the job was withdrawn or claimed by another one, or the user has another address by now.
    """
    await _hold(work, job.user)
    purpose = PURPOSES[job.kind]
    token = new_token(job.organization)
    issued = await work.run(
        _ISSUE,
        job.organization,
        job.user,
        job.id,
        job.attempt,
        digest(token),
        purpose.value,
        user_name_key,
        work.now,
        work.now + LASTS[purpose],
    )
    return token if issued else None


async def peek(database: Database, token: str, now: datetime) -> Live | None:
    """Whose link it is, without using it; None unless it can be used now."""
    parsed = parse_token(token)
    row = await database.fetchrow(_PEEK, *parsed, now) if parsed else None
    if parsed is None or row is None:
        return None
    return Live(
        organization=parsed.organization,
        user=UserId(row["user_id"]),
        purpose=Purpose(row["purpose"]),
        expires=row["expires"],
    )


async def consume(work: Work, token: str) -> UserId:
    """Use a link of the actor's organisation, as a part of setting the password; whose link it was.

    Nobody else can use it from then on, unless the work fails. Raises `LinkNotLive`.
    """
    parsed = parse_token(token)
    if parsed is not None and parsed.organization == work.actor.organization:
        live = await work.fetchrow(_PEEK, *parsed, work.now)
        if live is not None:
            await _hold(work, live["user_id"])
            if await work.run(_CONSUME, *parsed, work.now):
                return UserId(live["user_id"])
    raise LinkNotLive(
        "This link cannot be used: it was used, has expired, or a newer one was sent. Ask for a new one."
    )


async def _hold(work: Work, user: UserId) -> None:
    """Keep everybody else from a user's links until the work ends; nothing of them is held before."""
    transaction = await work.begin()
    await transaction.fetchrow(_HOLD, work.actor.organization, user)
