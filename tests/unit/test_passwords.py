"""The rule for passwords, and their hashing beside the event loop."""

import asyncio
from collections.abc import Generator

import pytest
from argon2 import PasswordHasher as Argon2

from scimserver.directory.passwords import MAX_LENGTH, MIN_LENGTH, PasswordDigest, PasswordHasher, check
from scimserver.kernel.errors import InvalidValue, Unavailable

GOOD = "correct horse battery staple"


@pytest.fixture
def hasher() -> Generator[PasswordHasher]:
    """A hasher, closed when the test is done."""
    made = PasswordHasher(workers=1, queue=2)
    yield made
    made.close()


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


async def test_digest_verifies_the_password(hasher: PasswordHasher):
    digest = await hasher.digest(GOOD)
    assert Argon2().verify(digest.phc, GOOD)


async def test_digest_is_salted(hasher: PasswordHasher):
    assert (await hasher.digest(GOOD)).phc != (await hasher.digest(GOOD)).phc


async def test_digest_costs_what_the_cheat_sheet_asks(hasher: PasswordHasher):
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in (await hasher.digest(GOOD)).phc


def test_digest_is_not_shown():
    assert "secret" not in repr(PasswordDigest(phc="secret"))


async def test_password_that_breaks_the_policy_is_not_hashed(hasher: PasswordHasher):
    with pytest.raises(InvalidValue):
        await hasher.digest("short")


async def test_too_many_passwords_at_once_are_put_off(hasher: PasswordHasher):
    done = await asyncio.gather(*(hasher.digest(GOOD) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in done] == [PasswordDigest, PasswordDigest, Unavailable]


async def test_hashing_goes_on_after_it_was_put_off(hasher: PasswordHasher):
    await asyncio.gather(*(hasher.digest(GOOD) for _ in range(3)), return_exceptions=True)
    assert await hasher.digest(GOOD)
