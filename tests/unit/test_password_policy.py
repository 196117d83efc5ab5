"""What a password has to be."""

import pytest

from scimserver.directory.passwords.policy import MAX_LENGTH, MIN_LENGTH, check
from scimserver.kernel.errors import InvalidValue

GOOD = "correct horse battery staple"


@pytest.mark.parametrize(
    "password", ["x" * MIN_LENGTH, "x" * MAX_LENGTH, GOOD, "\u5bc6" * 20, "\U0001f600" * 15, " " * 15]
)
def test_password_that_meets_the_policy_is_taken(password: str):
    assert check(password) == password


@pytest.mark.parametrize(
    "password", ["", "x" * (MIN_LENGTH - 1), "e\u0301" * (MIN_LENGTH - 1), "x" * (MAX_LENGTH + 1)]
)
def test_password_of_the_wrong_length_is_refused(password: str):
    with pytest.raises(InvalidValue, match="characters"):
        check(password)


@pytest.mark.parametrize("character", ["\n", "\t", "\x00", "\x7f"])
def test_password_with_a_control_character_is_refused(character: str):
    with pytest.raises(InvalidValue, match="control"):
        check(GOOD + character)


@pytest.mark.parametrize("password", ["short", "x" * 300, GOOD + "\n"])
def test_refusal_does_not_quote_the_password(password: str):
    with pytest.raises(InvalidValue) as refused:
        check(password)
    assert password not in refused.value.detail


def test_password_is_hashed_in_one_spelling():
    assert check("e\u0301" * 15) == check("\u00e9" * 15)
