"""The text of an entry: one text for one entry, whatever a client sent that stands in it."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from scimserver.audit.entry import Entry, canonical, write
from scimserver.kernel.actor import NOBODY, Origin
from scimserver.kernel.facts import Change, Outcome
from scimserver.kernel.ids import EntryId, OrganizationId

ID = UUID("0190b4f0-0000-7000-8000-000000000000")


def entry(user_agent: str) -> Entry:
    return Entry(
        id=EntryId(ID),
        organization=OrganizationId(ID),
        occurred=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        event="user.update",
        outcome=Outcome.SUCCESS,
        actor=NOBODY,
        origin=Origin(request_id="r-1", user_agent=user_agent),
        changes=(Change(path="title", old="Dr", new="Prof"),),
        microseconds=2**63,
    )


@pytest.mark.parametrize(
    "user_agent",
    ["curl/8", "B\u00fcro/1", "\U0001f600", "\ud800", '"\\/\b\t\n\f\r\x00\x1f\x7f', "\u2028"],
    ids=["ASCII", "Latin", "beyond the first plane", "half a surrogate pair", "controls", "separator"],
)
def test_text_is_canonical_and_says_what_the_entry_says(user_agent: str):
    text = write(entry(user_agent), bytes).text
    assert text == canonical(json.loads(text))
    assert text.isascii()
    assert json.loads(text)["request"]["user_agent"] == user_agent
