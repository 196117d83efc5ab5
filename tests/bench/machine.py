"""What processes use of the machine, as Linux counts it, and what machine it is."""

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

_TICK_US: Final = 1e6 / os.sysconf("SC_CLK_TCK")
_LIBRARIES: Final = ("aiohttp", "asyncpg", "uvloop", "scim2-models", "scim2-server", "pydantic", "orjson")


def cpu_us(processes: Iterable[int]) -> float:
    """Microseconds of processor time that processes have used so far, in user and kernel mode."""
    return sum(sum(_times(process)[:2]) for process in processes) * _TICK_US


def tree_cpu_us(root: int) -> float:
    """The same of a process and its children: those that run, and those that have ended."""
    return sum(_times(root)) * _TICK_US + cpu_us(children(root))


def busy_us() -> float:
    """Microseconds of processor time that everything on the machine has used, or was kept from using."""
    user, nice, system, _idle, _waiting, *rest = Path("/proc/stat").read_text("ascii").split()[1:9]
    return sum(map(int, (user, nice, system, *rest))) * _TICK_US


def _times(process: int) -> tuple[int, ...]:
    """Ticks in user and kernel mode, own and of children that have ended; none of a dead process."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return (0, 0, 0, 0)
    return tuple(int(field) for field in fields[11:15])


def children(process: int) -> list[int]:
    """The children of a process that are there."""
    try:
        return [
            int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []


def resident_mb(process: int) -> float:
    """Megabytes (of 10^6 bytes) of memory that a process holds now."""
    return _status(process, "VmRSS")


def peak_mb(process: int) -> float:
    """The most that it has held since `forget_peak`."""
    return _status(process, "VmHWM")


def forget_peak(process: int) -> None:
    """Count the peak from now on."""
    Path(f"/proc/{process}/clear_refs").write_text("5", "ascii")


def _status(process: int, name: str) -> float:
    text = Path(f"/proc/{process}/status").read_text("utf-8")
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    assert found, f"the kernel does not tell {name}"
    return int(found[1]) * 1024 / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What figures depend on; no name that would tell which machine it was."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    postgres: str
    libraries: dict[str, str]


def describe(postgres: str) -> Machine:
    """The machine that this runs on."""
    return Machine(
        processor=_proc("cpuinfo", "model name"),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(int(_proc("meminfo", "MemTotal").split()[0]) * 1024 / 1e9, 1),
        system=f"{platform.system()} {platform.release().partition('-')[0]}, {platform.machine()}",
        python=platform.python_version(),
        postgres=postgres,
        libraries={name: version(name) for name in _LIBRARIES},
    )


def _proc(file: str, name: str) -> str:
    text = Path(f"/proc/{file}").read_text("utf-8")
    found = re.search(rf"^{name}\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else "0 unknown"
