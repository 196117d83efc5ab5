"""Where the time of a row goes: a worker under the row's load, sampled, its functions by package.

Proven by tests/unit/test_bench_figures.py.
"""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.servers import ROOT, ServerFailedError

_TOP: Final = 18
_NEARLY_ALL: Final = 0.97
_PYTHON: Final = "python"
_FRAME: Final = frozenset(
    {
        _PYTHON,
        "aiohttp",
        "click",
        "uvloop",
        "scimserver.cli",
        "scimserver.http",
        "scimserver.telemetry",
        "tests",
    }
)
"""What stands around the handler: nobody looks there for a way to go."""
_PACKAGES: Final = "site-packages" + os.sep
_DEADLINE_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A share of the time, and how many microseconds of a request it is."""

    name: str
    share: float
    microseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Where the time of a request goes."""

    row: str
    title: str
    server_us: float
    samples: int
    packages: Sequence[Part]
    """By package, Python's own library counted for the package that called it; adds up to all."""
    functions: Sequence[Part]
    """The functions with the most time of their own."""
    ways: Sequence[Part]
    """The functions through which the most time went, with all that they called."""


def read(samples: dict[str, Any], *, row: str, title: str, server_us: float) -> Profile:
    """The profile that a sampler's file tells."""
    total = samples["samples"] or 1
    packages: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    ways: Counter[str] = Counter()
    for function in samples["functions"]:
        package, place = where(function["file"])
        name = f"{place}: {function['name']}"
        packages[package] += function["blamed"]
        functions[name] += function["own"]
        if package not in _FRAME and function["through"] < _NEARLY_ALL * total:
            ways[name] += function["through"]

    def top(counts: Counter[str], most: int | None) -> list[Part]:
        return [
            Part(name=name, share=number / total, microseconds=number / total * server_us)
            for name, number in counts.most_common(most)
            if number
        ]

    return Profile(
        row=row,
        title=title,
        server_us=server_us,
        samples=samples["samples"],
        packages=top(packages, None),
        functions=top(functions, _TOP),
        ways=top(ways, _TOP),
    )


def where(file: str) -> tuple[str, str]:
    """The package of a file, and the file without what differs from machine to machine."""
    if _PACKAGES in file:
        place = file.rpartition(_PACKAGES)[2]
        return place.partition(os.sep)[0].removesuffix(".py"), place
    _, found, inside = file.rpartition(f"{os.sep}scimserver{os.sep}")
    if file.startswith(str(ROOT / "tests")):
        return "tests", Path(file).name
    if found:
        return "scimserver." + inside.partition(os.sep)[0].removesuffix(".py"), f"scimserver/{inside}"
    return _PYTHON, Path(file).name


def is_python(file: str) -> bool:
    """Whether the file is one of Python itself."""
    return where(file)[0] == _PYTHON


def toggle(worker: int) -> None:
    """Let a sampled worker begin to look, or write what it saw."""
    os.kill(worker, signal.SIGUSR1)


def collected(file: Path) -> dict[str, Any]:
    """What a worker saw, as soon as it has written it. Raises `ServerFailedError`."""
    deadline = time.monotonic() + _DEADLINE_S
    while not file.exists():
        if time.monotonic() > deadline:
            raise ServerFailedError("the sampled worker wrote no samples")
        time.sleep(0.05)
    return json.loads(file.read_text("utf-8"))
