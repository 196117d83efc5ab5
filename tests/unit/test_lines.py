"""When log lines reach their stream."""

import asyncio
import io

import pytest

from scimserver.lines import Lines


class Counting(io.StringIO):
    """Remembers what was written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str, /) -> int:
        self.writes.append(text)
        return super().write(text)


def test_line_is_written_at_once_where_no_loop_runs():
    stream = Counting()
    Lines(stream).msg("one")
    assert stream.writes == ["one\n"]


async def test_lines_of_one_turn_are_written_together_and_in_order():
    stream = Counting()
    lines = Lines(stream)
    lines.info("one")
    lines.error("two")
    assert stream.writes == []
    await asyncio.sleep(0)
    lines.msg("three")
    await asyncio.sleep(0)
    assert stream.writes == ["one\ntwo\n", "three\n"]


def test_last_line_of_a_loop_is_written():
    stream = Counting()

    async def last() -> None:
        Lines(stream).msg("good-bye")

    asyncio.run(last())
    assert stream.writes == ["good-bye\n"]


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
async def test_stream_that_nobody_reads_is_no_failure(error: Exception):
    class Closed(io.StringIO):
        def write(self, _text: str, /) -> int:
            raise error

    loop, failures = asyncio.get_running_loop(), list[object]()
    loop.set_exception_handler(lambda _, context: failures.append(context))
    Lines(Closed()).msg("lost")
    await asyncio.sleep(0)
    assert failures == []
