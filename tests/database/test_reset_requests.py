"""Asking for a link without signing in: one answer for everybody, and a mail for who is a user."""

import asyncio
from uuid import UUID

import pytest

from scimserver.directory import cloning
from scimserver.directory.organizations import Addresses
from scimserver.directory.reset_requests import ResetRequests
from scimserver.directory.users import User
from scimserver.kernel.actor import Origin
from scimserver.kernel.errors import InvalidValue, RateLimited
from scimserver.kernel.ids import INSTALLATION
from tests.mailing import SECRET, House
from tests.posting import Mailer, mailer_of

ADA = "ada@acme.example"
NOBODY = "nobody@acme.example"
LINK = (ADA, "Set a new password for Acme & Sons")
UNSAFE = {
    "two addresses": "ada@acme.example,eve@evil.example",
    "two addresses with a semicolon": "ada@acme.example;eve@evil.example",
    "two addresses with a space": "ada@acme.example eve@evil.example",
    "two addresses with a pipe": "ada@acme.example|eve@evil.example",
    "another header": "ada@acme.example\r\nBcc: eve@evil.example",
    "end of a line": "ada@acme.example\n",
    "encoded end of a line": "ada@acme.example%0aeve@evil.example",
    "NUL": "ada@acme.example\x00eve@evil.example",
    "a name": "Ada <ada@acme.example>",
    "a comment": "ada@acme.example(eve@evil.example)",
    "quotes": '"ada@evil.example"@acme.example',
    "a route": "eve%evil.example@acme.example",
    "no address": "ada",
    "nothing": "",
    "far too much": "a" * 100_000 + "@acme.example",
}


def origin(client: str | None = "192.0.2.7") -> Origin:
    return Origin(request_id="r-9", client_address=client, user_agent="Browser")


@pytest.fixture
async def ada(house: House) -> User:
    """A user."""
    return await house.user()


async def rows(house: House) -> list[int]:
    """The lengths of what is written down."""
    return [
        row["length"]
        for row in await house.connection.fetch("SELECT length(sealed) AS length FROM reset_requests")
    ]


# -- asking ----------------------------------------------------------------------------------------


async def test_user_who_asks_gets_a_link_that_works(mailer: Mailer, house: House, ada: User):
    await mailer.requests.ask(origin(), "ADA@acme.example")
    assert await house.jobs() == []
    await mailer.deliver()
    assert mailer.arrived == [LINK]
    token = mailer.postbox.received[0].token
    assert await house.is_live(token)
    house.hands.move(minutes=60)
    assert not await house.is_live(token)
    assert await rows(house) == []


async def test_request_is_on_record_with_where_it_came_from(mailer: Mailer, house: House, ada: User):
    await mailer.requests.ask(origin(), ADA)
    await mailer.deliver()
    (entry,) = await house.logged("password.request_reset")
    assert (entry.entry["outcome"], entry.entry["actor"]["kind"]) == ("success", "nobody")
    assert entry.entry["request"]["id"] == "r-9"
    assert entry.personal == {"client": "192.0.2.7", "target.display": ADA}
    (sent,) = await house.logged("mail.send")
    assert sent.entry["request"]["id"] == "r-9"


async def test_asking_writes_the_same_for_everybody(mailer: Mailer, house: House, ada: User):
    await house.change(ada, active=False)
    await house.user("bob@acme.example")
    for address in (ADA, NOBODY, "bob@acme.example", "bob@acme.example (Copy 1)", "x@y.example"):
        await mailer.requests.ask(origin(), address)
    lengths = await rows(house)
    assert (len(lengths), len(set(lengths))) == (5, 1)
    assert await house.connection.fetchval("SELECT count(*) FROM mail_jobs") == 0
    assert await house.logged("password.request_reset") == []


async def test_asking_looks_at_no_user(mailer: Mailer, house: House, ada: User):
    """So its time cannot tell who is one: where it did, it would wait here for ever."""
    async with asyncio.timeout(20), house.connection.transaction():
        await house.connection.execute("LOCK TABLE users, credentials, email_domains, organizations, roles")
        for address in (ADA, NOBODY):
            await mailer.requests.ask(origin(), address)
    assert len(await rows(house)) == 2


@pytest.mark.parametrize("kind", UNSAFE)
async def test_what_is_not_exactly_one_address_is_refused_and_nothing_written(
    mailer: Mailer, house: House, ada: User, kind: str
):
    with pytest.raises(InvalidValue):
        await mailer.requests.ask(origin(), UNSAFE[kind])
    assert await rows(house) == []
    assert await house.connection.fetchval("SELECT count(*) FROM mail_allowances") == 0


