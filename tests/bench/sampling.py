"""The server with a clock that looks, every few milliseconds of processor time, where it is.

A sampler distorts little, unlike a tracer: what is counted is where the program was when the time
was up. The kernel's own work and that of C code count for the Python function that called it, or
for the next one that runs. Each worker starts to look at the first SIGUSR1, and at the second one
writes what it saw to the file that SCIMSERVER_TEST_SAMPLES names. Run as
`python -m tests.bench.sampling serve`.
"""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

from scimserver.cli import main
from tests.bench import profile

FILE_VARIABLE: Final = "SCIMSERVER_TEST_SAMPLES"
_EVERY_S: Final = 0.001


class Sampler:
    """Counts samples: by the stack's last function, by its last one outside Python's own library, by each."""

    def __init__(self, result: Path) -> None:
        self._result = result
        self._samples = 0
        self._own: Counter[CodeType] = Counter()
        self._blamed: Counter[CodeType] = Counter()
        self._through: Counter[CodeType] = Counter()
        self._runs = False

    def install(self) -> None:
        """Wait for the first signal."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, self._toggle)

    def _toggle(self, _number: int, _frame: FrameType | None) -> None:
        self._runs = not self._runs
        every = _EVERY_S if self._runs else 0
        signal.setitimer(signal.ITIMER_PROF, every, every)
        if not self._runs:
            self._write()

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self._samples += 1
        self._own[frame.f_code] += 1
        seen: dict[CodeType, None] = {}
        while frame is not None:
            seen[frame.f_code] = None
            frame = frame.f_back
        self._through.update(seen.keys())
        ours = (code for code in seen if not profile.is_python(code.co_filename))
        self._blamed[next(ours, next(iter(seen)))] += 1

    def _write(self) -> None:
        functions = [
            {
                "file": code.co_filename,
                "name": code.co_qualname,
                "own": self._own[code],
                "blamed": self._blamed[code],
                "through": samples,
            }
            for code, samples in self._through.items()
        ]
        unfinished = self._result.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({"samples": self._samples, "functions": functions}), "utf-8")
        unfinished.rename(self._result)


if __name__ == "__main__":
    sampler = Sampler(Path(os.environ[FILE_VARIABLE]))
    os.register_at_fork(after_in_child=sampler.install)
    main()
