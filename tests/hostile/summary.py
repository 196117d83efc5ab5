"""What a campaign came to, as a table for people."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.hostile.lane import Tally


def summarise(
    console: Console, tally: Tally, kinds: Sequence[str], faults: Sequence[str], seconds: float
) -> None:
    """Print counts by endpoint and status, the slowest answers, and what was found."""
    table = Table("endpoint", "answers", "by status")
    totals: Counter[str] = Counter()
    for (name, _), count in tally.answers.items():
        totals[name] += count
    for name, total in sorted(totals.items()):
        statuses = sorted((status, count) for (each, status), count in tally.answers.items() if each == name)
        table.add_row(
            name, f"{total:,}", "  ".join(f"{status or 'none'} {count:,}" for status, count in statuses)
        )
    console.print(table)
    for slowest, what in tally.slowest:
        console.print(f"{slowest:.2f} s  {what}", markup=False, highlight=False, soft_wrap=True)
    sent = totals.total()
    console.print(f"{sent:,} requests in {seconds:,.0f} s, {sent / seconds:,.0f} a second.", highlight=False)
    for fault in faults:
        console.print(fault, markup=False)
    for kind, count in Counter(kinds).most_common():
        console.print(f"found {count}: {kind}", markup=False)
    if not kinds and not faults:
        console.print("Nothing was found.")
