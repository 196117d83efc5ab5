"""How long values and documents may be. PostgreSQL's indexes have room for 2,704 bytes in all."""

from collections.abc import Mapping
from typing import Final

from scimserver.directory.shadow import comparable
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Json

MAX_KEY_OCTETS: Final = 1024
"""The most UTF-8 octets of a value, and of the form in which it is compared."""

MAX_DOCUMENT_OCTETS: Final = 256 * 1024
"""The most octets of a stored document: each PATCH costs what is stored, so that may not grow for ever."""

MAX_SHOWN: Final = 100
"""How much of a client's value an error repeats."""


def require_short(values: Mapping[str, Json]) -> None:
    """Raise `InvalidValue`, naming the attribute, where a value is too long to be indexed."""
    for attribute, value in values.items():
        if isinstance(value, str) and len(comparable(value).encode()) > MAX_KEY_OCTETS:
            raise InvalidValue(f"{attribute} is longer than {MAX_KEY_OCTETS} octets.", attribute=attribute)


def require_bounded(stored: bytes) -> bytes:
    """The bytes of a document. Raises `InvalidValue` where there are too many to be stored."""
    if len(stored) > MAX_DOCUMENT_OCTETS:
        raise InvalidValue(
            f"The resource would take {len(stored)} octets; at most {MAX_DOCUMENT_OCTETS} are stored."
            " Send fewer or shorter values."
        )
    return stored


def shown(value: object) -> str:
    """The beginning of a client's value, for an error."""
    text = str(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
