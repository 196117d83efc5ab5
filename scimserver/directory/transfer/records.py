"""What a file consists of, before anybody knows what it says: records, each of a bounded size, or a fault."""

from dataclasses import dataclass
from typing import Final

MAX_RECORD: Final = 2**20
"""Characters of a record of CSV, or of an object in JSON: four times what a user may take when stored."""

TOO_LONG: Final = f"It is longer than {MAX_RECORD} characters."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a record cannot be read."""

    detail: str
    is_last: bool = False
    """Whether nothing after it can be read either."""
