"""A file of users on its way into the directory: each row is a unit of work, by the directory's own actions.

So Email Domains, roles, permissions and the last administrator answer as at every other door. A row that
is refused changes nothing, and the others go on. A rehearsal does the same and takes it back.
Proven by tests/database/test_importing*.py.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from scimserver.db.rehearsal import Rehearsal
from scimserver.directory import groups, users
from scimserver.directory.limits import require_short
from scimserver.directory.passwords.actions import CHANGED
from scimserver.directory.transfer.columns import BY_NAME
from scimserver.directory.transfer.merging import (
    NO_MOVES,
    Moves,
    document_of,
    known_teams,
    moves_of,
    says_emails,
)
from scimserver.directory.transfer.rows import Row
from scimserver.directory.transfer.seen import Seen
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.errors import AlreadyTaken, Conflicted, InvalidValue, Refused
from scimserver.kernel.facts import (
    Change,
    Fact,
    ImportedPasswordIgnored,
    UserCreated,
    UsersImported,
    UserUpdated,
)
from scimserver.kernel.ids import UserId, parse_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Trace, Work, WorkRoom, refusal

_ID, _USER_NAME, _TEAMS = (BY_NAME[name] for name in ("id", "username", "teams"))
_TRIES: Final = 3
"""One without holding anything, one that holds what it read, one more after a deadlock."""


class RowOutcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a row, and of whom it was about."""

    row: int
    outcome: RowOutcome
    user: UserId | None = None
    user_name: str = ""
    reason: str = ""
    """Of an error: stable vocabulary."""
    detail: str = ""
    warning: str = ""
    """What of the row was not done, though the rest was."""


class _Contested(Refused):
    """Others were faster at each try."""

    reason = "conflicted"

    def __init__(self) -> None:
        super().__init__("Others change this user all the time: import the row again.")


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One try at what a row says."""

    row: Row
    work: Work
    trace: Trace
    current: User | None = None
    """Whom the row is about, once that is known."""


@dataclass(slots=True, kw_only=True)
class Importing:
    """One file's way into an organisation. `rehearsal` makes it one of which nothing stays."""

    room: WorkRoom
    actor: Actor
    origin: Origin
    rehearsal: Rehearsal | None = None
    counts: dict[RowOutcome, int] = field(default_factory=lambda: dict.fromkeys(RowOutcome, 0))
    warnings: int = 0
    """Rows with a warning."""
    _seen: Seen = field(default_factory=Seen)

    async def take(self, row: Row) -> Verdict:
        """Do what a row says. Raises `Unavailable`; whatever else it says wrong is the verdict's business."""
        verdict = (
            Verdict(row=row.number, outcome=RowOutcome.SKIPPED) if row.is_blank else await self._tried(row)
        )
        self.counts[verdict.outcome] += 1
        self.warnings += bool(verdict.warning)
        return verdict

    def skip(self) -> None:
        """Leave a row out; it is counted."""
        self.counts[RowOutcome.SKIPPED] += 1

    async def finish(self, display: str) -> None:
        """Put on record that the file was read to its end, and what became of its rows."""
        if self.rehearsal is not None:
            return
        async with self.room.open(self.actor, self.origin) as work:
            changes = tuple(Change(path=outcome.value, new=count) for outcome, count in self.counts.items())
            work.note(UsersImported(target=self.actor.organization, display=display, changes=changes))

    async def _tried(self, row: Row) -> Verdict:
        tries = 0
        while True:
            tries += 1
            trace = Trace()
            work = self.room.open(self.actor, self.origin, lock=tries > 1, trace=trace)
            attempt = _Attempt(row=row, work=work, trace=trace)
            try:
                return await self._done(attempt)
            except Conflicted:
                if tries == _TRIES:
                    return await self._refused(attempt, _Contested())
            except AlreadyTaken as taken:
                # Others may have made the user since it was looked for: then the row is about that one.
                if tries > 1 or attempt.current is not None:
                    return await self._refused(attempt, taken)
            except Refused as refused:
                return await self._refused(attempt, refused)

    async def _done(self, attempt: _Attempt) -> Verdict:
        """The verdict on a row that was done. Raises what its unit of work does."""
        row, work = attempt.row, attempt.work
        async with self._unit(), work:
            if row.fault:
                raise InvalidValue(row.fault)
            work.require(Permission.USERS_READ)
            current = attempt.current = await _matched(work, row)
            self._seen.require_new(_named_by(row), current)
            moves = await _moves(work, row, current)
            user = await _put(work, row, current, moves)
            warning = _without_password(work, user) if row.has_password else ""
            if self.rehearsal is not None and _administers(current) != _administers(user):
                # Whether somebody else manages users is asked by later rows, too.
                self.rehearsal.keep()
        for known in (current, user):
            if known is not None:
                self._seen.add(known)
        outcome = RowOutcome.UNCHANGED if user is current and moves == NO_MOVES else RowOutcome.UPDATED
        return Verdict(
            row=row.number,
            outcome=outcome if current else RowOutcome.CREATED,
            user=user.id,
            user_name=user.user_name,
            warning=warning,
        )

    @asynccontextmanager
    async def _unit(self) -> AsyncGenerator[None]:
        if self.rehearsal is None:
            yield
        else:
            async with self.rehearsal.unit():
                yield

    async def _refused(self, attempt: _Attempt, refused: Refused) -> Verdict:
        """The verdict on a row that was refused, which is put on record."""
        row, current = attempt.row, attempt.current
        written = row.values.get(_USER_NAME.name)
        known = current.user_name if current else ""
        name = written if isinstance(written, str) and written else known
        user = current.id if current else None
        if self.rehearsal is None:
            entry = refusal(
                _fact_of(row, current),
                refused,
                attempt.trace,
                actor=self.actor,
                origin=self.origin,
                now=attempt.work.now,
                display=name,
                target=user,
            )
            await self.room.record(entry)
        return Verdict(
            row=row.number,
            outcome=RowOutcome.ERROR,
            user=user,
            user_name=name,
            reason=refused.reason,
            detail=refused.detail,
        )


