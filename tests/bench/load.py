"""The load: clients that keep their connections and send the next request when the last one is answered.

A process of its own, which reads no more of an answer than its status and its length, so that it
costs far less than what it measures. It also reads the servers' processor time, at the very
moments at which it counts. Only loopback.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final, cast

import uvloop

from tests.bench import machine
from tests.bench.figures import Window, percentile

SERIAL: Final = b"@@SERIAL@@"
"""In a request, stands for ten digits that no other request of the run has."""

_LENGTH: Final = b"Content-Length: "
_TOLD: Final = 2_000
"""So much of an answer that is not expected is told."""
_NO_BODY: Final = frozenset({204, 304})
_PATIENCE_S: Final = 20.0


class UnexpectedAnswerError(Exception):
    """A server answered something else than was measured: the run is worth nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to send to whom, and whose processor time to read."""

    port: int
    requests: Sequence[bytes]
    status: int
    connections: int
    seconds: float
    warm_up_s: float
    server: tuple[int, ...]
    """The processes that answer."""
    postgres: int
    """The first process of the database."""
    serial: int = 0
    """Where the numbers begin that stand for `SERIAL`."""
    once: bool = False
    """Send each request once, and end when there are no more."""


def run(job: Job) -> Window:
    """What was measured. Raises `UnexpectedAnswerError`."""
    return uvloop.run(_Run(job).measured())


class _Run:
    """What the connections share."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.answered = 0
        self.stopping = False
        self.latencies: list[float] = []
        self._failure = ""
        self._serial = job.serial
        self._source = iter(job.requests) if job.once else cycle(job.requests)
        self._open = 0
        self._drained = asyncio.Event()

    def next_request(self) -> bytes | None:
        """The next request to send, if any."""
        request = None if self.stopping else next(self._source, None)
        if request is not None and SERIAL in request:
            self._serial += 1
            return request.replace(SERIAL, b"%010d" % self._serial)
        return request

    def opened(self) -> None:
        self._open += 1

    def closed(self) -> None:
        self._open -= 1
        if self._open == 0:
            self._drained.set()

    def fail(self, sentence: str) -> None:
        self._failure = self._failure or sentence
        self.stopping = True

    async def measured(self) -> Window:
        loop = asyncio.get_running_loop()
        for _ in range(self.job.connections):
            await loop.create_connection(lambda: _Client(self), "127.0.0.1", self.job.port)
        await self._passing(self.job.warm_up_s)
        self.latencies.clear()
        before = self._readings()
        await self._passing(self.job.seconds)
        after = self._readings()
        latencies = sorted(self.latencies)
        self.stopping = True
        async with asyncio.timeout(_PATIENCE_S):
            await self._drained.wait()
        if self._failure:
            raise UnexpectedAnswerError(self._failure)
        return _window(before, after, latencies)

    async def _passing(self, seconds: float) -> None:
        """Wait, or less long where all is sent or something went wrong."""
        try:
            async with asyncio.timeout(seconds):
                await self._drained.wait()
        except TimeoutError:
            pass

    def _readings(self) -> tuple[float, ...]:
        return (
            time.perf_counter(),
            self.answered,
            machine.cpu_us(self.job.server),
            machine.tree_cpu_us(self.job.postgres),
            time.process_time() * 1e6,
            machine.busy_us(),
        )


def _window(before: tuple[float, ...], after: tuple[float, ...], latencies: list[float]) -> Window:
    seconds, requests, server, postgres, load, busy = (b - a for a, b in zip(before, after, strict=True))
    if not requests:
        raise UnexpectedAnswerError("there was no answer while it was measured")
    return Window(
        requests=int(requests),
        seconds=seconds,
        server_us=server / requests,
        postgres_us=postgres / requests,
        load_us=load / requests,
        others_cores=max(0.0, busy - server - postgres - load) / seconds / 1e6,
        p50_ms=percentile(latencies, 0.5) * 1000,
        p99_ms=percentile(latencies, 0.99) * 1000,
    )


class Exchange:
    """Answers that come in pieces: only their status and their length are read. Pure."""

    __slots__ = ("_buffer", "_missing", "_status")

    def __init__(self, status: int) -> None:
        self._status = status
        self._buffer = b""
        self._missing = 0

    def received(self, data: bytes) -> bool:
        """Whether an answer is complete with this piece. Raises `UnexpectedAnswerError`."""
        if self._missing:
            self._missing -= len(data)
            return not self._missing
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = buffer
            return False
        self._buffer = b""
        self._missing = end + 4 + self._length(buffer, end) - len(buffer)
        return not self._missing

    def _length(self, buffer: bytes, end: int) -> int:
        """Octets of the body that follows the head."""
        status = int(buffer[9:12])
        if status != self._status:
            text = buffer[:_TOLD].decode(errors="replace")
            raise UnexpectedAnswerError(f"{status} instead of {self._status}: {text}")
        if status in _NO_BODY:
            return 0
        at = buffer.find(_LENGTH, 0, end)
        if at < 0:
            raise UnexpectedAnswerError("an answer without Content-Length")
        return int(buffer[at + len(_LENGTH) : buffer.find(b"\r", at)])


class _Client(asyncio.Protocol):
    """One connection, one request at a time."""

    __slots__ = ("_begun", "_exchange", "_has_ended", "_run", "_transport")

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._exchange = Exchange(run.job.status)
        self._has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._run.opened()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._has_ended:
            self._run.fail(f"the server closed a connection: {exc}")
        self._run.closed()

    def data_received(self, data: bytes) -> None:
        try:
            is_complete = self._exchange.received(data)
        except UnexpectedAnswerError as unexpected:
            self._run.fail(str(unexpected))
            self._end()
            return
        if is_complete:
            self._run.answered += 1
            self._run.latencies.append(time.perf_counter() - self._begun)
            self._send()

    def _send(self) -> None:
        request = self._run.next_request()
        if request is None:
            self._end()
            return
        self._begun = time.perf_counter()
        self._transport.write(request)

    def _end(self) -> None:
        self._has_ended = True
        self._transport.close()
