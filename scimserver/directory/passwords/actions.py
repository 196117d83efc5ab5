"""What can be done to passwords (rule P7). Each notes what happened; none has a password as a string.

Whoever sets somebody else's password must hold every permission that the other holds: a password that
one has set is one that one can sign in with.
Proven by tests/database/test_passwords.py and tests/api/test_password_action.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scimserver.directory import notices, password_resets, recovery, sessions, tries
from scimserver.directory.notices import Notice
from scimserver.directory.passwords import policy as policies
from scimserver.directory.passwords import store
from scimserver.directory.passwords.context import words_of_person
from scimserver.directory.passwords.desk import NewPassword
from scimserver.directory.passwords.hashing import PasswordDigest
from scimserver.directory.passwords.model import UNUSED_FOR, Credential, Person, SetBy
from scimserver.directory.passwords.policy import Policy
from scimserver.kernel.actor import Actor
from scimserver.kernel.errors import InvalidValue, NotPermitted, PasswordManagedElsewhere
from scimserver.kernel.facts import (
    Change,
    PasswordAbsent,
    PasswordChanged,
    PasswordCleared,
    PasswordSetByAdministrator,
    PasswordSetByLink,
)
from scimserver.kernel.ids import SessionId, UserId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling

CHANGED: Final = Change(path="password")
"""A secret's change has its path alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """A password that the policy lets a user have, ready to be stored."""

    digest: PasswordDigest
    former: tuple[str, ...] = ()
    seen: str | None = None
    """The digest whose place it takes: None where nobody looked, empty where there was none."""


async def policy_of(work: Work) -> Policy:
    """What the actor's organisation asks of passwords."""
    return await store.policy_of(work, work.actor.organization)


async def find(work: Work, user: UserId) -> Credential | None:
    """A user's password as it is stored, if there is one."""
    return await store.find(work, work.actor.organization, user)


async def set_by_administrator(
    work: Work, user: Person, password: NewPassword, *, must_change: bool = True
) -> None:
    """Give somebody else a password, which works at once, and unless it is used for a day.

    Raises `NotPermitted` where the user holds more permissions than the actor, `PasswordManagedElsewhere`,
    `InvalidValue` where the organisation wants such passwords changed and this one need not be,
    `PasswordNotAllowed`, `Unavailable`, `LastRecoveryAccount`; when the work ends, `Conflicted`.
    """
    work.require(Permission.USERS_SET_PASSWORD)
    with telling(
        user.user_name, CHANGED, Change(path="mustChange", new=must_change), target=user.id
    ) as changes:
        work.require_holding(user.permissions, "This user")
        require_local(user)
        policy = await policy_of(work)
        if policy.must_change_locked and not must_change:
            raise InvalidValue(
                "The organisation wants passwords that an administrator sets to be changed by their owners:"
                " leave mustChange true.",
                attribute="mustChange",
            )
        allowed = await _allowed(work, user, password, policy)
        # Such a password expires, and where SAML is enforced nobody gets in to change it.
        if user.permissions >= recovery.OWNER:
            await recovery.require_other(work, user.id)
    expires = work.now + UNUSED_FOR
    _store(work, user, allowed, SetBy.ADMINISTRATOR, must_change=must_change, expires=expires)
    await end_former(work, user)
    notices.tell(work, user, Notice.PASSWORD_SET_BY_ADMINISTRATOR)
    work.note(PasswordSetByAdministrator(target=user.id, display=user.user_name, changes=changes))


def require_unconfined(actor: Actor) -> None:
    """Raise `NotPermitted` for whoever is in a session that is for sign-in settings alone."""
    if actor.confined:
        raise NotPermitted(
            "Who signed in by a recovery account changes how people sign in, and nothing else."
        )


async def change_own(work: Work, user: Person, password: NewPassword, current: Credential) -> None:
    """Let a user choose another password; the face has verified `current`, which is still to be it.

    Raises `NotPermitted` in a session that is for sign-in settings, `PasswordManagedElsewhere`,
    `PasswordNotAllowed`, `Unavailable`; when the work ends, `Conflicted`.
    """
    with telling(user.user_name, CHANGED, target=user.id):
        require_unconfined(work.actor)
        require_local(user)
        policy = await policy_of(work)
        password.check(policy, _words(user))
        if await password.is_any_of([current.phc]):
            raise policies.unchanged(policy)
        allowed = await _allowed(work, user, password, policy, current)
    _store(work, user, allowed, SetBy.OWNER)
    await end_former(work, user)
    notices.tell(work, user, Notice.PASSWORD_CHANGED)
    work.note(PasswordChanged(target=user.id, display=user.user_name, changes=(CHANGED,)))


async def prepare(work: Work, user: Person, password: NewPassword) -> None:
    """Do now what takes long of setting a password: see whether it is allowed, and hash it.

    Raises `PasswordManagedElsewhere`, `PasswordNotAllowed`, `Unavailable`.
    """
    with telling(user.user_name, CHANGED, target=user.id):
        require_local(user)
        await _allowed(work, user, password, await policy_of(work))


async def set_by_link(work: Work, user: Person, password: NewPassword) -> None:
    """Let a user choose a password whom a mailed link proved; the link is the caller's to use up.

    Raises `PasswordManagedElsewhere`, `PasswordNotAllowed`, `Unavailable`; when the work ends, `Conflicted`.
    """
    with telling(user.user_name, CHANGED, target=user.id):
        require_local(user)
        allowed = await _allowed(work, user, password, await policy_of(work))
    _store(work, user, allowed, SetBy.LINK)
    await end_former(work, user)
    notices.tell(work, user, Notice.PASSWORD_RESET)
    work.note(PasswordSetByLink(target=user.id, display=user.user_name, changes=(CHANGED,)))


