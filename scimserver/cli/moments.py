"""Durations and moments as operators write them: `90d`, `12h`, or ISO 8601."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

_DURATION: Final = re.compile(r"(?P<count>[0-9]{1,9})(?P<unit>[smhdw])")
_UNITS: Final = (("s", "seconds"), ("m", "minutes"), ("h", "hours"), ("d", "days"), ("w", "weeks"))
_LONGEST: Final = timedelta(days=36_500)


class Duration(click.ParamType[timedelta]):
    """A number with its unit: s, m, h, d or w."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The duration; fails as click does, saying what to write."""
        if isinstance(value, timedelta):
            return value
        duration = parse_duration(str(value))
        if duration is None:
            self.fail("write a number and a unit, such as 90d, 12h or 30m (s, m, h, d, w)", param, ctx)
        return duration


class Moment(click.ParamType[datetime | timedelta]):
    """A moment in ISO 8601, or how long ago it was."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | timedelta:
        """The moment, in UTC unless it says otherwise, or the duration; fails as click does."""
        if isinstance(value, datetime | timedelta):
            return value
        moment = parse_duration(str(value)) or parse_moment(str(value))
        if moment is None:
            self.fail("write a time such as 2026-01-31T12:00Z, or how long ago, such as 2h or 7d", param, ctx)
        return moment


class Instant(click.ParamType[datetime]):
    """A moment in ISO 8601."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The moment, in UTC unless it says otherwise; fails as click does."""
        if isinstance(value, datetime):
            return value
        moment = parse_moment(str(value))
        if moment is None:
            self.fail("write a time such as 2026-01-31 or 2026-01-31T12:00Z", param, ctx)
        return moment


def parse_duration(text: str) -> timedelta | None:
    """The duration of at most a hundred years that the text names, or None."""
    matched = _DURATION.fullmatch(text)
    if matched is None:
        return None
    try:
        duration = timedelta(**{dict(_UNITS)[matched["unit"]]: int(matched["count"])})
    except OverflowError:
        return None
    return duration if duration <= _LONGEST else None


def parse_moment(text: str) -> datetime | None:
    """The moment that the text names, in UTC where it names no offset, or None."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def ago(moment: datetime | timedelta | None, now: datetime) -> datetime | None:
    """The moment meant, seen from now."""
    return now - moment if isinstance(moment, timedelta) else moment
