"""Connections are looked after: other metadata and ends of certificates are told of, and nothing is taken."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scimserver.access.saml.metadata import parse_metadata
from scimserver.directory import saml
from scimserver.directory.saml import SamlConnection, State, Wanted
from scimserver.kernel.errors import Conflicted, InvalidValue
from scimserver.work import WorkRoom
from scimserver.workers.metadata import LEASE, MOST_AT_ONCE, MetadataWorker
from tests.clocks import Hands
from tests.importing import ORIGIN, Acme
from tests.metadata import key, metadata
from tests.responses.provider import signer

URL = "https://idp.example.com/metadata"
TOLD = (
    "SELECT topic FROM outbox WHERE topic LIKE 'saml_connection.%' AND topic NOT LIKE '%.updated' ORDER BY id"
)
CHECKED = "SELECT event FROM log_entries WHERE event LIKE 'saml_connection.check%' ORDER BY id"
DIFFERS, ENDS = "saml_connection.metadata_differs", "saml_connection.certificate_ends"
TWO_KEYS = metadata(keys=key(signer().certificate) + key(signer("next").certificate))


@dataclass
class Looks:
    """A worker, what it finds at addresses, and the connections that it looks after."""

    office: Acme
    hands: Hands = field(default_factory=lambda: Hands(datetime.now(UTC)))
    there: dict[str, str | Exception] = field(default_factory=dict[str, "str | Exception"])
    fetched: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.room = WorkRoom(self.office.database, clock=self.hands)
        self.worker = self.another()

    def another(self) -> MetadataWorker:
        """A worker of another process."""
        return MetadataWorker(room=self.room, fetch=self.fetch, spread=timedelta)

    async def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        document = self.there[url]
        if isinstance(document, Exception):
            raise document
        return document.encode()

    async def connect(self, name: str = "Okta", url: str | None = URL, **different: Any) -> SamlConnection:
        """A connection whose metadata is at an address, where it is not changed yet."""
        text = metadata(**different)
        if url is not None:
            self.there[url] = text
        provider = parse_metadata(text.encode(), self.hands.now)
        async with self.room.open(self.office.operator, ORIGIN) as work:
            return await saml.create(work, Wanted(name=name, metadata_url=url), provider)

    async def changed(self, found: SamlConnection, act: Callable[..., Any], *arguments: Any) -> None:
        async with self.room.open(self.office.operator, ORIGIN) as work:
            await act(work, found, *arguments)

    async def found(self, made: SamlConnection) -> SamlConnection:
        found = await saml.get(self.office.database, self.office.operator.organization, made.id)
        assert found is not None
        return found

    async def a_day_later(self, days: float = 1) -> None:
        self.hands.move(days=days, seconds=1)
        await self.worker.once()

    async def told(self) -> list[str]:
        return [row["topic"] for row in await self.office.rows.fetch(TOLD)]


@pytest.fixture
async def looks(office: Acme) -> Looks:
    """A worker that found nothing to do yet."""
    return Looks(office)


async def test_connection_is_looked_at_once_a_day(looks: Looks):
    made = await looks.connect()
    await looks.worker.once()
    assert looks.fetched == []
    await looks.a_day_later()
    await looks.worker.once()
    assert looks.fetched == [URL]
    assert (await looks.found(made)).seen.checked == looks.hands.now
    await looks.a_day_later()
    assert looks.fetched == [URL, URL]
    assert await looks.told() == []


@pytest.mark.parametrize(
    "text,paths",
    [
        (metadata(entity_id="https://other.example.com"), {"entityId"}),
        (metadata(location="https://idp.example.com/other"), {"ssoUrl"}),
        (TWO_KEYS, {"certificates"}),
        (metadata(keys=key(signer("next").certificate)), {"certificates"}),
    ],
    ids=["entity id", "address", "one more key", "another key"],
)
async def test_other_metadata_is_told_of_once_and_not_taken(looks: Looks, text: str, paths: set[str]):
    made = await looks.connect()
    looks.there[URL] = text
    for _ in range(3):
        await looks.a_day_later()
    found = await looks.found(made)
    assert (found.provider, found.version) == (made.provider, made.version)
    assert {change.path for change in found.seen.pending} == paths
    assert await looks.told() == [DIFFERS]


async def test_certificate_that_is_gone_there_counts_until_an_administrator_says_otherwise(looks: Looks):
    keys = key(signer().certificate) + key(signer("next").certificate)
    made = await looks.connect(keys=keys)
    looks.there[URL] = metadata()
    await looks.a_day_later()
    found = await looks.found(made)
    assert (len(found.provider.certificates), len(found.seen.pending)) == (2, 1)


async def test_each_other_difference_is_told_of(looks: Looks):
    made = await looks.connect()
    for text in (TWO_KEYS, metadata(), TWO_KEYS, metadata(location="https://idp.example.com/other")):
        looks.there[URL] = text
        await looks.a_day_later()
    assert await looks.told() == [DIFFERS] * 3
    looks.there[URL] = metadata()
    await looks.a_day_later()
    assert (await looks.found(made)).seen.pending == ()


async def test_difference_is_settled_by_taking_it(looks: Looks):
    made = await looks.connect()
    looks.there[URL] = TWO_KEYS
    await looks.a_day_later()
    found = await looks.found(made)
    await looks.changed(found, saml.update, found.wanted, parse_metadata(TWO_KEYS.encode(), looks.hands.now))
    assert (await looks.found(made)).seen.pending == ()
    await looks.a_day_later()
    assert (len((await looks.found(made)).provider.certificates), await looks.told()) == (2, [DIFFERS])


async def test_provider_that_fails_stops_no_other_and_is_on_record(looks: Looks):
    made = await looks.connect()
    other = await looks.connect("Other", "https://b.example.com/", entity_id="urn:b")
    looks.there[URL] = InvalidValue("It answered 500.")
    looks.there["https://b.example.com/"] = TWO_KEYS.replace("https://idp.example.com", "urn:b", 1)
    await looks.a_day_later()
    assert (await looks.found(made)).seen.failure == "It answered 500."
    assert (await looks.found(other)).seen.pending != ()
    looks.there[URL] = "<a/>"
    await looks.a_day_later()
    assert "no identity provider" in ((await looks.found(made)).seen.failure or "")
    looks.there[URL] = metadata()
    await looks.a_day_later()
    assert (await looks.found(made)).seen.failure is None


async def test_failure_leaves_what_was_seen_before(looks: Looks):
    made = await looks.connect()
    looks.there[URL] = TWO_KEYS
    await looks.a_day_later()
    before = (await looks.found(made)).seen
    looks.there[URL] = InvalidValue("It answered 500.")
    await looks.a_day_later()
    after = (await looks.found(made)).seen
    assert (after.pending, after.checked) == (before.pending, before.checked)


async def test_connection_that_is_disabled_is_left_alone(looks: Looks):
    made = await looks.connect()
    await looks.changed(made, saml.switch, State.DISABLED)
    await looks.a_day_later()
    assert looks.fetched == []


async def test_two_processes_look_once(looks: Looks):
    await looks.connect()
    looks.there[URL] = TWO_KEYS
    looks.hands.move(days=2)
    await asyncio.gather(looks.worker.once(), looks.another().once())
    assert (looks.fetched, await looks.told()) == ([URL], [DIFFERS])


async def test_process_that_died_is_followed_by_another(looks: Looks):
    await looks.connect()
    looks.hands.move(days=2)
    now = looks.hands.now
    assert await saml.claim_look(looks.office.database, now, now + LEASE) is not None
    await looks.worker.once()
    assert looks.fetched == []
    looks.hands.now += LEASE
    await looks.worker.once()
    assert looks.fetched == [URL]


async def test_what_was_seen_of_a_connection_that_changed_meanwhile_is_not_kept(looks: Looks):
    made = await looks.connect()
    await looks.changed(made, saml.switch, State.TESTING)
    with pytest.raises(Conflicted):
        await looks.changed(made, saml.finish_look, made.provider, None, looks.hands.now)
    assert (await looks.found(made)).seen.looked is None


async def test_one_that_cannot_be_looked_at_keeps_no_other_waiting(looks: Looks):
    for number in range(3):
        url = f"https://{number}.example.com/"
        await looks.connect(str(number), url, entity_id=f"urn:{number}")
    looks.there["https://0.example.com/"] = looks.there["https://1.example.com/"] = RuntimeError("a bug")
    await looks.a_day_later()
    assert len(looks.fetched) == 3


async def test_round_has_an_end(looks: Looks):
    for number in range(MOST_AT_ONCE + 1):
        url = f"https://{number}.example.com/"
        await looks.connect(str(number), url, entity_id=f"urn:{number}")
    await looks.a_day_later()
    assert len(looks.fetched) == MOST_AT_ONCE
    await looks.worker.once()
    assert len(looks.fetched) == MOST_AT_ONCE + 1


async def test_connection_is_looked_at_soon_where_that_is_wanted_but_not_again_and_again(looks: Looks):
    made = await looks.connect()
    organization = looks.office.operator.organization
    for minute in range(11):
        await saml.want_look(looks.office.database, organization, made.id, looks.hands.now)
        await looks.worker.once()
        assert len(looks.fetched) == (1 if minute < 10 else 2)
        looks.hands.move(minutes=1)


async def test_end_of_a_certificate_is_told_thirty_seven_and_one_day_before(looks: Looks):
    made = await looks.connect(url=None)
    [certificate] = made.provider.certificates
    days_told: list[int] = []
    looks.hands.now = certificate.not_after - timedelta(days=35)
    while looks.hands.now < certificate.not_after + timedelta(days=2):
        before = len(await looks.told())
        await looks.a_day_later(0.7)
        if len(await looks.told()) > before:
            days_told.append((certificate.not_after - looks.hands.now).days)
    assert len(days_told) == 3
    assert [28 <= days_told[0] < 30, 5 <= days_told[1] < 7, 0 <= days_told[2] < 1] == [True] * 3
    assert set(await looks.told()) == {ENDS}
    assert looks.fetched == []


async def test_end_that_is_near_when_it_is_first_looked_at_is_told_once(looks: Looks):
    made = await looks.connect(url=None)
    looks.hands.now = made.provider.certificates[0].not_after - timedelta(days=5)
    await looks.worker.once()
    await looks.a_day_later()
    assert await looks.told() == [ENDS]


async def test_end_of_a_key_of_ours_is_told_while_it_signs_or_will(looks: Looks):
    made = await looks.connect(url=None)
    safe = saml.Safe(b"secret")
    now = looks.hands.now
    looks.hands.now = now - timedelta(days=600)
    await looks.changed(made, saml.publish_key, safe)
    # Six hundred and some of its 730 days later: the identity provider's own is good for much longer.
    looks.hands.now = now + timedelta(days=125)
    await looks.worker.once()
    [entry] = await looks.office.rows.fetch(CHECKED)
    assert entry["event"] == "saml_connection.check_certificates"
