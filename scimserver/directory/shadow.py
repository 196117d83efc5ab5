"""The shadow of a document: every string in the form in which it is compared (RFC 7643, section 2.2).

Filters and sorting read it where no column serves them. Strings are compared in Normalization Form C
and without letter case, case-exact ones in Normalization Form C only.
Proven by tests/properties/test_shadow.py and tests/properties/test_filter_sql.py.
"""

from collections.abc import Mapping, Sequence
from typing import Final, cast
from unicodedata import is_normalized, normalize

from scimserver.kernel.facts import Json

_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

CASE_EXACT: Final = frozenset(
    {
        "profileUrl",
        "photos.value",
        "x509Certificates.value",
        f"{_ENTERPRISE}:manager.value",
        f"{_ENTERPRISE}:manager.$ref",
    }
)
"""The attributes of a shadow whose letter case counts: references, identifiers and binary values."""

_WITH_CASE_EXACT: Final = frozenset(
    _ENTERPRISE if path.startswith(_ENTERPRISE) else path.partition(".")[0] for path in CASE_EXACT
)
"""The attributes and extensions of a resource that are or hold such."""

ELSEWHERE: Final = frozenset(
    {"userName", "externalId", "active", "id", "meta", "groups", "members", "owner", "password"}
)
"""What no shadow holds: it has a column, is derived from other rows, or is never compared."""


def comparable(text: str) -> str:
    """What a string is compared by, unless its letter case counts. Idempotent."""
    if text.isascii():
        return text.lower()
    return exact(exact(text).lower())


def exact(text: str) -> str:
    """What a case-exact string is compared by: two spellings of one character are equal."""
    return text if is_normalized("NFC", text) else normalize("NFC", text)


def shadow(document: Mapping[str, Json]) -> dict[str, Json]:
    """The shadow of a SCIM document whose names are spelled as the schemas spell them.

    Unassigned values are left out; binary values must be canonical base64, as validation leaves them.
    """
    return {
        name: _form(value, name, ":" if name.startswith("urn:") else ".")
        if name in _WITH_CASE_EXACT
        else _comparable(value)
        for name, value in document.items()
        if name not in ELSEWHERE and value is not None
    }


def _comparable(value: Json) -> Json:
    """The same where no letter case counts, so that no path has to be told: of nearly all there is."""
    if isinstance(value, str):
        return value.lower() if value.isascii() else comparable(value)
    if isinstance(value, dict):
        parts = cast("Mapping[str, Json]", value).items()
        return {name: _comparable(part) for name, part in parts if part is not None}
    if isinstance(value, list):
        return [_comparable(entry) for entry in cast("Sequence[Json]", value) if entry is not None]
    return value


def _form(value: Json, path: str, separator: str) -> Json:
    if isinstance(value, str):
        return exact(value) if path in CASE_EXACT else comparable(value)
    if isinstance(value, dict):
        parts = cast("Mapping[str, Json]", value).items()
        return {name: _form(part, path + separator + name, ".") for name, part in parts if part is not None}
    if isinstance(value, list):
        entries = cast("Sequence[Json]", value)
        return [_form(entry, path, separator) for entry in entries if entry is not None]
    return value
