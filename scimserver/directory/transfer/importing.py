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
from uuid import UUID

from scimserver.db.rehearsal import Rehearsal
from scimserver.directory import groups, users
from scimserver.directory.limits import require_short
from scimserver.directory.transfer.columns import BY_NAME, COLUMNS, Column, Kind
from scimserver.directory.transfer.rows import Row
from scimserver.directory.transfer.values import require_usable
from scimserver.directory.users import Document, User
from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.addresses import address_key
from scimserver.kernel.errors import Conflicted, InvalidValue, Refused
from scimserver.kernel.facts import Change, Fact, Json, UserCreated, UsersImported, UserUpdated
from scimserver.kernel.ids import UserId, parse_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Trace, Work, WorkRoom, refusal

_ID, _USER_NAME, _TEAMS, _EMAILS = (BY_NAME[name] for name in ("id", "username", "teams", "emails"))
_TRIES: Final = 3
"""One without holding anything, one that holds what it read, one more after a deadlock."""


class Outcome(StrEnum):
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
    outcome: Outcome
    user: UserId | None = None
    user_name: str = ""
    reason: str = ""
    """Of an error: stable vocabulary."""
    detail: str = ""


@dataclass(slots=True)
class _Done:
    """What a row's unit of work came to, as far as it came."""

    fact: type[Fact] = UsersImported
    current: User | None = None
    user: User | None = None
    is_changed: bool = False


@dataclass(slots=True, kw_only=True)
class Importing:
    """One file's way into an organisation. `rehearsal` makes it one of which nothing stays."""

    room: WorkRoom
    actor: Actor
    origin: Origin
    rehearsal: Rehearsal | None = None
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    _named: set[int] = field(default_factory=set[int])
    """Who was named by the rows so far, old names and new ones: hashes, because there may be a million."""

    async def take(self, row: Row) -> Verdict:
        """Do what a row says. Raises `Unavailable`; whatever else it says wrong is the verdict's business."""
        verdict = Verdict(row=row.number, outcome=Outcome.SKIPPED) if row.is_blank else await self._tried(row)
        self.counts[verdict.outcome] += 1
        return verdict

    def skip(self) -> None:
        """Leave a row out; it is counted."""
        self.counts[Outcome.SKIPPED] += 1

    async def finish(self, display: str) -> None:
        """Put on record that the file was read to its end, and what became of its rows."""
        if self.rehearsal is not None:
            return
        async with self.room.open(self.actor, self.origin) as work:
            changes = tuple(Change(path=outcome.value, new=count) for outcome, count in self.counts.items())
            work.note(UsersImported(target=self.actor.organization, display=display, changes=changes))

    async def _tried(self, row: Row) -> Verdict:
        for number in range(_TRIES):
            try:
                return await self._once(row, lock=number > 0)
            except Conflicted:
                continue
        detail = "Others change this user all the time: import the row again."
        return Verdict(row=row.number, outcome=Outcome.ERROR, reason="conflicted", detail=detail)

    async def _once(self, row: Row, *, lock: bool) -> Verdict:
        done, trace = _Done(), Trace()
        work = self.room.open(self.actor, self.origin, lock=lock, trace=trace)
        try:
            async with self._unit(), work:
                await self._do(work, row, done)
        except Refused as refused:
            return await self._refused(work, row, done, refused, trace)
        assert done.user is not None, "what is not refused has come to something"
        self._remember(done.current, done.user)
        return Verdict(
            row=row.number,
            outcome=_outcome(done),
            user=done.user.id,
            user_name=done.user.user_name,
        )

    @asynccontextmanager
    async def _unit(self) -> AsyncGenerator[None]:
        if self.rehearsal is None:
            yield
        else:
            async with self.rehearsal.unit():
                yield

    async def _do(self, work: Work, row: Row, done: _Done) -> None:
        if row.fault:
            raise InvalidValue(row.fault)
        work.require(Permission.USERS_READ)
        current = await _matched(work, row)
        self._require_new(row, current)
        done.current, done.fact = current, UserUpdated if current else UserCreated
        document = _document(row, current)
        moves = await _moves(work, row, current)
        if current is None:
            done.user = await users.create(work, document)
            await _move(work, done.user, moves)
        else:
            await _move(work, current, moves)
            # E-mails that the file says are what they are to be after each import of it.
            said = row.has(_EMAILS) and row.value(_EMAILS) is not None
            done.user = await users.update(work, current, document, exact_mail=said)
        done.is_changed = done.user is not current or moves != _NO_MOVES
        if self.rehearsal is not None and _administers(current) != _administers(done.user):
            # Whether somebody else manages users is asked by later rows, too.
            self.rehearsal.keep()

    def _require_new(self, row: Row, current: User | None) -> None:
        """Raise `InvalidValue` where an earlier row was about the same user, or one of the same name.

        Else the same file would never come to rest, and a rehearsal could not tell how rows follow.
        """
        name = row.value(_USER_NAME) if row.has(_USER_NAME) else None
        named = {_mark(address_key(str(name)))} if name else set[int]()
        if current is not None:
            named |= _marks(current)
        if named & self._named:
            raise InvalidValue("An earlier row of the file names this user already.", attribute="userName")

    def _remember(self, *known: User | None) -> None:
        for user in known:
            if user is not None:
                self._named |= _marks(user)

    async def _refused(self, work: Work, row: Row, done: _Done, refused: Refused, trace: Trace) -> Verdict:
        """The verdict on a row that was refused, which is put on record."""
        written = row.values.get(_USER_NAME.name)
        known = done.current.user_name if done.current else ""
        name = written if isinstance(written, str) and written else known
        user = done.current.id if done.current else None
        if self.rehearsal is None:
            entry = refusal(
                done.fact,
                refused,
                trace,
                actor=self.actor,
                origin=self.origin,
                now=work.now,
                display=name,
                target=user,
            )
            await self.room.record(entry)
        return Verdict(
            row=row.number,
            outcome=Outcome.ERROR,
            user=user,
            user_name=name,
            reason=refused.reason,
            detail=refused.detail,
        )


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
    name = row.value(_USER_NAME) if row.has(_USER_NAME) else None
    if name is None:
        raise InvalidValue("The row names nobody: it needs an id or a userName.", attribute="userName")
    require_short({"userName": name})
    return await users.find_named(work, str(name))


