"""E-mail addresses as identities (P1): their comparison key, their form, a clone's placeholder (P6).

Accepted is what RFC 5321, section 4.1.2 calls `Dot-string "@" Domain`, with RFC 6531 (letters of
every script), less what lets one address be delivered as another: quoted local parts, comments,
source routes, address literals, encoded words, characters that cannot be seen.
Proven by tests/unit/test_addresses.py and tests/properties/test_addresses.py.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from scimserver.kernel.domains import canonical_domain, hidden_character, unicode_labels
from scimserver.kernel.errors import InvalidValue

MAX_LOCAL_OCTETS = 64
MAX_ADDRESS_OCTETS = 254

_PLACEHOLDER = re.compile(r"(?is)(?P<stem>.+) \(copy (?P<number>[1-9][0-9]{0,8})\)")

_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

_LOCAL_FAULTS = (
    (re.compile(r"""[<>\[\]:;,"\\@]"""), "holds more than an address: write it like anna@example.com"),
    (re.compile(r"[()]"), "contains a comment in parentheses: remove it"),
    (re.compile(r"\s"), "contains a space: remove it"),
    # Old relays read these as a route to another host, whatever the domain rule saw after the @.
    (re.compile(r"[%!]"), "contains % or !, which some mail servers read as a route: use one without"),
    # Each character is allowed, but some mail software decodes this (RFC 2047) and delivers elsewhere.
    (re.compile(r"=\?"), "contains an encoded word (=?): write the characters themselves"),
    (re.compile(r"^\.|\.$|\.\."), "has a dot too many before the @: remove it"),
)
"""How a malformed local part is explained, after NFKC: the first pattern found says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address, taken apart. `local` and `written` are exactly what the client sent."""

    local: str
    domain: str
    """In canonical form: lower-case A-labels."""
    written: str
    """The domain as the client wrote it: for messages."""
    is_placeholder: bool = False
    """Whether it is a clone's: nobody signs in, gets mail or links as such an address (P6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """A clone's address, taken apart: clones of clones count on the same stem."""

    stem: str
    number: int


def address_key(text: str) -> str:
    """What a userName is compared by: in filters, in the unique index and at sign-in.

    NFKC and casefold until nothing changes (RFC 7644, section 5), and after the last @ A-labels are
    read as the Unicode they stand for: both spellings of a domain are one mailbox, so one user.
    Idempotent; never raises. The key finds a user; mail goes to the address that is stored.
    """
    if text.isascii():
        folded = text.lower()
        if "xn--" not in folded:
            return folded
    folded = _folded(text)
    # A clone's number is no part of the domain: the key of each copy is that of its stem, and the number.
    placeholder = parse_placeholder(folded)
    local, at, domain = (placeholder.stem if placeholder else folded).rpartition("@")
    key = local + at + (_folded(unicode_labels(domain)) if at else domain)
    return f"{key} (copy {placeholder.number})" if placeholder else key


def is_written_alike(one: str, other: str) -> bool:
    """Whether two addresses of one key have the same characters before the @, but for the case of A to Z.

    The key takes letters for one another that fold alike, such as U+017F and "s", or "ß" and "ss": it keeps
    two users from such names. That who has one of them has the other one, too, does not follow.
    """
    return one.rpartition("@")[0].translate(_ASCII_LOWER) == other.rpartition("@")[0].translate(_ASCII_LOWER)


@lru_cache(maxsize=256)
def parse_address(text: str, *, attribute: str = "userName") -> Address:
    """The parts of an address. Raises InvalidValue, naming `attribute` and saying what to correct.

    A placeholder gives its stem's parts: whether one is welcome here is for the caller to say.
    """
    _refuse_hidden(text, attribute)
    placeholder = parse_placeholder(text)
    local, written = _split(placeholder.stem if placeholder else text, attribute)
    _check_local(local, attribute)
    domain = canonical_domain(written, attribute=attribute)
    if len(local.encode()) + 1 + len(domain) > MAX_ADDRESS_OCTETS:
        raise _malformed(f"is longer than {MAX_ADDRESS_OCTETS} octets: shorten it", attribute)
    return Address(local=local, domain=domain, written=written, is_placeholder=placeholder is not None)


def parse_placeholder(text: str) -> Placeholder | None:
    """The stem and the number of a clone's userName, or None if it is no such name."""
    match = _PLACEHOLDER.fullmatch(text)
    return Placeholder(stem=match["stem"], number=int(match["number"])) if match else None


def format_placeholder(placeholder: Placeholder) -> str:
    """The userName that a clone gets; `parse_placeholder` of it gives the same parts back."""
    return f"{placeholder.stem} (Copy {placeholder.number})"


def _folded(text: str) -> str:
    while (folded := unicodedata.normalize("NFKC", text.casefold())) != text:
        text = folded
    return text


def _refuse_hidden(text: str, attribute: str) -> None:
    if not text.strip():
        raise _malformed("is missing: write it like anna@example.com", attribute)
    if text != text.strip():
        raise _malformed("begins or ends with a space: remove it", attribute)
    hidden = hidden_character(text)
    if hidden is not None:
        raise _malformed(f"contains a character that cannot be seen ({hidden}): remove it", attribute)


def _split(text: str, attribute: str) -> tuple[str, str]:
    if text.startswith('"'):
        # RFC 5321 itself warns of them, and readers disagree where they end.
        raise _malformed("is quoted, which is not supported: use one without quotes", attribute)
    if text.count("@") != 1:
        count = "more than one" if "@" in text else "no"
        raise _malformed(f"has {count} @: write it like anna@example.com", attribute)
    local, _, written = text.partition("@")
    if not local or not written:
        side = "after" if local else "before"
        raise _malformed(f"has nothing {side} the @: write it like anna@example.com", attribute)
    return local, written


def _check_local(local: str, attribute: str) -> None:
    if len(local.encode()) > MAX_LOCAL_OCTETS:
        raise _malformed(f"has more than {MAX_LOCAL_OCTETS} octets before the @: shorten it", attribute)
    # After NFKC, because the key is: a full-width % or @ must not slip through as another character.
    normal = unicodedata.normalize("NFKC", local)
    for pattern, fault in _LOCAL_FAULTS:
        if pattern.search(normal):
            raise _malformed(fault, attribute)
    for character in normal:
        # Other symbols are no part of an identifier (RFC 8264, section 4.2).
        if not character.isascii() and unicodedata.category(character)[0] not in "LMN":
            raise _malformed(f"contains U+{ord(character):04X}, no letter or digit: remove it", attribute)


def _malformed(fault: str, attribute: str) -> InvalidValue:
    return InvalidValue(f"The e-mail address {fault}.", attribute=attribute)
