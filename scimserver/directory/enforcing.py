"""Requiring SAML (rule P8): everybody whose address is in an Email Domain signs in by one connection.

It is carried out at once, for the users that there are, and from then on where a user is written. One
transaction marks them all, in blocks, a statement for each: nobody is half enforced, and whoever is added at
the same time waits, and is marked too.
Proven by tests/database/test_enforcing.py.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from asyncpg import Record

from scimserver.db.queries import load
from scimserver.directory import domains, mail, recovery, sessions
from scimserver.directory.domains import Standing
from scimserver.directory.saml import SamlConnection, State
from scimserver.kernel.domains import display_domain
from scimserver.kernel.errors import Conflicted, NotReady
from scimserver.kernel.facts import (
    Change,
    DomainEnforced,
    DomainEnforcedBefore,
    DomainNotEnforced,
    DomainReleased,
    PasswordCleared,
    SessionsEnded,
    UserUpdated,
)
from scimserver.kernel.ids import SamlConnectionId, UserId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling

_QUERIES = load("enforcing")
_HOLD = _QUERIES["hold_rules"]
_HOLD_CONNECTION = _QUERIES["hold_connection"]
_ENFORCE = _QUERIES.change("enforce")
_RELEASE = _QUERIES.change("release")
_LOCK = _QUERIES["lock_unmanaged"]
_RECOVERING = _QUERIES["recovering"]
_LOOK = _QUERIES["look"]
_MARK = _QUERIES.change("mark")

MOST_AT_ONCE: Final = 1000
"""Users who are looked at and marked by one statement."""

_UNPROVEN: Final = "the domain is not proven to be the organisation's (`scimserver domain verify`)"
_INACTIVE: Final = 'the SAML connection "{name}" is not active (`scimserver saml switch`)'
_UNTRIED: Final = 'the SAML connection "{name}" was not tried out since its metadata changed'
_NO_WAY_BACK: Final = "no owner has a recovery account that gets in (`scimserver recovery enrol`)"

_FIRST: Final = UUID(int=0)
_LINKS: Final = sorted(mail.LINKS)


async def enforce(work: Work, domain: str, connection: SamlConnection) -> int:
    """Have everybody of a domain sign in by a connection, but recovery accounts; how many users that marks.

    Done again, it marks those who were left out and may not be any more. Raises `NotPermitted`, `NotFound`,
    and `NotReady`, which says what is missing.
    """
    work.require(Permission.DOMAINS_MANAGE, Permission.SAML_MANAGE)
    transaction = await work.begin()
    await transaction.fetch(_HOLD, work.actor.organization)
    before = await domains.standing(work, domain)
    target = domains.target_of(work, before.domain)
    by = Change(
        path="connection", old=str(before.connection) if before.connection else None, new=str(connection.id)
    )
    with telling(before.domain, by, target=target):
        await _require_ready(work, before, connection)
    is_new = before.connection != connection.id
    asked = work.actor.organization, before.domain, connection.id
    if is_new and await work.run(_ENFORCE, *asked) == 0:
        raise Conflicted
    if is_new:
        await _end_sessions_of_recovery_accounts(work, before.domain)
    marked = await _mark_all(work, before.domain, connection)
    if not is_new and not marked:
        work.note(DomainEnforcedBefore(target=target, display=before.domain))
        return 0
    count = Change(path="markedUsers", new=marked)
    work.note(DomainEnforced(target=target, display=before.domain, changes=(by, count)))
    return marked


async def release(work: Work, domain: str) -> None:
    """Let everybody of a domain sign in as they may; who is SAML-managed stays so until somebody ends it.

    Raises `NotPermitted`, `NotFound`.
    """
    work.require(Permission.DOMAINS_MANAGE, Permission.SAML_MANAGE)
    transaction = await work.begin()
    await transaction.fetch(_HOLD, work.actor.organization)
    before = await domains.standing(work, domain)
    target = domains.target_of(work, before.domain)
    if await work.run(_RELEASE, work.actor.organization, before.domain) == 0:
        work.note(DomainNotEnforced(target=target, display=before.domain))
        return
    changes = (Change(path="connection", old=str(before.connection)),)
    work.note(DomainReleased(target=target, display=before.domain, changes=changes))


async def _require_ready(work: Work, domain: Standing, connection: SamlConnection) -> None:
    """Raise `NotReady` with all that is missing: read now that all of it is held."""
    transaction = await work.begin()
    row = await transaction.fetchrow(_HOLD_CONNECTION, work.actor.organization, connection.id)
    if row is None:
        raise Conflicted
    name = connection.wanted.name
    asked = (
        (domain.verified_at is not None, _UNPROVEN),
        (row["state"] == State.ACTIVE.value, _INACTIVE.format(name=name)),
        (row["tried"] is not None, _UNTRIED.format(name=name)),
        (await recovery.is_ready(work), _NO_WAY_BACK),
    )
    missing = [sentence for is_there, sentence in asked if not is_there]
    if missing:
        raise NotReady(
            f'SAML cannot be enforced in "{display_domain(domain.domain)}" yet: {"; ".join(missing)}.'
        )


async def _end_sessions_of_recovery_accounts(work: Work, domain: str) -> None:
    """Nobody stays in by a password alone where it lets nobody in any more; but for whoever enforces."""
    rows = await work.fetch(_RECOVERING, work.actor.organization, domain)
    for user in (UserId(row["id"]) for row in rows):
        await sessions.end_every(work, user, work.actor.session if work.actor.user == user else None)


async def _mark_all(work: Work, domain: str, connection: SamlConnection) -> int:
    transaction = await work.begin()
    organization, marked, after = work.actor.organization, 0, _FIRST
    while held := await transaction.fetch(_LOCK, organization, domain, connection.id, after, MOST_AT_ONCE):
        ids = [row["id"] for row in held]
        # A statement of its own: it sees what others committed while the one before waited for them.
        users = await transaction.fetch(_LOOK, organization, ids)
        await work.run(_MARK, organization, ids, connection.id, work.now, _LINKS)
        _note(work, users, connection.id)
        await work.flush()
        marked, after = marked + len(ids), ids[-1]
    return marked


def _note(work: Work, users: Sequence[Record], connection: SamlConnectionId) -> None:
    """Each user's own entries, as where one user is marked."""
    for user in users:
        named = {"target": user["id"], "display": user["user_name"]}
        before = user["saml_connection_id"]
        changes = [
            Change(path="samlManaged", old=True if before else user["saml_mark"], new=True),
            Change(path="identityProvider", old=str(before) if before else None, new=str(connection)),
        ]
        if user["sessions"]:
            count = Change(path="sessions", old=user["sessions"])
            work.note(SessionsEnded(**named, changes=(count,)))
        if user["has_password"]:
            work.note(PasswordCleared(**named, changes=(Change(path="password"),)))
        changed = tuple(change for change in changes if change.old != change.new)
        work.note(UserUpdated(**named, changes=changed))
