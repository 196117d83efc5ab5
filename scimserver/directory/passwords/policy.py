"""What a password has to be (rule P7). Pure.

Lengths: NIST SP 800-63B-4, section 3.1.1.2.
Proven by tests/unit/test_password_policy.py.
"""

import unicodedata
from typing import Final

from scimserver.kernel.errors import InvalidValue

MIN_LENGTH: Final = 15
"""Code points after NFKC."""

MAX_LENGTH: Final = 256
MAX_OCTETS: Final = 1024


def check(password: str) -> str:
    """The password in the form that is hashed (NFKC). Raises `InvalidValue`, never quoting it."""
    normal = spelled(password)
    if normal is None:
        raise InvalidValue(f"A password has at most {MAX_LENGTH} characters.", attribute="password")
    if len(normal) < MIN_LENGTH:
        raise InvalidValue(f"A password needs at least {MIN_LENGTH} characters.", attribute="password")
    if any(unicodedata.category(character) == "Cc" for character in normal):
        raise InvalidValue("A password has no control characters.", attribute="password")
    return normal


def spelled(password: str) -> str | None:
    """The one spelling (NFKC) of a password; None where it is too long to be anybody's."""
    # Before normalising, which takes a time that grows faster than the text.
    if len(password) > MAX_OCTETS or len(_octets(password)) > MAX_OCTETS:
        return None
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) > MAX_LENGTH or len(_octets(normal)) > MAX_OCTETS:
        return None
    return normal


def _octets(text: str) -> bytes:
    # Half a surrogate pair is no character, but may stand in a string.
    return text.encode("utf-8", "surrogatepass")
