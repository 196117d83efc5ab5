"""What a process does again and again goes on whatever goes wrong, and ends with the process."""

import asyncio

import pytest
from structlog.testing import capture_logs

from scimserver.kernel.errors import Conflicted, Unavailable
from scimserver.workers.rounds import one_round, rounds

POSTPONED = {"event": "mail.postponed", "log_level": "warning"}
FAILED = {"event": "mail.failed", "log_level": "error"}


@pytest.mark.parametrize(
    "failure,line",
    [
        (Unavailable("no database"), {**POSTPONED, "failure": "Unavailable"}),
        (Conflicted(), {**POSTPONED, "failure": "Conflicted"}),
        (KeyError("x"), FAILED),
    ],
    ids=repr,
)
async def test_round_that_fails_is_a_line_and_not_the_last_one(failure: Exception, line: dict[str, str]):
    done: list[int] = []
    enough = asyncio.Event()

    async def once() -> None:
        done.append(1)
        if len(done) == 1:
            raise failure
        enough.set()

    with capture_logs() as lines:
        async with rounds("mail", once, 0.001):
            await asyncio.wait_for(enough.wait(), 5)
    [told] = lines
    assert line.items() <= told.items()


async def test_rounds_end_with_the_block_also_in_the_middle_of_one():
    begun, cut_off = asyncio.Event(), asyncio.Event()

    async def once() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cut_off.set()
            raise

    async with rounds("mail", once, 0):
        await asyncio.wait_for(begun.wait(), 5)
    assert cut_off.is_set()


async def test_cancelling_a_round_is_no_failure_of_it():
    async def once() -> None:
        raise asyncio.CancelledError

    with capture_logs() as lines, pytest.raises(asyncio.CancelledError):
        await one_round("mail", once)
    assert lines == []
