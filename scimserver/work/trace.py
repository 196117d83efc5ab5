"""The stages of one request, timed for the log: an auditor sees how far a refused attempt came."""

from types import TracebackType

from scimserver.audit.entry import Step
from scimserver.kernel.clock import monotonic_ns
from scimserver.kernel.facts import Outcome


class _Running:
    """A stage that is going on: a context manager, because each request goes through many."""

    __slots__ = ("_begun", "_name", "_steps")

    def __init__(self, name: str, steps: list[Step]) -> None:
        self._name = name
        self._steps = steps

    def __enter__(self) -> None:
        self._begun = monotonic_ns()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = Outcome.SUCCESS if error is None else Outcome.FAILURE
        microseconds = (monotonic_ns() - self._begun) // 1000
        self._steps.append(Step(name=self._name, outcome=outcome, microseconds=microseconds))


class Trace:
    """What one request went through so far."""

    def __init__(self) -> None:
        self._begun = monotonic_ns()
        self._steps: list[Step] = []

    def step(self, name: str) -> "_Running":
        """Time a named stage; one that raises is on record as failed."""
        return _Running(name, self._steps)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The stages that are over, in the order in which they ended."""
        return tuple(self._steps)

    @property
    def microseconds(self) -> int:
        """The time since the request began."""
        return (monotonic_ns() - self._begun) // 1000
