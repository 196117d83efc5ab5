"""Threads for slow work are shared out fairly, and nobody waits in a line without end."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable

import pytest
import pytest_asyncio

from scimserver.directory.passwords.turns import Share, Turns
from scimserver.kernel.errors import Unavailable

SETTING, VERIFYING = Share.SETTING, Share.VERIFYING


class Gate:
    """Slow work that lasts until it is let go; says what ran, in order."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self._open = threading.Event()

    def job(self, name: str) -> Callable[[], str]:
        """Work of that name."""

        def slow() -> str:
            self._open.wait(timeout=60)
            self.ran.append(name)
            return name

        return slow

    def open(self) -> None:
        """Let everything go."""
        self._open.set()


@pytest.fixture
def gate() -> Gate:
    """A gate that is shut."""
    return Gate()


@pytest_asyncio.fixture
async def turns(gate: Gate) -> AsyncGenerator[Turns]:
    """One thread, with room for two of each share to wait."""
    made = Turns(threads=1, places=2)
    yield made
    gate.open()
    made.close()


async def begun(turns: Turns, gate: Gate, *jobs: tuple[Share, str]) -> list["asyncio.Task[str]"]:
    """Tasks that wait for their turn, in that order."""
    tasks = [asyncio.create_task(turns.run(share, gate.job(name))) for share, name in jobs]
    await asyncio.sleep(0)
    return tasks


async def test_result_of_slow_work_is_given_back(turns: Turns, gate: Gate):
    gate.open()
    assert await turns.run(SETTING, gate.job("one")) == "one"


async def test_failure_of_slow_work_is_raised(turns: Turns):
    def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await turns.run(SETTING, fails)


async def test_shares_are_served_in_turn(turns: Turns, gate: Gate):
    tasks = await begun(
        turns, gate, (SETTING, "s0"), (SETTING, "s1"), (SETTING, "s2"), (VERIFYING, "v1"), (VERIFYING, "v2")
    )
    gate.open()
    await asyncio.gather(*tasks)
    assert gate.ran in (["s0", "v1", "s1", "v2", "s2"], ["s0", "s1", "v1", "s2", "v2"])


async def test_who_finds_the_line_full_is_told_when_to_come_back(turns: Turns, gate: Gate):
    await begun(turns, gate, *[(SETTING, f"s{number}") for number in range(3)])
    with pytest.raises(Unavailable) as refused:
        await turns.run(SETTING, gate.job("late"))
    assert refused.value.retry_after >= 1


async def test_full_line_of_one_share_leaves_the_other_open(turns: Turns, gate: Gate):
    tasks = await begun(turns, gate, *[(SETTING, f"s{number}") for number in range(3)], (VERIFYING, "v"))
    gate.open()
    assert (await asyncio.gather(*tasks))[-1] == "v"


async def test_line_that_was_full_is_open_again_afterwards(turns: Turns, gate: Gate):
    tasks = await begun(turns, gate, *[(SETTING, f"s{number}") for number in range(3)])
    gate.open()
    await asyncio.gather(*tasks)
    assert await turns.run(SETTING, gate.job("later")) == "later"


async def test_who_gives_up_waiting_leaves_the_place_to_others(turns: Turns, gate: Gate):
    tasks = await begun(turns, gate, *[(SETTING, f"s{number}") for number in range(3)])
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    tasks += await begun(turns, gate, (SETTING, "instead"))
    gate.open()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in done if isinstance(one, str)] == ["s0", "s2", "instead"]


@pytest.mark.parametrize("beat", [0, 1, 2])
async def test_who_gives_up_at_the_moment_of_its_turn_passes_it_on(turns: Turns, gate: Gate, beat: int):
    tasks = await begun(turns, gate, (SETTING, "s0"), (SETTING, "s1"), (SETTING, "s2"))
    gate.open()
    await tasks[0]
    for _ in range(beat):
        await asyncio.sleep(0)
    tasks[1].cancel()
    assert (await asyncio.gather(*tasks, return_exceptions=True))[2] == "s2"
    assert await turns.run(SETTING, gate.job("later")) == "later"


async def test_thread_stays_taken_when_nobody_waits_for_it_any_more(turns: Turns, gate: Gate):
    [gone] = await begun(turns, gate, (SETTING, "gone"))
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    waiting = await begun(turns, gate, *[(SETTING, f"s{number}") for number in range(2)])
    with pytest.raises(Unavailable):
        await turns.run(SETTING, gate.job("late"))
    gate.open()
    assert await asyncio.gather(*waiting) == ["s0", "s1"]


async def test_threads_are_less_urgent_than_the_event_loop(turns: Turns):
    niceness = await turns.run(SETTING, lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert niceness > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
