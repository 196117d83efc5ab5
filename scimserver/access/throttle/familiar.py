"""Credentials that proved good lately, by digest, in memory that processes share.

Whoever calls with one of them is let through although their address has failed too often: providers
send from addresses that others use too. The memory is fixed; a full group forgets one at random.
A digest that is half written, or half overwritten, is of no credential: it lets nobody in.
Proven by tests/unit/test_throttle.py.
"""

import mmap
import random
from typing import Final

GROUPS: Final = 512
PLACES: Final = 16
"""How many digests a group holds: 8,192 in all."""

_DIGEST_BYTES: Final = 32
_GROUP_BYTES: Final = PLACES * _DIGEST_BYTES
_NOTHING: Final = bytes(_DIGEST_BYTES)


class Familiar:
    """Digests: made before processes are forked, and seen by all of them."""

    def __init__(self, *, groups: int = GROUPS, chance: random.Random) -> None:
        self._groups = groups
        self._chance = chance
        self._memory = mmap.mmap(-1, groups * _GROUP_BYTES)

    def __contains__(self, digest: bytes) -> bool:
        return self._at(digest) is not None

    def add(self, digest: bytes) -> None:
        """Remember a digest, if need be in the place of another one."""
        if digest in self:
            return
        free = self._place(digest, _NOTHING)
        at = self._start(digest) + self._chance.randrange(PLACES) * _DIGEST_BYTES if free is None else free
        self._memory[at : at + _DIGEST_BYTES] = digest

    def discard(self, digest: bytes) -> None:
        """Forget a digest."""
        at = self._at(digest)
        if at is not None:
            self._memory[at : at + _DIGEST_BYTES] = _NOTHING

    def _at(self, digest: bytes) -> int | None:
        return self._place(digest, digest)

    def _place(self, digest: bytes, wanted: bytes) -> int | None:
        """Where in the digest's group the wanted bytes stand."""
        start = self._start(digest)
        group = self._memory[start : start + _GROUP_BYTES]
        at = group.find(wanted)
        while at > 0 and at % _DIGEST_BYTES:
            at = group.find(wanted, at + 1)
        return None if at < 0 else start + at

    def _start(self, digest: bytes) -> int:
        # A digest is as good as random, and only those of real credentials are ever added.
        return int.from_bytes(digest[:8]) % self._groups * _GROUP_BYTES
