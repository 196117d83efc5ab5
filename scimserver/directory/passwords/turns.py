"""Threads for slow work, shared out: no kind of work waits for all of another kind.

There are a few threads, and a line of bounded length for each kind of work. A thread that is done
takes the first of the next line, in turn; where a line is full, `Unavailable` says when to come back.
On Linux the threads are less urgent than the event loop, so that it answers while they are all at work.
Proven by tests/unit/test_password_turns.py.
"""

import asyncio
import math
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import Enum, auto
from time import perf_counter
from typing import Final, TypeVar

from scimserver.kernel.errors import Unavailable

_T = TypeVar("_T")

_LESS_URGENT: Final = 10
"""Added to the niceness of a thread: an eighth of the processor's time where others want it too."""


class Share(Enum):
    """A kind of work, with a line of its own."""

    VERIFYING = auto()
    """Somebody waits to be let in."""

    SETTING = auto()
    """A password becomes a digest: an identity provider may send thousands."""


class Turns:
    """Runs slow functions in `threads` threads; at most `places` of each share wait."""

    def __init__(self, *, threads: int, places: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="argon2", initializer=_less_urgent)
        self._threads = self._free = threads
        self._places = places
        self._lines: dict[Share, deque[asyncio.Future[None]]] = {share: deque() for share in Share}
        self._seconds = 0.0
        """How long the last one took."""

    async def run(self, share: Share, slow: Callable[[], _T]) -> _T:
        """What `slow` returns or raises. Raises `Unavailable` where too many wait already."""
        await self._turn(share)
        job = asyncio.get_running_loop().run_in_executor(self._executor, self._timed, slow)
        # The thread is taken until it is done, also when nobody waits for it any more.
        job.add_done_callback(lambda _: self._pass_on())
        return await asyncio.shield(job)

    def close(self) -> None:
        """End the threads, when what they do is done."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def _turn(self, share: Share) -> None:
        """Wait for a thread. Nobody waits where one is free."""
        if self._free:
            self._free -= 1
            return
        line = self._lines[share]
        if len(line) >= self._places:
            raise Unavailable(
                "Too many passwords are being looked at: try again in a moment.",
                retry_after=self._until_half_empty(),
            )
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._pass_on()
            elif turn in line:
                line.remove(turn)
            raise

    def _pass_on(self) -> None:
        """Give the thread that is free now to the next in line."""
        for share in tuple(self._lines):
            line = self._lines[share]
            # Whoever was served goes to the end of the lines.
            self._lines[share] = self._lines.pop(share)
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1

    def _until_half_empty(self) -> int:
        """Whole seconds until there is room again: every share may have a full line."""
        waiting = sum(map(len, self._lines.values())) / 2
        return max(1, math.ceil(waiting * self._seconds / self._threads))

    def _timed(self, slow: Callable[[], _T]) -> _T:
        began = perf_counter()
        try:
            return slow()
        finally:
            self._seconds = perf_counter() - began


def _less_urgent() -> None:
    # Elsewhere than on Linux the number of a thread is not one that a priority can be given to.
    if sys.platform == "linux":
        with suppress(OSError):  # The thread is then as urgent as all others: it may be refused, in a jail.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + _LESS_URGENT)
