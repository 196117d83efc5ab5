"""What a demonstration shows at its end: what each provider did, what directory and log now hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from rich.table import Table

from scimserver.cli.dialogue import Dialogue
from scimserver.cli.player import StepResult, summary

Tally = Mapping[tuple[str, str], int]
"""Log entries by event and outcome."""

_OUTCOMES: Final = {"success": "done", "noop": "without effect", "failure": "refused"}

_QUESTIONS: Final = {
    "users, active": "/Users?count=0&filter=active eq true",
    "users, deactivated": "/Users?count=0&filter=active eq false",
    "groups": "/Groups?count=0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One provider's dialogue: how it went, and what the log has of its connection."""

    dialogue: Dialogue
    results: tuple[StepResult, ...]
    tally: Tally


def providers_table(played: list[Played]) -> Table:
    """What each provider did: a column each, by the log of its own connection."""
    table = Table(title="What each provider did", title_justify="left")
    table.add_column("")
    for one in played:
        table.add_column(one.dialogue.peer.capitalize(), justify="right")
    totals = [summary(one.results) for one in played]
    table.add_row("requests sent", *(str(len(one.results)) for one in played))
    table.add_row("answered as expected", *(str(total.passed) for total in totals))
    table.add_row("milliseconds", *(str(round(total.ms)) for total in totals), end_section=True)
    for event in sorted({event for one in played for event, _ in one.tally}):
        table.add_row(event, *(_told(one.tally, event) for one in played))
    return table


def _told(tally: Tally, event: str) -> str:
    counted = [(tally.get((event, outcome), 0), word) for outcome, word in _OUTCOMES.items()]
    return ", ".join(f"{count} {word}" for count, word in counted if count) or "-"


async def directory_table(base_url: str, token: str) -> Table:
    """What the directory holds, as the server itself answers."""
    table = Table(title="What the directory now holds", title_justify="left")
    table.add_column("resources")
    table.add_column("how many", justify="right")
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as client:
        for name, path in _QUESTIONS.items():
            async with client.get(base_url + path) as response:
                response.raise_for_status()
                table.add_row(name, str((await response.json(content_type=None))["totalResults"]))
    return table


def log_table(tally: Tally) -> Table:
    """What the provisioning log holds, of whoever did it."""
    table = Table(title="What the provisioning log now holds", title_justify="left")
    table.add_column("attempt")
    for word in _OUTCOMES.values():
        table.add_column(word, justify="right")
    for event in sorted({event for event, _ in tally}):
        table.add_row(event, *(str(tally.get((event, outcome), "")) for outcome in _OUTCOMES))
    return table
