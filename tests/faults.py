"""A database that fails when it is told to, below the application: a pool that counts calls and breaks them.

Nothing of ours is patched: `Database.over` is given pools that stand before asyncpg's own.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar, cast

import asyncpg
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler
from aiohttp.web_runner import BaseRunner

from scimserver.app import Surroundings, application
from scimserver.config import Settings
from scimserver.db.connections import ConnectionPool
from scimserver.db.lender import Lender
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.work import WorkRoom
from tests.serving import PUBLIC_URL, Installation

_T = TypeVar("_T")

_counted = ContextVar("_counted", default=False)
"""Whether the database calls of this task belong to the request that is watched."""

_WATCHED = "X-Watched"

WHILE_HELD_S = 0.2
"""Seconds after which a statement is cut off that waits for what another transaction holds."""


class Fault(StrEnum):
    """What happens at a call."""

    LOST_BEFORE = "lost-before-it-was-sent"
    LOST_AFTER = "lost-after-it-was-executed"
    TIMEOUT_BEFORE = "time-out-and-never-executed"
    TIMEOUT_AFTER = "time-out-but-executed"
    LATE_NEXT = "time-out-and-executed-before-the-next-call"
    LATE_END = "time-out-and-executed-after-the-answer"
    FENCED = "time-out-and-executed-after-the-answer-while-only-the-log-works"
    DOWN_BEFORE = "every-call-from-here-is-lost-before-it-was-sent"
    DOWN_AFTER = "every-call-from-here-is-lost-after-it-was-executed"
    GONE_BEFORE = "client-gone-before"
    GONE_AFTER = "client-gone-after"
    CANCELLED_BEFORE = "handler-cancelled-while-it-waits"
    CANCELLED_AFTER = "handler-cancelled-when-it-was-executed"


LATE = {Fault.LATE_NEXT, Fault.LATE_END, Fault.FENCED}
DOWN = {Fault.DOWN_BEFORE, Fault.DOWN_AFTER}
GONE = {Fault.GONE_BEFORE, Fault.GONE_AFTER}
CANCELLED = {Fault.CANCELLED_BEFORE, Fault.CANCELLED_AFTER}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the database: what it was, and what it can commit."""

    name: str
    writes: bool = False
    """Whether it commits a change, or the record of an attempt, when it is executed."""
    in_transaction: bool = False

    @property
    def records(self) -> bool:
        """Whether it only writes the log."""
        return self.writes and "change AS (SELECT 1)" in self.name


@dataclass(slots=True)
class Faults:
    """Breaks the calls of one watched request. `calls` are those it made."""

    calls: list[Call] = field(default_factory=list[Call])
    fault: Fault | None = None
    at: int = 0
    client: asyncio.StreamWriter | None = None
    task: "asyncio.Task[Any] | None" = None
    held: list[Callable[[], Awaitable[None]]] = field(default_factory=list[Callable[[], Awaitable[None]]])
    """Statements that the server has not executed yet although nobody waits for them any more."""
    statement_s: float | None = None
    """Seconds that a statement may take now; None for what the connections say."""

    def arm(self, fault: Fault | None = None, at: int = 0) -> None:
        """Break call number `at` of the next watched request."""
        self.calls, self.fault, self.at = [], fault, at

    def disarm(self) -> None:
        """Break nothing more."""
        self.fault = None

    async def catch_up(self) -> None:
        """Execute what was held."""
        held, self.held, self.statement_s = self.held, [], None
        for statement in held:
            await statement()

    async def through(self, call: Call, run: Callable[[], Awaitable[_T]], on: "_Connection | None") -> _T:
        """Run a call, or let it fail."""
        if not _counted.get():
            return await run()
        if self.fault is Fault.LATE_NEXT:
            await self.catch_up()
        number = len(self.calls)
        self.calls.append(call)
        if not self._strikes(call, number):
            return await run()
        return await (self._break_acquiring(run) if on is None else self._break(call, run, on))

    def _strikes(self, call: Call, number: int) -> bool:
        if self.fault is None or number < self.at:
            return False
        if self.fault is Fault.FENCED:
            return number == self.at or not (call.records or call.name == "acquire")
        return number == self.at or self.fault in DOWN

    async def _break_acquiring(self, run: Callable[[], Awaitable[_T]]) -> _T:
        assert self.fault is not None
        if self.fault in GONE | CANCELLED:
            # Nobody can be cancelled between having a connection and knowing it.
            return await self._interrupt(run, before=True)
        if self.fault in {Fault.LOST_BEFORE, Fault.LOST_AFTER, *DOWN}:
            raise ConnectionRefusedError("nobody listens")
        raise TimeoutError

    async def _break(self, call: Call, run: Callable[[], Awaitable[_T]], on: "_Connection") -> _T:
        fault = self.fault
        assert fault is not None
        if fault in GONE | CANCELLED:
            before = fault in {Fault.GONE_BEFORE, Fault.CANCELLED_BEFORE}
            return await self._interrupt(run, before=before)
        if fault is Fault.FENCED and len(self.calls) - 1 > self.at:
            fault = Fault.LOST_BEFORE
        if fault in {Fault.LOST_AFTER, Fault.TIMEOUT_AFTER, Fault.DOWN_AFTER}:
            with suppress(asyncpg.PostgresError):
                await run()
        if fault in LATE and call.writes:
            on.hold()
            self.held.append(lambda: _belated(run, on))
            self.statement_s = WHILE_HELD_S if call.in_transaction else None
        if fault in {Fault.LOST_BEFORE, Fault.LOST_AFTER, *DOWN}:
            on.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        raise TimeoutError

    async def _interrupt(self, run: Callable[[], Awaitable[_T]], *, before: bool) -> _T:
        done = None if before else await run()
        if self.client is not None and self.fault in GONE:
            self.client.transport.abort()
            await asyncio.sleep(0.001)
        if self.fault in CANCELLED:
            assert self.task is not None
            self.task.cancel()
            if not before:
                await asyncio.sleep(0)
        return await run() if before else cast(_T, done)


