"""Decisions that a thing is made by, one after the other: rolled from a seed, or made by hypothesis.

Rolling is many times faster, and the same for the same seed for ever. What was rolled is a list of
numbers that hypothesis can take up and make smaller: see `smaller`.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Generic, TypeVar

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.database import InMemoryExampleDatabase, choices_to_bytes
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture.data import ConjectureData
from hypothesis.strategies import SearchStrategy

_T = TypeVar("_T")

_PLANES = (
    (0x20, 0x5F),
    (0, 0x100),
    (0x300, 0x70),
    (0x2000, 0x70),
    (0x3000, 0x100),
    (0xD800, 0x800),
    (0xFFF0, 0x10),
    (0x1F300, 0x300),
    (0, 0x110000),
)
"""Where characters come from: the first of each, and how many."""
_KEY = b"the finding"
_NOT_YET_SMALL = b".secondary"
"""What hypothesis adds to a key for what it is still to make smaller."""


class Choices:
    """Decides one by one. The first option is the simplest: findings shrink towards it."""

    def __init__(self, below: Callable[[int], int]) -> None:
        self.below = below
        """A number from 0 on that is less than the one given."""

    def pick(self, options: Sequence[_T]) -> _T:
        """One of the options."""
        return options[self.below(len(options))]

    def chance(self, percent: int) -> bool:
        """True that often."""
        return self.below(100) >= 100 - percent

    def text(self) -> str:
        """A few characters of any plane of Unicode."""
        return "".join([self._character() for _ in range(self.below(10))])

    def _character(self) -> str:
        first, count = self.pick(_PLANES)
        return chr(first + self.below(count))


def rolled(seed: str) -> Choices:
    """Choices that are the same for the same seed."""
    roll = Random(seed).random  # noqa: S311 - to be repeated, not to be secret
    return Choices(lambda end: int(roll() * end))


def smaller(
    make: Callable[[Choices], _T], seed: str, is_wrong: Callable[[_T], bool], *, seconds: float
) -> list[_T]:
    """What hypothesis finds wrong within some seconds, made by fewer choices each, from those of a seed on.

    Empty if what `make` makes of the seed is not wrong, or not any more.
    """
    wrong: list[_T] = []

    def is_kept(held: _Held[_T]) -> bool:
        if time.monotonic() > deadline:
            raise _TimeIsUp
        if is_wrong(held.thing):
            wrong.append(held.thing)
            return True
        return False

    database = InMemoryExampleDatabase()
    database.save(_KEY + _NOT_YET_SMALL, choices_to_bytes(_recorded(make, seed)))
    how = settings(
        database=database,
        deadline=None,
        phases=(Phase.reuse, Phase.shrink),
        suppress_health_check=(HealthCheck.data_too_large, HealthCheck.too_slow),
    )
    deadline = time.monotonic() + seconds
    # Where it does not come again, hypothesis complains.
    with suppress(HypothesisException, _TimeIsUp):
        find(_Decided(make), is_kept, settings=how, database_key=_KEY)
    return wrong


def _recorded(make: Callable[[Choices], object], seed: str) -> list[int]:
    choices, record = rolled(seed), list[int]()

    def below(end: int) -> int:
        record.append(choices.below(end))
        return record[-1]

    make(Choices(below))
    return record


class _TimeIsUp(BaseException):
    """Passes through hypothesis, which takes every `Exception` for a finding."""


class _Held(Generic[_T]):
    """Spares hypothesis from writing down what may be a megabyte."""

    def __init__(self, thing: _T) -> None:
        self.thing = thing


class _Decided(SearchStrategy[_Held[_T]]):
    """What a function makes of choices that hypothesis makes."""

    def __init__(self, make: Callable[[Choices], _T]) -> None:
        super().__init__()
        self._make = make

    def do_draw(self, data: ConjectureData) -> _Held[_T]:
        """An example."""
        return _Held(self._make(Choices(lambda end: data.draw_integer(0, end - 1))))