async def test_mail_goes_to_the_address_that_is_stored_not_to_the_one_that_was_typed(
    mailer: Mailer, house: House
):
    await house.user("Ada@Acme.Example")
    # Full-width letters have the same key (NFKC); sent to, they could be another mailbox.
    await mailer.requests.ask(origin(), "\uff41\uff44\uff41@acme.example")
    await mailer.deliver()
    assert [recipient for recipient, _ in mailer.arrived] == ["Ada@acme.example"]


# -- who gets nothing ------------------------------------------------------------------------------


async def test_unknown_address_gets_nothing_and_is_recorded_nowhere(mailer: Mailer, house: House):
    for _ in range(3):
        await mailer.requests.ask(origin(), NOBODY)
    await mailer.deliver()
    assert mailer.arrived == []
    # The first is on record; more of them within a minute are counted.
    (entry,) = await house.logged("password.request_reset", INSTALLATION)
    assert (entry.entry["outcome"], entry.entry["reason"]) == ("failure", "unknown_address")
    assert entry.personal == {"client": "192.0.2.7"}
    assert NOBODY not in await house.everything()


async def test_deactivated_user_gets_nothing(mailer: Mailer, house: House, ada: User):
    await house.change(ada, active=False)
    await mailer.requests.ask(origin(), ADA)
    await mailer.deliver()
    assert mailer.arrived == []
    (entry,) = await house.logged("password.request_reset")
    assert (entry.entry["outcome"], entry.entry["reason"]) == ("failure", "inactive")


async def test_user_who_is_deactivated_after_asking_gets_nothing(mailer: Mailer, house: House, ada: User):
    await mailer.requests.ask(origin(), ADA)
    assert await mailer.requests.answer_next() is not None
    await house.change(ada, active=False)
    await mailer.deliver()
    assert mailer.arrived == []


async def test_placeholder_of_a_clone_gets_nothing(mailer: Mailer, house: House, ada: User):
    async with house.work() as work:
        clone = await cloning.clone(work, ada)
    await mailer.requests.ask(origin(), clone.user_name)
    await mailer.deliver()
    assert mailer.arrived == []
    (entry,) = await house.logged("password.request_reset")
    assert entry.entry["reason"] == "no_address"


async def test_address_of_users_in_two_organisations_gets_a_link_for_each(
    mailer: Mailer, house: House, ada: User
):
    free = await house.found(domain="free.example", addresses=Addresses.FREE)
    await house.user(ADA, organization=free)
    await mailer.requests.ask(origin(), ADA)
    await mailer.deliver()
    tokens = [received.token for received in mailer.postbox.received]
    assert [await house.is_live(token) for token in tokens] == [True, True]


async def test_request_in_one_organisation_finds_nobody_of_another(mailer: Mailer, house: House, ada: User):
    other = await house.found(domain="other.example")
    await mailer.requests.ask(origin(), ADA, other)
    await mailer.deliver()
    assert mailer.arrived == []
    await mailer.requests.ask(origin(), ADA, house.organization)
    await mailer.deliver()
    assert mailer.arrived == [LINK]


# -- how often -------------------------------------------------------------------------------------


async def test_user_gets_three_links_an_hour_and_ten_a_day_and_further_ones_are_dropped(
    mailer: Mailer, house: House, ada: User
):
    sent: list[int] = []
    for hour in range(6):
        for request in range(4):
            await mailer.requests.ask(origin(f"192.0.2.{hour * 4 + request}"), ADA)
        await mailer.deliver()
        sent.append(len(mailer.arrived))
        house.hands.move(hours=1)
    assert sent == [3, 6, 9, 10, 10, 10]
    reasons = [entry.entry.get("reason") for entry in await house.logged("password.request_reset")]
    assert reasons.count(None) == 10
    assert reasons.count("rate_limited") == 14
    house.hands.move(hours=20)
    await mailer.requests.ask(origin(), ADA)
    await mailer.deliver()
    assert len(mailer.arrived) == 11


@pytest.mark.parametrize(
    "first,same,other",
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
        ("::ffff:192.0.2.7", "192.0.2.7", "::ffff:192.0.2.8"),
        (None, None, "192.0.2.7"),
    ],
)
async def test_client_may_ask_ten_times_an_hour_whoever_it_asks_about(
    mailer: Mailer, house: House, ada: User, first: str | None, same: str | None, other: str
):
    for number in range(10):
        await mailer.requests.ask(origin(first), ADA if number % 2 else NOBODY)
    for address in (ADA, NOBODY):
        with pytest.raises(RateLimited):
            await mailer.requests.ask(origin(same), address)
    await mailer.requests.ask(origin(other), ADA)
    assert len(await rows(house)) == 11
    house.hands.move(hours=1)
    await mailer.requests.ask(origin(same), ADA)


