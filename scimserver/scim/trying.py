"""Trying again what a failing database left undone or in doubt, so that a change counts exactly once.

First a unit of work is tried without holding anything. If another writer was faster it is done
again holding the rows; if the database was lost it is done again after a pause, with the same
`Operation`, whose entry the log takes only once. What the last failure was does not matter while a
try is in doubt: the failure is put on record under the operation's id. Where the log takes it, no try
can count any more, and the failure is the answer; where it does not, a try did count, and the answer
is that try's.
Proven by tests/api/test_faults_matrix.py.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol, TypeVar

from scimserver.audit.entry import Entry
from scimserver.audit.store import Recorded
from scimserver.db.failures import DatabaseUnavailable
from scimserver.kernel.clock import monotonic_ns
from scimserver.kernel.errors import Conflicted, Unavailable
from scimserver.kernel.facts import Fact, Outcome
from scimserver.kernel.ids import OrganizationId
from scimserver.work import AlreadyRecorded, Operation, OutcomeUnknown, WorkRoom

_T = TypeVar("_T")

_MOST_CONFLICTS: Final = 3
"""Tries without any luck: one without holding the rows, one holding them, one more after a deadlock."""

_MOST_TRIES: Final = 200
"""No loop is without end, whatever the settings say."""

_FOR_TRIES: Final = 0.8
"""The part of a request's time in which to try."""

_FOR_RECORD: Final = 1 - _FOR_TRIES
"""The part in which to put on record what came of it."""

Jitter = Callable[[], float]
"""A number from 0 to 1, another one each time: it keeps those who wait from coming back all at once."""


class Unit(Protocol):
    """Opens the block in which one try works; leaving the block commits."""

    def __call__(self, *, lock: bool) -> AbstractAsyncContextManager[None]:
        """The block; `lock` holds the rows that are read to be changed."""
        ...


class Insistence:
    """One request's time for a failing database, and the pauses in it."""

    __slots__ = ("_begun", "_jitter", "_patience")

    def __init__(self, room: WorkRoom, jitter: Jitter = random.random) -> None:
        self._patience = room.database.patience
        self._jitter = jitter
        self._begun = monotonic_ns()

    def within(self, part: float) -> asyncio.Timeout:
        """Ends a block with `TimeoutError` when that part of the time is over."""
        gone = (monotonic_ns() - self._begun) / 1e9
        return asyncio.timeout(self._patience.deadline_s * part - gone)

    async def pause(self, number: int) -> None:
        """Wait before trying again: longer each time, never exactly as long as somebody else."""
        longest = min(self._patience.longest_pause_s, self._patience.shortest_pause_s * 2**number)
        await asyncio.sleep(longest * (1 + self._jitter()) / 2)

    async def insist(self, action: Callable[[], Awaitable[_T]]) -> _T:
        """Do something that may be done twice, until the database lets it; use it `within` some time."""
        for number in range(_MOST_TRIES):
            try:
                return await action()
            except (Conflicted, DatabaseUnavailable):
                await self.pause(number)
        return await action()


