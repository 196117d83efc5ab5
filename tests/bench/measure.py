"""Two sides under load in turn, round after round: what disturbs the machine disturbs both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from statistics import median
from typing import Final, Self

from tests.bench.asking import Question, Scene
from tests.bench.database import Organization
from tests.bench.figures import Spread, Window, ratios
from tests.bench.load import Job
from tests.bench.servers import Sender, Served

_SERIALS_OF_A_WINDOW: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long and how often."""

    rounds: int
    seconds: float
    warm_up_s: float
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two that are compared: a server, whose users, and what is asked."""

    label: str
    served: Served
    organization: Organization
    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The medians of one side."""

    label: str
    per_second: Spread
    server_us: Spread
    postgres_us: float
    load_us: float
    latency_ms: Spread
    """The median time of an answer."""
    p99_ms: float
    others_cores: Spread
    """How many cores were busy with something else, the kernel's own work included."""
    server_cores: float
    """How many cores the answering processes kept busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """What the rounds showed, side by side."""

    first: Summary
    second: Summary
    throughput: Spread
    """Requests a second of the second side over those of the first."""
    processor: Spread
    """Processor time of the first side over that of the second: more is better for the second, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Puts sides under load, and reads the clocks."""

    send: Sender
    postgres: int
    """The database's first process."""
    pace: Pace
    serials: Iterator[int] = field(default_factory=lambda: count(step=_SERIALS_OF_A_WINDOW))
    """Where each window's numbers begin."""

    def alone(self) -> Self:
        """The same with a single connection, which shows how long an answer takes."""
        return replace(self, pace=replace(self.pace, connections=1))

    def pair(self, first: Side, second: Side) -> Paired:
        """Both sides, in turn. Raises `UnexpectedAnswerError`."""
        turns = zip(self._jobs(first), self._jobs(second), strict=True)
        windows = [(self.send(one), self.send(other)) for one, other in turns]
        ones, others = zip(*windows, strict=True)
        return _paired(first.label, second.label, ones, others)

    def single(self, side: Side) -> Summary:
        """One side by itself. Raises `UnexpectedAnswerError`."""
        return summary(side.label, [self.send(job) for job in self._jobs(side)])

    def _jobs(self, side: Side) -> Iterator[Job]:
        requests: Sequence[bytes] = ()
        for window in range(self.pace.rounds):
            if side.question.is_fresh or not requests:
                requests = side.question.ask(self._scene(side, window))
            yield self._job(side, requests)

    def _scene(self, side: Side, window: int) -> Scene:
        return Scene(
            organization=side.organization,
            port=side.served.port,
            window=window,
            windows=self.pace.rounds,
        )

    def _job(self, side: Side, requests: Sequence[bytes]) -> Job:
        return Job(
            port=side.served.port,
            requests=requests,
            status=side.question.status,
            connections=self.pace.connections,
            seconds=self.pace.seconds,
            warm_up_s=self.pace.warm_up_s,
            server=side.served.processes,
            postgres=self.postgres,
            once=side.question.once,
            serial=next(self.serials),
        )


def _paired(first: str, second: str, ones: Sequence[Window], others: Sequence[Window]) -> Paired:
    return Paired(
        first=summary(first, ones),
        second=summary(second, others),
        throughput=ratios([w.per_second for w in others], [w.per_second for w in ones]),
        processor=ratios([w.server_us for w in ones], [w.server_us for w in others]),
    )


def summary(label: str, windows: Sequence[Window]) -> Summary:
    """The medians of windows."""
    return Summary(
        label=label,
        per_second=Spread.of([window.per_second for window in windows]),
        server_us=Spread.of([window.server_us for window in windows]),
        postgres_us=median(window.postgres_us for window in windows),
        load_us=median(window.load_us for window in windows),
        latency_ms=Spread.of([window.p50_ms for window in windows]),
        p99_ms=median(window.p99_ms for window in windows),
        others_cores=Spread.of([window.others_cores for window in windows]),
        server_cores=median(window.server_cores for window in windows),
    )
