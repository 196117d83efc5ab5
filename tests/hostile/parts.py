"""What one of several processes of a campaign does, and how it tells."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from multiprocessing.queues import Queue

import uvloop

from tests.hostile.lane import Finding, Tally
from tests.hostile.running import Address, Campaign, Play
from tests.hostile.traffic import SESSION_SIZE

_SESSIONS = 40
"""Sessions between two reports of progress."""
_FORGET_EVERY = 50
"""After so many of those the log is dropped."""
_MOST_FINDINGS = 20
"""After which a process gives up: what it finds is no longer news."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding on its way to the parent: its text, and the session that shows it."""

    case: int
    text: str
    kind: str
    finding: Finding


Told = int | Found | Tally | None
"""Requests that were answered, a finding, at last the tally, and None."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one of several processes does."""

    dsn: str
    address: Address
    seed: int
    cases: int
    number: int
    of: int
    lanes: int


def play_part(part: Part, told: "Queue[Told]") -> None:
    """Play every `of`-th session, and tell of it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        play = Play.open(runner, part.dsn, part.address, lanes=part.lanes, name=f"p{part.number}")
        campaign = Campaign(seed=part.seed, vocabulary=play.vocabulary)
        shown: Counter[str] = Counter()
        numbers = range(part.number, -(-part.cases // SESSION_SIZE), part.of)
        for chunk, at in enumerate(range(0, len(numbers), _SESSIONS)):
            some = numbers[at : at + _SESSIONS]
            for number, finding in play.sessions(campaign, some):
                shown[finding.kind] += 1
                small = play.shrunk(campaign, number, finding) if shown[finding.kind] == 1 else finding.cut()
                # What was wrong afterwards belongs to the session too.
                case = number * SESSION_SIZE + min(finding.index, SESSION_SIZE - 1)
                told.put(Found(case, str(small), finding.kind, small))
            told.put(len(some) * SESSION_SIZE)
            if part.number == 0 and chunk % _FORGET_EVERY == _FORGET_EVERY - 1:
                runner.run(play.field.forget_log())
            if shown.total() >= _MOST_FINDINGS:
                break
        told.put(play.field.tally)
        told.put(None)
        play.close()
