"""Entries of the provisioning log as people and programs read them.

The entry holds commitments to personal values, the values stand beside it: where one was erased,
that is said in its place. A password is in neither, and would not be shown.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from scimserver.audit.store import Logged
from scimserver.cli.show import NOTHING
from scimserver.kernel.facts import Json

COLUMNS: Final = ("time", "event", "outcome", "who", "target", "what changed", "reason", "ms")

_ERASED: Final = "(erased)"
_LONGEST: Final = 80


def as_object(logged: Logged) -> dict[str, Json]:
    """The entry as it was sealed, and under `personal` the values that are still there, by field."""
    return {**logged.entry, "personal": logged.personal}


def as_cells(logged: Logged) -> tuple[str, ...]:
    """The entry as a row below `COLUMNS`."""
    entry = logged.entry
    return (
        _time(entry["occurred"]),
        _event(entry),
        entry["outcome"],
        _who(entry.get("actor", {})),
        _target(logged),
        "; ".join(_change(logged, index, each) for index, each in enumerate(entry.get("changes", ()))),
        entry.get("reason", ""),
        f"{entry.get('microseconds', 0) / 1000:.1f}",
    )


def _time(occurred: str) -> str:
    return f"{datetime.fromisoformat(occurred).astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _event(entry: dict[str, Any]) -> str:
    count = entry.get("count", 1)
    return entry["event"] if count == 1 else f"{entry['event']} ({count} times)"


def _who(actor: dict[str, Any]) -> str:
    return " ".join(filter(None, (actor.get("kind"), actor.get("name"))))


def _target(logged: Logged) -> str:
    target = logged.entry.get("target", {})
    name = _value(logged, "target.display", target.get("display"))
    shown = target.get("id", "") if name == NOTHING else name
    return " ".join(filter(None, (target.get("kind"), shown)))


def _change(logged: Logged, index: int, change: dict[str, Any]) -> str:
    path = change["path"]
    old, new = change.get("old"), change.get("new")
    is_secret = path.rpartition(":")[2].rpartition(".")[2].lower() == "password"
    if is_secret or (old is None and new is None):
        return path
    before = _value(logged, f"changes.{index}.old", old)
    return f"{path}: {before} → {_value(logged, f'changes.{index}.new', new)}"


def _value(logged: Logged, field: str, commitment: str | None) -> str:
    """The value to which the entry commits under a field's name."""
    if commitment is None:
        return NOTHING
    if field not in logged.personal:
        return _ERASED
    value = logged.personal[field]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