def _document(row: Row, current: User | None) -> Document:
    """What the user is to be: columns that say what is so already are left exactly as they are."""
    document: Document = dict(current.document) if current else {}
    for column in COLUMNS:
        if not column.path or not row.has(column):
            continue
        value, present = row.value(column), _present(column, current)
        if value != row.as_written(column, present):
            document = column.put(document, require_usable(column, _whole(column, value, present)))
    return document


def _present(column: Column, current: User | None) -> Json:
    """What a user has in a column, as an export says it."""
    if current is None or (column is _EMAILS and current.mail_stand_in):
        return None
    return column.of(current.document)


def _whole(column: Column, value: Json, present: Json) -> Json:
    """Entries with what else is known of those that stay: a file does not say everything of them."""
    if column.kind is not Kind.ENTRIES or not isinstance(value, list) or not isinstance(present, list):
        return value
    known = {(entry.get("type"), entry.get("value")): entry for entry in present if isinstance(entry, dict)}
    whole: list[Json] = []
    for entry in value:
        assert isinstance(entry, dict), "entries are objects"
        rest = known.get((entry.get("type"), entry.get("value")), {})
        whole.append({**{name: part for name, part in rest.items() if name != "primary"}, **entry})
    return whole


@dataclass(frozen=True, slots=True)
class _Moves:
    joining: frozenset[UUID] = frozenset()
    leaving: frozenset[UUID] = frozenset()


_NO_MOVES: Final = _Moves()


async def _moves(work: Work, row: Row, current: User | None) -> _Moves:
    """The Teams that a user joins and leaves. Raises `InvalidValue` for one that there is not."""
    if not row.has(_TEAMS):
        return _NO_MOVES
    written = row.value(_TEAMS)
    names = [str(name) for name in written] if isinstance(written, list) else []
    wanted = frozenset(await groups.named(work, names))
    before = frozenset(group.id for group in current.groups) if current else frozenset[UUID]()
    return _Moves(wanted - before, before - wanted)


async def _move(work: Work, user: User, moves: _Moves) -> None:
    if moves != _NO_MOVES:
        await groups.move(work, user.id, joining=moves.joining, leaving=moves.leaving)


def _outcome(done: _Done) -> Outcome:
    if done.current is None:
        return Outcome.CREATED
    return Outcome.UPDATED if done.is_changed else Outcome.UNCHANGED


def _administers(user: User | None) -> bool:
    return user is not None and user.active and user.manages_users


def _marks(user: User) -> set[int]:
    return {_mark(str(user.id)), _mark(address_key(user.user_name))}


def _mark(name: str) -> int:
    """A number of 64 bits for a name: that two of a million are alike does not happen."""
    return hash(name)
