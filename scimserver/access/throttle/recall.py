"""Which credentials are in use: what a process that has just started knows of before.

Else whoever fails all the time from an address could keep others there out after a restart.
Proven by tests/api/test_throttle.py.
"""

from datetime import datetime
from typing import Final

from scimserver.db.pool import Reader
from scimserver.db.queries import load

MOST: Final = 4096
"""How many are recalled at most, those that were used last."""

_IN_USE = load("access")["digests_in_use"]


async def digests_in_use(database: Reader, now: datetime) -> list[bytes]:
    """The digests of credentials that have not ended, those used last first. Raises `Unavailable`."""
    return [row["digest"] for row in await database.fetch(_IN_USE, now, MOST)]
