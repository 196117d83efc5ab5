"""What a password has to be (rule P7), by the profile of its organisation. Pure.

`default` is NIST SP 800-63B-4, section 3.1.1.2, and OWASP ASVS 5.0, chapter 6: length and a list of
what anybody would try, neither character classes nor changing by the calendar. `pci` adds what PCI DSS 4.0.1
(8.3.6, 8.3.7, 8.3.9) wants of a password that is the only factor; its 12 characters are fewer than 15.
Proven by tests/unit/test_password_policy.py.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from scimserver.directory.passwords.blocklist import Blocklist, is_repetition
from scimserver.directory.passwords.context import consists_of
from scimserver.kernel.errors import PasswordNotAllowed
from scimserver.kernel.profiles import Profile

MIN_LENGTH: Final = 15
"""Code points after NFKC."""

MAX_LENGTH: Final = 256
MAX_OCTETS: Final = 1024
"""Of UTF-8, before and after NFKC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a profile asks beyond lengths and the list."""

    letters_and_digits: bool = False
    history: int = 0
    """How many of the last passwords, the current one among them, may not come again."""
    max_age: timedelta | None = None
    """After which the owner has to choose another one."""


RULES: Final = {
    Profile.DEFAULT: Rules(),
    Profile.PCI: Rules(letters_and_digits=True, history=4, max_age=timedelta(days=90)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one organisation."""

    profile: Profile = Profile.DEFAULT
    support_contact: str = ""
    """Whom people ask, in the organisation's own words."""
    must_change_locked: bool = False
    """Whether what an administrator sets always has to be changed by its owner."""
    words: Sequence[str] = ()
    """What the organisation is called."""

    @property
    def rules(self) -> Rules:
        """What the profile asks."""
        return RULES[self.profile]


def spelled(password: str) -> str | None:
    """The one spelling (NFKC) of a password; None where it is too long to be anybody's."""
    # Before normalising, which takes a time that grows faster than the text.
    if len(password) > MAX_OCTETS or _octets(password) > MAX_OCTETS:
        return None
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) > MAX_LENGTH or _octets(normal) > MAX_OCTETS:
        return None
    return normal


def check(password: str, policy: Policy, blocklist: Blocklist, person: Sequence[str] = ()) -> None:
    """Raise `PasswordNotAllowed` unless the policy lets somebody of these names have the password.

    It says everything that is wrong, never quoting the password, and whom to ask.
    """
    faults = list(_faults(password, policy, blocklist, person))
    if faults:
        raise PasswordNotAllowed(with_contact(" ".join(faults), policy), attribute="password")


def _faults(password: str, policy: Policy, blocklist: Blocklist, person: Sequence[str]) -> Iterator[str]:
    normal = spelled(password)
    if normal is None:
        yield f"A password has at most {MAX_LENGTH} characters, and {MAX_OCTETS} octets of UTF-8."
        return
    if len(normal) < MIN_LENGTH:
        yield f"A password needs at least {MIN_LENGTH} characters."
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in normal):
        yield "A password has no control characters, and no halves of characters."
    if policy.rules.letters_and_digits and not _has_letters_and_digits(normal):
        yield "A password needs a letter and a digit."
    if len(normal) < MIN_LENGTH:
        return
    if is_repetition(normal):
        yield "This password repeats a few characters: choose one that is harder to guess."
    elif normal in blocklist:
        yield "This password is one that many people use: choose one that is harder to guess."
    elif consists_of(normal, (*policy.words, *person)):
        yield (
            "This password consists of names that belong to you, to the organisation or to the product:"
            " choose one that is harder to guess."
        )


def reused(policy: Policy) -> PasswordNotAllowed:
    """The refusal of a password that its owner had before."""
    sentence = f"A password is none of the last {policy.rules.history}: choose another one."
    return PasswordNotAllowed(with_contact(sentence, policy), attribute="password")


def unchanged(policy: Policy) -> PasswordNotAllowed:
    """The refusal of a new password that is the old one."""
    sentence = "The new password is the one that you have: choose another one."
    return PasswordNotAllowed(with_contact(sentence, policy), attribute="password")


def requirements(policy: Policy) -> tuple[str, ...]:
    """What a password has to be, a sentence each, for people; the last one says whom to ask."""
    rules = policy.rules
    sentences = [
        f"It has {MIN_LENGTH} to {MAX_LENGTH} characters. All count, spaces too: several words are fine.",
        "It is not one that many people use, nor names of yours, the organisation's or the product's.",
    ]
    if rules.letters_and_digits:
        sentences.append("It has a letter and a digit.")
    if rules.history:
        sentences.append(f"It is none of your last {rules.history}.")
    if rules.max_age is not None:
        sentences.append(f"It is valid for {rules.max_age.days} days.")
    if policy.support_contact:
        sentences.append(_contact(policy))
    return tuple(sentences)


def advice(password: str) -> tuple[str, ...]:
    """What somebody should know who chooses this password, although it is allowed."""
    if password != password.strip():
        return ("The password begins or ends with a space, which is a part of it.",)
    return ()


def with_contact(sentence: str, policy: Policy) -> str:
    """A sentence about requirements, and whom to ask about them."""
    return f"{sentence} {_contact(policy)}" if policy.support_contact else sentence


def _contact(policy: Policy) -> str:
    return f"Help: {policy.support_contact}"


def _has_letters_and_digits(normal: str) -> bool:
    return any(map(str.isalpha, normal)) and any(map(str.isdecimal, normal))


def _octets(text: str) -> int:
    # Half a surrogate pair is no character, but may stand in a string.
    return len(text.encode("utf-8", "surrogatepass"))
