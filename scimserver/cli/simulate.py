"""`scimserver simulate`: an identity provider's conversation, played against a running server.

Exit code 0: every step passed. 1: some did not. 2: the command was given wrongly.
Proven by tests/api/test_simulate.py.
"""

import asyncio
import json
import secrets
from contextlib import aclosing
from dataclasses import asdict
from textwrap import indent
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from scimserver.cli.dialogue import PEERS, Dialogue, load
from scimserver.cli.placeholders import Json
from scimserver.cli.player import Outcome, StepResult, Summary, play, summary

_MARKS = {
    Outcome.PASSED: ("passed", "green"),
    Outcome.FAILED: ("FAILED", "bold red"),
    Outcome.NOT_RUN: ("not run", "yellow"),
}


def _checked_url(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise click.BadParameter("give the SCIM base address, such as https://scim.example.com/scim/v2")
    return value


def _checked_token(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise click.BadParameter("a bearer token has no spaces, line ends or special characters")
    return value


@click.command()
@click.argument("peer", type=click.Choice(PEERS))
@click.option("--url", required=True, callback=_checked_url, help="SCIM base address of the server.")
@click.option(
    "--token",
    required=True,
    callback=_checked_token,
    envvar="SCIMSERVER_TOKEN",
    show_envvar=True,
    help="Bearer token of a connection that may write.",
)
@click.option(
    "--domain",
    default="example.com",
    show_default=True,
    help="One of the organisation's Email Domains; the users are made in it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
@click.pass_context
def simulate(context: click.Context, peer: str, url: str, token: str, domain: str, *, as_json: bool) -> None:
    """Send a server what PEER sends, and check its answers.

    Users and groups are really created, changed and, by some providers, deleted. Their names carry
    a word that is new each time, so that a run can be repeated.
    """
    run = secrets.token_hex(4)
    context.exit(report(load(peer), url=url, token=token, domain=domain, run=run, as_json=as_json))


def report(dialogue: Dialogue, *, url: str, token: str, domain: str, run: str, as_json: bool = False) -> int:
    """Plays the dialogue, prints what came of it, and gives the exit code. Not for a running loop."""
    results = asyncio.run(_played(dialogue, url=url, token=token, domain=domain, run=run, quiet=as_json))
    if as_json:
        click.echo(json.dumps(as_document(dialogue, results, url=url, run=run), indent=2))
    else:
        show(dialogue, results, Console())
    return 0 if summary(results).is_success else 1


async def _played(
    dialogue: Dialogue, *, url: str, token: str, domain: str, run: str, quiet: bool
) -> tuple[StepResult, ...]:
    console = Console(stderr=True)
    results: list[StepResult] = []
    steps = play(dialogue, base_url=url, token=token, domain=domain, run=run)
    with Progress(console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task(dialogue.title, total=len(dialogue.steps))
        async with aclosing(steps):
            async for result in steps:
                results.append(result)
                progress.advance(task)
    return tuple(results)


def show(dialogue: Dialogue, results: tuple[StepResult, ...], console: Console) -> None:
    """Prints a table of the steps, then what is known of each one that failed."""
    table = Table(title=dialogue.title, title_justify="left")
    for name in ("step", "habit", "what", "answer", "ms", ""):
        table.add_column(name, justify="right" if name in {"answer", "ms"} else "left")
    for result in results:
        table.add_row(*_cells(result))
    console.print(table)
    for result in results:
        if result.outcome is Outcome.FAILED:
            _explain(result, console)
    console.print(_closing_line(summary(results)))


def as_document(
    dialogue: Dialogue, results: tuple[StepResult, ...], *, url: str, run: str
) -> dict[str, Json]:
    """The same as a JSON document."""
    total = summary(results)
    return {
        "peer": dialogue.peer,
        "title": dialogue.title,
        "url": url,
        "run": run,
        "summary": {**asdict(total), "success": total.is_success},
        "steps": [_as_object(result) for result in results],
    }


def _cells(result: StepResult) -> tuple[Text, ...]:
    mark, style = _MARKS[result.outcome]
    took = f"{result.ms:.0f}" + (" slow" if result.is_slow else "")
    return (
        Text(result.step.id),
        Text(" ".join(result.step.quirks)),
        Text(result.step.title),
        Text(str(result.status or "")),
        Text("" if result.outcome is Outcome.NOT_RUN else took),
        Text(mark, style=style),
    )


def _explain(result: StepResult, console: Console) -> None:
    console.print(Text(f"\n{result.step.id}: {result.step.title}", style="bold red"))
    for failure in result.failures:
        console.print(Text(visible(f"  {failure}")))
    for mark, excerpt in (("> ", result.request), ("< ", result.response)):
        console.print(Text(indent(visible(excerpt), mark), style="dim"), soft_wrap=True)


def visible(text: str) -> str:
    """The text without what a terminal would obey: a server's answer is not ours to trust."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text
    )


def _closing_line(total: Summary) -> Text:
    line = f"\n{total.passed} passed, {total.failed} failed, {total.not_run} not run, {total.ms:.0f} ms"
    if total.quirks_failed:
        line += f"; habits not met: {' '.join(total.quirks_failed)}"
    return Text(line, style="bold green" if total.is_success else "bold red")


def _as_object(result: StepResult) -> dict[str, Json]:
    return {
        "id": result.step.id,
        "title": result.step.title,
        "quirks": list(result.step.quirks),
        "outcome": result.outcome.value,
        "status": result.status,
        "ms": round(result.ms, 3),
        "slow": result.is_slow,
        "failures": list(result.failures),
        "request": result.request,
        "response": result.response,
    }
