"""One run: the database filled, the rows measured one after the other, the slowest ones profiled."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import database, machine, profile, servers, stage
from tests.bench.database import Organization
from tests.bench.experiments import Figure
from tests.bench.measure import Pace, Side
from tests.bench.profile import Profile
from tests.bench.rows import Row
from tests.bench.stage import Stage

Told = Callable[[str], None]
"""Takes a sentence on what is done now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run."""

    rows: Sequence[Row]
    sizes: Sequence[int]
    """Users of each organisation, growing."""
    main: int
    """Users of the organisation that most rows ask about."""
    pace: Pace
    profiled: Sequence[str] = ()
    """The names of rows to profile."""
    slowest: int = 0
    """How many more to profile: those farthest from their goals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A row and what measuring it gave."""

    row: Row
    figure: Figure

    @property
    def distance(self) -> float:
        """How well the goal is met; 1 is just so."""
        return self.row.goal.distance(self.figure.value.median) if self.row.goal else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that a run gave."""

    machine: machine.Machine
    settings: dict[str, str]
    """PostgreSQL's."""
    plan: Plan
    loading_s: float
    megabytes: dict[str, float]
    """Of the database and of the users' table, after loading."""
    results: Sequence[Result]
    profiles: Sequence[Profile]


def run(plan: Plan, tell: Told) -> Measured:
    """Everything in the plan.

    Raises `UnexpectedAnswerError`, `ServerFailedError`, `EmbeddedPostgresError`.
    """
    with tempfile.TemporaryDirectory(prefix="scimserver-bench-") as folder, database.running() as running:
        organizations = _filled(running.dsn, plan.sizes, tell)
        megabytes = asyncio.run(database.megabytes(running.dsn))
        main = next(each for each in organizations if each.size == plan.main)
        with stage.opened(running, organizations, main, plan.pace, Path(folder)) as opened:
            results = _measured(plan, opened, tell)
            profiles = _profiled(plan, results, opened, tell)
    return Measured(
        machine=machine.describe(running.settings["server_version"]),
        settings=running.settings,
        plan=plan,
        loading_s=sum(each.people.seconds for each in organizations),
        megabytes=megabytes,
        results=results,
        profiles=profiles,
    )


def _filled(dsn: str, sizes: Sequence[int], tell: Told) -> list[Organization]:
    organizations: list[Organization] = []
    for size in sizes:
        tell(f"loading {size:,} users")
        organizations.append(asyncio.run(database.organization(dsn, size)))
    asyncio.run(database.settle(dsn))
    return organizations


def _measured(plan: Plan, opened: Stage, tell: Told) -> list[Result]:
    results: list[Result] = []
    for number, row in enumerate(plan.rows, 1):
        tell(f"{number}/{len(plan.rows)} {row.title}")
        results.append(Result(row=row, figure=row.measure(opened)))
    return results


def _profiled(plan: Plan, results: Sequence[Result], opened: Stage, tell: Told) -> list[Profile]:
    named = [result.row for result in results if result.row.name in plan.profiled]
    others = [result for result in results if result.row.question and result.row not in named]
    slowest = sorted(others, key=lambda result: result.distance)[: plan.slowest]
    profiles: list[Profile] = []
    for row in [*named, *(result.row for result in slowest)]:
        tell(f"profiling {row.title}")
        profiles.append(_profile(row, opened))
    return profiles


def _profile(row: Row, opened: Stage) -> Profile:
    """The row once more, with a server that looks where it is."""
    assert row.question is not None, f"{row.name} cannot be profiled"
    samples = opened.folder / f"samples-{row.name}.json"
    module = "tests.bench.sampling"
    with servers.ours(opened.database.dsn, opened.folder, module=module, test_samples=str(samples)) as served:
        [worker] = served.processes
        side = Side(label=row.name, served=served, organization=opened.main, question=row.question(opened))
        profile.toggle(worker)
        found = opened.meter.single(side)
        profile.toggle(worker)
        return profile.read(
            profile.collected(samples), row=row.name, title=row.title, server_us=found.server_us.median
        )
