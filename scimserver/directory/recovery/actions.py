"""What can be done to recovery accounts. Every action requires permissions first, and notes what happened.

While SAML is enforced in a domain, there is always one that gets in, whatever happens to users, roles and
passwords: who changes those asks here.
Proven by tests/api/test_last_recovery_account.py and tests/database/test_cli_recovery.py.
"""

from typing import Final, Protocol

from scimserver.db.pool import Database
from scimserver.directory import mail, sessions
from scimserver.directory.mail import Kind
from scimserver.directory.recovery import store
from scimserver.directory.recovery.model import OWNER, Account, Codes, Secret, new_secret
from scimserver.directory.recovery.store import Looked
from scimserver.kernel.errors import Conflicted, InvalidValue, LastRecoveryAccount, NotFound
from scimserver.kernel.facts import Change, RecoveryEnrolled, RecoveryPrepared, RecoveryWithdrawn
from scimserver.kernel.ids import OrganizationId, RoleId, UserId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling

MOST_TOLD: Final = 50
"""Owners who are told by mail that a recovery account was used."""

_LAST: Final = (
    "SAML is enforced, and nobody else gets in when the identity provider lets nobody in: enrol another"
    " recovery account first (`scimserver recovery enrol`), or end enforcement (`scimserver domain release`)."
)
_ENROLLED: Final = "This user has a recovery account already: withdraw it first, to begin anew."


class Person(Protocol):
    """What has to be known of a user."""

    @property
    def id(self) -> UserId:
        """The user's id."""
        ...

    @property
    def user_name(self) -> str:
        """The address that identifies the user (P1)."""
        ...

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the user's role permits."""
        ...


async def prepare(work: Work, user: Person, codes: Codes) -> Secret:
    """Give an owner the secret for codes, in place of one that was never confirmed; it is kept sealed.

    Raises `NotPermitted`, and `InvalidValue` for whoever cannot have such an account.
    """
    work.require(*sorted(OWNER))
    with telling(user.user_name, target=user.id):
        work.require_holding(user.permissions, "This user")
        await store.hold(work)
        _require_able(await store.look(work, user.id))
    secret, organization = new_secret(), work.actor.organization
    sealed = codes.sealed(organization, user.id, secret)
    by = work.actor.name or str(work.actor.user)
    if await work.run(store.PREPARE, organization, user.id, sealed, by, work.now, broken=store.BROKEN) == 0:
        raise Conflicted
    work.note(RecoveryPrepared(target=user.id, display=user.user_name, changes=(Change(path="secret"),)))
    return secret


async def confirm(work: Work, user: Person, code: str, codes: Codes) -> None:
    """Make it a recovery account, by a code that its owner's app shows.

    Raises `NotPermitted`, `InvalidValue` for another code and for whoever cannot have such an account.
    """
    work.require(*sorted(OWNER))
    organization = work.actor.organization
    with telling(user.user_name, target=user.id):
        work.require_holding(user.permissions, "This user")
        await store.hold(work)
        looked = await store.look(work, user.id)
        _require_able(looked)
        if looked is None or looked.secret is None:
            raise InvalidValue("This user was not given a secret yet: enrol without a code first.")
        step = codes.step(looked.secret, organization, user.id, code, work.now)
        if step is None:
            raise InvalidValue(
                "This is not the code of the moment: compare the clocks, or enrol again without a code."
                " SCIMSERVER_SECRET has to be the one with which the secret was made.",
                attribute="code",
            )
    if await work.run(store.CONFIRM, organization, user.id, looked.secret, step, work.now) == 0:
        raise Conflicted
    work.note(RecoveryEnrolled(target=user.id, display=user.user_name))


async def withdraw(work: Work, user: Person) -> None:
    """Take a user's recovery account away, confirmed or not; sessions of the user end.

    Raises `NotPermitted`, `NotFound`, `LastRecoveryAccount`.
    """
    work.require(*sorted(OWNER))
    with telling(user.user_name, target=user.id):
        work.require_holding(user.permissions, "This user")
        await require_other(work, user.id)
    await sessions.end_every(work, user.id)
    if await work.run(store.WITHDRAW, work.actor.organization, user.id, work.now) == 0:
        raise NotFound(f'"{user.user_name}" has no recovery account.')
    work.note(RecoveryWithdrawn(target=user.id, display=user.user_name))


async def every(database: Database, organization: OrganizationId) -> list[Account]:
    """The organisation's recovery accounts, by address."""
    return await store.every(database, organization)


def _require_able(looked: Looked | None) -> None:
    """Raise `InvalidValue` where a user cannot have a recovery account, or has one."""
    if looked is None:
        raise Conflicted
    if looked.confirmed is not None:
        raise InvalidValue(_ENROLLED)
    against = [
        sentence
        for is_against, sentence in (
            (not looked.active, "is deactivated"),
            (looked.is_managed, "is SAML-managed"),
            (not looked.has_password and not looked.is_managed, "has chosen no password here"),
            (not looked.permissions >= OWNER, f"may not do all of {', '.join(sorted(OWNER))}"),
        )
        if is_against
    ]
    if against:
        raise InvalidValue(f"This user cannot have a recovery account: the user {' and '.join(against)}.")


# -- for those who change what a recovery account rests on -----------------------------------


async def hold(work: Work) -> None:
    """Keep everybody else from enrolling, withdrawing and enforcing, until the work ends."""
    await store.hold(work)


async def require_other(work: Work, user: UserId) -> None:
    """Raise `LastRecoveryAccount` where a user has such an account, and nobody else would get in."""
    await store.hold(work)
    if not await store.is_account(work, user):
        return
    if await store.is_enforced(work) and not await store.is_left(work, user=user):
        raise LastRecoveryAccount(_LAST)


async def require_beside_role(work: Work, role: RoleId) -> None:
    """Raise `LastRecoveryAccount` where nobody but those who have a role would get in."""
    await store.hold(work)
    if await store.is_enforced(work) and not await store.is_left(work, role=role):
        raise LastRecoveryAccount(_LAST)


async def require_left(work: Work) -> None:
    """Raise `LastRecoveryAccount` where nobody would get in after what the work, which holds, has done."""
    if await store.is_enforced(work) and not await store.is_left(work):
        raise LastRecoveryAccount(_LAST)


async def is_ready(work: Work) -> bool:
    """Whether somebody gets in by a recovery account; the organisation is held before."""
    return await store.is_left(work)


# -- for signing in ----------------------------------------------------------------------------


async def use(work: Work, user: UserId, step: int) -> bool:
    """Use a code up; False where it, or a later one, was used."""
    return await work.run(store.USE, work.actor.organization, user, step) == 1


async def tell_owners(work: Work) -> None:
    """Have the organisation's owners told that a recovery account was used, if the work commits."""
    for owner in await store.owners(work, MOST_TOLD):
        mail.put(work, owner, Kind.RECOVERY_USED)
