"""A clock that a test moves."""

from dataclasses import dataclass

SECOND = 1_000_000_000


@dataclass
class Clock:
    """Says nanoseconds, as `monotonic_ns` does."""

    now: int = 5 * SECOND

    def __call__(self) -> int:
        return self.now