def _fact_of(row: Row, current: User | None) -> type[Fact]:
    """What a row attempts: something of the file's, where it names nobody."""
    if row.values.get(_ID.name) or current is not None:
        return UserUpdated
    return UserCreated if row.values.get(_USER_NAME.name) else UsersImported


def _named_by(row: Row) -> str | None:
    """The `userName` that a row says. Raises `InvalidValue`."""
    name = row.value(_USER_NAME) if row.has(_USER_NAME) else None
    return None if name is None else str(name)


async def _matched(work: Work, row: Row) -> User | None:
    """Whom a row is about: by id, else by `userName`. Raises `NotFound` and `InvalidValue`."""
    text = row.value(_ID) if row.has(_ID) else None
    if text is not None:
        user = parse_uuid(str(text))
        if user is None:
            raise InvalidValue(
                "The id is none of a user: leave it empty to match by userName.", attribute="id"
            )
        return await users.get(work, UserId(user))
    name = _named_by(row)
    if name is None:
        raise InvalidValue("The row names nobody: it needs an id or a userName.", attribute="userName")
    require_short({"userName": name})
    return await users.find_named(work, name)


async def _moves(work: Work, row: Row, current: User | None) -> Moves:
    """The Teams that a user joins and leaves. Raises `InvalidValue` for one that there is not."""
    if not row.has(_TEAMS):
        return NO_MOVES
    written = row.value(_TEAMS)
    names = [str(name) for name in written] if isinstance(written, list) else []
    staying, others = known_teams(names, current)
    return moves_of({*staying, *(await groups.named(work, others) if others else ())}, current)


async def _put(work: Work, row: Row, current: User | None, moves: Moves) -> User:
    """Make or change the user, who is in the Teams then. Raises as `users.create` and `users.update` do."""
    document = document_of(row, current)
    if current is None:
        user = await users.create(work, document)
        await _move(work, user, moves)
        return user
    await _move(work, current, moves)
    # E-mails that the file says are what they are to be after each import of it.
    return await users.update(work, current, document, exact_mail=says_emails(row))


async def _move(work: Work, user: User, moves: Moves) -> None:
    if moves != NO_MOVES:
        await groups.move(work, user.id, joining=moves.joining, leaving=moves.leaving)


def _without_password(work: Work, user: User) -> str:
    """The warning that the password of a row was ignored, because an identity provider manages the user's.

    Raises `InvalidValue` for anybody else's: whoever sent it would believe that it was set.
    """
    if user.provider is None:
        raise InvalidValue(
            "Passwords never come by file: empty the cell, and have a link mailed"
            " (scimserver user reset-link).",
            attribute="password",
        )
    work.note(ImportedPasswordIgnored(target=user.id, display=user.user_name, changes=(CHANGED,)))
    return (
        f"The password was ignored: it is managed by the identity provider '{user.provider.name}'"
        f" ({user.provider.host})."
    )


def _administers(user: User | None) -> bool:
    return user is not None and user.active and user.manages_users
