"""How passwords are kept and recognised: Argon2id, off the event loop, with an optional pepper.

Cost: the floor of the OWASP Password Storage Cheat Sheet for Argon2id (19 MiB, two passes, one lane).
A digest is a PHC string and says what it was made with, the id of the pepper's key included, so that
one made with other parameters is recognised, and made anew when its owner next signs in.
Proven by tests/unit/test_password_hashing.py.
"""

import hashlib
import hmac
import os
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import VerifyMismatchError

from scimserver.directory.passwords.policy import spelled
from scimserver.directory.passwords.turns import Share, Turns
from scimserver.kernel.errors import Unavailable

_KEY_ID: Final = re.compile(r",keyid=([A-Za-z0-9.-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one guess costs. Raises `ValueError` below the floor."""

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1

    def __post_init__(self) -> None:
        if self.memory_kib < 19 * 1024 or self.passes < 2 or self.lanes < 1:
            raise ValueError("Argon2id takes at least 19 MiB, two passes and one lane")

    @property
    def triple(self) -> tuple[int, int, int]:
        """Memory in KiB, passes, lanes."""
        return self.memory_kib, self.passes, self.lanes


FLOOR: Final = Cost()
"""The least that a guess may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peppers:
    """Secret keys by their ids, and which of them new digests are made with: a stolen database is
    worth nothing without them. Older keys stay for as long as digests need them.
    """

    current: str | None = None
    keys: Mapping[str, bytes] = field(default_factory=dict[str, bytes], repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordDigest:
    """A password as it is stored: a PHC string. Shown as stars."""

    phc: str

    def __repr__(self) -> str:
        return "PasswordDigest(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Whether a password is the one; if it is and its digest is out of date, a new one to be stored."""

    matches: bool
    rehashed: PasswordDigest | None = None


class PasswordHasher:
    """Makes digests of passwords and verifies them in a few threads of its own; close it when done."""

    def __init__(
        self, *, cost: Cost | None = None, peppers: Peppers | None = None, threads: int = 1, places: int = 64
    ) -> None:
        memory_kib, passes, lanes = (cost or FLOOR).triple
        self._argon2 = Argon2(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)
        self._peppers = peppers or Peppers()
        self._turns = Turns(threads=min(threads, os.cpu_count() or 1), places=places)
        self._nobody = _nobodys(memory_kib, passes, lanes)

    async def digest(self, password: str) -> PasswordDigest:
        """Hash a password that the policy allows. Raises `Unavailable` where too many are waiting."""
        normal = spelled(password)
        assert normal is not None, "the policy refuses what is too long"
        return await self._turns.run(Share.SETTING, partial(self._digest, normal))

    async def verify(self, phc: str | None, password: str) -> Verified:
        """Whether `phc` is a digest of the password. None, of whoever is unknown, takes the same time.

        Raises `Unavailable` where too many are waiting, or the digest's pepper is not at hand.
        """
        return await self._turns.run(Share.VERIFYING, partial(self._verify, phc, spelled(password)))

    async def is_again(self, phc: str, password: str) -> bool:
        """Whether a password that is to be set was set before, `phc` being its digest then.

        Raises `Unavailable` as `digest` does.
        """
        verified = await self._turns.run(Share.SETTING, partial(self._verify, phc, spelled(password)))
        return verified.matches

    def close(self) -> None:
        """End the threads."""
        self._turns.close()

    # -- in a thread -----------------------------------------------------------

    def _digest(self, normal: str) -> PasswordDigest:
        key = self._peppers.current
        phc = self._argon2.hash(self._peppered(normal, key))
        if key is not None:
            # Argon2 itself does not know the key: what it hashes is keyed already.
            head, salt, tag = phc.rsplit("$", 2)
            phc = f"{head},keyid={key}${salt}${tag}"
        return PasswordDigest(phc=phc)

    def _verify(self, phc: str | None, normal: str | None) -> Verified:
        # Nobody's digest, and what is too long to be anybody's password, cost as much as all others.
        key = _key_id(phc) if phc is not None else self._peppers.current
        bare = _KEY_ID.sub("", phc) if phc is not None else self._nobody
        try:
            self._argon2.verify(bare, self._peppered(normal or "", key))
        except VerifyMismatchError:
            return Verified(matches=False)
        if phc is None or normal is None:
            return Verified(matches=False)
        is_current = key == self._peppers.current and not self._argon2.check_needs_rehash(bare)
        return Verified(matches=True, rehashed=None if is_current else self._digest(normal))

    def _peppered(self, normal: str, key: str | None) -> bytes:
        password = normal.encode("utf-8", "surrogatepass")
        if key is None:
            return password
        if key not in self._peppers.keys:
            raise Unavailable(f'A password was stored with the pepper "{key}", which is not configured.')
        return hmac.digest(self._peppers.keys[key], password, hashlib.sha256)


def _key_id(phc: str) -> str | None:
    found = _KEY_ID.search(phc)
    return found[1] if found else None


def _nobodys(memory_kib: int, passes: int, lanes: int) -> str:
    """A digest of no password anybody knows, to spend on whoever is unknown what others cost."""
    salt, tag = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}"
