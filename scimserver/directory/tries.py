"""How often somebody may try to sign in (rule P7; OWASP ASVS 5.0, 6.3.1), over all processes and machines.

A try is counted as a failure before the password is looked at, by one statement: however many come at
once, no more are let through. A name that nobody has is counted like a user's. A device from which the
user signed in before counts apart, so that strangers cannot keep the user out there.
Proven by tests/unit/test_tries.py and tests/console/test_sign_in_limits.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.kernel.ids import OrganizationId, UserId
from scimserver.work import Work

_QUERIES = load("tries")
_TAKE_FROM_SOURCE = _QUERIES["take_from_source"]
_WAIT_OF_SOURCE = _QUERIES["wait_of_source"]
_GIVE_BACK_TO_SOURCE = _QUERIES["give_back_to_source"]
_TAKE = _QUERIES["take_try"]
_GIVE_BACK = _QUERIES["give_back_try"]
_FORGET = _QUERIES.change("forget_failures")
_FORGIVE = _QUERIES.change("forgive")
_KNOW_DEVICE = _QUERIES.change("know_device")

FREE: Final = 5
"""Failures without a pause."""

LONGEST_PAUSE: Final = timedelta(minutes=15)
LOCKED_EVERY: Final = 10
"""With each so many failures, signing in is locked for a time."""

LOCKED_FOR: Final = timedelta(minutes=30)
CEILING: Final = 100
"""Failures one after the other, after which the password has to be reset (NIST SP 800-63B-4, 3.2.2).

Not where a code is asked for beside it: else any stranger could shut the way that is for emergencies.
Whoever has a recovery account may try there again `LOCKED_FOR` after the latest failure: a hundred tries on
the first day, 48 on each day after. Of a million codes three count at a time, for a step of 30 seconds to
either side: who has the right password gets in by chance three times in a million, so in one day of 7,000,
or one year of 20, each try on record as `wrong_code`. Who has not guesses both at once.
"""

SOURCE_FAILURES: Final = 100
"""Failures of one client's address at once."""

SOURCE_FORGETS_IN: Final = timedelta(minutes=10)
"""After how long all of those are forgotten, one by one."""

_EACH: Final = SOURCE_FORGETS_IN / SOURCE_FAILURES

STRANGER: Final = b""
"""All devices that the user never signed in from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose failures are counted, and from which device."""

    organization: OrganizationId
    account: UUID
    """A user, or what stands for a name that nobody has."""
    device: bytes = STRANGER
    """The digest of a known device's secret."""


def pause_after(failures: int) -> timedelta | None:
    """How long nobody may try after so many failures, one after the other; None: until a reset."""
    if failures >= CEILING:
        return None
    if failures % LOCKED_EVERY == 0:
        return LOCKED_FOR
    if failures < FREE:
        return timedelta(0)
    # From 15 on it is the longest; a power of two would not stay a number of seconds for long.
    return min(timedelta(seconds=2 ** min(failures - FREE, 10)), LONGEST_PAUSE)


def _pauses() -> list[float]:
    pauses = map(pause_after, range(1, CEILING))
    return [pause.total_seconds() for pause in pauses if pause is not None]


_PAUSES: Final = _pauses()


async def take_from_source(database: Database, source: bytes, now: datetime) -> timedelta:
    """Count a try for where it comes from: nothing to wait, or for how long; it is not counted then."""
    if await database.write(_TAKE_FROM_SOURCE, source, now, _EACH, now + SOURCE_FORGETS_IN) is not None:
        return timedelta(0)
    empty_at = await database.fetchval(_WAIT_OF_SOURCE, source)
    # Somebody else's success may have made room, or housekeeping, in between.
    return max((empty_at or now) + _EACH - now - SOURCE_FORGETS_IN, timedelta(milliseconds=1))


async def take(database: Database, account: Account, now: datetime, longest: timedelta | None = None) -> bool:
    """Count a try; whether the password may be looked at, which it may not where the try comes too early.

    `longest` is after how long since the latest failure it never does; without it, the ceiling holds.
    """
    key = account.organization, account.account, account.device
    return await database.write(_TAKE, *key, now, _PAUSES, longest) is not None


async def give_back(database: Database, account: Account, now: datetime) -> None:
    """Take a try back that was counted: it was none. The ceiling holds where it was reached before."""
    key = account.organization, account.account, account.device
    await database.write(_GIVE_BACK, *key, now, CEILING, LOCKED_FOR)


async def give_back_to_source(database: Database, source: bytes) -> None:
    """Take a try back, as far as it was counted for where it came from: it did not fail."""
    await database.write(_GIVE_BACK_TO_SOURCE, source, _EACH)


async def succeed(work: Work, account: Account, user: UserId, device: bytes) -> None:
    """Somebody signs in: failures on such a device are forgotten, and the device is known from now on."""
    await work.run(_FORGET, account.organization, account.account, account.device)
    await work.run(_KNOW_DEVICE, account.organization, user, device, work.now)


async def forgive(work: Work, user: UserId) -> None:
    """Let a user who has another password begin anew: no failure counts, no device is known."""
    await work.run(_FORGIVE, work.actor.organization, user)
