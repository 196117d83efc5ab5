"""The stages of one request, timed for the log: an auditor sees how far a refused attempt came."""

from collections.abc import Generator
from contextlib import contextmanager

from scimserver.audit.entry import Step
from scimserver.kernel.clock import monotonic_ns
from scimserver.kernel.facts import Outcome


class Trace:
    """What one request went through so far."""

    def __init__(self) -> None:
        self._begun = monotonic_ns()
        self._steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        """Time a named stage; one that raises is on record as failed."""
        begun = monotonic_ns()
        outcome = Outcome.FAILURE
        try:
            yield
            outcome = Outcome.SUCCESS
        finally:
            microseconds = (monotonic_ns() - begun) // 1000
            self._steps.append(Step(name=name, outcome=outcome, microseconds=microseconds))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The stages that are over, in the order in which they ended."""
        return tuple(self._steps)

    @property
    def microseconds(self) -> int:
        """The time since the request began."""
        return (monotonic_ns() - self._begun) // 1000
