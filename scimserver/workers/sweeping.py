"""What signing in and mail leave behind, swept out now and then: ended sessions, dead links, old counts.

Nothing depends on it but the size of tables. Proven by tests/database/test_sweeping.py.
"""

from datetime import datetime, timedelta
from typing import Final

from scimserver.db.pool import Transaction
from scimserver.db.queries import load

_QUERIES = load("sweeping")
_DROP_SESSIONS = _QUERIES["drop_ended_sessions"]
_DROP_DEVICES = _QUERIES["drop_old_devices"]
_DROP_TRIES = _QUERIES["drop_old_tries"]
_DROP_SOURCES = _QUERIES["drop_old_sources"]
_DROP_MAIL = _QUERIES["drop_failed_mail"]
_DROP_LINKS = _QUERIES["drop_dead_links"]
_DROP_ALLOWANCES = _QUERIES["drop_idle_allowances"]
_DROP_SAML_REQUESTS = _QUERIES["drop_old_saml_requests"]
_DROP_SAML_ASSERTIONS = _QUERIES["drop_old_saml_assertions"]

EVERY: Final = timedelta(minutes=10)
DEVICES_KEPT: Final = timedelta(days=90)
"""After the last time that somebody signed in there; as long as their cookie lasts."""

TRIES_KEPT: Final = timedelta(days=1)
"""Where they are no user's: longer than any pause."""

FAILED_MAIL_KEPT: Final = timedelta(days=30)
"""How long operators can see what could not be mailed."""

_COUNTED: Final = timedelta(days=1)
"""What is older counts for no allowance, and a link that was dead before is asked for by nobody."""


class Broom:
    """Knows when it was last used."""

    def __init__(self) -> None:
        self._due: datetime | None = None

    async def sweep(self, transaction: Transaction, now: datetime) -> None:
        """Sweep, unless it was done a moment ago."""
        if self._due is not None and now < self._due:
            return
        self._due = now + EVERY
        await transaction.execute(_DROP_SESSIONS, now)
        await transaction.execute(_DROP_DEVICES, now - DEVICES_KEPT)
        await transaction.execute(_DROP_TRIES, now - TRIES_KEPT)
        await transaction.execute(_DROP_SOURCES, now)
        await transaction.execute(_DROP_MAIL, now - FAILED_MAIL_KEPT)
        await transaction.execute(_DROP_LINKS, now - _COUNTED)
        await transaction.execute(_DROP_ALLOWANCES, now - _COUNTED)
        await transaction.execute(_DROP_SAML_REQUESTS, now)
        await transaction.execute(_DROP_SAML_ASSERTIONS, now)
