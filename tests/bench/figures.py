"""The arithmetic of measuring: windows, medians over paired rounds, goals. Pure.

Proven by tests/unit/test_bench_figures.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one stretch of load showed; times per request."""

    requests: int
    seconds: float
    server_us: float
    """Processor time of the processes that answer."""
    postgres_us: float
    load_us: float
    others_cores: float
    """How many cores were busy with something else."""
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def server_cores(self) -> float:
        """How many cores the answering processes kept busy."""
        return self.server_us * self.per_second / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure measured several times."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The spread of at least one value."""
        return cls(median=median(values), low=min(values), high=max(values))

    def scaled(self, factor: float) -> "Spread":
        """The same in another unit."""
        return Spread(median=self.median * factor, low=self.low * factor, high=self.high * factor)

    @property
    def inverse(self) -> "Spread":
        """The spread of the inverse values."""
        return Spread(median=1 / self.median, low=1 / self.high, high=1 / self.low)


def ratios(over: Sequence[float], under: Sequence[float]) -> Spread:
    """The spread of the quotients of paired rounds: what disturbs both halves of a pair cancels out."""
    return Spread.of([a / b for a, b in zip(over, under, strict=True)])


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of sorted values lies."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a figure should reach: first `at_least`, later `then`."""

    at_least: float
    then: float | None = None
    smaller_is_better: bool = False

    def distance(self, value: float) -> float:
        """How well `at_least` is met: 1 just so, more is better."""
        return self.at_least / value if self.smaller_is_better else value / self.at_least

    def is_met(self, value: float) -> bool:
        """Whether the figure reaches `at_least`."""
        return self.distance(value) >= 1

    def is_met_later(self, value: float) -> bool:
        """Whether it reaches `then`, too, or there is no such goal."""
        if self.then is None:
            return self.is_met(value)
        return value <= self.then if self.smaller_is_better else value >= self.then
