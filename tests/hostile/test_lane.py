"""What a lane sees past the answers; sessions that come again, and those that get smaller."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.hostile.choices import Choices, rolled, smaller
from tests.hostile.lane import Exchange, Lane, Tally
from tests.hostile.plan import Mark, Request, load, save
from tests.hostile.running import Campaign, Play
from tests.hostile.wire import Answer, NoAnswer

DELETE = Request(
    method=b"DELETE",
    target=f"/scim/v2/Users/{Mark.USER.at(3)}".encode(),
    headers=((b"Authorization", b"Bearer " + Mark.TOKEN.at().encode()),),
)
REFUSAL = Answer(
    status=400,
    headers={"content-type": "application/scim+json"},
    body=b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400",'
    b'"scimType":"invalidValue","detail":"Nothing was done at all."}',
    seconds=0.1,
)


class Lying:
    """Passes requests on, and says of deletions what it likes."""

    def __init__(self, wire: Exchange, told: Answer | None) -> None:
        self._wire = wire
        self._told = told

    async def exchange(self, request: Request) -> Answer:
        answer = await self._wire.exchange(request)
        if request.method != b"DELETE":
            return answer
        if self._told is None:
            raise NoAnswer("it was lost")
        return self._told

    async def close(self) -> None:
        await self._wire.close()


@pytest.mark.parametrize(
    "told,complaint",
    [
        (REFUSAL, "400 changed something"),
        (None, "no answer"),
        (replace(REFUSAL, status=200, body=b'{"meta":{"resourceType":"User"},"id":1}'), "no valid resource"),
    ],
)
def test_lane_finds(play: Play, told: Answer | None, complaint: str):
    lane = play.field.lanes[0]
    lying = Lane(Lying(lane.wire, told), lane.ledger, lane.house, lane.stranger, Tally())
    finding = play.run(lying.play((DELETE,)))
    assert finding is not None
    assert finding.complaints[0].startswith(complaint)


def test_lane_puts_the_organisation_back_after_each_session(play: Play):
    lane = play.field.lanes[0]
    before = play.run(lane.ledger.state(lane.house))
    assert play.run(lane.play((DELETE,))) is None
    after = play.run(lane.ledger.state(lane.house))
    assert [phrase.split()[:2] for phrase in before] == [phrase.split()[:2] for phrase in after]


def test_session_of_a_seed_and_number_is_the_same_for_ever(play: Play):
    one, two = (Campaign(seed=seed, vocabulary=play.vocabulary) for seed in (1, 2))
    assert one.session(7) == one.session(7)
    assert one.session(7) != one.session(8)
    assert one.session(7) != two.session(7)


def test_session_that_was_written_down_is_read_as_it_was(play: Play, tmp_path: Path):
    campaign = Campaign(seed=3, vocabulary=play.vocabulary)
    for number in range(40):
        save(campaign.session(number), tmp_path / "session.json")
        assert load(tmp_path / "session.json") == campaign.session(number)


def test_hypothesis_makes_smaller_what_was_rolled():
    def numbers(c: Choices) -> list[int]:
        return [c.below(1_000) for _ in range(c.below(20))]

    assert sum(numbers(rolled("a seed"))) > 2_000
    wrong = smaller(numbers, "a seed", lambda made: sum(made) > 2_000, seconds=30)
    assert sum(wrong[-1]) == 2_001
    assert len(wrong[-1]) == 3


def test_hypothesis_finds_nothing_smaller_than_what_is_right():
    assert smaller(lambda c: c.below(9), "a seed", lambda _: False, seconds=30) == []
