"""Durations and moments as operators write them."""

from datetime import UTC, datetime, timedelta

import pytest

from scimserver.cli.moments import ago, parse_duration, parse_moment

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text,duration",
    [
        ("0s", timedelta(0)),
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("90d", timedelta(days=90)),
        ("2w", timedelta(weeks=2)),
        ("36500d", timedelta(days=36_500)),
    ],
)
def test_duration_is_a_number_and_a_unit(text: str, duration: timedelta):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "90", "d", "-1d", "1.5h", "1 h", "1h30m", "3y", "36501d", "999999999w", "9" * 99 + "s", "٣d"]
)
def test_duration_is_nothing_else(text: str):
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    "text,moment",
    [
        ("2026-01-31T12:00Z", NOON),
        ("2026-01-31T12:00", NOON),
        ("2026-01-31T13:00+01:00", NOON),
        ("2026-01-31 12:00:00", NOON),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_moment_is_iso_8601_and_utc_unless_it_says_otherwise(text: str, moment: datetime):
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["", "now", "31.01.2026", "2026-02-30", "0001-01-01T00:00+23:00"])
def test_moment_is_nothing_else(text: str):
    assert parse_moment(text) is None


@pytest.mark.parametrize(
    "said,meant", [(timedelta(hours=2), NOON - timedelta(hours=2)), (NOON, NOON), (None, None)]
)
def test_ago_is_seen_from_now(said: datetime | timedelta | None, meant: datetime | None):
    assert ago(said, NOON) == meant
