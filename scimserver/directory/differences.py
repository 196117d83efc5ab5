"""What changed between two states of a document, as facts tell it. Pure.

Proven by tests/unit/test_user_rules.py.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from scimserver.kernel.facts import Change, Json


def difference(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[Change, ...]:
    """What changed, attribute by attribute; sub-attributes of complex ones by themselves."""
    return tuple(_differences(old, new, ""))


def _differences(old: Mapping[str, Json], new: Mapping[str, Json], prefix: str) -> Iterator[Change]:
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key), new.get(key)
        if before == after or (not prefix and key in ("schemas", "id")):
            continue
        path = prefix + key
        if isinstance(before or {}, dict) and isinstance(after or {}, dict) and (before or after):
            inner = path + (":" if path.startswith("urn:") and ":" not in prefix else ".")
            yield from _differences(
                cast("Mapping[str, Json]", before or {}), cast("Mapping[str, Json]", after or {}), inner
            )
        else:
            yield Change(path=path, old=before, new=after)
