"""How long a value may be that an index holds: PostgreSQL's have room for 2,704 bytes in all."""

from collections.abc import Mapping
from typing import Final

from scimserver.directory.shadow import comparable
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Json

MAX_KEY_OCTETS: Final = 1024
"""The most UTF-8 octets of a value, and of the form in which it is compared."""

MAX_SHOWN: Final = 100
"""How much of a client's value an error repeats."""


def require_short(values: Mapping[str, Json]) -> None:
    """Raise `InvalidValue`, naming the attribute, where a value is too long to be indexed."""
    for attribute, value in values.items():
        if isinstance(value, str) and len(comparable(value).encode()) > MAX_KEY_OCTETS:
            raise InvalidValue(f"{attribute} is longer than {MAX_KEY_OCTETS} octets.", attribute=attribute)


def shown(value: object) -> str:
    """The beginning of a client's value, for an error."""
    text = str(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
