"""A field of lanes to a running server: plays sessions on all at once, and confirms what it finds."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import asyncpg

from tests.hostile.choices import Choices, rolled, smaller
from tests.hostile.ground import STRANGER, House, Ledger, houses, prepare, read
from tests.hostile.judging import document
from tests.hostile.lane import Finding, Lane, Tally
from tests.hostile.plan import Session
from tests.hostile.traffic import SESSION_SIZE, session
from tests.hostile.vocabulary import Vocabulary
from tests.hostile.wire import Wire

_T = TypeVar("_T")

Address = tuple[str, int]
_SHRINKING_S = 20.0
"""How long a finding may be made smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """All sessions of one seed; each is known by its number, and can be made again alone."""

    seed: int
    vocabulary: Vocabulary

    def session(self, number: int) -> Session:
        """The session of that number."""
        return self._make(rolled(self._name(number)))

    def smallest(self, number: int, is_wrong: Callable[[Session], bool], *, seconds: float) -> Session | None:
        """The smallest session that is wrong, from that of a number on; None if that is not wrong itself."""
        wrong = smaller(self._make, self._name(number), is_wrong, seconds=seconds)
        return min(wrong, key=_octets, default=None)

    def _make(self, c: Choices) -> Session:
        return session(c, self.vocabulary)

    def _name(self, number: int) -> str:
        return f"{self.seed}/{number}"


def _octets(planned: Session) -> int:
    return sum(len(request.target) + len(request.body) for request in planned)


def session_of(case: int) -> int:
    """The number of the session that a case, a single request, belongs to."""
    return case // SESSION_SIZE


class Field:
    """Lanes to one server, and the organisation that must not notice."""

    def __init__(self, address: Address, made: list[House], connections: list[asyncpg.Connection]) -> None:
        self.address = address
        self.tally = Tally()
        self._stranger, *own = made
        ledgers = [Ledger(connection) for connection in connections]
        self._ledger = ledgers[0]
        self.lanes = [
            Lane(Wire(*address), ledger, house, self._stranger, self.tally)
            for ledger, house in zip(ledgers[1:], own, strict=True)
        ]
        self._kept = list(zip(ledgers, made, strict=True))
        self._untouched: tuple[str, ...] = ()

    async def play(self, numbered: Iterable[tuple[int, Session]]) -> list[tuple[int, Finding]]:
        """Play sessions on all lanes at once: the findings, each with its session's number.

        Slowness counts only if it comes again while no process sends anything else.
        """
        waiting = iter(numbered)
        found: list[tuple[int, Finding]] = []

        async def serve(lane: Lane) -> None:
            for number, planned in waiting:
                finding = await lane.play(planned)
                if finding is not None:
                    found.append((number, finding))

        async with self._ledger.sending(alone=False):
            await asyncio.gather(*map(serve, self.lanes))
        await self.check_stranger()
        return [(number, sure) for number, each in found if (sure := await self._confirmed(each))]

    async def again(self, planned: Session) -> Finding | None:
        """Play one session alone."""
        return await self.lanes[0].play(planned)

    def alone(self) -> AbstractAsyncContextManager[None]:
        """For the time of the block no other process sends."""
        return self._ledger.sending(alone=True)

    async def check_stranger(self) -> None:
        """Fail if the other organisation was changed."""
        assert await self._ledger.state(self._stranger) == self._untouched, "another organisation was changed"

    async def forget_log(self) -> None:
        """Drop the log, which would fill the disk."""
        await self._ledger.forget_log()

    async def begin(self) -> None:
        """Remember all organisations as they are now."""
        for ledger, house in self._kept:
            await ledger.keep(house)
        self._untouched = await self._ledger.state(self._stranger)

    async def vocabulary(self) -> Vocabulary:
        """What the server says of itself."""
        wire = Wire(*self.address)
        try:
            token = self.lanes[0].house.tokens[0]
            schemas, types = [
                document(await wire.exchange(read(token, path)))["Resources"]
                for path in ("/Schemas", "/ResourceTypes")
            ]
        finally:
            await wire.close()
        return Vocabulary.of(schemas, types)

    async def _confirmed(self, finding: Finding) -> Finding | None:
        if not finding.is_slowness:
            return finding
        async with self.alone():
            for _ in range(2):
                again = await self.again(finding.session)
                if again is None:
                    return None
                finding = again
        return finding

    async def close(self) -> None:
        """End the lanes' connections."""
        for lane in self.lanes:
            await lane.close()


class Play:
    """A field on an event loop of its own, for callers that have none."""

    def __init__(self, runner: asyncio.Runner, field: Field, stack: AsyncExitStack) -> None:
        self._runner = runner
        self._stack = stack
        self.field = field
        self.vocabulary = runner.run(field.vocabulary())

    @classmethod
    def open(cls, runner: asyncio.Runner, dsn: str, address: Address, *, lanes: int, name: str) -> Self:
        """Lanes of their own organisations, whose names begin with `name`."""
        stack = AsyncExitStack()
        return cls(runner, runner.run(_opened(stack, dsn, address, lanes, name)), stack)

    def close(self) -> None:
        """End everything that was opened."""
        self._runner.run(self._stack.aclose())

    def sessions(self, campaign: Campaign, numbers: Iterable[int]) -> Iterator[tuple[int, Finding]]:
        """Play the campaign's sessions of these numbers; what is found."""
        yield from self._runner.run(self.field.play((each, campaign.session(each)) for each in numbers))

    def replayed(self, planned: Session) -> Finding | None:
        """Play one session alone."""
        return self._runner.run(self.field.again(planned))

    def shrunk(self, campaign: Campaign, number: int, finding: Finding) -> Finding:
        """The smallest session that is found with the same complaint, without needless requests.

        Other processes wait: what is slow because of them would not get smaller.
        """
        with self._alone():
            return self._shrunk(campaign, number, finding)

    def _shrunk(self, campaign: Campaign, number: int, finding: Finding) -> Finding:
        seen = {id(finding.session): finding}

        def is_wrong(planned: Session) -> bool:
            again = self.replayed(planned)
            if again is None or again.kind != finding.kind:
                return False
            seen[id(planned)] = again
            return True

        smallest = campaign.smallest(number, is_wrong, seconds=_SHRINKING_S)
        planned = (finding if smallest is None else seen[id(smallest)]).cut().session
        for index in reversed(range(len(planned))):
            fewer = planned[:index] + planned[index + 1 :]
            planned = fewer if is_wrong(fewer) else planned
        return seen.get(id(planned), finding).cut()

    @contextmanager
    def _alone(self) -> Generator[None]:
        stack = AsyncExitStack()
        self._runner.run(stack.enter_async_context(self.field.alone()))
        try:
            yield
        finally:
            self._runner.run(stack.aclose())

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run something else on the loop."""
        return self._runner.run(coroutine)


async def _opened(stack: AsyncExitStack, dsn: str, address: Address, lanes: int, name: str) -> Field:
    await prepare(dsn)
    made = await houses(
        dsn, address, [f"{STRANGER}-{name}", *(f"{name}-{number}" for number in range(lanes))]
    )
    connections: list[asyncpg.Connection] = []
    for _ in made:
        connections.append(await asyncpg.connect(dsn))
        stack.push_async_callback(connections[-1].close)
    field = Field(address, made, connections)
    stack.push_async_callback(field.close)
    await field.begin()
    return field
