"""Ten thousand requests that nobody sane sends, in parts that test processes share out among them.

The same ones each time: what fails here fails again. `make hostile` sends others, as many as one likes.
"""

from pathlib import Path

import pytest

from tests.hostile import plan
from tests.hostile.running import Campaign, Play
from tests.hostile.traffic import SESSION_SIZE

CASES = 10_000
PARTS = 20
SEED = 20_000
FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))


@pytest.mark.parametrize("part", range(PARTS))
def test_hostile_requests_are_answered_as_they_should_be(play: Play, part: int):
    campaign = Campaign(seed=SEED, vocabulary=play.vocabulary)
    sessions = range(part, CASES // SESSION_SIZE, PARTS)
    for number, finding in play.sessions(campaign, sessions):
        small = play.shrunk(campaign, number, finding)
        pytest.fail(f"seed {SEED}, case {number * SESSION_SIZE + finding.index}: {small}")


@pytest.mark.parametrize("path", FOUND, ids=[path.stem for path in FOUND])
def test_what_was_found_once_is_answered_as_it_should_be(play: Play, path: Path):
    finding = play.replayed(plan.load(path))
    assert finding is None, str(finding)