class Tries:
    """The tries of one request that changes something.

    `entry_of` makes the log entry of a failure, with the operation's id.
    """

    def __init__(
        self,
        unit: Unit,
        room: WorkRoom,
        organization: OrganizationId,
        operation: Operation,
        entry_of: Callable[[Exception], Entry | None],
    ) -> None:
        self._unit = unit
        self._room = room
        self._organization = organization
        self._operation = operation
        self._entry_of = entry_of
        self._insistence = Insistence(room)
        self._in_doubt: dict[str, Any] = {}
        """What each try whose commit was not seen would answer, by the text of its log entry."""

    def attempting(self, fact: type[Fact]) -> None:
        """Say what is attempted, where the path does not: a refusal is on record as that."""
        self._operation.event = fact.attempt

    async def run(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """What `work` comes to in a unit of work that was committed, once.

        Raises what `work` raises, `Conflicted` where even holding the rows did not help,
        `DatabaseUnavailable` where nothing was changed and `OutcomeUnknown` where that is not known.
        """
        try:
            return await self._once(work, lock=False)
        except (Conflicted, DatabaseUnavailable) as failure:
            return await self._persist(work, failure)

    async def _once(self, work: Callable[[], Awaitable[_T]], *, lock: bool) -> _T:
        results: list[_T] = []
        self._operation.written = ""
        try:
            async with self._unit(lock=lock):
                results.append(await work())
        except BaseException as failure:
            if results and _leaves_doubt(failure):
                self._in_doubt[self._operation.written] = results[0]
            raise
        return results[0]

    async def _persist(self, work: Callable[[], Awaitable[_T]], first: Exception) -> _T:
        try:
            async with self._insistence.within(_FOR_TRIES):
                return await self._again(work, first)
        except TimeoutError:
            failure: Exception = first
        except Exception as latest:  # noqa: BLE001 - whatever it is, it decides nothing while a try is in doubt
            failure = latest
        if self._in_doubt:
            return await self._decided(failure)
        raise failure

    async def _again(self, work: Callable[[], Awaitable[_T]], failure: Exception) -> _T:
        conflicts = 0
        for number in range(_MOST_TRIES):
            match failure:
                case Conflicted():
                    conflicts += 1
                case DatabaseUnavailable(lost=True) if number == 0:
                    pass  # A connection that had died while it lay idle: the next one is new.
                case _:
                    await self._insistence.pause(number)
            if conflicts == _MOST_CONFLICTS:
                break
            if not self._in_doubt:
                # An id of the next try's own: entries are read in the order of their ids.
                self._operation.renew()
            try:
                return await self._once(work, lock=conflicts > 0)
            except AlreadyRecorded:
                return await self._insistence.insist(self._committed)
            except (Conflicted, DatabaseUnavailable) as latest:
                failure = latest
        raise failure

    async def _decided(self, failure: Exception) -> Any:
        """What the try that was committed came to; raises `failure` when none can be any more."""
        self._operation.decided = True
        entry = self._entry_of(failure)
        assert entry is not None, "what changes something leaves an entry"
        try:
            async with self._insistence.within(1):
                found = await self._insistence.insist(lambda: _put_first(self._room, entry))
        except (TimeoutError, Conflicted, DatabaseUnavailable) as gone:
            raise OutcomeUnknown("the log does not say what became of the request") from gone
        if found is None:
            raise failure
        return self._result_of(found)

    async def _committed(self) -> Any:
        """What the try that is on record came to."""
        return self._result_of(await self._room.recorded(self._organization, self._operation.id))

    def _result_of(self, recorded: Recorded | None) -> Any:
        if recorded is None or recorded.text not in self._in_doubt:
            raise OutcomeUnknown("the log tells of a try that nobody remembers")
        return self._in_doubt[recorded.text]


async def put_on_record(room: WorkRoom, entry: Entry, failure: Exception) -> None:
    """Log an attempt of which no try is in doubt, and that ended with `failure`.

    Insists for as long as the client can be expected to wait, but not where the database was the
    failure: then there is nothing to be told. Raises `Conflicted` and `Unavailable`.
    """
    insistence = Insistence(room)
    try:
        async with insistence.within(_FOR_RECORD):
            if isinstance(failure, Unavailable):
                await _put_first(room, entry)
            else:
                await insistence.insist(lambda: _put_first(room, entry))
    except TimeoutError as late:
        raise Unavailable("the log cannot be written") from late


async def _put_first(room: WorkRoom, entry: Entry) -> Recorded | None:
    """None when the entry of a failure is in the log; else what the log holds under its id instead."""
    try:
        await room.record(entry)
    except AlreadyRecorded:
        found = await room.recorded(entry.organization, entry.id)
        # A failure under this id is this very entry: an earlier try to write it was not seen to succeed.
        if found is not None and found.outcome is not Outcome.FAILURE:
            return found
    return None


def _leaves_doubt(failure: BaseException) -> bool:
    """Whether a try that failed so may have been committed."""
    if isinstance(failure, DatabaseUnavailable):
        return failure.in_doubt
    return isinstance(failure, asyncio.CancelledError)