async def _belated(run: Callable[[], Awaitable[Any]], on: "_Connection") -> None:
    """The server executes a statement although its client has gone; then it sees that."""
    with suppress(asyncpg.PostgresError):
        await run()
    await on.let_go()


class _Connection:
    """A borrowed connection."""

    def __init__(self, pool: "FaultyPool", real: Any) -> None:
        self._pool = pool
        self.real = real
        self._is_held = False
        self._is_ended = False
        self.in_transaction = False
        self.is_counted = _counted.get()

    async def fetch(self, sql: str, *arguments: object) -> Any:
        return await self._run(sql, lambda: self.real.fetch(sql, *arguments, **self._limit()))

    async def fetchrow(self, sql: str, *arguments: object) -> Any:
        return await self._run(sql, lambda: self.real.fetchrow(sql, *arguments, **self._limit()))

    async def fetchval(self, sql: str, *arguments: object) -> Any:
        return await self._run(sql, lambda: self.real.fetchval(sql, *arguments, **self._limit()))

    async def execute(self, sql: str, *arguments: object) -> Any:
        return await self._run(sql, lambda: self.real.execute(sql, *arguments, **self._limit()))

    def _limit(self) -> dict[str, float]:
        seconds = self._pool.faults.statement_s
        return {} if seconds is None else {"timeout": seconds}

    def transaction(self) -> "_Transaction":
        return _Transaction(self, self.real.transaction())

    async def _run(self, sql: str, run: Callable[[], Awaitable[Any]]) -> Any:
        writes = not self.in_transaction and any(word in sql for word in ("INSERT", "UPDATE ", "DELETE "))
        return await self.through(Call(sql, writes, self.in_transaction), run)

    async def through(self, call: Call, run: Callable[[], Awaitable[_T]]) -> _T:
        if self._is_ended:
            raise asyncpg.InterfaceError("connection is closed")
        return await self._pool.faults.through(call, run, self)

    def is_closed(self) -> bool:
        return self._is_ended or self.real.is_closed()

    def terminate(self) -> None:
        self._is_ended = True
        if not self._is_held:
            self.real.terminate()

    def hold(self) -> None:
        """Keep the real connection open, whatever is done to this one."""
        self._is_held = True

    async def let_go(self) -> None:
        """End the real connection, if it was kept open."""
        self._is_held = False
        self.real.terminate()
        self.give_back()

    def give_back(self) -> None:
        """Back to the real pool, unless something is still to be executed."""
        if not self._is_held:
            self._pool.real.release(self.real)