async def clear(work: Work, user: Person) -> None:
    """Take a user's password away: nobody signs in with one until another one is set.

    Raises `NotPermitted`, `LastRecoveryAccount`; when the work ends, `Conflicted`.
    """
    work.require(Permission.USERS_SET_PASSWORD)
    with telling(user.user_name, CHANGED, target=user.id):
        work.require_holding(user.permissions, "This user")
        if user.permissions >= recovery.OWNER:
            await recovery.require_other(work, user.id)
    current = await find(work, user.id)
    if current is None:
        work.note(PasswordAbsent(target=user.id, display=user.user_name))
        return
    work.change(store.CLEAR, work.actor.organization, user.id, current.phc)
    await end_former(work, user)
    work.note(PasswordCleared(target=user.id, display=user.user_name, changes=(CHANGED,)))


def require_local(user: Person) -> None:
    """Raise `PasswordManagedElsewhere` for a user who has no password here (P8)."""
    if user.provider is not None:
        raise PasswordManagedElsewhere(user.provider)


async def give_up(work: Work, user: Person) -> None:
    """Take away the password of a user whom an identity provider signs in from now on, as a part of that.

    Nobody asks who may: that is asked where the user is marked.
    """
    # The one in which somebody marks themselves as well: a password began it, which is to let nobody in.
    await _end_former(work, user, keep=None)
    # After the user is held: a password that somebody set meanwhile is there now.
    if await work.run(store.DROP, work.actor.organization, user.id):
        work.note(PasswordCleared(target=user.id, display=user.user_name, changes=(CHANGED,)))


def use(work: Work, credential: Credential, rehashed: PasswordDigest | None) -> None:
    """Somebody signed in with a password: it does not expire any more, and a digest out of date is replaced.

    Raises, when the work ends, `Conflicted` where it is no longer the user's password.
    """
    is_in_time = credential.expires is not None and not credential.must_change
    if rehashed is None and not is_in_time:
        return
    phc = rehashed.phc if rehashed else credential.phc
    work.change(store.USE, work.actor.organization, credential.user, credential.phc, phc)


async def end_former(work: Work, user: Person) -> None:
    """End what belonged to a password that is no longer the user's: sessions but the one in which the user
    changes it, links that were mailed to replace it, failures that were counted, devices that were known.

    It holds the user, so it comes after all that takes long: until the work ends, nobody signs in as them.
    """
    await _end_former(work, user, keep=work.actor.session if work.actor.user == user.id else None)


async def _end_former(work: Work, user: Person, *, keep: SessionId | None) -> None:
    await sessions.end_every(work, user.id, keep)
    await password_resets.revoke(work, user.id)
    await tries.forgive(work, user.id)


# -- for directory.users, where a password is an attribute of a user ----------------


async def attribute(
    work: Work, before: Person, user: Person, password: NewPassword | None, changes: tuple[Change, ...]
) -> Allowed | None:
    """The password that a connection gives a user, who may be changed with it; `changes` says how.

    None where there is none, or where the user has it already, in an organisation that looks at that:
    identity providers send the same again; and for whoever has no password here (P8).
    Raises `NotPermitted`, `PasswordNotAllowed`, `Unavailable`.
    """
    if password is None or user.provider is not None:
        return None
    with telling(user.user_name, *changes, CHANGED, target=user.id):
        work.require_holding(before.permissions | user.permissions, "This user")
        policy = await policy_of(work)
        password.check(policy, _words(user))
        current = await find(work, user.id) if policy.rules.history else None
        if current is not None and await password.is_any_of([current.phc]):
            return None
        return await _allowed(work, user, password, policy, current)


def store_attribute(work: Work, user: Person, allowed: Allowed) -> None:
    """Stage it, after the change that makes the user what was looked at."""
    _store(work, user, allowed, SetBy.CONNECTION)


# -- shared -------------------------------------------------------------------------


async def _allowed(
    work: Work, user: Person, password: NewPassword, policy: Policy, current: Credential | None = None
) -> Allowed:
    """The password's digest, if the policy and what the user had before let it be."""
    password.check(policy, _words(user))
    if not policy.rules.history:
        seen = current.phc if current else None
        return Allowed(digest=await password.digest(), seen=seen)
    current = current or await find(work, user.id)
    former = current.remembered(policy.rules) if current else ()
    if current and await password.is_any_of((current.phc, *current.former)[: policy.rules.history]):
        raise policies.reused(policy)
    return Allowed(digest=await password.digest(), former=former, seen=current.phc if current else "")


def _store(
    work: Work,
    user: Person,
    allowed: Allowed,
    set_by: SetBy,
    *,
    must_change: bool = False,
    expires: datetime | None = None,
) -> None:
    work.change(
        store.SET,
        work.actor.organization,
        user.id,
        allowed.digest.phc,
        work.now,
        must_change,
        expires,
        set_by.value,
        allowed.former,
        user.version,
        allowed.seen,
        broken=store.BROKEN,
    )


def _words(user: Person) -> tuple[str, ...]:
    return tuple(words_of_person(user.user_name, user.document))
