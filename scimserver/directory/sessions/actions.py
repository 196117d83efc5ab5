"""What can be done to sessions, and what is asked of them.

A session is known by its secret's digest and nothing else. Nothing of it is kept in memory: whether it
lives, whose it is and what they may do is one statement, so an end counts from its commit on, everywhere.
Proven by tests/database/test_sessions.py and tests/console/test_sessions_page.py.
"""

from datetime import datetime
from typing import Final

from asyncpg import Record

from scimserver.db.pool import Reader
from scimserver.db.queries import load
from scimserver.directory.sessions.model import (
    TOUCHED_EVERY,
    Method,
    Session,
    SignedIn,
    Started,
    agent_of,
    end_of,
    network_of,
)
from scimserver.kernel.errors import Conflicted, NotFound
from scimserver.kernel.facts import Change, SessionEnded, SessionsAbsent, SessionsEnded, SessionStarted
from scimserver.kernel.ids import OrganizationId, RoleId, SamlConnectionId, SessionId, UserId
from scimserver.kernel.permissions import Permission, known_permissions
from scimserver.kernel.profiles import Profile
from scimserver.kernel.secrets import digest, new_scoped, organization_of
from scimserver.work import Work

_QUERIES = load("sessions")
_HOLD = _QUERIES["hold_user"]
_INSERT = _QUERIES.change("insert_session")
_FIND = _QUERIES["find_session"]
_TOUCH = _QUERIES["touch_session"]
_LIST = _QUERIES["list_sessions"]
_END = _QUERIES.change("end_session")
_END_ALL = _QUERIES.change("end_sessions")
_END_SAML = _QUERIES.change("end_saml_sessions")

_BROKEN: Final = {"sessions_user_id_fkey": Conflicted}


async def hold(work: Work, user: UserId) -> None:
    """Keep a user as somebody who may sign in, until the work ends: what is read after it stays so.

    Raises `Conflicted` where the user is none any more.
    """
    held = await _held(work, user)
    if held is None or not held["active"]:
        raise Conflicted


async def start(
    work: Work,
    user: UserId,
    user_name: str,
    method: Method,
    session: SessionId,
    *,
    connection: SamlConnectionId | None = None,
    until: datetime | None = None,
) -> Started:
    """Let a user in who has proved to be the one, and is held. The session's id is its actor's already.

    `connection` is the SAML connection that vouches for the user, which may say until when at most.
    """
    secret, expires = new_scoped(work.actor.organization), work.now + method.lasts
    if until is not None:
        expires = min(expires, until)
    await work.run(
        _INSERT,
        work.actor.organization,
        digest(secret),
        session,
        user,
        method.value,
        work.now,
        expires,
        network_of(work.origin.client_address),
        agent_of(work.origin.user_agent),
        connection,
        broken=_BROKEN,
    )
    by = (Change(path="connection", new=str(connection)),) if connection else ()
    changes = (Change(path="session", new=str(session)), Change(path="method", new=method.value), *by)
    work.note(SessionStarted(target=user, display=user_name, changes=changes))
    return Started(id=session, secret=secret, expires=expires)


async def find(reader: Reader, secret: str, now: datetime) -> SignedIn | None:
    """Whoever is signed in by a secret, and from now on for another while; None where nobody is."""
    organization = organization_of(secret)
    if organization is None:
        return None
    known = organization, digest(secret)
    row = await reader.fetchrow(_FIND, *known)
    if row is None or end_of(row["last_used"], row["expires"], Profile(row["password_profile"])) <= now:
        return None
    if now - row["last_used"] >= TOUCHED_EVERY:
        await reader.fetch(_TOUCH, *known, now, now - TOUCHED_EVERY)
    return _signed_in(row, organization, now)


async def every(work: Work, user: UserId) -> list[Session]:
    """A user's sessions, the latest first. Raises `NotPermitted` for those of somebody else."""
    _require_own(work, user)
    rows = await work.fetch(_LIST, work.actor.organization, user, work.now)
    sessions = [_session(row, row["last_used"]) for row in rows]
    return [session for session in sessions if session.ends > work.now]


async def end(work: Work, user: UserId, session: SessionId) -> None:
    """End one session of a user. Raises `NotPermitted`; `NotFound` where it has ended."""
    _require_own(work, user)
    held = await _held(work, user)
    if held is None or await work.run(_END, work.actor.organization, user, session) == 0:
        raise NotFound("There is no such session: it has ended.")
    ended = Change(path="session", old=str(session))
    work.note(SessionEnded(target=user, display=held["user_name"], changes=(ended,)))


async def sign_out(work: Work, user: UserId, *, keep: SessionId | None = None) -> int:
    """End a user's sessions, or all but one; how many there were.

    Raises `NotPermitted`, `NotFound`.
    """
    _require_own(work, user)
    held = await _held(work, user)
    if held is None:
        raise NotFound(f"There is no user {user}.")
    ended = await end_every(work, user, keep)
    if not ended:
        work.note(SessionsAbsent(target=user, display=held["user_name"]))
    return ended


async def end_every(work: Work, user: UserId, keep: SessionId | None = None) -> int:
    """The same as a part of what ends them: another password, the user's deactivation or deletion.

    Call it before that is written: until the work ends, nobody signs in as the user.
    """
    held = await _held(work, user)
    if held is None:
        return 0
    ended = await work.run(_END_ALL, work.actor.organization, user, keep)
    if ended:
        count = Change(path="sessions", old=ended)
        work.note(SessionsEnded(target=user, display=held["user_name"], changes=(count,)))
    return ended


async def end_by_connection(work: Work, connection: SamlConnectionId) -> int:
    """End the sessions that a SAML connection began, as a part of what ends its word; how many there were.

    Call it after that is written: whoever is being signed in by it meanwhile is found then, or refused.
    """
    return await work.run(_END_SAML, work.actor.organization, connection)


async def _held(work: Work, user: UserId) -> Record | None:
    """A user, kept as is until the work ends; None where there is none."""
    transaction = await work.begin()
    return await transaction.fetchrow(_HOLD, work.actor.organization, user)


def _require_own(work: Work, user: UserId) -> None:
    if work.actor.user != user:
        work.require(Permission.SESSIONS_MANAGE)


def _session(row: Record, last_used: datetime) -> Session:
    return Session(
        id=SessionId(row["id"]),
        user=UserId(row["user_id"]),
        method=Method(row["method"]),
        created=row["created"],
        last_used=last_used,
        ends=end_of(last_used, row["expires"], Profile(row["password_profile"])),
        network=row["network"],
        agent=row["agent"],
    )


def _signed_in(row: Record, organization: OrganizationId, now: datetime) -> SignedIn:
    last_used = now if now - row["last_used"] >= TOUCHED_EVERY else row["last_used"]
    return SignedIn(
        session=_session(row, last_used),
        user_name=row["user_name"],
        organization=organization,
        organization_name=row["organization_name"],
        organization_title=row["organization_title"],
        role=RoleId(row["role_id"]),
        role_name=row["role_name"],
        permissions=known_permissions(row["permissions"]),
        profile=Profile(row["password_profile"]),
        password_changed=row["changed"],
        told_to_change=bool(row["must_change"]),
    )
