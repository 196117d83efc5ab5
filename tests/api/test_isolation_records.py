"""What is written down on the way, of requests of ours: nothing of theirs but what ours itself sent."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from scimserver.audit.store import Logged
from tests.conftest import Administration
from tests.houses import METHODS, PATHS, UUID_TEXT, Houses, built, questions_at
from tests.serving import Installation
from tests.twins import rows_of, serving

SERVED_TO_ALL = ("/healthz", "/readyz", "/metrics")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What was left behind when ours had asked everything about theirs."""

    sent: Mapping[str, str]
    """What each request said, by its id."""
    lines: Sequence[Mapping[str, Any]]
    """The server's own log lines."""
    ours: Sequence[Logged]
    theirs: Sequence[Logged]
    outbox: Mapping[str, str]
    served: Mapping[str, str]
    """What is served to all, by path."""
    secrets: set[str]
    """Every id and word of theirs."""
    owners: set[str]
    """Ids of ours that stand in everything of ours."""

    def told(self, text: str, sent: str = "") -> set[str]:
        """What a text holds of theirs that was not sent."""
        return {secret for secret in self.secrets if secret in text and secret not in sent}


async def walk_over_everything(dsn: str) -> Walk:
    connection = await asyncpg.connect(dsn)
    with capture_logs() as lines:
        async with serving(dsn) as installation:
            houses = await built(installation)
            lines.clear()
            sent = await asked(houses)
            ours, theirs = houses.ours[0], houses.theirs
            walk = Walk(
                sent=sent,
                lines=list(lines),
                ours=await installation.log(ours.organization),
                theirs=await installation.log(theirs.organization),
                outbox={
                    name: "".join((await rows_of(connection, scim.organization))["outbox"])
                    for name, scim in (("ours", ours), ("theirs", theirs))
                },
                served={path: await served(installation, path) for path in SERVED_TO_ALL},
                secrets=await secrets_of(houses, connection),
                owners={str(ours.organization), str(ours.connection.id)},
            )
    await connection.close()
    return walk


async def asked(houses: Houses) -> dict[str, str]:
    """Ask everything about theirs; what each request said, by its id."""
    sent: dict[str, str] = {}
    aim = houses.aims[0]
    for path in PATHS:
        for number, question in enumerate(questions_at(path, houses.kinds)):
            name = f"walk.{PATHS.index(path)}.{number}"
            sent[name] = json.dumps([aim.at(part) for part in (question.path, question.body)])
            await question.about(aim, houses.ours[0], **{"X-Request-Id": name})
    return sent


async def served(installation: Installation, path: str) -> str:
    """Everything that a path answers, whatever the verb."""
    told = ""
    for method in METHODS:
        async with installation.http.request(method, path) as answer:
            told += str(answer.headers) + await answer.text()
    return told


async def secrets_of(houses: Houses, connection: asyncpg.Connection) -> set[str]:
    """Every id that stands in a row of theirs, of whatever it is, and their word."""
    rows = await rows_of(connection, houses.theirs.organization)
    tokens = await connection.fetch(
        "SELECT id::text FROM api_tokens WHERE org_id = $1", houses.theirs.organization
    )
    ids = {found for table in rows.values() for row in table for found in UUID_TEXT.findall(row)}
    return {houses.aims[0].word, *ids, *(row[0] for row in tokens)}


@pytest.fixture(scope="module")
def walk(database_administration: Administration, database_template: str) -> Walk:
    """One walk, for all tests to look at."""
    with database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn:
        return asyncio.run(walk_over_everything(dsn))


def test_log_of_ours_holds_of_theirs_only_what_was_sent(walk: Walk):
    of_walk = [entry for entry in walk.ours if entry.entry["request"]["id"] in walk.sent]
    assert len(of_walk) > len(PATHS)
    for entry in of_walk:
        written = json.dumps([entry.entry, dict(entry.personal)])
        assert walk.told(written, walk.sent[entry.entry["request"]["id"]]) == set()


def test_log_of_theirs_holds_nothing_of_ours(walk: Walk):
    assert walk.theirs
    assert [entry for entry in walk.theirs if entry.entry["request"]["id"] in walk.sent] == []
    written = json.dumps([[entry.entry, dict(entry.personal)] for entry in walk.theirs])
    assert [each for each in walk.owners if each in written] == []


def test_outbox_of_each_holds_nothing_of_the_other(walk: Walk):
    assert all(walk.outbox.values())
    assert walk.told(walk.outbox["ours"]) == set()
    assert [each for each in walk.owners if each in walk.outbox["theirs"]] == []


def test_log_lines_of_the_server_hold_nothing_of_anybody(walk: Walk):
    assert len(walk.lines) >= len(walk.sent)
    assert walk.told(json.dumps(walk.lines, default=str)) == set()


@pytest.mark.parametrize("path", SERVED_TO_ALL)
def test_what_is_served_to_all_holds_nothing_of_anybody(walk: Walk, path: str):
    assert walk.served[path]
    assert walk.told(walk.served[path]) == set()
