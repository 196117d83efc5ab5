"""Changes that wait for the end of their unit of work, and the statements that they become."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from scimserver.db import queries
from scimserver.db.queries import ChangeClause
from scimserver.db.violations import ConstraintViolated, translate
from scimserver.kernel.errors import Conflicted, Refused
from scimserver.work.operation import ENTRY_KEYS, AlreadyRecorded

Broken = Mapping[str, Callable[[], Refused | Conflicted]]
"""What to raise when a constraint of that name would be broken."""

# Statements are put together once.
alone: Final = cache(queries.alone)
recorded: Final = cache(queries.compose)
standing: Final = cache(queries.standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A change and its arguments."""

    clause: ChangeClause
    arguments: tuple[object, ...]
    broken: Broken


async def executed(statement: Awaitable[int], broken: Broken) -> int:
    """How many rows a statement hit. Raises `AlreadyRecorded`, and what `broken` says."""
    try:
        return await statement
    except ConstraintViolated as error:
        if error.constraint_name in ENTRY_KEYS:
            raise AlreadyRecorded from error
        raise translate(error, broken) from error
