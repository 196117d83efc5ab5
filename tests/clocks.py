"""Clocks that a test moves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000_000
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    """Says nanoseconds, as `monotonic_ns` does."""

    now: int = 5 * SECOND

    def __call__(self) -> int:
        return self.now


@dataclass
class Hands:
    """Says the time; it stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)
