"""Durations and moments as operators write them: `90d`, `12h`, or ISO 8601."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import click

_DURATION: Final = re.compile(r"(?P<count>[0-9]{1,9})(?P<unit>[smhdw])")
_UNITS: Final[Mapping[str, timedelta]] = MappingProxyType(
    {
        "s": timedelta(seconds=1),
        "m": timedelta(minutes=1),
        "h": timedelta(hours=1),
        "d": timedelta(days=1),
        "w": timedelta(weeks=1),
    }
)
_LONGEST: Final = timedelta(days=36_500)


def duration(_context: click.Context, _parameter: click.Parameter, value: str | None) -> timedelta | None:
    """An option's callback: a number with its unit."""
    parsed = None if value is None else parse_duration(value)
    if value is not None and parsed is None:
        raise click.BadParameter("write a number and a unit, such as 90d, 12h or 30m (s, m, h, d, w)")
    return parsed


def moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """An option's callback: a moment."""
    parsed = None if value is None else parse_moment(value)
    if value is not None and parsed is None:
        raise click.BadParameter("write a time such as 2026-01-31 or 2026-01-31T12:00Z")
    return parsed


def moment_or_ago(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> datetime | timedelta | None:
    """An option's callback: a moment, or how long ago it was."""
    if value is None:
        return None
    since = parse_duration(value)
    parsed = parse_moment(value) if since is None else since
    if parsed is None:
        raise click.BadParameter("write a time such as 2026-01-31T12:00Z, or how long ago, such as 2h or 7d")
    return parsed


def parse_duration(text: str) -> timedelta | None:
    """The duration of at most a hundred years that the text names, or None."""
    matched = _DURATION.fullmatch(text)
    if matched is None:
        return None
    count, unit = int(matched["count"]), _UNITS[matched["unit"]]
    return count * unit if count <= _LONGEST // unit else None


def parse_moment(text: str) -> datetime | None:
    """The moment that the text names, in UTC where it names no offset, or None."""
    try:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def ago(when: datetime | timedelta | None, now: datetime) -> datetime | None:
    """The moment meant, seen from now."""
    return now - when if isinstance(when, timedelta) else when
