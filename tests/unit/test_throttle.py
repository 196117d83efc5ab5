"""Limits as callers meet them: connections by their requests, addresses by credentials that fail."""

import random
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from scimserver.access.throttle import BEGUN_BURST, BEGUN_RATE, Accounts, Limits, Throttle
from scimserver.access.throttle.addresses import account_of
from scimserver.access.throttle.familiar import PLACES, Familiar
from scimserver.kernel import secrets
from scimserver.kernel.errors import RateLimited, TooManyFailures, Unauthenticated, Unavailable
from scimserver.kernel.ids import ConnectionId
from tests.clocks import SECOND, Clock

OURS, THEIRS = ConnectionId(UUID(int=1)), ConnectionId(UUID(int=2))
HERE, THERE = "192.0.2.1", "192.0.2.2"


class World:
    """A throttle, a clock, and who looked up what."""

    def __init__(
        self, *, rate: float = 2, burst: int = 3, failures: int = 3, failure_seconds: float = 6
    ) -> None:
        self.clock = Clock()
        self.told: list[str] = []
        self.good = {"good"}
        self.looked_up: list[str] = []
        limits = Limits(rate=rate, burst=burst, failures=failures, failure_seconds=failure_seconds)
        self.accounts = Accounts(processes=2, salt=b"salt")
        self.throttle, self.neighbour = (
            Throttle(limits, self.accounts, seat=seat, clock=self.clock, told=self.told.append)
            for seat in (0, 1)
        )

    async def call(self, secret: str, address: str | None = HERE, *, throttle: Throttle | None = None) -> str:
        """One call with a secret from an address: what it found."""
        throttle, digest = throttle or self.throttle, secrets.digest(secret)
        return await throttle.guarded(digest, lambda: address, self._look_up(secret))

    def _look_up(self, secret: str) -> Callable[[], Awaitable[str]]:
        async def look_up() -> str:
            self.looked_up.append(secret)
            if secret not in self.good:
                raise Unauthenticated("unknown")
            return secret.upper()

        return look_up

    async def fail(self, times: int = 3, address: str | None = HERE) -> None:
        """Fail so often, each time looked up and answered with 401."""
        for number in range(times):
            with pytest.raises(Unauthenticated):
                await self.call(f"bad {number}", address)


def passed(throttle: Throttle, connection: ConnectionId = OURS, *, most: int = 1000) -> int:
    """How many requests pass before one is refused."""
    for number in range(most):
        try:
            throttle.spend(connection)
        except RateLimited:
            return number
    return most


# --- Requests of a connection ---------------------------------------------------------------------


def test_burst_passes_and_no_more():
    assert passed(World().throttle) == 3


def test_rate_passes_in_the_long_run():
    world = World()
    passed(world.throttle)
    for _ in range(10):
        world.clock.now += SECOND
        assert passed(world.throttle) == 2


def test_processes_have_one_limit_between_them():
    world = World()
    world.throttle.spend(OURS)
    assert passed(world.neighbour) == 2


def test_connection_does_not_notice_another_one():
    world = World()
    passed(world.throttle, THEIRS)
    assert passed(world.throttle) == 3


@pytest.mark.parametrize("rate,seconds", [(2, 1), (1, 1), (0.5, 2), (0.1, 10), (0.3, 4), (1000, 1)])
def test_refusal_says_in_whole_seconds_when_a_request_passes(rate: float, seconds: int):
    world = World(rate=rate, burst=1)
    world.throttle.spend(OURS)
    with pytest.raises(RateLimited) as refusal:
        world.throttle.spend(OURS)
    assert refusal.value.retry_after == seconds
    world.clock.now += seconds * SECOND
    world.throttle.spend(OURS)


def test_refusal_says_what_the_limit_is():
    world = World()
    passed(world.throttle)
    with pytest.raises(RateLimited, match=r"may send 2 requests a second, after a pause 3 at once"):
        world.throttle.spend(OURS)


def test_request_may_cost_more_than_one():
    world = World()
    world.throttle.spend(OURS, 2)
    assert passed(world.throttle) == 1


def test_rate_of_zero_is_no_limit():
    assert passed(World(rate=0).throttle) == 1000


def test_refusals_are_told():
    world = World()
    passed(world.throttle)
    assert world.told == ["rate_limited"]


# --- Sign-ins that are begun ----------------------------------------------------------------------

OFFICE, HOME = "192.0.2.1", "2001:db8::1"


def begun(throttle: Throttle, address: str = OFFICE, *, most: int = 1000) -> int:
    """How many sign-ins are begun before one is refused."""
    for number in range(most):
        try:
            throttle.begin(address)
        except RateLimited:
            return number
    return most


def test_so_many_sign_ins_begin_at_once_and_no_more():
    assert begun(World().throttle) == BEGUN_BURST


def test_so_many_sign_ins_begin_in_the_long_run():
    world = World()
    begun(world.throttle)
    for _ in range(3):
        world.clock.now += SECOND
        assert begun(world.throttle) == BEGUN_RATE


def test_processes_begin_sign_ins_by_one_limit_between_them():
    world = World()
    world.throttle.begin(OFFICE, 100)
    assert begun(world.neighbour) == BEGUN_BURST - 100


def test_sign_ins_from_one_address_do_not_hold_up_those_from_another():
    world = World()
    begun(world.throttle, HOME)
    assert begun(world.throttle) == BEGUN_BURST


def test_sign_ins_of_one_network_count_together():
    world = World()
    begun(world.throttle, HOME)
    assert begun(world.throttle, "2001:db8::2") == 0


