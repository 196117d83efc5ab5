"""The two tests that Okta runs before it lists an integration, against the running server.

`spec.json` holds the 52 assertions of its SPEC test, `crud.json` the 13 of its CRUD test that look
at the server. A step whose id does not begin with the test's name prepares the next ones.
"""

from pathlib import Path

import pytest

from scimserver.access.connections import Dialect
from scimserver.cli.dialogue import Dialogue, Step, parse
from scimserver.cli.player import Outcome, StepResult, play
from tests.conformance.asked_once import AskedOnce, url_of
from tests.conftest import Administration
from tests.serving import Installation

DIALOGUES = {
    name: parse((Path(__file__).parent / "okta" / f"{name}.json").read_text("utf-8"))
    for name in ("spec", "crud")
}
STEPS = [(name, step.id) for name, dialogue in DIALOGUES.items() for step in dialogue.steps]

Played = dict[tuple[str, str], StepResult]


async def both_played(installation: Installation) -> Played:
    client = await installation.client(await installation.organization(), dialect=Dialect.OKTA)
    played: Played = {}
    for name, dialogue in DIALOGUES.items():
        steps = play(
            dialogue, base_url=url_of(installation), token=client.token, domain="example.com", run=name
        )
        played |= {(name, result.step.id): result async for result in steps}
    return played


@pytest.fixture(scope="module")
def played(database_administration: Administration, database_template: str) -> Played:
    return AskedOnce(database_administration, database_template).answers(both_played)


def assertions(step: Step) -> int:
    """The status, what the body must be, and the time where Okta limits it."""
    return 1 + len(step.expect.checks) + (step.expect.max_ms is not None)


def asserting(name: str, dialogue: Dialogue) -> list[Step]:
    return [step for step in dialogue.steps if step.id.startswith(f"{name}-")]


@pytest.mark.parametrize("name, step", [pytest.param(*step, id="-".join(step)) for step in STEPS])
def test_step_of_oktas_tests_passes(played: Played, name: str, step: str) -> None:
    result = played[name, step]
    assert result.outcome is Outcome.PASSED, (result.failures, result.request, result.response)


@pytest.mark.parametrize("name, count", [("spec", 52), ("crud", 13)])
def test_all_assertions_of_oktas_test_hold(played: Played, name: str, count: int) -> None:
    held = [
        assertions(step)
        for step in asserting(name, DIALOGUES[name])
        if played[name, step.id].outcome is Outcome.PASSED
    ]
    assert sum(held) == count
