"""Passwords made of what belongs to a person, an organisation or the product."""

import pytest

from scimserver.directory.passwords.context import consists_of, words_of_organization, words_of_person
from scimserver.kernel.facts import Json

DOCUMENT: dict[str, Json] = {
    "displayName": "Ada L.",
    "nickName": "Enchantress",
    "name": {"givenName": "Augusta", "middleName": "Ada", "familyName": "Lovelace", "formatted": None},
    "emails": [{"value": "countess@home.example"}, {"type": "other"}],
}
PERSON = tuple(words_of_person("ada.king@acme.example", DOCUMENT))
ORGANIZATION = tuple(
    words_of_organization("acme", "Acme Corporation", ["acme.example", "xn--bcher-kva.example"])
)


@pytest.mark.parametrize(
    "password",
    [
        "scimserver",
        "ScimServer2024!",
        "Acme Corporation",
        "acme.example",
        "b\u00fccher.example",
        "xn--bcher-kva.example",
        "ada.king@acme.example",
        "ada.king",
        "AdaKingLovelace",
        "Augusta Ada King",
        "4u6u$t4-10v31ac3",
        "enchantress1234",
        "countess@home",
        "2024-acme-2025-ada",
        "1234acme5678901",
    ],
)
def test_words_alone_are_seen(password: str):
    assert consists_of(password, (*PERSON, *ORGANIZATION))


@pytest.mark.parametrize(
    "password",
    ["", "1234567890", "acmes", "the acme", "ada likes king", "lovelac", "!!!!", "kingdom", "acme x ada"],
)
def test_anything_else_in_it_makes_it_another_password(password: str):
    assert not consists_of(password, (*PERSON, *ORGANIZATION))


@pytest.mark.parametrize("phrases", [(), ("",), ("a", "b c"), ("...",)])
def test_without_words_nothing_consists_of_them(phrases: tuple[str, ...]):
    assert not consists_of("abc abc abc 123", phrases)


def test_document_of_other_forms_names_nobody():
    odd: dict[str, Json] = {"displayName": 1, "name": "Ada", "emails": {"value": "x"}}
    assert list(words_of_person("ada", odd)) == ["ada", "", ""]


def test_looking_is_bounded_by_the_words():
    """A person with a hundred thousand addresses is looked at as one with two hundred words."""
    phrases = (f"word{number}" for number in range(100_000))
    assert consists_of("word0 word1 word2", phrases)
    assert next(phrases) == "word201"
