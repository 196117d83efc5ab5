"""A unit of work: change, log entry and outbox are committed together or not at all.

An action requires permissions, stages changes and notes facts. Leaving the block writes: where one
row changes, everything goes in **one statement** that is its own transaction; else in one explicit
transaction. A row that somebody else changed meanwhile makes it `Conflicted`; doing the work again
under `lock=True` then waits for the row and cannot conflict. A change that may be tried several times
is told from its repetition by its `Operation`.
Proven by tests/database/test_work.py.
"""

import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, suppress
from types import TracebackType
from typing import Self

from asyncpg import Record

from scimserver.audit import store
from scimserver.audit.entry import Entry, Salt, write
from scimserver.audit.store import Recorded
from scimserver.db.pool import Database, Transaction
from scimserver.db.queries import ChangeClause, Query
from scimserver.kernel.actor import Actor, ActorKind, Origin
from scimserver.kernel.clock import Clock, utc_now
from scimserver.kernel.errors import Conflicted, NotPermitted, Refused
from scimserver.kernel.facts import Fact
from scimserver.kernel.ids import EntryId, OrganizationId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work.memory import Memory
from scimserver.work.operation import Operation
from scimserver.work.outbox import message
from scimserver.work.staging import Broken, Staged, alone, executed, recorded, standing
from scimserver.work.trace import Trace

_MOST_AT_ONCE = 500
"""Facts that are put on record by one statement, where there are many."""

_GRANTED = {True: "giving them a role that has it", False: "issuing a token with a wider scope"}
"""How the caller comes by a permission, by whether it is a person."""