def test_requests_of_a_client_are_no_sign_ins_that_are_begun():
    world = World()
    passed(world.throttle, OURS)
    assert begun(world.throttle) == BEGUN_BURST


def test_refusal_to_begin_says_in_whole_seconds_when_another_one_may():
    world = World()
    world.throttle.begin(OFFICE, BEGUN_BURST + 3 * BEGUN_RATE)
    with pytest.raises(RateLimited) as refusal:
        world.throttle.begin(OFFICE)
    assert (refusal.value.retry_after, world.told) == (4, ["rate_limited"])
    world.clock.now += 4 * SECOND
    world.throttle.begin(OFFICE)


# --- Failures of an address -----------------------------------------------------------------------


async def test_address_that_failed_too_often_is_refused_without_looking():
    world = World()
    await world.fail()
    with pytest.raises(TooManyFailures) as refusal:
        await world.call("bad 4")
    assert refusal.value.retry_after == 6
    assert world.looked_up == ["bad 0", "bad 1", "bad 2"]
    assert world.told == ["too_many_failures"]


async def test_address_may_fail_again_later():
    world = World()
    await world.fail()
    world.clock.now += 6 * SECOND
    await world.fail(1)
    with pytest.raises(TooManyFailures):
        await world.call("bad")


async def test_refused_calls_do_not_prolong_the_wait():
    world = World()
    await world.fail()
    for _ in range(50):
        with pytest.raises(TooManyFailures):
            await world.call("bad")
    world.clock.now += 6 * SECOND
    await world.fail(1)


async def test_credential_that_was_good_passes_from_an_address_that_fails():
    world = World()
    await world.call("good")
    await world.fail()
    assert await world.call("good") == "GOOD"


async def test_credential_that_was_good_elsewhere_and_for_another_process_passes_too():
    world = World()
    await world.call("good", THERE)
    await world.fail()
    assert await world.call("good", throttle=world.neighbour) == "GOOD"


async def test_credential_that_has_ended_is_like_any_other():
    world = World()
    await world.call("good")
    world.good.clear()
    with pytest.raises(Unauthenticated):
        await world.call("good")
    await world.fail(2)
    with pytest.raises(TooManyFailures):
        await world.call("good")


async def test_success_costs_an_address_nothing():
    world = World()
    world.good |= {f"good {number}" for number in range(20)}
    for number in range(20):
        await world.call(f"good {number}")
    await world.fail()


async def test_failure_of_the_outside_costs_an_address_nothing():
    world = World()

    async def look_up() -> str:
        raise Unavailable("down")

    for _ in range(20):
        with pytest.raises(Unavailable):
            await world.throttle.guarded(secrets.digest("good"), lambda: HERE, look_up)
    await world.fail()


async def test_failures_of_all_processes_count():
    world = World()
    await world.fail()
    with pytest.raises(TooManyFailures):
        await world.call("bad", throttle=world.neighbour)


async def test_address_does_not_notice_another_one():
    world = World()
    await world.fail()
    await world.fail(3, THERE)


async def test_limit_of_zero_failures_is_no_limit():
    world = World(failures=0)
    await world.fail(100)


async def test_address_is_not_asked_for_where_the_credential_was_good():
    world = World()
    await world.call("good")

    def unasked() -> str:
        raise AssertionError("nobody needs the address")

    async def look_up() -> str:
        return "found"

    assert await world.throttle.guarded(secrets.digest("good"), unasked, look_up) == "found"


# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one,other",
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("fe80::1%eth0", "fe80::2"),
        (None, "no address"),
    ],
)
def test_addresses_that_count_as_one(one: str | None, other: str | None):
    assert account_of(one) == account_of(other)


@pytest.mark.parametrize(
    "one,other",
    [
        ("192.0.2.1", "192.0.2.2"),
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("192.0.2.1", "::192.0.2.1"),
        ("0.0.0.1", "::1"),
        ("255.255.255.255", None),
    ],
)
def test_addresses_that_count_apart(one: str | None, other: str | None):
    assert account_of(one) != account_of(other)


@pytest.mark.parametrize("address", ["::", "::1", "0.0.0.1", "2001:db8::1", None])
def test_address_is_never_counted_as_a_place_that_is_free(address: str | None):
    assert len(account_of(address)) == 16
    assert any(account_of(address))


# --- Credentials that were good -------------------------------------------------------------------


def digest(number: int) -> bytes:
    return secrets.digest(str(number))


def familiar() -> Familiar:
    return Familiar(groups=1, chance=random.Random(7))  # noqa: S311 - a test's own, the same each time


def test_digest_is_remembered_until_it_is_discarded():
    known = familiar()
    known.add(digest(1))
    known.add(digest(2))
    known.discard(digest(1))
    known.discard(digest(3))
    assert [digest(number) in known for number in (1, 2, 3)] == [False, True, False]


def test_digest_that_is_added_twice_is_gone_when_discarded():
    known = familiar()
    known.add(digest(1))
    known.add(digest(1))
    known.discard(digest(1))
    assert digest(1) not in known


def test_full_memory_takes_a_new_digest_for_one_old():
    known = familiar()
    for number in range(PLACES):
        known.add(digest(number))
    known.add(digest(PLACES))
    assert digest(PLACES) in known
    assert sum(digest(number) in known for number in range(PLACES)) == PLACES - 1


def test_digest_is_known_by_the_whole_of_it():
    known = familiar()
    left, right = b"a" * 16 + b"b" * 16, b"c" * 16 + b"d" * 16
    known.add(left)
    known.add(right)
    assert left[16:] + right[:16] not in known
