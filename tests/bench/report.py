"""A run's figures as tables of text, for the terminal and the documentation, and as JSON for machines."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.bench.figures import Spread
from tests.bench.profile import Part, Profile
from tests.bench.rows import Row, Unit
from tests.bench.run import Measured, Result

_SIZED: Final = frozenset({"get", "user-name", "page", "post", "patch"})
"""The rows that say how much a core does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A table of text."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def beside_bare(measured: Measured) -> Text:
    """The rows that stand beside the bare reference."""
    heads = (
        "operation", "bare/s", "ours/s", "ours ÷ bare", "at least", "then", "met",
        "bare CPU µs", "ours CPU µs", "by CPU", "PostgreSQL µs",
    )  # fmt: skip
    return Text(heads=heads, rows=[_beside(result) for result in measured.results if is_beside(result)])


def others(measured: Measured) -> Text:
    """The other rows."""
    heads = ("what", "figure", "at least", "then", "met", "how")
    return Text(heads=heads, rows=[_other(result) for result in measured.results if not is_beside(result)])


def sizing(measured: Measured) -> Text:
    """What an operator reckons with, as far as it was measured."""
    users = sum(measured.plan.sizes)
    held = (measured.megabytes["users_table"] + measured.megabytes["users_indexes"]) / users
    rows = [
        ("users in 1 GB of database", f"{1000 / held:,.0f}", f"{held * 1000:.1f} KB each, indexes included")
    ]
    for result in measured.results:
        if result.row.name in _SIZED:
            ours = result.figure.sides[-1]
            us = ours.server_us.median
            rows.append(
                (
                    f"{result.row.title}, a second and core of workers",
                    f"{1e6 / us:,.0f}",
                    f"{us:,.0f} µs each, and {ours.postgres_us:,.0f} µs of PostgreSQL's",
                )
            )
        if result.row.name == "memory":
            rows.append(("memory of a worker", f"{result.figure.value.median:.0f} MB", result.figure.note))
    return Text(heads=("what", "figure", "of it"), rows=rows)


def is_beside(result: Result) -> bool:
    """Whether a row was measured beside the bare reference."""
    return result.row.question is not None and len(result.figure.sides) > 1


def _beside(result: Result) -> list[str]:
    bare, ours = result.figure.sides
    assert result.figure.processor is not None
    return [
        result.row.title,
        f"{bare.per_second.median:,.0f}",
        f"{ours.per_second.median:,.0f}",
        f"**{result.figure.value.median:.2f}** ({_range(result.figure.value, 2)})",
        *_goal(result),
        f"{bare.server_us.median:,.0f}",
        f"{ours.server_us.median:,.0f}",
        f"{result.figure.processor.median:.2f}",
        f"{ours.postgres_us:,.0f}",
    ]


def _other(result: Result) -> list[str]:
    value, unit = result.figure.value, result.row.unit
    places = 0 if unit is Unit.MEGABYTES else 2
    shown = f"**{value.median:.{places}f}** {unit}"
    if value.low != value.high:
        shown += f" ({_range(value, places)})"
    return [result.row.title, shown, *_goal(result), _how(result)]


def _how(result: Result) -> str:
    sides = "; ".join(
        f"{side.label}: {side.per_second.median:,.0f}/s, {side.server_us.median:,.0f} µs CPU,"
        f" {side.postgres_us:,.0f} µs PostgreSQL"
        for side in result.figure.sides
    )
    return ". ".join(filter(None, (result.figure.note, sides)))


def _goal(result: Result) -> tuple[str, str, str]:
    goal = result.row.goal
    if goal is None:
        return "", "", ""
    value = result.figure.value.median
    met = "both" if goal.is_met_later(value) and goal.is_met(value) else "yes" if goal.is_met(value) else "no"
    sign, unit = ("≤ " if goal.smaller_is_better else ""), f" {result.row.unit}"
    then = "" if goal.then is None else f"{sign}{goal.then:g}{unit}"
    return f"{sign}{goal.at_least:g}{unit}", then, "yes" if goal.then is None and met == "both" else met


def _range(value: Spread, places: int) -> str:
    return f"{value.low:.{places}f} to {value.high:.{places}f}"


