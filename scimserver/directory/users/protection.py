"""Who is protected: those who may do more than whoever acts (P9), the last who may manage users (P5), and the
last who gets in without the identity provider (P8).

Proven by tests/database/test_roles.py and tests/api/test_administrators.py.
"""

from scimserver.directory import recovery
from scimserver.directory.users import store
from scimserver.directory.users.model import User
from scimserver.kernel.actor import ActorKind
from scimserver.kernel.errors import LastAdministrator
from scimserver.kernel.facts import Change
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling


def require_no_take_over(work: Work, current: User, attempted: tuple[Change, ...]) -> None:
    """Raise `NotPermitted` where a person would get at somebody who may do more than they (P9).

    Who can give such a user another address can have the link for a new password mailed there. An
    identity provider is where addresses come from, so it may.
    """
    if work.actor.kind is not ActorKind.USER:
        return
    with telling(current.user_name, *attempted, target=current.id):
        work.require_holding(current.permissions, "This user")


async def require_others(
    work: Work, current: User, attempted: tuple[Change, ...], after: frozenset[Permission] = frozenset()
) -> None:
    """Raise `LastAdministrator` where nobody else could manage users any more (P5), and `LastRecoveryAccount`
    where nobody else could get in without the identity provider (P8).

    `after` is what a user may do from now on who stays active; nothing for one who does not.
    """
    if current.active and current.manages_users:
        await _require_administrator(work, current, attempted)
    if current.recovers and not after >= recovery.OWNER:
        with telling(current.user_name, *attempted, target=current.id):
            await recovery.require_other(work, current.id)


async def _require_administrator(work: Work, current: User, attempted: tuple[Change, ...]) -> None:
    if await store.has_other_administrator(work, current.id):
        return
    with telling(current.user_name, *attempted, target=current.id):
        raise LastAdministrator(
            "This is the last active user who may manage users: make somebody else an administrator first."
        )
