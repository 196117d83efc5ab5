"""What an operator sets about passwords, and what comes of it."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from scimserver.config import Settings
from scimserver.directory.passwords import PasswordHasher, Verified
from scimserver.directory.passwords.settings import desk_of, hasher_of

OLD, NEW = "old:" + "o" * 32, "new:" + "n" * 32
GOOD = "seventeen blue socks"


def settings(**given: object) -> Settings:
    """The settings that these and defaults make."""
    return Settings(**given)  # pyright: ignore[reportArgumentType] - pydantic judges them


@pytest.fixture
def hashing() -> Callable[..., PasswordHasher]:
    """Makes a hasher by settings."""

    def make(**given: object) -> PasswordHasher:
        return hasher_of(settings(**given))

    return make


@pytest.mark.parametrize(
    "name,value",
    [
        ("password_memory_kib", 19 * 1024 - 1),
        ("password_passes", 1),
        ("password_lanes", 0),
        ("password_queue", 0),
        ("password_peppers", "key without id and long enough for anything"),
        ("password_peppers", "a:short"),
        ("password_peppers", f"{OLD},{OLD}"),
        ("password_peppers", "an id that is longer than sixteen:" + "x" * 32),
        ("password_blocklist", "/nowhere/list.txt"),
    ],
)
def test_setting_that_cannot_be_used_is_refused(name: str, value: object):
    with pytest.raises(ValidationError) as refused:
        settings(**{name: value})
    [mistake] = refused.value.errors()
    assert mistake["loc"] == (name,)
    assert "oooo" not in mistake["msg"]


async def test_hasher_costs_what_was_set(hashing: Callable[..., PasswordHasher]):
    hasher = hashing(password_memory_kib=20 * 1024, password_passes=3, password_lanes=2)
    assert "$m=20480,t=3,p=2$" in (await hasher.digest(GOOD)).phc
    hasher.close()


async def test_first_pepper_is_the_current_one_and_others_still_count(hashing: Callable[..., PasswordHasher]):
    before, after = hashing(password_peppers=OLD), hashing(password_peppers=f"{NEW}, {OLD}")
    digest = await before.digest(GOOD)
    verified = await after.verify(digest.phc, GOOD)
    assert verified.matches
    assert verified.rehashed is not None
    assert ",keyid=new$" in verified.rehashed.phc
    assert await after.verify(verified.rehashed.phc, GOOD) == Verified(matches=True)
    before.close()
    after.close()


@pytest.mark.parametrize("processes,lanes", [(1, 1), (2, 1), (1, 2), (1000, 1)])
async def test_all_processes_together_hash_in_as_many_threads_as_there_are_processors(
    processes: int, lanes: int
):
    others = set(threading.enumerate())
    hasher = hasher_of(settings(password_lanes=lanes), processes=processes)
    await asyncio.gather(*(hasher.digest(GOOD) for _ in range(8)))
    used = sum(thread.name.startswith("argon2") for thread in set(threading.enumerate()) - others)
    hasher.close()
    assert 1 <= used <= max(1, (os.cpu_count() or 1) // (processes * lanes))


def test_peppers_are_shown_as_stars():
    assert "oooo" not in repr(settings(password_peppers=OLD))


def test_operators_list_stands_beside_our_own(tmp_path: Path, hashing: Callable[..., PasswordHasher]):
    file = tmp_path / "list.txt"
    file.write_text("our old company motto\n")
    hasher = hashing()
    desk = desk_of(settings(password_blocklist=file), hasher)
    assert "Our old company motto" in desk.blocked
    assert "password password" in desk.blocked
    assert "Our old company motto" not in desk_of(settings(), hasher).blocked
    hasher.close()
