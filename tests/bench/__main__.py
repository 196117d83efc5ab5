"""`python -m tests.bench`: the server, measured side by side with a bare reference on this machine."""

import json
import sys
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.markup import escape

from scimserver.db.embedded import EmbeddedPostgresError
from tests.bench import pages, report
from tests.bench.load import UnexpectedAnswerError
from tests.bench.measure import Pace
from tests.bench.rows import ROWS, chosen
from tests.bench.run import Plan, run
from tests.bench.servers import ServerFailedError

_USERS: Final = (1_000, 100_000)
_QUICK_USERS: Final = (1_000, 10_000)
_LARGE_USERS: Final = 1_000_000
_QUICK_ROUNDS: Final = 3
_QUICK_SECONDS: Final = 0.5


@click.command()
@click.option(
    "--rows",
    "patterns",
    multiple=True,
    help="Measure these rows only: names, with * for anything; repeatable.",
)
@click.option(
    "--users", type=int, multiple=True, help="Users of an organisation; repeatable. 1,000 and 100,000."
)
@click.option("--large", is_flag=True, help="One more organisation, of 1,000,000 users.")
@click.option("--rounds", type=click.IntRange(1), default=15, show_default=True, help="Windows of each side.")
@click.option("--seconds", type=float, default=0.5, show_default=True, help="Length of a window.")
@click.option("--connections", type=click.IntRange(1), default=16, show_default=True, help="Clients at once.")
@click.option("--quick", is_flag=True, help="About a minute: few users, short windows, rows with goals only.")
@click.option(
    "--profile", "profiled", multiple=True, help="Tell where the time of this row goes; repeatable."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures there.")
@click.option("--write-docs", is_flag=True, help="Write tables and plot into docs/.")
@click.option("--list", "lists", is_flag=True, help="Show the names of the rows, and stop.")
def main(
    *,
    patterns: tuple[str, ...],
    users: tuple[int, ...],
    large: bool,
    rounds: int,
    seconds: float,
    connections: int,
    quick: bool,
    profiled: tuple[str, ...],
    json_file: Path | None,
    write_docs: bool,
    lists: bool,
) -> None:
    """Measure the server beside a bare reference, on this machine."""
    console = Console()
    if lists:
        console.print(report.listed(ROWS))
        return
    if write_docs and (patterns or quick):
        raise click.UsageError("--write-docs writes whole tables: it goes without --rows and --quick.")
    sizes = sorted({*(users or (_QUICK_USERS if quick else _USERS)), *((_LARGE_USERS,) if large else ())})
    plan = Plan(
        rows=chosen((*patterns, *(profiled if patterns else ())), goals_only=quick),
        sizes=sizes,
        main=max(size for size in sizes if size < _LARGE_USERS or len(sizes) == 1),
        pace=Pace(
            rounds=_QUICK_ROUNDS if quick else rounds,
            seconds=_QUICK_SECONDS if quick else seconds,
            warm_up_s=0.3,
            connections=connections,
        ),
        profiled=profiled,
        slowest=0 if quick or profiled or patterns else 3,
    )
    try:
        with console.status("starting") as status:
            measured = run(plan, status.update if console.is_terminal else _told)
    except (UnexpectedAnswerError, ServerFailedError, EmbeddedPostgresError) as failed:
        console.print(f"[red]{escape(str(failed))}[/red]", soft_wrap=True)
        sys.exit(1)
    report.shown(measured, console)
    if json_file is not None:
        json_file.write_text(json.dumps(report.as_json(measured), indent=2), "utf-8")
    if write_docs:
        pages.write(measured)


def _told(sentence: str) -> None:
    """What is done now, where nobody looks at a terminal."""
    click.echo(sentence, err=True)


if __name__ == "__main__":
    main()
