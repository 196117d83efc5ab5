"""Bars of what was reached, with marks at the goals: a small SVG, readable in light and in dark.

Proven by tests/unit/test_bench_figures.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from tests.bench.figures import Goal

_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_WIDTH: Final = 820
_LEFT: Final = 300
_RIGHT: Final = 64
_TOP: Final = 52
_ROW: Final = 40
_BOTTOM: Final = 44

_STYLE: Final = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .small { font-size: 11px; fill: #59636e; }
  .axis { stroke: #d1d9e0; }
  .met { fill: #2da44e; } .missed { fill: #cf222e; } .free { fill: #8c959f; }
  .processor { fill: #0969da; opacity: .55; }
  .goal { stroke: #1f2328; stroke-width: 2; } .then { stroke-dasharray: 3 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .small { fill: #9198a1; }
    .axis { stroke: #3d444d; }
    .met { fill: #3fb950; } .missed { fill: #f85149; } .free { fill: #656c76; }
    .processor { fill: #4493f8; }
    .goal { stroke: #f0f6fc; }
  }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A row of the plot: shares of what the bare reference does."""

    title: str
    value: float
    processor: float
    goal: Goal | None = None


def bars(title: str, drawn: Sequence[Bar]) -> str:
    """The plot's SVG."""
    longest = max((reach for bar in drawn for reach in _reaches(bar)), default=1.0)
    scale = (_WIDTH - _LEFT - _RIGHT) / max(1.0, longest)
    height = _TOP + _ROW * len(drawn) + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<text x="0" y="16" font-weight="600">{escape(title)}</text>',
        *_legend(),
        *_axis(scale, longest, height),
        *(line for number, bar in enumerate(drawn) for line in _bar(bar, _TOP + number * _ROW, scale)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _reaches(bar: Bar) -> Iterator[float]:
    yield bar.value
    yield bar.processor
    if bar.goal is not None:
        yield bar.goal.then or bar.goal.at_least


def _legend() -> Iterator[str]:
    yield '<text class="small" x="0" y="36">upper bar: requests a second; lower bar: requests for the same'
    yield "processor time. Solid mark: at least; dashed mark: then.</text>"


def _axis(scale: float, longest: float, height: int) -> Iterator[str]:
    step = 0.25 if longest <= 1.5 else 0.5 if longest <= 3 else 1.0
    bottom = height - _BOTTOM + 6
    for number in range(int(max(1.0, longest) / step) + 1):
        x = _LEFT + number * step * scale
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{bottom}"/>'
        label = f"{number * step:g}{_TIMES}"
        yield f'<text class="small" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{label}</text>'


def _bar(bar: Bar, top: int, scale: float) -> Iterator[str]:
    kind = "free" if bar.goal is None else "met" if bar.goal.is_met(bar.value) else "missed"
    width, processor = max(bar.value * scale, 1), max(bar.processor * scale, 1)
    yield f'<text x="{_LEFT - 8}" y="{top + 17}" text-anchor="end">{escape(bar.title)}</text>'
    yield f'<rect class="{kind}" x="{_LEFT}" y="{top + 3}" width="{width:.1f}" height="14"/>'
    yield f'<rect class="processor" x="{_LEFT}" y="{top + 19}" width="{processor:.1f}" height="6"/>'
    marks = [] if bar.goal is None else [("goal", bar.goal.at_least), ("goal then", bar.goal.then)]
    reached = max(_reaches(bar)) * scale
    for name, at in marks:
        if at is not None:
            x = _LEFT + at * scale
            yield f'<line class="{name}" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + 28}"/>'
    yield f'<text x="{_LEFT + reached + 8:.1f}" y="{top + 17}">{bar.value:.2f}{_TIMES}</text>'
