"""Time comes in as a parameter: the clock of a unit of work."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Says the current time, in UTC."""


def utc_now() -> datetime:
    """The wall clock, cut to milliseconds: what is stored is exactly what is answered."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def monotonic_ns() -> int:
    """Nanoseconds of a clock that never goes back; only differences mean something."""
    return time.monotonic_ns()
