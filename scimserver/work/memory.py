"""What a process remembers from one unit of work to the next, so that not each has to ask.

Nothing here is known to hold still. Whoever uses it writes under the condition that it does, and
asks anew before refusing anything. Proven by tests/unit/test_memory.py and tests/api/test_rules_change.py.
"""

from collections.abc import Hashable
from typing import TypeVar

_T = TypeVar("_T")

MOST_KEPT = 10_000
"""How many things are remembered at most; what was kept first is forgotten first."""


class Memory:
    """Things by their type and a key."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: dict[tuple[type, Hashable], object] = {}

    def get(self, kind: type[_T], key: Hashable) -> _T | None:
        """The thing of that type and key, or None."""
        found = self._kept.get((kind, key))
        return found if isinstance(found, kind) else None

    def keep(self, key: Hashable, thing: object) -> None:
        """Remember a thing in place of what was remembered by that key."""
        place = type(thing), key
        if place not in self._kept and len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[place] = thing

    def forget(self, kind: type, key: Hashable) -> None:
        """Remember nothing of that type by that key; harmless where nothing was."""
        self._kept.pop((kind, key), None)
