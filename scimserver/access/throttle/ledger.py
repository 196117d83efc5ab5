"""A ledger of leaky buckets that processes keep together, in memory they share, without a lock.

An account's bucket holds what was taken lately, in nanoseconds: taking one costs `1/rate` seconds,
and time runs out of the bucket. For each account every process has two cells that nobody else
writes: what it took, ever; and the least that *taken by all, minus the time* was whenever it looked.
Time runs out of the bucket except while it is empty, so at any moment it holds

    (taken by all - now) - least of (taken by all - then), over all former moments

A cell is written whole, so readers need no lock: those who take at the same instant can overdraw
by one each, once. A process that is killed leaves whole cells, and its successor goes on with them.

Memory is fixed. An account lives in one of a few places, which a keyed hash chooses. Where all of
them are taken, the emptiest makes room: one that was not used for a while is empty without being
touched. If none is, that one's account starts anew when it comes back: too little is counted then,
but never for somebody else. Proven by tests/properties/test_ledger.py, tests/unit/test_ledger.py.
"""

import hashlib
import mmap
from collections.abc import Callable
from functools import lru_cache
from typing import Final

KEY_BYTES: Final = 16
GROUPS: Final = 1024
PLACES: Final = 16
"""How many places a group has: 16,384 accounts can be in use at the same time."""

_GROUP_BYTES: Final = PLACES * KEY_BYTES
_CELL_BYTES: Final = 8
_SECOND: Final = 1_000_000_000
_HASHES_KEPT: Final = 4096


class Ledger:
    """Accounts of one kind: made before processes are forked, and seen by all of them."""

    def __init__(self, *, processes: int, salt: bytes, groups: int = GROUPS) -> None:
        self._groups = groups
        self._processes = processes
        self._salt = hashlib.sha256(salt).digest()
        self._keys = mmap.mmap(-1, groups * _GROUP_BYTES)
        # Not struct.pack_into: it clears the bytes first, and others would see that.
        self._cells = memoryview(mmap.mmap(-1, groups * PLACES * 2 * processes * _CELL_BYTES)).cast("q")
        self.group = lru_cache(_HASHES_KEPT)(self._hashed)
        """The group in which an account lives."""

    def _hashed(self, key: bytes) -> int:
        digest = hashlib.blake2b(key, digest_size=8, key=self._salt).digest()
        return int.from_bytes(digest) % self._groups

    def find(self, key: bytes) -> int | None:
        """The place of an account; the first of two, which processes that are quick can make."""
        group = self.group(key)
        keys = self._keys[group * _GROUP_BYTES : (group + 1) * _GROUP_BYTES]
        at = keys.find(key)
        while at > 0 and at % KEY_BYTES:
            at = keys.find(key, at + 1)
        return None if at < 0 else group * PLACES + at // KEY_BYTES

    def assign(self, place: int, key: bytes) -> None:
        """Give a place to an account."""
        self._keys[place * KEY_BYTES : (place + 1) * KEY_BYTES] = key

    def read(self, place: int) -> tuple[int, int]:
        """What all processes took at that place, and the least that one of them saw."""
        seats = self._processes
        cells = self._cells[place * 2 * seats : (place + 1) * 2 * seats].tolist()
        return sum(cells[:seats]), min(cells[seats:])

    def take(self, place: int, seat: int, nanoseconds: int) -> None:
        """Add to what the process in that seat took."""
        self._cells[place * 2 * self._processes + seat] += nanoseconds

    def lower(self, place: int, seat: int, least: int) -> None:
        """Write down the least that the process in that seat saw."""
        self._cells[(place * 2 + 1) * self._processes + seat] = least


class Buckets:
    """The accounts of a ledger at one rate, as the process in one seat uses them.

    `rate` is per second, `burst` what an empty bucket takes at once. `clock` says nanoseconds, never
    goes back, and is the same for all processes.
    """

    def __init__(
        self, ledger: Ledger, *, seat: int, rate: float, burst: int, clock: Callable[[], int]
    ) -> None:
        self._ledger = ledger
        self._seat = seat
        self._each = round(_SECOND / rate)
        self._room = burst * self._each
        self._clock = clock

    def take(self, key: bytes, cost: int = 1) -> int:
        """Take from an account: 0, or after how many nanoseconds there will be room; nothing is taken then.

        What costs more than the whole burst passes when the bucket is empty, and is paid off later.
        """
        # Before the cells are read: what others take meanwhile counts as taken already.
        now = self._clock()
        place = self._ledger.find(key)
        if place is None:
            place = self._admit(key, now)
        taken, least = self._ledger.read(place)
        level = taken - now - least
        price = cost * self._each
        wait = max(level, 0) + min(price, self._room) - self._room
        if wait > 0:
            return wait
        if level < 0:
            self._ledger.lower(place, self._seat, taken - now)
        self._ledger.take(place, self._seat, price)
        return 0

    def wait(self, key: bytes) -> int:
        """What `take` would answer for a cost of one, without taking."""
        now = self._clock()
        place = self._ledger.find(key)
        if place is None:
            return 0
        return max(max(self._level(place, now), 0) + self._each - self._room, 0)

    def _level(self, place: int, now: int) -> int:
        """What the bucket holds; negative where it has run empty since anybody looked."""
        taken, least = self._ledger.read(place)
        return taken - now - least

    def _admit(self, key: bytes, now: int) -> int:
        """Make room for an account where the bucket is emptiest, and give it an empty one."""
        first = self._ledger.group(key) * PLACES
        place = min(range(first, first + PLACES), key=lambda place: self._level(place, now))
        self._ledger.take(place, self._seat, -max(self._level(place, now), 0))
        self._ledger.assign(place, key)
        return place
