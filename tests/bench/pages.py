"""A run's figures in docs/performance.md, each between its marks, and the plot beside it.

Proven by tests/unit/test_bench_figures.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench import plot, report
from tests.bench.plot import Bar
from tests.bench.report import Text
from tests.bench.run import Measured
from tests.bench.servers import ROOT

_PAGE: Final = Path("docs/performance.md")
_PLOT: Final = Path("docs/performance/beside-bare.svg")
_MARKED: Final = re.compile(
    r"(?P<open><!-- bench: (?P<name>[a-z-]+) -->\n).*?(?P<close><!-- bench end -->)", re.DOTALL
)


def write(measured: Measured) -> None:
    """Write page and plot anew; what was not measured stays as it is."""
    page = ROOT / _PAGE
    page.write_text(filled(page.read_text("utf-8"), dict(_parts(measured))), "utf-8")
    drawn = list(_bars(measured))
    if drawn:
        (ROOT / _PLOT).parent.mkdir(exist_ok=True)
        (ROOT / _PLOT).write_text(plot.bars("Beside a bare aiohttp + asyncpg handler", drawn), "utf-8")


def filled(page: str, parts: dict[str, str]) -> str:
    """The page with these parts between their marks."""

    def fill(found: re.Match[str]) -> str:
        part = parts.get(found["name"])
        return found[0] if part is None else f"{found['open']}\n{part.strip()}\n\n{found['close']}"

    return _MARKED.sub(fill, page)


def markdown(text: Text) -> str:
    """A table of Markdown."""
    lines = [text.heads, ["---" for _ in text.heads], *text.rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _parts(measured: Measured) -> Iterator[tuple[str, str]]:
    yield "machine", "\n".join(f"- {line}" for line in report.summary(measured).splitlines())
    for name, text in (
        ("beside-bare", report.beside_bare(measured)),
        ("others", report.others(measured)),
        ("sizing", report.sizing(measured)),
    ):
        if text.rows:
            yield name, markdown(text)
    if measured.profiles:
        yield "profiles", "\n".join(_profiles(measured))


def _profiles(measured: Measured) -> Iterator[str]:
    for profile in measured.profiles:
        yield f"### {profile.title}\n"
        yield f"{profile.server_us:,.0f} µs of processor time a request while it was looked at.\n"
        yield markdown(report.profile_text(profile))


def _bars(measured: Measured) -> Iterator[Bar]:
    for result in measured.results:
        if report.is_beside(result) and result.figure.processor is not None:
            yield Bar(
                title=result.row.title.replace("`", ""),
                value=result.figure.value.median,
                processor=result.figure.processor.median,
                goal=result.row.goal,
            )