async def test_client_is_counted_over_all_organisations(mailer: Mailer, house: House, ada: User):
    organizations = [INSTALLATION, house.organization, await house.found(domain="other.example")]
    for number in range(10):
        await mailer.requests.ask(origin(), ADA, organizations[number % 3])
    for organization in organizations:
        with pytest.raises(RateLimited):
            await mailer.requests.ask(origin(), ADA, organization)


async def test_limit_of_a_client_is_that_of_all_processes_together(house: House, ada: User):
    elsewhere = [ResetRequests(house.room, SECRET) for _ in range(3)]
    asked = await asyncio.gather(
        *(requests.ask(origin(), ADA) for requests in elsewhere for _ in range(8)), return_exceptions=True
    )
    assert asked.count(None) == 10
    assert len(await rows(house)) == 10


# -- what is written down --------------------------------------------------------------------------


async def test_what_is_written_down_holds_neither_address_nor_client(mailer: Mailer, house: House):
    await mailer.requests.ask(origin(), NOBODY)
    assert len(await rows(house)) == 1
    written = await house.everything()
    for secret in (NOBODY, "192.0.2.7"):
        assert secret not in written
        assert secret.encode().hex() not in written


async def test_request_that_was_sealed_with_another_secret_is_dropped(
    mailer: Mailer, house: House, ada: User
):
    await ResetRequests(house.room, b"the secret of before the restart").ask(origin(), ADA)
    await mailer.deliver()
    assert mailer.arrived == []
    assert await rows(house) == []


async def test_request_that_was_moved_to_another_row_is_dropped(mailer: Mailer, house: House, ada: User):
    await mailer.requests.ask(origin(), ADA)
    await house.connection.execute("UPDATE reset_requests SET id = $1", UUID(int=1))
    await mailer.deliver()
    assert mailer.arrived == []
    assert await rows(house) == []


async def test_request_that_waited_for_more_than_an_hour_is_dropped(mailer: Mailer, house: House, ada: User):
    await mailer.requests.ask(origin(), ADA)
    house.hands.move(hours=1, milliseconds=1)
    await mailer.deliver()
    assert mailer.arrived == []
    assert await rows(house) == []


async def test_request_of_a_process_that_died_over_it_is_answered_by_another(
    mailer: Mailer, house: House, ada: User
):
    await mailer.requests.ask(origin(), ADA)
    # As claiming it does.
    await house.connection.execute("UPDATE reset_requests SET due = due + interval '1 minute'")
    await mailer.deliver()
    assert mailer.arrived == []
    house.hands.move(minutes=1)
    await mailer.deliver()
    assert mailer.arrived == [LINK]


async def test_several_processes_answer_each_request_once(mailer: Mailer, house: House):
    for number in range(8):
        await house.user(f"user-{number}@acme.example")
        await mailer.requests.ask(origin(f"192.0.2.{number}"), f"user-{number}@acme.example")
    workers = [mailer_of(house, mailer.postbox) for _ in range(3)]
    await asyncio.gather(*(each.deliver() for each in workers))
    assert len(mailer.arrived) == 8


# -- of whom an identity provider manages the password ---------------------------------------------

CONNECT = """
WITH connected AS (
    INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates, reset_uri,
                                  allow_unsolicited, authenticated_within, contact, created, last_modified)
    VALUES ($1, gen_random_uuid(), 'Acme Okta', 'active', 'urn:okta', 'https://acme.okta.example/sso', '{}',
            'https://acme.okta.example/settings', false, '1 hour', 'it@acme.example', now(), now())
    RETURNING id
)
SELECT id FROM connected"""
MARK = "UPDATE users SET saml_connection_id = $3 WHERE org_id = $1 AND id = $2"
TOLD = ["Acme Okta (acme.okta.example)", "https://acme.okta.example/settings", "Help: it@acme.example"]


async def managed(house: House, user: User) -> None:
    connection = await house.connection.fetchval(CONNECT, house.organization)
    await house.connection.execute(MARK, house.organization, user.id, connection)


async def test_managed_user_is_mailed_who_manages_the_password_and_no_link(
    mailer: Mailer, house: House, ada: User
):
    await managed(house, ada)
    await mailer.requests.ask(origin(), ADA)
    await mailer.deliver()
    (received,) = mailer.postbox.received
    assert [said for said in TOLD if said not in received.text] == []
    assert "token=" not in received.text
    assert await house.connection.fetchval("SELECT count(*) FROM password_resets") == 0
    (asked,) = await house.logged("password.request_reset")
    assert asked.entry["outcome"] == "success"


async def test_user_who_is_managed_no_more_is_not_told_so(mailer: Mailer, house: House, ada: User):
    await managed(house, ada)
    await mailer.requests.ask(origin(), ADA)
    await mailer.requests.answer_next()
    await house.connection.execute(MARK, house.organization, ada.id, None)
    await mailer.deliver()
    assert mailer.arrived == []
    assert mailer.told == {("notice.password_managed", "failed"): 1}
