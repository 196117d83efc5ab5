"""How much is too much: requests of a connection, failed credentials of an address, sign-ins that are begun.

The limits hold over all processes behind one port; several machines have one each. A limit that is
0 is no limit. Proven by tests/unit/test_throttle.py, tests/api/test_throttle.py and
tests/api/test_throttle_process.py.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from scimserver.access.throttle.addresses import account_of
from scimserver.access.throttle.familiar import Familiar
from scimserver.access.throttle.ledger import Buckets, Ledger
from scimserver.access.throttle.recall import digests_in_use
from scimserver.db.pool import Reader
from scimserver.kernel.clock import monotonic_ns
from scimserver.kernel.errors import RateLimited, TooManyFailures, Unauthenticated
from scimserver.kernel.ids import ConnectionId

BEGUN_RATE: Final = 20
"""Sign-ins by SAML a second that may be begun from one address: 12,000 people of an office in ten minutes.

Anybody may begin one, and each is a row for as long as its answer is waited for.
"""
BEGUN_BURST: Final = 500
"""The same at once."""

_T = TypeVar("_T")
_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a connection and an address may do."""

    rate: float
    """Requests a second of one connection, in the long run; 0 is no limit."""
    burst: int
    """Requests at once of a connection that was silent."""
    failures: int
    """Failed credentials at once from one address; 0 is no limit."""
    failure_seconds: float
    """After how long an address may fail once more."""


class Accounts:
    """What the processes behind one port count together: made before they are forked.

    `salt` keeps others from knowing which accounts live together.
    """

    def __init__(self, *, processes: int, salt: bytes) -> None:
        self.requests = Ledger(processes=processes, salt=salt)
        self.failures = Ledger(processes=processes, salt=salt)
        self.begun = Ledger(processes=processes, salt=salt)
        self.familiar = Familiar(chance=random.Random(salt))  # noqa: S311 - which one to forget is no secret


class Throttle:
    """The limits, as the process in one seat keeps them.

    `told` hears of each refusal, by its reason. A process that takes a dead one's seat takes its
    counts over; no two use one seat at the same time.
    """

    def __init__(
        self,
        limits: Limits,
        accounts: Accounts,
        *,
        seat: int = 0,
        clock: Callable[[], int] = monotonic_ns,
        told: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._limits = limits
        self._familiar = accounts.familiar
        self._told = told
        self._requests = (
            Buckets(accounts.requests, seat=seat, rate=limits.rate, burst=limits.burst, clock=clock)
            if limits.rate
            else None
        )
        self._failures = (
            Buckets(
                accounts.failures,
                seat=seat,
                rate=1 / limits.failure_seconds,
                burst=limits.failures,
                clock=clock,
            )
            if limits.failures
            else None
        )
        self._begun = Buckets(accounts.begun, seat=seat, rate=BEGUN_RATE, burst=BEGUN_BURST, clock=clock)

    async def recall(self, database: Reader, now: datetime) -> None:
        """Let the credentials that are in use pass as if they had been seen. Raises `Unavailable`."""
        if self._failures is not None:
            for digest in await digests_in_use(database, now):
                self._familiar.add(digest)

    def spend(self, connection: ConnectionId, cost: int = 1) -> None:
        """Count `cost` requests of a connection. Raises `RateLimited`, and then counts nothing."""
        if self._requests is None:
            return
        wait = self._requests.take(connection.bytes, cost)
        if wait:
            self._told(RateLimited.reason)
            raise RateLimited(
                f"This connection may send {self._limits.rate:g} requests a second, after a pause"
                f" {self._limits.burst} at once. Nothing was changed: wait as Retry-After says.",
                retry_after=_seconds(wait),
            )

    def begin(self, address: str | None, cost: int = 1) -> None:
        """Count `cost` sign-ins that an address begins. Raises `RateLimited`, and then counts nothing."""
        wait = self._begun.take(account_of(address), cost)
        if wait:
            self._told(RateLimited.reason)
            raise RateLimited(
                "Too many people at your network address begin to sign in at the same time: try again in a"
                " moment.",
                retry_after=_seconds(wait),
            )

    async def guarded(
        self, digest: bytes, address: Callable[[], str | None], look_up: Callable[[], Awaitable[_T]]
    ) -> _T:
        """What `look_up` finds out about a secret of that digest; if it fails, that counts for the address.

        Raises what `look_up` raises, and `TooManyFailures` without looking where the address has failed
        too often, unless the secret proved good before. The address is asked for only if it matters.
        """
        if self._failures is None:
            return await look_up()
        is_familiar = digest in self._familiar
        if not is_familiar:
            self._require_patience(self._failures.wait(account_of(address())))
        try:
            found = await look_up()
        except Unauthenticated:
            self._familiar.discard(digest)
            self._failures.take(account_of(address()))
            raise
        if not is_familiar:
            self._familiar.add(digest)
        return found

    def _require_patience(self, wait: int) -> None:
        if wait:
            self._told(TooManyFailures.reason)
            raise TooManyFailures(
                "Too many calls with unknown, expired or revoked credentials came from this address."
                " Check the connection's token, and wait as Retry-After says.",
                retry_after=_seconds(wait),
            )


def _seconds(nanoseconds: int) -> int:
    """Whole seconds, after which that time is over."""
    return -(-nanoseconds // _SECOND)
