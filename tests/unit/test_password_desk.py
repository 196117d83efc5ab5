"""A password on its way is never shown, copied or written, and what takes long is done once."""

import copy
import logging
import pickle
import traceback
from collections.abc import Callable

import pytest

from scimserver.directory.passwords import (
    NewPassword,
    PasswordDesk,
    Policy,
    Profile,
    generated,
)
from scimserver.kernel.errors import PasswordNotAllowed
from tests.desks import desk as desk

SECRET = "seventeen blue socks"


SHOWN: dict[str, Callable[[NewPassword], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda password: f"{password} {password!r:>30}",
    "percent": lambda password: "%s" % password,  # noqa: UP031 - it is one of the ways
    "in a list": lambda password: repr([password, {"password": password}]),
    "attributes": lambda password: repr(getattr(password, "__dict__", {})),
    "logged": lambda password: logging.makeLogRecord({"msg": "%s", "args": (password,)}).getMessage(),
}


@pytest.mark.parametrize("way", SHOWN)
def test_password_on_its_way_is_not_shown(desk: PasswordDesk, way: str):
    assert "socks" not in SHOWN[way](desk.take(SECRET))


def test_password_on_its_way_is_not_in_a_traceback(desk: PasswordDesk):
    password = desk.take("short " + "socks")
    with pytest.raises(PasswordNotAllowed) as refused:
        password.check(Policy())
    told = traceback.TracebackException.from_exception(refused.value)
    assert "socks" not in "".join(told.format()).replace('"short " + "socks"', "")
    assert "socks" not in repr(refused.value)


def test_password_on_its_way_is_not_written(desk: PasswordDesk):
    with pytest.raises(TypeError):
        pickle.dumps(desk.take(SECRET))


def test_password_on_its_way_has_no_copy(desk: PasswordDesk):
    password = desk.take(SECRET)
    assert copy.copy(password) is password
    assert copy.deepcopy([password])[0] is password


def test_password_on_its_way_is_equal_to_no_other(desk: PasswordDesk):
    assert desk.take(SECRET) != desk.take(SECRET)
    assert desk.take(SECRET) != SECRET


async def test_digest_is_made_once(desk: PasswordDesk):
    password = desk.take(SECRET)
    assert await password.digest() is await password.digest()


async def test_password_knows_its_own_digests(desk: PasswordDesk):
    digests = [(await desk.take(other).digest()).phc for other in ("another one of mine", SECRET)]
    assert await desk.take(SECRET).is_any_of(digests)
    assert not await desk.take(SECRET).is_any_of(digests[:1])
    assert not await desk.take(SECRET).is_any_of([])


def test_advice_comes_with_the_password(desk: PasswordDesk):
    assert desk.take(SECRET + " ").advice
    assert not desk.take(SECRET).advice


def test_generated_password_meets_every_profile(desk: PasswordDesk):
    made = {generated() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        for profile in Profile:
            desk.take(password).check(Policy(profile=profile, words=("scimserver", "acme")))


def test_generated_password_always_has_a_letter_and_a_digit():
    made = [generated() for _ in range(3000)]
    assert all(set(password) & set("23456789") and set(password) - set("-23456789") for password in made)


def test_generated_password_has_a_hundred_bits():
    groups = generated().split("-")
    assert [len(group) for group in groups] == [5, 5, 5, 5]
    assert not set("".join(groups)) & set("lo01")
