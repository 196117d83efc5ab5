"""The dialogues as data: every file keeps the format, and every known habit of a provider is played.

Habits are numbered O1 to O18 (Okta) and E1 to E19 (Entra). One that cannot be played says why here.
"""

from pathlib import Path

import pytest

from scimserver.cli.dialogue import PEERS, Dialogue, load, parse

HERE = Path(__file__).parent
FILES = sorted([*HERE.glob("dialogues/*.json"), *HERE.glob("okta/*.json")])

HABITS = {
    "okta": [f"O{number}" for number in range(1, 19)],
    "entra": [f"E{number}" for number in range(1, 20)],
}

NOT_PLAYED = {
    "O14": "what Okta does with 429 and a slow socket: its own waiting, and no request of its own",
    "O15": "which credentials Okta can hold; the token comes from whoever plays",
    "O16": "what Okta does not use; test_okta_uses_only_users_and_groups keeps to it",
    "E14": "rules for being listed: request rates, bulk and OAuth, none of them a step",
}


def read(path: Path) -> Dialogue:
    return parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_dialogue_file_keeps_the_format(path: Path):
    assert read(path).steps


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_dialogue_names_only_known_habits_of_its_peer(path: Path):
    told = read(path)
    named = {quirk for step in told.steps for quirk in step.quirks}
    assert named <= set(HABITS[told.peer])


@pytest.mark.parametrize("peer", PEERS)
def test_every_habit_is_played_or_says_why_not(peer: str):
    played = {quirk for step in load(peer).steps for quirk in step.quirks}
    assert [habit for habit in HABITS[peer] if (habit in played) == (habit in NOT_PLAYED)] == []


@pytest.mark.parametrize("peer", PEERS)
def test_every_step_of_a_shipped_dialogue_stands_for_a_habit(peer: str):
    assert [step.id for step in load(peer).steps if not step.quirks] == []


@pytest.mark.parametrize("peer", PEERS)
def test_shipped_dialogue_is_the_file_of_that_name(peer: str):
    assert load(peer) == read(HERE / "dialogues" / f"{peer}.json")


def test_okta_never_deletes_a_user():
    deleted = [step.request.path for step in load("okta").steps if step.request.method == "DELETE"]
    assert [path for path in deleted if path.startswith("/Users")] == []


def test_okta_uses_only_users_and_groups():
    paths = {step.request.path.split("/")[1] for step in load("okta").steps}
    assert paths == {"Users", "Groups"}


@pytest.mark.parametrize(
    "name, prefix, requests, assertions", [("spec", "spec-", 12, 52), ("crud", "crud-", 5, 13)]
)
def test_okta_test_keeps_every_assertion(name: str, prefix: str, requests: int, assertions: int):
    steps = [step for step in read(HERE / "okta" / f"{name}.json").steps if step.id.startswith(prefix)]
    counted = [1 + len(step.expect.checks) + (step.expect.max_ms is not None) for step in steps]
    assert (len(steps), sum(counted)) == (requests, assertions)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_users_of_a_dialogue_are_new_in_each_run_and_of_the_given_domain(path: Path):
    addresses = [value for value in read(path).variables.values() if isinstance(value, str) and "@" in value]
    assert addresses
    assert [text for text in addresses if "{{run}}" not in text or not text.endswith("@{{domain}}")] == []
