"""How long nobody may try after so many failures: five free, then a pause that doubles, locks, a ceiling."""

from datetime import timedelta
from itertools import pairwise

import pytest

from scimserver.directory.tries import CEILING, LOCKED_FOR, LONGEST_PAUSE, pause_after

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
PAUSES = {
    1: 0 * SECOND,
    4: 0 * SECOND,
    5: SECOND,
    6: 2 * SECOND,
    9: 16 * SECOND,
    10: 30 * MINUTE,
    11: 64 * SECOND,
    14: 512 * SECOND,
    15: 15 * MINUTE,
    19: 15 * MINUTE,
    20: 30 * MINUTE,
    21: 15 * MINUTE,
    99: 15 * MINUTE,
    100: None,
    1000: None,
}


@pytest.mark.parametrize("failures,pause", PAUSES.items())
def test_pause_is_as_promised(failures: int, pause: timedelta | None):
    assert pause_after(failures) == pause


def test_pauses_never_get_shorter_but_after_a_lock():
    pauses = {
        failures: pause_after(failures) or 0 * SECOND for failures in range(1, CEILING) if failures % 10
    }
    assert [(one, other) for one, other in pairwise(pauses) if pauses[one] > pauses[other]] == []
    assert max(pauses.values()) == LONGEST_PAUSE < LOCKED_FOR


def test_hundred_guesses_take_more_than_a_day():
    assert sum((pause_after(n) or 0 * SECOND for n in range(1, CEILING)), 0 * SECOND) > timedelta(days=1)
