"""A server that is asked once, for a whole module of tests to look at what it answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from scimserver.db.pool import Database, DatabaseSettings
from tests.conftest import Administration
from tests.serving import Installation, running

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AskedOnce:
    """Starts the application over a database of its own, asks, and stops it again."""

    administration: Administration
    template: str

    def answers(self, ask: Callable[[Installation], Awaitable[T]]) -> T:
        """What `ask` made of the running application; it is asked on an event loop of its own."""
        with (
            self.administration.database(f"TEMPLATE {self.template} STRATEGY file_copy") as dsn,
            asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner,
        ):
            return runner.run(_asked(dsn, ask))


async def _asked(dsn: str, ask: Callable[[Installation], Awaitable[T]]) -> T:
    settings = DatabaseSettings(dsn=dsn, points_size=5, searches_size=2)
    async with Database.open(settings) as database, running(database) as installation:
        return await ask(installation)


def url_of(installation: Installation) -> str:
    """Where the SCIM endpoints of the application are, on the loopback interface."""
    return str(installation.http.make_url("/scim/v2"))