class Work:
    """One attempt of one actor. Made by `WorkRoom.open`; used as an asynchronous context manager."""

    def __init__(
        self,
        database: Database,
        actor: Actor,
        origin: Origin,
        *,
        clock: Clock,
        salt: Salt,
        lock: bool,
        trace: Trace,
        operation: Operation,
        memory: Memory,
    ) -> None:
        self.actor = actor
        self.origin = origin
        self.now = clock()
        self.locking = lock
        """Whether rows that are read to be changed are locked until the end."""
        self.memory = memory
        """What earlier units of work of this process came to know, which may be out of date."""
        self._database = database
        self._salt = salt
        self._trace = trace
        self._operation = operation
        self._facts: list[Fact] = []
        self._latest: Fact | None = None
        self._recorded = 0
        """How many facts are on record already, before the work ends."""
        self._staged: list[Staged] = []
        self._left: list[tuple[Fact, Staged]] = []
        self._stack = AsyncExitStack()
        self._transaction: Transaction | None = None

    async def __aenter__(self) -> Self:
        if self.locking:
            await self.begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._explain(error)
            await self._stack.__aexit__(kind, error, trace)
            await self._leave_behind(error)
            return
        try:
            await self._write()
        except BaseException as failure:
            self._explain(failure)
            await self._stack.__aexit__(type(failure), failure, failure.__traceback__)
            await self._leave_behind(failure)
            raise
        await self._stack.aclose()

    def _explain(self, failure: BaseException) -> None:
        """Let a refusal that only the database could give say what would have changed."""
        if isinstance(failure, Refused) and self._latest and not failure.attempted:
            failure.attempted = self._latest.changes
            failure.display = self._latest.display

    # -- what actions use ----------------------------------------------------

    def require(self, *permissions: Permission) -> None:
        """Raise `NotPermitted` unless the actor holds every one of the permissions."""
        missing = [permission for permission in permissions if permission not in self.actor.permissions]
        if missing:
            raise NotPermitted(
                f"This needs the permission {', '.join(missing)}, which the caller does not have."
                f" An administrator can grant it by {_GRANTED[self.actor.kind is ActorKind.USER]}."
            )

    def require_holding(self, permissions: Collection[Permission], what: str) -> None:
        """Raise `NotPermitted` unless the actor holds all that `what`, a role or a person, holds.

        Nobody gives, takes or takes over what they do not hold (rule P9).
        """
        missing = sorted(set(permissions) - self.actor.permissions)
        if missing:
            raise NotPermitted(
                f"{what} has permissions that the caller does not have: {', '.join(missing)}."
                " Somebody who has them can do this."
            )

    def note(self, fact: Fact) -> None:
        """Put a fact on record: it is logged, and announced if it is to be, when the work commits."""
        self._facts.append(fact)
        self._latest = fact

    def leave(self, fact: Fact, clause: ChangeClause, *arguments: object) -> None:
        """Say what stays behind where the work ends with a refusal: written once all else is rolled back.

        Where the change then hits no row, the fact is not put on record either: others were faster.
        """
        self._left.append((fact, Staged(clause=clause, arguments=arguments, broken={})))

    def step(self, name: str) -> AbstractContextManager[None]:
        """Time a named stage of the work for the log."""
        return self._trace.step(name)

    def change(self, clause: ChangeClause, *arguments: object, broken: Broken | None = None) -> None:
        """Stage a change that must hit a row; it runs, with the log, when the work ends."""
        self._staged.append(Staged(clause=clause, arguments=arguments, broken=broken or {}))

    async def fetchrow(self, query: Query, *arguments: object) -> Record | None:
        """The first row, read in the transaction if one is open."""
        return await self._reader().fetchrow(query, *arguments)

    async def fetch(self, query: Query, *arguments: object) -> list[Record]:
        """The rows, read in the transaction if one is open."""
        return await self._reader().fetch(query, *arguments)

    async def begin(self) -> Transaction:
        """The work's explicit transaction, opened now if it was not: for work on several rows."""
        if self._transaction is None:
            self._transaction = await self._stack.enter_async_context(self._database.transaction())
        return self._transaction

    async def run(self, clause: ChangeClause, *arguments: object, broken: Broken | None = None) -> int:
        """Run a change at once in the explicit transaction; how many rows it hit."""
        transaction = await self.begin()
        return await executed(transaction.fetchval(alone(clause), *arguments), broken or {})

    async def flush(self) -> None:
        """Put what was noted on record now, in the explicit transaction, so that few facts are kept."""
        transaction = await self.begin()
        while self._facts:
            some, self._facts = self._facts[:_MOST_AT_ONCE], self._facts[_MOST_AT_ONCE:]
            record = self._record(some)
            await executed(transaction.fetchval(standing(record.clause), *record.arguments), {})

    async def hand_over(self, actor: Actor) -> None:
        """Let somebody else of the organisation act from here on, in the same transaction.

        What was staged and noted so far is written now, as done by whoever acted before.
        """
        assert actor.organization == self.actor.organization, "nothing is written for two organisations"
        await self.begin()
        await self._run_staged()
        await self.flush()
        self.actor = actor

    # -- writing -------------------------------------------------------------

    async def _leave_behind(self, failure: BaseException) -> None:
        for fact, staged in self._left if isinstance(failure, Refused) else ():
            behind = Work(
                self._database,
                self.actor,
                self.origin,
                clock=lambda: self.now,
                salt=self._salt,
                lock=False,
                trace=Trace(),
                operation=Operation(),
                memory=self.memory,
            )
            with suppress(Conflicted):
                async with behind:
                    behind.change(staged.clause, *staged.arguments)
                    behind.note(fact)

    def _reader(self) -> Database | Transaction:
        return self._transaction or self._database

    async def _write(self) -> None:
        if self._transaction is None and len(self._staged) == 1 and self._facts:
            await self._change_on_record(self._database.write, self._staged[0])
        elif self._staged or self._transaction is not None:
            await self._write_in_transaction()
        elif self._facts:
            record = self._record(self._facts)
            await executed(self._database.write(standing(record.clause), *record.arguments), {})

    async def _write_in_transaction(self) -> None:
        transaction = await self.begin()
        # The last change takes the record along: all that is held is held for one journey less.
        takes_record = self._staged and 0 < len(self._facts) <= _MOST_AT_ONCE
        last = self._staged.pop() if takes_record else None
        await self._run_staged()
        if last is None:
            await self.flush()
        else:
            await self._change_on_record(transaction.fetchval, last)

    async def _run_staged(self) -> None:
        staged, self._staged = self._staged, []
        for each in staged:
            if await self.run(each.clause, *each.arguments, broken=each.broken) == 0:
                raise Conflicted

    async def _change_on_record(self, send: Callable[..., Awaitable[int]], staged: Staged) -> None:
        record = self._record(self._facts)
        statement = send(recorded(staged.clause, record.clause), *staged.arguments, *record.arguments)
        if await executed(statement, staged.broken) == 0:
            raise Conflicted

    def _record(self, facts: Sequence[Fact]) -> store.Appending:
        entries = [self._entry(fact, self._recorded + number) for number, fact in enumerate(facts)]
        written = [write(entry, self._salt) for entry in entries]
        if self._recorded == 0:
            self._operation.written = written[0].text
        self._recorded += len(facts)
        messages = [message(fact, self.actor.organization, self.now) for fact in facts if fact.announced]
        return store.appending(self.actor.organization, entries, written, messages)

    def _entry(self, fact: Fact, number: int) -> Entry:
        return Entry(
            id=EntryId(new_uuid()) if number else self._operation.id,
            organization=self.actor.organization,
            occurred=self.now,
            event=fact.attempt,
            outcome=fact.outcome,
            actor=self.actor,
            origin=self.origin,
            target_kind=fact.target_kind.value,
            target=fact.target,
            display=fact.display,
            changes=fact.changes,
            reason=fact.reason,
            steps=self._trace.steps,
            microseconds=self._trace.microseconds,
        )


class WorkRoom:
    """Where units of work are made: the database, the clock and the source of salts."""

    def __init__(self, database: Database, *, clock: Clock = utc_now, salt: Salt = os.urandom) -> None:
        self.database = database
        self.clock = clock
        self._salt = salt
        self._memory = Memory()

    def open(
        self,
        actor: Actor,
        origin: Origin,
        *,
        lock: bool = False,
        trace: Trace | None = None,
        operation: Operation | None = None,
    ) -> Work:
        """A new unit of work; `lock` makes it hold the rows that it reads to change.

        `trace` is the request's, where the work is a part of one; `operation` is that of all tries,
        where this is one of several: it then raises `AlreadyRecorded` if an earlier one was committed.
        """
        return Work(
            self.database,
            actor,
            origin,
            clock=self.clock,
            salt=self._salt,
            lock=lock,
            trace=trace or Trace(),
            operation=operation or Operation(),
            memory=self._memory,
        )

    async def record(self, *entries: Entry) -> None:
        """Log attempts that changed nothing, in a short transaction of their own.

        All entries belong to one organisation. Raises `AlreadyRecorded` if the first of the ids is taken.
        """
        written = [write(entry, self._salt) for entry in entries]
        record = store.appending(entries[0].organization, entries, written, ())
        await executed(self.database.write(standing(record.clause), *record.arguments), {})

    async def recorded(self, organization: OrganizationId, entry: EntryId) -> Recorded | None:
        """What the log says of an operation, safe from a fail-over once this has answered."""
        return await store.confirmed(self.database, organization, entry)
