"""Where faces hand in a password that somebody wants to set, and what carries it to where it is judged.

The password itself stands in one object, which is shown as stars, is equal to nothing else, and cannot be
copied or written anywhere; what leaves it is a digest. No action has a password as a string.
Proven by tests/unit/test_password_desk.py.
"""

import secrets
from collections.abc import Sequence
from typing import Final, NoReturn, Self

from scimserver.directory.passwords import blocklist, policy
from scimserver.directory.passwords.blocklist import Blocklist
from scimserver.directory.passwords.hashing import PasswordDigest, PasswordHasher
from scimserver.directory.passwords.policy import Policy

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody takes for one another: five bits each."""


class PasswordDesk:
    """Takes passwords in; one for an application."""

    def __init__(self, hasher: PasswordHasher, blocked: Blocklist | None = None) -> None:
        self.hasher = hasher
        self.blocked = blocklist.common() if blocked is None else blocked

    def take(self, password: str) -> "NewPassword":
        """A password that somebody wants to set. Nothing is said of it yet."""
        return NewPassword(password, self)


class NewPassword:
    """A password on its way. What takes long is done once, however often it is asked for."""

    __slots__ = ("_again", "_desk", "_digest", "_text")

    def __init__(self, text: str, desk: PasswordDesk) -> None:
        self._text = text
        self._desk = desk
        self._digest: PasswordDigest | None = None
        self._again: dict[str, bool] = {}

    def __repr__(self) -> str:
        return "NewPassword(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a password is not copied")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def check(self, rules: Policy, person: Sequence[str] = ()) -> None:
        """Raise `PasswordNotAllowed` unless the policy lets somebody of these names have it."""
        policy.check(self._text, rules, self._desk.blocked, person)

    async def digest(self) -> PasswordDigest:
        """What is stored of it, once it was checked. Raises `Unavailable`."""
        if self._digest is None:
            self._digest = await self._desk.hasher.digest(self._text)
        return self._digest

    async def is_any_of(self, digests: Sequence[str]) -> bool:
        """Whether it is one of the passwords that these are digests of. Raises `Unavailable`."""
        for phc in digests:
            if phc not in self._again:
                self._again[phc] = await self._desk.hasher.is_again(phc, self._text)
            if self._again[phc]:
                return True
        return False

    @property
    def advice(self) -> tuple[str, ...]:
        """What somebody should know who chose it, although it is allowed."""
        return policy.advice(self._text)


def generated() -> str:
    """A password that nobody can guess and everybody can type: four groups of five, a hundred bits."""
    while True:
        groups = ("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
        password = "-".join(groups)
        # Three of a thousand have no digit, which a profile may ask for.
        if any(map(str.isdecimal, password)) and any(map(str.isalpha, password)):
            return password
