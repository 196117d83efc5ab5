"""Who calls in a session: a person, who may do what their role says at this moment.

Proven by tests/console/test_sessions_page.py and tests/api/test_session_api.py.
"""

from dataclasses import dataclass
from datetime import datetime

from scimserver.db.pool import Reader
from scimserver.directory import sessions
from scimserver.directory.passwords.model import is_too_old
from scimserver.directory.passwords.policy import RULES
from scimserver.directory.sessions import Method, SignedIn
from scimserver.kernel.actor import Actor, ActorKind
from scimserver.kernel.permissions import OF_RECOVERY


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: an actor, and all that is known of the person and the session."""

    actor: Actor
    signed_in: SignedIn
    must_change: bool
    """Whether another password has to be chosen before anything else."""


async def caller(database: Reader, secret: str, now: datetime) -> Caller | None:
    """Who calls with the secret of a session; None where it has ended, or never was one.

    Whoever has to choose another password first may do nothing else; whoever came by a recovery account may
    change how people sign in, and nothing else.
    """
    signed_in = await sessions.find(database, secret, now)
    if signed_in is None:
        return None
    # A recovery account is for emergencies: its session changes no password, also not one that is too old.
    confined = signed_in.session.method is Method.RECOVERY
    must_change = not confined and (signed_in.told_to_change or _is_too_old(signed_in, now))
    permissions = signed_in.permissions & OF_RECOVERY if confined else signed_in.permissions
    actor = Actor(
        kind=ActorKind.USER,
        organization=signed_in.organization,
        permissions=frozenset() if must_change else permissions,
        user=signed_in.session.user,
        session=signed_in.session.id,
        confined=confined,
    )
    return Caller(actor=actor, signed_in=signed_in, must_change=must_change)


def _is_too_old(signed_in: SignedIn, now: datetime) -> bool:
    changed = signed_in.password_changed
    return changed is not None and is_too_old(changed, RULES[signed_in.profile], now)
