"""Sends hostile requests to a real server of two processes, as many as one likes: `make hostile`.

    python -m tests.hostile --cases 1000000 --seed 1 --processes 2
    python -m tests.hostile --seed 1 --case 4711          one request again, with those before it
    python -m tests.hostile --replay FILE                 a finding again, as it was written down

Exit code 0: nothing was found. 1: something was; it is printed, and written below `reports/hostile`.
"""

import asyncio
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from urllib.parse import urlsplit

import click
import uvloop
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from scimserver.db import embedded
from scimserver.db.migrate import migrate
from tests.hostile import plan
from tests.hostile.lane import Tally
from tests.hostile.parts import Found, Part, Told, play_part
from tests.hostile.running import Address, Campaign, Play, session_of
from tests.hostile.summary import summarise
from tests.processes import PUBLIC_URL, Program, ask, program, temporary_data_dir

REPORTS = Path("reports/hostile")
WORKERS = 2

console = Console(width=None if sys.stdout.isatty() else 160)


@contextmanager
def server() -> Generator[tuple[Program, str]]:
    """A real server over a PostgreSQL of its own; its DSN."""
    with temporary_data_dir() as folder:
        postgres = embedded.start(folder, fast=True)
        try:
            asyncio.run(migrate(postgres.dsn))
            settings = {"database_url": postgres.dsn, "public_url": PUBLIC_URL}
            settings |= {"workers": WORKERS, "rate_limit": 0, "failure_burst": 0}
            with program("serve", port=0, **settings) as running:
                yield running, postgres.dsn
        finally:
            if isinstance(postgres, embedded.Running):
                postgres.stop()


@click.command()
@click.option("--cases", default=10_000, show_default=True, help="How many requests.")
@click.option("--seed", default=1, show_default=True, help="The same seed sends the same requests.")
@click.option("--processes", default=2, show_default=True, help="How many processes send.")
@click.option("--lanes", default=4, show_default=True, help="Connections of each process at once.")
@click.option("--case", type=int, help="Send the session of this one request again.")
@click.option(
    "--replay", type=click.Path(exists=True, path_type=Path), help="Send the session of a file again."
)
def main(cases: int, seed: int, processes: int, lanes: int, case: int | None, replay: Path | None) -> None:
    """Send hostile requests to a real server, and look whether every answer is as it should be."""
    with server() as (running, dsn):
        parts = urlsplit(running.url())
        address = (str(parts.hostname), int(parts.port or 0))
        if case is not None or replay is not None:
            sys.exit(_once(dsn, address, seed, case or 0, replay))
        found = _campaign(running, dsn, address, cases=cases, seed=seed, processes=processes, lanes=lanes)
    sys.exit(1 if found else 0)


def _once(dsn: str, address: Address, seed: int, case: int, replay: Path | None) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        play = Play.open(runner, dsn, address, lanes=1, name="again")
        campaign = Campaign(seed=seed, vocabulary=play.vocabulary)
        planned = plan.load(replay) if replay else campaign.session(session_of(case))
        finding = play.replayed(planned)
        play.close()
    for index, request in enumerate(planned):
        console.print(f"[{index}] {request}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        str(finding) if finding else "Nothing was found.", markup=False, highlight=False, soft_wrap=True
    )
    return 1 if finding else 0


def _campaign(
    running: Program, dsn: str, address: Address, *, cases: int, seed: int, processes: int, lanes: int
) -> int:
    """Play the whole campaign; how much was found."""
    context = get_context("spawn")
    told: Queue[Told] = context.Queue()
    own = [
        context.Process(
            target=play_part, args=(Part(dsn, address, seed, cases, number, processes, lanes), told)
        )
        for number in range(processes)
    ]
    workers, begun = running.workers(), time.monotonic()
    for each in own:
        each.start()
    tally, found = _followed(told, own, cases, seed)
    seconds = time.monotonic() - begun
    for each in own:
        each.join()
    faults = [f"process {each.pid} failed with {each.exitcode}" for each in own if each.exitcode]
    if running.workers() != workers:
        faults.append(f"workers died: {sorted(workers)} became {sorted(running.workers())}")
    if ask(f"http://{address[0]}:{address[1]}/metrics").status != 200:
        faults.append("the metrics do not answer")
    summarise(console, tally, [one.kind for one in found], faults, seconds)
    return len(found) + len(faults)


def _followed(
    told: "Queue[Told]", own: Sequence[BaseProcess], cases: int, seed: int
) -> tuple[Tally, list[Found]]:
    tally, found, ended = Tally(), list[Found](), 0
    columns = (
        TextColumn("requests"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=cases)
        while ended < len(own):
            match _next(told, own):
                case int() as more:
                    progress.advance(task, more)
                case Found() as one:
                    found.append(one)
                    _tell(one, seed)
                case Tally() as part:
                    tally.add(part)
                case None:
                    ended += 1
    return tally, found


def _next(told: "Queue[Told]", own: Sequence[BaseProcess]) -> Told:
    """What is told next; None also where a process has died without a word."""
    while True:
        try:
            return told.get(timeout=1.0)
        except Empty:
            if any(each.exitcode for each in own):
                return None


def _tell(one: Found, seed: int) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    path = REPORTS / f"seed-{seed}-case-{one.case}.json"
    plan.save(one.finding.session, path)
    console.print(
        f"\nSeed {seed}, case {one.case}: {one.text}\n"
        f"Again: --seed {seed} --case {one.case}, or --replay {path}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
