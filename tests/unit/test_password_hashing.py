"""How passwords are kept and recognised, beside the event loop."""

import asyncio
from collections.abc import Generator
from time import process_time

import pytest
from argon2 import PasswordHasher as Argon2

from scimserver.directory.passwords import Cost, PasswordDigest, PasswordHasher, Peppers, Verified
from scimserver.kernel.errors import Unavailable

GOOD = "seventeen blue socks"
KEYS = {"2025": b"k" * 32, "2026": b"l" * 32}


@pytest.fixture
def hasher() -> Generator[PasswordHasher]:
    """A hasher, closed when the test is done."""
    made = PasswordHasher(places=2)
    yield made
    made.close()


@pytest.fixture
def peppered() -> Generator[PasswordHasher]:
    """A hasher with two peppers."""
    made = PasswordHasher(peppers=Peppers(current="2026", keys=KEYS))
    yield made
    made.close()


async def test_digest_verifies_the_password(hasher: PasswordHasher):
    digest = await hasher.digest(GOOD)
    assert Argon2().verify(digest.phc, GOOD)


async def test_digest_is_salted(hasher: PasswordHasher):
    assert (await hasher.digest(GOOD)).phc != (await hasher.digest(GOOD)).phc


async def test_digest_costs_what_the_cheat_sheet_asks(hasher: PasswordHasher):
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in (await hasher.digest(GOOD)).phc


@pytest.mark.parametrize("shown", [PasswordDigest(phc="secret"), Peppers(current="a", keys={"a": b"secret"})])
def test_secrets_are_not_shown(shown: object):
    assert "secret" not in repr(shown)


@pytest.mark.parametrize(
    "stored, typed, matches",
    [
        (GOOD, GOOD, True),
        (GOOD, GOOD + " ", False),
        (GOOD, GOOD.upper(), False),
        (GOOD, "", False),
        ("r\u00e9sum\u00e9s of the year", "re\u0301sume\u0301s of the year", True),
        ("\uff53eventeen blue", "seventeen blue", True),
        ("  spaces at both ends  ", "  spaces at both ends  ", True),
        ("  spaces at both ends  ", "spaces at both ends", False),
        ("x" * 256, "x" * 256, True),
        ("x" * 256, "x" * 257, False),
        ("x" * 256, "x" * 1025, False),
    ],
)
async def test_password_is_recognised_in_every_spelling_and_whole(
    hasher: PasswordHasher, stored: str, typed: str, matches: bool
):
    digest = await hasher.digest(stored)
    assert await hasher.verify(digest.phc, typed) == Verified(matches=matches)


@pytest.mark.parametrize("typed", [GOOD, "", "x" * 2000, "\ud800" * 15])
async def test_nobody_has_no_password(hasher: PasswordHasher, typed: str):
    assert await hasher.verify(None, typed) == Verified(matches=False)


async def test_what_is_too_long_is_not_taken_for_an_empty_password(hasher: PasswordHasher):
    digest = await hasher.digest("")
    assert await hasher.verify(digest.phc, "x" * 2000) == Verified(matches=False)


@pytest.mark.parametrize("cost", [Cost(), Cost(memory_kib=32 * 1024, passes=3)])
async def test_nobodys_digest_costs_what_all_others_cost(cost: Cost):
    """Work is compared as processor time of the threads: it does not depend on what else runs."""
    hasher = PasswordHasher(cost=cost)
    phc = (await hasher.digest(GOOD)).phc

    async def spent(stored: str | None, typed: str) -> float:
        before = process_time()
        for _ in range(5):
            await hasher.verify(stored, typed)
        return process_time() - before

    known = await spent(phc, "wrong " + GOOD)
    unknown = await spent(None, "wrong " + GOOD)
    hasher.close()
    assert 0.5 < unknown / known < 2


@pytest.mark.parametrize("floor", [{"memory_kib": 19 * 1024 - 1}, {"passes": 1}, {"lanes": 0}])
def test_cost_below_the_floor_is_refused(floor: dict[str, int]):
    with pytest.raises(ValueError, match="at least 19 MiB"):
        Cost(**floor)


async def rehashed(old: PasswordHasher, new: PasswordHasher, typed: str = GOOD) -> PasswordDigest | None:
    """The new digest of a password that an old hasher stored, when it is verified by a new one."""
    digest = await old.digest(GOOD)
    return (await new.verify(digest.phc, typed)).rehashed


async def test_digest_of_another_cost_is_made_anew(hasher: PasswordHasher):
    dearer = PasswordHasher(cost=Cost(passes=3))
    digest = await rehashed(hasher, dearer)
    assert digest is not None
    assert "t=3" in digest.phc
    assert await dearer.verify(digest.phc, GOOD) == Verified(matches=True)
    dearer.close()


async def test_wrong_password_is_not_made_anew(hasher: PasswordHasher, peppered: PasswordHasher):
    assert await rehashed(hasher, peppered, "wrong") is None


async def test_pepper_is_needed_to_recognise_a_password(peppered: PasswordHasher):
    digest = await peppered.digest(GOOD)
    assert ",keyid=2026$" in digest.phc
    assert await peppered.verify(digest.phc, GOOD) == Verified(matches=True)
    other = PasswordHasher(peppers=Peppers(current="2026", keys={"2026": b"another key" * 3}))
    assert await other.verify(digest.phc, GOOD) == Verified(matches=False)
    other.close()


async def test_digest_with_a_pepper_that_is_not_at_hand_is_no_wrong_password(
    hasher: PasswordHasher, peppered: PasswordHasher
):
    digest = await peppered.digest(GOOD)
    with pytest.raises(Unavailable, match="2026"):
        await hasher.verify(digest.phc, GOOD)


@pytest.mark.parametrize("before", [Peppers(), Peppers(current="2025", keys=KEYS)])
async def test_digest_without_the_current_pepper_is_made_anew(before: Peppers, peppered: PasswordHasher):
    old = PasswordHasher(peppers=before)
    digest = await rehashed(old, peppered)
    assert digest is not None
    assert ",keyid=2026$" in digest.phc
    old.close()


async def test_too_many_passwords_at_once_are_put_off(hasher: PasswordHasher):
    done = await asyncio.gather(*(hasher.digest(GOOD) for _ in range(4)), return_exceptions=True)
    assert [type(one) for one in done] == [PasswordDigest] * 3 + [Unavailable]


async def test_verifying_goes_on_while_too_many_are_being_set(hasher: PasswordHasher):
    known = await hasher.digest(GOOD)
    setting = asyncio.gather(*(hasher.digest(GOOD) for _ in range(4)), return_exceptions=True)
    await asyncio.sleep(0)
    assert await hasher.verify(known.phc, GOOD) == Verified(matches=True)
    await setting


async def test_event_loop_goes_on_while_a_password_is_hashed(hasher: PasswordHasher):
    hashing = asyncio.create_task(hasher.digest(GOOD))
    beats = [await asyncio.sleep(0, hashing.done()) for _ in range(100)]
    assert not any(beats)
    await hashing
