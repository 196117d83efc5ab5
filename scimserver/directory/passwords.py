"""Passwords that connections send (rule P7): a length for now, and Argon2id, off the event loop.

Figures: the floor of the OWASP Password Storage Cheat Sheet for Argon2id (19 MiB, two passes, one
lane), and the lengths of NIST SP 800-63B-4, section 3.1.1.2.
"""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from argon2 import PasswordHasher as Argon2

from scimserver.kernel.errors import InvalidValue, Unavailable

MIN_LENGTH = 15
"""Code points after NFKC."""

MAX_LENGTH = 256
MAX_OCTETS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordDigest:
    """A password that met the policy, as it is stored: a PHC string. Shown as stars."""

    phc: str

    def __repr__(self) -> str:
        return "PasswordDigest(***)"


def check(password: str) -> str:
    """The password in the form that is hashed (NFKC). Raises `InvalidValue`, never quoting it."""
    if len(password) > MAX_OCTETS:
        # Before normalising, which takes a time that grows faster than the text.
        raise InvalidValue(f"A password has at most {MAX_LENGTH} characters.", attribute="password")
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) < MIN_LENGTH:
        raise InvalidValue(f"A password needs at least {MIN_LENGTH} characters.", attribute="password")
    if len(normal) > MAX_LENGTH or len(normal.encode()) > MAX_OCTETS:
        raise InvalidValue(f"A password has at most {MAX_LENGTH} characters.", attribute="password")
    if any(unicodedata.category(character) == "Cc" for character in normal):
        raise InvalidValue("A password has no control characters.", attribute="password")
    return normal


class PasswordHasher:
    """Hashes passwords in a small pool of threads of its own; close it when done."""

    def __init__(self, *, workers: int = 2, queue: int = 64) -> None:
        self._argon2 = Argon2(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="argon2")
        self._places = queue
        self._waiting = 0

    async def digest(self, password: str) -> PasswordDigest:
        """Hash a password that meets the policy.

        Raises `InvalidValue` for one that does not, `Unavailable` when too many are waiting.
        """
        normal = check(password)
        if self._waiting >= self._places:
            raise Unavailable("Too many passwords are being set at once: try again in a moment.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return PasswordDigest(phc=await loop.run_in_executor(self._executor, self._argon2.hash, normal))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)
