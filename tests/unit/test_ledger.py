"""The ledger as memory: what it holds, who makes room, what a successor finds."""

import os
from uuid import UUID

import pytest

from scimserver.access.throttle.ledger import PLACES, Buckets, Ledger
from tests.clocks import SECOND, Clock


def key(number: int) -> bytes:
    return UUID(int=number + 1).bytes


def buckets(ledger: Ledger, clock: Clock, *, seat: int = 0, rate: float = 1.0, burst: int = 3) -> Buckets:
    return Buckets(ledger, seat=seat, rate=rate, burst=burst, clock=clock)


def taken(account: Buckets, number: int = 0) -> int:
    """How many an account lets pass at once."""
    passed = 0
    while account.take(key(number)) == 0:
        passed += 1
        assert passed < 1000
    return passed


def test_processes_share_what_was_taken():
    clock, ledger = Clock(), Ledger(processes=2, salt=b"s")
    first, second = (buckets(ledger, clock, seat=seat) for seat in (0, 1))
    assert [first.take(key(0)), second.take(key(0)), first.take(key(0))] == [0, 0, 0]
    assert second.take(key(0)) == SECOND


def test_forked_process_counts_into_the_same_memory():
    clock, ledger = Clock(), Ledger(processes=2, salt=b"s")
    child = os.fork()
    if child == 0:
        buckets(ledger, clock, seat=1).take(key(0))
        os._exit(0)
    os.waitpid(child, 0)
    assert taken(buckets(ledger, clock)) == 2


def test_successor_goes_on_with_the_counts_of_its_seat():
    clock, ledger = Clock(), Ledger(processes=2, salt=b"s")
    assert taken(buckets(ledger, clock, seat=1)) == 3
    assert taken(buckets(ledger, clock, seat=1)) == 0
    clock.now += SECOND
    assert taken(buckets(ledger, clock, seat=1)) == 1


def test_process_that_was_silent_for_long_grants_no_second_burst():
    clock, ledger = Clock(), Ledger(processes=2, salt=b"s")
    busy, silent = (buckets(ledger, clock, seat=seat) for seat in (0, 1))
    silent.take(key(0))
    for _ in range(100):
        clock.now += SECOND
        assert busy.take(key(0)) == 0
    assert taken(busy) == 2
    assert taken(silent) == 0


def test_steady_use_at_the_rate_passes_wherever_it_goes():
    clock, ledger = Clock(), Ledger(processes=2, salt=b"s")
    busy, rare = (buckets(ledger, clock, seat=seat) for seat in (0, 1))
    for number in range(1, 1000):
        clock.now += SECOND
        assert (rare if number % 60 == 0 else busy).take(key(0)) == 0


@pytest.mark.parametrize("cost,then", [(1, 0), (3, 1 * SECOND), (5, 3 * SECOND)])
def test_dear_request_passes_when_the_bucket_is_empty_and_is_paid_off_later(cost: int, then: int):
    account = buckets(Ledger(processes=1, salt=b"s"), Clock())
    assert account.take(key(0), cost) == 0
    assert account.take(key(0)) == then


def test_dear_request_waits_for_room():
    account = buckets(Ledger(processes=1, salt=b"s"), Clock())
    account.take(key(0))
    assert account.take(key(0), 5) == SECOND


def test_asking_how_long_takes_nothing():
    account = buckets(Ledger(processes=1, salt=b"s"), Clock())
    assert [account.wait(key(0)) for _ in range(10)] == [0] * 10
    assert taken(account) == 3
    assert account.wait(key(0)) == SECOND


def test_idle_account_makes_room():
    clock, ledger = Clock(), Ledger(processes=1, salt=b"s", groups=1)
    account = buckets(ledger, clock)
    for number in range(PLACES):
        assert taken(account, number) == 3
        clock.now += SECOND // 100
    clock.now += 3 * SECOND
    assert taken(account, PLACES) == 3
    assert ledger.find(key(0)) is None


def test_account_in_use_stays_while_there_is_an_emptier_one():
    ledger = Ledger(processes=1, salt=b"s", groups=1)
    account = buckets(ledger, Clock())
    for number in range(PLACES - 1):
        assert taken(account, number) == 3
    account.take(key(PLACES - 1))
    assert taken(account, PLACES) == 3
    assert ledger.find(key(PLACES - 1)) is None
    assert [account.take(key(number)) for number in range(PLACES - 1)] == [SECOND] * (PLACES - 1)


def test_newcomer_to_a_full_group_starts_with_an_empty_bucket():
    account = buckets(Ledger(processes=1, salt=b"s", groups=1), Clock())
    assert [taken(account, number) for number in range(3 * PLACES)] == [3] * 3 * PLACES


def test_account_is_found_by_its_whole_key():
    ledger = Ledger(processes=1, salt=b"s", groups=1)
    account = buckets(ledger, Clock())
    left, right = b"a" * 8 + b"b" * 8, b"c" * 8 + b"d" * 8
    for name in (left, right):
        account.take(name)
    across = left[8:] + right[:8]
    assert ledger.find(across) is None
    account.take(across)
    assert ledger.find(across) == 2


def test_other_salt_puts_accounts_elsewhere():
    groups = [
        [Ledger(processes=1, salt=salt).group(key(number)) for number in range(20)] for salt in (b"a", b"b")
    ]
    assert groups[0] != groups[1]
