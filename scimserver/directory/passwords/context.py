"""Passwords that somebody who knows the person would try: names of people, places and things around them.

A password is refused where it is such words and nothing else, one or several, with digits and
punctuation between them or not, in any letter case, with letters written as digits or signs
(NIST SP 800-63B-4, section 3.1.1.2; OWASP ASVS 5.0, 6.2.11).
Proven by tests/unit/test_password_context.py.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, cast

from scimserver.directory.passwords.blocklist import LEET
from scimserver.kernel.domains import unicode_labels
from scimserver.kernel.facts import Json

PRODUCT: Final = "scimserver"

_SHORTEST: Final = 2
"""Letters of a word: one alone is nobody's name in what people type."""

_MOST: Final = 200
"""Words that are looked at: a document may hold many, and each is compared at each place."""

_NAMES: Final = ("givenName", "familyName", "middleName", "formatted")


def words_of_organization(name: str, title: str, domains: Iterable[str]) -> Iterator[str]:
    """What an organisation is called."""
    yield from (PRODUCT, name, title)
    for domain in domains:
        yield from (domain, unicode_labels(domain))


def words_of_person(user_name: str, document: Mapping[str, Json]) -> Iterator[str]:
    """What a user is called, in a SCIM document."""
    yield user_name
    for attribute in ("displayName", "nickName"):
        yield _text(document.get(attribute))
    name = document.get("name")
    if isinstance(name, dict):
        yield from (_text(cast("Mapping[str, Json]", name).get(part)) for part in _NAMES)
    emails = document.get("emails")
    for entry in emails if isinstance(emails, list) else ():
        if isinstance(entry, dict):
            yield _text(cast("Mapping[str, Json]", entry).get("value"))


def consists_of(password: str, phrases: Iterable[str]) -> bool:
    """Whether a password is made of nothing but words of these phrases, digits and punctuation."""
    words = _by_first_sign(_words(phrases))
    text = _folded(password)
    # By how far one can get: without any word so far, and with one.
    plain, worded = {0}, set[int]()
    for place in range(len(text)):
        if place in plain and not text[place].isalpha():
            plain.add(place + 1)
        if place in worded and not text[place].isalpha():
            worded.add(place + 1)
        if place in plain or place in worded:
            found = (word for word in words.get(text[place], ()) if _stands(word, text, place))
            worded.update(place + len(word) for word in found)
    return len(text) in worded


def _words(phrases: Iterable[str]) -> frozenset[str]:
    found: dict[str, None] = {}
    for phrase in phrases:
        letters = "".join(letter if letter.isalnum() else " " for letter in _folded(phrase))
        found.update(dict.fromkeys(word for word in letters.split() if len(word) >= _SHORTEST))
        if len(found) > _MOST:
            break
    return frozenset(list(found)[:_MOST])


def _by_first_sign(words: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """The words by what they may begin with as they are typed."""
    found = dict[str, list[str]]()
    for word in words:
        for sign in (word[0], *LEET.get(word[0], "")):
            found.setdefault(sign, []).append(word)
    return found


def _stands(word: str, text: str, place: int) -> bool:
    if len(text) - place < len(word):
        return False
    return all(
        sign == letter or sign in LEET.get(letter, "")
        for letter, sign in zip(word, text[place : place + len(word)], strict=True)
    )


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