def profile_text(profile: Profile) -> Text:
    """Where the time of a row goes: packages, functions, ways, side by side."""

    def cell(part: Part | None) -> tuple[str, str]:
        return (f"{part.share:.0%}", f"`{part.name}`") if part else ("", "")

    most = max(map(len, (profile.packages, profile.functions, profile.ways)), default=0)
    columns = [[*parts, *[None] * (most - len(parts))] for parts in _parts(profile)]
    rows = [[text for part in line for text in cell(part)] for line in zip(*columns, strict=True)]
    heads = ("own", "by package", "own", "by function", "with all it calls", "way through the server")
    return Text(heads=heads, rows=rows)


def _parts(profile: Profile) -> Iterator[Sequence[Part]]:
    yield profile.packages
    yield profile.functions
    yield profile.ways


def shown(measured: Measured, console: Console) -> None:
    """Everything on a terminal."""
    console.print(summary(measured), soft_wrap=True)
    for text in (beside_bare(measured), others(measured)):
        if text.rows:
            console.print(_table(text))
    for profile in measured.profiles:
        heading = f"\n{profile.title}: {profile.server_us:,.0f} µs CPU, {profile.samples} samples"
        console.print(_plain(heading), soft_wrap=True)
        console.print(_table(profile_text(profile)))
    for warning in warnings(measured):
        console.print(f"[yellow]{warning}[/yellow]")


def summary(measured: Measured) -> str:
    """What was measured on what, in a few sentences."""
    machine, plan, held = measured.machine, measured.plan, measured.megabytes
    pace = plan.pace
    libraries = ", ".join(f"{name} {version}" for name, version in machine.libraries.items())
    settings = ", ".join(f"{name} {value}" for name, value in measured.settings.items())
    sizes = ", ".join(f"{size:,}" for size in plan.sizes)
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gb:g} GB; {machine.system};"
        f" Python {machine.python}; {libraries}.\n"
        f"PostgreSQL {settings}.\n"
        f"Organisations of {sizes} users in one database, loaded in {measured.loading_s:.0f} s:"
        f" {held['database']:,.0f} MB, of which users {held['users_table']:,.0f} MB"
        f" and their indexes {held['users_indexes']:,.0f} MB."
        f" Asked about: {plan.main:,}, where nothing else is said.\n"
        f"{pace.connections} connections, {pace.rounds} rounds of {pace.seconds:g} s a side after"
        f" {pace.warm_up_s:g} s; medians (lowest to highest). {_disturbed(measured)}"
    )


def _disturbed(measured: Measured) -> str:
    """How much else the machine did."""
    others = [side.others_cores for result in measured.results for side in result.figure.sides]
    if not others:
        return ""
    usual, most = median(each.median for each in others), max(each.high for each in others)
    return (
        f"Something else, the kernel included, kept {usual:.1f} cores busy in the median, {most:.1f} at most."
    )


def warnings(measured: Measured) -> Iterator[str]:
    """What makes figures doubtful."""
    for result in measured.results:
        for side in result.figure.sides:
            if side.load_us > side.server_us.median / 2:
                yield (
                    f"{result.row.name}: the load took {side.load_us:.0f} µs of processor time a request,"
                    f" {side.label} {side.server_us.median:.0f} µs"
                )


def listed(rows: Sequence[Row]) -> Table:
    """The rows there are."""
    text = [
        (row.name, row.title, "" if row.goal is None else f"{row.goal.at_least:g} {row.unit}") for row in rows
    ]
    return _table(Text(heads=("name", "what", "at least"), rows=text))


def as_json(measured: Measured) -> dict[str, Any]:
    """Everything, for machines."""
    return {
        "machine": asdict(measured.machine),
        "postgres": measured.settings,
        "sizes": list(measured.plan.sizes),
        "main": measured.plan.main,
        "pace": asdict(measured.plan.pace),
        "loading_s": measured.loading_s,
        "megabytes": measured.megabytes,
        "rows": [_row_json(result) for result in measured.results],
        "profiles": [asdict(profile) for profile in measured.profiles],
    }


def _row_json(result: Result) -> dict[str, Any]:
    goal = result.row.goal
    return {
        "name": result.row.name,
        "title": result.row.title,
        "unit": result.row.unit.value,
        "goal": asdict(goal) if goal else None,
        "met": goal.is_met(result.figure.value.median) if goal else None,
        **asdict(result.figure),
    }


def _table(text: Text) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in text.heads:
        table.add_column(head, overflow="fold")
    for row in text.rows:
        table.add_row(*map(_plain, row))
    return table


def _plain(text: str) -> str:
    """Text of Markdown as a terminal takes it."""
    return escape(text.replace("**", "").replace("`", ""))
