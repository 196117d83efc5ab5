"""Notices: what the owner of an account is told of by mail, because somebody else may have done it.

A notice never holds a password, an address or a link. Proven by tests/database/test_mail_worker.py.
"""

from enum import Enum
from typing import Protocol

from scimserver.directory import mail
from scimserver.directory.mail import Kind
from scimserver.kernel.ids import UserId
from scimserver.work import Work


class Notice(Enum):
    """What is told."""

    PASSWORD_CHANGED = Kind.PASSWORD_CHANGED
    """By the user, who knew the one before."""
    PASSWORD_SET_BY_ADMINISTRATOR = Kind.PASSWORD_SET_BY_ADMINISTRATOR
    PASSWORD_RESET = Kind.PASSWORD_RESET
    """By a link that was mailed."""


class Told(Protocol):
    """Whoever can be told something: a user."""

    @property
    def id(self) -> UserId:
        """The user's id."""
        ...


def tell(work: Work, user: Told, notice: Notice) -> None:
    """Have a user told, if the work commits. Whether and where mail arrives is looked at when it is sent."""
    mail.put(work, user.id, notice.value)


async def tell_former_address(work: Work, user: Told, former: str) -> None:
    """Have the address told that was a user's until now, if that is how the user signs in with a password."""
    await mail.put_to_former_address(work, user.id, former)
