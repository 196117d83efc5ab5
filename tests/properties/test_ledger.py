"""The ledger's promises, for any order of requests over any processes: the limit, and honest waits."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scimserver.access.throttle.ledger import Buckets, Ledger
from tests.clocks import SECOND, Clock

KEY, OTHER = b"k" * 16, b"o" * 16
PROCESSES = 3

PAUSES = st.one_of(st.just(0), st.integers(0, SECOND // 50), st.integers(0, 20 * SECOND))
STEPS = st.lists(st.tuples(PAUSES, st.integers(0, PROCESSES - 1)), max_size=150)
RATES = st.sampled_from([0.1, 1.0, 7.0, 50.0])
BURSTS = st.integers(1, 12)


def processes(clock: Clock, rate: float, burst: int, *, groups: int = 4) -> list[Buckets]:
    """Processes that share a ledger."""
    ledger = Ledger(processes=PROCESSES, salt=b"salt", groups=groups)
    return [Buckets(ledger, seat=seat, rate=rate, burst=burst, clock=clock) for seat in range(PROCESSES)]


class Bucket:
    """The oracle: one bucket of one process, as books have it."""

    def __init__(self, each: int, burst: int) -> None:
        self._each = each
        self._room = each * burst
        self._level = 0
        self._seen = 0

    def wait(self, now: int, cost: int = 1) -> int:
        """How long until `cost` fit; if they do, they are put in."""
        self._level = max(self._level - (now - self._seen), 0)
        self._seen = now
        over = self._level + min(cost * self._each, self._room) - self._room
        if over > 0:
            return over
        self._level += cost * self._each
        return 0


@given(steps=STEPS, rate=RATES, burst=BURSTS)
def test_no_window_lets_more_pass_than_burst_and_rate(steps: Any, rate: float, burst: int):
    clock = Clock()
    seats = processes(clock, rate, burst)
    passed: list[int] = []
    for pause, seat in steps:
        clock.now += pause
        if seats[seat].take(KEY) == 0:
            passed.append(clock.now)
    for first, begun in enumerate(passed):
        for last, ended in enumerate(passed[first:], first):
            assert last - first + 1 <= burst + rate * (ended - begun) / SECOND + 1e-6


@given(
    steps=st.lists(st.tuples(PAUSES, st.integers(0, PROCESSES - 1), st.integers(1, 20)), max_size=150),
    rate=RATES,
    burst=BURSTS,
)
def test_processes_together_are_one_bucket(steps: Any, rate: float, burst: int):
    clock = Clock()
    seats = processes(clock, rate, burst)
    oracle = Bucket(round(SECOND / rate), burst)
    for pause, seat, cost in steps:
        clock.now += pause
        assert seats[seat].take(KEY, cost) == oracle.wait(clock.now, cost)


@given(steps=STEPS, rate=RATES, burst=BURSTS, seat=st.integers(0, PROCESSES - 1))
def test_request_passes_after_the_wait_that_was_said_and_not_before(
    steps: Any, rate: float, burst: int, seat: int
):
    clock = Clock()
    seats = processes(clock, rate, burst)
    for pause, each in steps:
        clock.now += pause
        seats[each].take(KEY)
    wait = seats[seat].take(KEY)
    while wait == 0:
        wait = seats[seat].take(KEY)
    assert seats[seat].wait(KEY) == wait
    clock.now += wait - 1
    assert seats[seat].take(KEY) == 1
    clock.now += 1
    assert seats[seat].wait(KEY) == 0
    assert seats[seat].take(KEY) == 0


@given(steps=STEPS, rate=RATES, burst=BURSTS)
def test_account_does_not_notice_another_one(steps: Any, rate: float, burst: int):
    clock = Clock()
    shared, alone = processes(clock, rate, burst, groups=1), processes(clock, rate, burst, groups=1)
    for pause, seat in steps:
        clock.now += pause
        for _ in range(burst + 1):
            shared[seat].take(OTHER)
        assert shared[seat].take(KEY) == alone[seat].take(KEY)


@given(
    steps=st.lists(st.tuples(PAUSES, st.integers(0, PROCESSES - 1), st.integers(0, 40)), max_size=150),
    rate=RATES,
    burst=BURSTS,
)
def test_account_within_its_limit_passes_though_there_are_more_accounts_than_places(
    steps: Any, rate: float, burst: int
):
    clock = Clock()
    crowded = processes(clock, rate, burst, groups=1)
    oracles = {account: Bucket(round(SECOND / rate), burst) for account in range(41)}
    for pause, seat, account in steps:
        clock.now += pause
        waited = crowded[seat].take(bytes([account + 1]) * 16)
        if account in oracles and oracles[account].wait(clock.now):
            # Beyond its limit: what it is told from now on depends on whether it had to make room.
            del oracles[account]
        assert account not in oracles or waited == 0
