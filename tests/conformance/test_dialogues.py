"""Okta's and Entra's dialogues with the running server: every step, twice on one server.

The data is what the identity providers send, habit by habit; it is shipped, so that an operator can
play it too (`scimserver simulate`). Connections are tolerant, as they are unless somebody asks.
"""

import pytest

from scimserver.access.connections import Dialect
from scimserver.cli.dialogue import PEERS, load
from scimserver.cli.player import Outcome, StepResult, play
from tests.conformance.asked_once import AskedOnce, url_of
from tests.conftest import Administration
from tests.serving import Installation

RUNS = ("first", "second")
STEPS = [(peer, run, step.id) for run in RUNS for peer in PEERS for step in load(peer).steps]

Played = dict[tuple[str, str, str], StepResult]


async def both_played_twice(installation: Installation) -> Played:
    organization = await installation.organization()
    clients = {peer: await installation.client(organization, dialect=Dialect(peer)) for peer in PEERS}
    played: Played = {}
    for run in RUNS:
        for peer, client in clients.items():
            steps = play(
                load(peer),
                base_url=url_of(installation),
                token=client.token,
                domain="example.com",
                run=f"{peer}-{run}",
            )
            played |= {(peer, run, result.step.id): result async for result in steps}
    return played


@pytest.fixture(scope="module")
def played(database_administration: Administration, database_template: str) -> Played:
    return AskedOnce(database_administration, database_template).answers(both_played_twice)


@pytest.mark.parametrize("peer, run, step", [pytest.param(*step, id="-".join(step)) for step in STEPS])
def test_step_of_a_dialogue_passes(played: Played, peer: str, run: str, step: str) -> None:
    result = played[peer, run, step]
    assert result.outcome is Outcome.PASSED, (result.failures, result.request, result.response)
