"""Log lines on their way to a stream: those of one turn of the event loop are written together.

A busy server answers several requests in each turn, and asking the kernel costs more than making a
line. Nothing waits longer than the turn; without a loop, each line is written at once.
Proven by tests/unit/test_lines.py.
"""

import asyncio
from contextlib import suppress
from typing import TextIO


class Lines:
    """What structlog calls a logger: takes finished lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: list[str] = []

    def msg(self, line: str) -> None:
        """Write a line, by the end of this turn of the event loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._waiting.append(line)
            self._write()
            return
        if not self._waiting:
            loop.call_soon(self._write)
        self._waiting.append(line)

    debug = info = warning = error = critical = msg

    def _write(self) -> None:
        lines, self._waiting = self._waiting, []
        # Where nobody reads any more, there is no other place to say so.
        with suppress(OSError, ValueError):
            self._stream.write("".join([f"{line}\n" for line in lines]))
            self._stream.flush()
