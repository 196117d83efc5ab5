"""Passwords that anybody would try first (NIST SP 800-63B-4, section 3.1.1.2; OWASP ASVS 5.0, 6.2.4).

The whole password is compared, never a part of it: with what `guesses` makes, and with what an
operator adds. Letter case, spaces and punctuation, digits put after it, and letters written as
digits or signs make no other password of it. Nothing is asked of anybody outside.

Entries are held as sorted numbers of eight octets: our own 168,000 take 1.3 MB, a million of an
operator's 8 MB. One password in a hundred million million is taken for one of them by mistake.
Proven by tests/unit/test_password_blocklist.py.
"""

import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, Self

from scimserver.directory.passwords.guesses import common_passwords

LONGEST_UNIT: Final = 5
"""Of how many characters that are repeated nobody makes a password."""

LEET: Final = {
    "a": "@4",
    "b": "8",
    "c": "(<",
    "e": "3",
    "g": "69",
    "h": "#",
    "i": "1!|",
    "l": "1!|",
    "o": "0",
    "s": "$5",
    "t": "7+",
    "z": "2",
}
"""Which digits and signs people write for a letter."""

_READINGS: Final = tuple(
    str.maketrans(
        {sign: letter for letter, signs in LEET.items() if letter not in unread for sign in reversed(signs)}
    )
    for unread in ("l", "i")
)
"""A sign may stand for two letters; read in two ways, most words are found."""


class Blocklist:
    """Passwords that nobody may have."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = array("q", sorted(set(numbers)))

    @classmethod
    def of(cls, passwords: Iterable[str]) -> Self:
        """A list of these."""
        return cls(hash(entry) for password in passwords if (entry := _bare(_folded(password))))

    @classmethod
    def read(cls, path: Path) -> Self:
        """A text file in UTF-8 with a password on each line. Raises `OSError`."""
        with path.open(encoding="utf-8", errors="replace") as file:
            return cls.of(line.rstrip("\r\n") for line in file)

    def __or__(self, other: "Blocklist") -> "Blocklist":
        return Blocklist((*self, *other))

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, password: str) -> bool:
        return any(self._has(hash(reading)) for reading in readings(password))

    def _has(self, number: int) -> bool:
        place = bisect_left(self._numbers, number)
        return place < len(self._numbers) and self._numbers[place] == number


@cache
def common() -> Blocklist:
    """Our own list, made once."""
    return Blocklist(map(hash, common_passwords()))


def readings(password: str) -> Iterator[str]:
    """What somebody who guesses would see in a password: it, what its digits spell, and it without digits."""
    folded = _folded(password)
    seen = {""}
    for text in (folded, folded.rstrip("0123456789"), _without_end(folded)):
        for reading in (text, *(text.translate(table) for table in _READINGS)):
            bare = _bare(reading)
            if bare not in seen:
                seen.add(bare)
                yield bare


def is_repetition(password: str) -> bool:
    """Whether a few characters are repeated to the end, which may cut the last ones off."""
    folded = _folded(password)
    return any(folded[unit:] == folded[:-unit] for unit in range(1, min(LONGEST_UNIT, len(folded) // 2) + 1))


def _folded(password: str) -> str:
    return unicodedata.normalize("NFKC", password).casefold()


def _without_end(folded: str) -> str:
    """Without what stands after the last letter."""
    end = len(folded)
    while end and not folded[end - 1].isalpha():
        end -= 1
    return folded[:end]


def _bare(text: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, text))
