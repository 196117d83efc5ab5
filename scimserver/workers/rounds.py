"""What a process does again and again beside its requests, until it ends.

Proven by tests/unit/test_rounds.py.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from scimserver.kernel.errors import Conflicted, Unavailable

_log = structlog.get_logger(__name__)

Once = Callable[[], Awaitable[None]]
"""One round. What it could not do, because the database was not there, the next one does."""


@asynccontextmanager
async def rounds(subject: str, once: Once, every: float) -> AsyncGenerator[None]:
    """Do rounds during the block, with `every` seconds before each; at its end one may be cut off."""
    task = asyncio.create_task(_rounds(subject, once, every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def one_round(subject: str, once: Once) -> None:
    """Do a round. What goes wrong is a line of the server, and never the end of the rounds."""
    try:
        await once()
    except (Unavailable, Conflicted) as failure:
        _log.warning(f"{subject}.postponed", failure=type(failure).__name__)
    except Exception as failure:  # noqa: BLE001 - one bad round must not be the last one
        _log.error(f"{subject}.failed", exc_info=failure)


async def _rounds(subject: str, once: Once, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await one_round(subject, once)