class _Transaction:
    def __init__(self, connection: _Connection, real: Any) -> None:
        self._connection = connection
        self.real = real

    async def start(self) -> None:
        await self._connection.through(Call("BEGIN"), self.real.start)
        self._connection.in_transaction = True

    async def commit(self) -> None:
        self._connection.in_transaction = False
        await self._connection.through(Call("COMMIT", writes=True, in_transaction=True), self.real.commit)

    async def rollback(self) -> None:
        self._connection.in_transaction = False
        await self._connection.through(Call("ROLLBACK"), self.real.rollback)


class FaultyPool:
    """Stands before the pool that the application has. `borrowed` counts what was not given back."""

    def __init__(self, real: Lender, faults: Faults) -> None:
        self.real = real
        self.faults = faults
        self.borrowed = 0
        self._backends: dict[asyncpg.Connection, int] = {}

    def take(self) -> None:
        """Nothing is at hand, so that acquiring is a call that can fail."""

    async def acquire(self) -> Any:
        async def run() -> _Connection:
            connection = await self.real.acquire()
            self._backends[connection] = connection.get_server_pid()
            self.borrowed += 1
            return _Connection(self, connection)

        return await self.faults.through(Call("acquire"), run, None)

    def release(self, connection: Any) -> None:
        self.borrowed -= 1
        connection.give_back()

    def expire(self, broken: Any) -> None:
        self.real.expire(broken.real)

    def left(self) -> list[int]:
        """The server's processes whose connections were ended: they may have something to read yet."""
        return [backend for connection, backend in self._backends.items() if connection.is_closed()]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a raw client got: a status line, headers in lower case, a body."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(slots=True)
class FaultyInstallation(Installation):
    """An application over a database that fails when it is told to."""

    pool: FaultyPool = field(kw_only=True)
    faults: Faults = field(kw_only=True)
    idle: asyncio.Event = field(kw_only=True)

    async def watched(self, request: bytes) -> Reply | None:
        """Send a request whose database calls are counted and broken; None when there was no answer.

        Returns when the handler has ended, too.
        """
        server = cast(TestServer, self.http.server)
        reader, writer = await asyncio.open_connection(server.host, server.port)
        self.faults.client = writer
        self.idle.clear()
        writer.write(request)
        with suppress(OSError):
            answer = await reader.read()
            await self.idle.wait()
            writer.close()
            return _reply(answer)
        await self.idle.wait()
        return None


def _reply(answer: bytes) -> Reply | None:
    head, _, body = answer.decode().partition("\r\n\r\n")
    if not head:
        return None
    status, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Reply(int(status.split()[1]), headers, body)


class _Server(TestServer):
    """As in operation, a handler ends what it has begun when its client goes."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return await super()._make_runner(**options | {"handler_cancellation": False})


@asynccontextmanager
async def pools(settings: DatabaseSettings, size: int) -> AsyncGenerator[Lender]:
    """A pool as the application has it."""
    connect = partial(asyncpg.connect, settings.dsn, command_timeout=settings.command_timeout_s)
    lender = Lender(connect, size, settings.acquire_timeout_s)
    try:
        yield lender
    finally:
        await lender.close()


@asynccontextmanager
async def failing(real: Lender, settings: DatabaseSettings) -> AsyncGenerator[FaultyInstallation]:
    """The application over faulty pools; it looks up credentials each time, so that this can fail too."""
    faults, idle = Faults(), asyncio.Event()
    pool = FaultyPool(real, faults)
    faulty = cast(ConnectionPool, pool)
    database = Database.over(faulty, faulty, settings)

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _WATCHED not in request.headers:
            return await handler(request)
        faults.task = asyncio.current_task()
        _counted.set(True)
        try:
            return await handler(request)
        finally:
            _counted.set(False)
            idle.set()

    surroundings = Surroundings(public_url=PUBLIC_URL, secret=b"s" * 32)
    limits: dict[str, Any] = {"credential_seconds": 0, "rate_limit": 0, "failure_burst": 0}
    async with application(Settings(**limits), database, surroundings) as app:
        app.middlewares.append(watch)
        async with TestClient(_Server(app)) as http:
            yield FaultyInstallation(database, http, WorkRoom(database), pool=pool, faults=faults, idle=idle)
