"""Sending what waits: to whom it goes, what is tried again and when, what is put on record."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage

import pytest
import structlog

from scimserver.directory import cloning, notices, users
from scimserver.directory.mail import Failure
from scimserver.directory.notices import Notice
from scimserver.directory.organizations import Addresses
from scimserver.directory.password_resets import Purpose
from scimserver.directory.passwords import PasswordDesk
from scimserver.directory.users import User
from scimserver.workers.mail import LEASE
from scimserver.workers.post import Never, NotNow
from tests.mailing import House
from tests.postbox import Postbox
from tests.posting import PUBLIC_URL, Mailer, mailer_of, smtp

ADA = "ada@acme.example"
LATER = "450 4.2.0 Greylisted"
UNKNOWN = f"550 5.1.1 <{ADA}>: no such user"


@pytest.fixture
async def ada(house: House) -> User:
    """A user."""
    return await house.user()


async def tell(house: House, user: User, notice: Notice = Notice.PASSWORD_CHANGED) -> None:
    async with house.work(request="r-7") as work:
        notices.tell(work, user, notice)


# -- links -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", [Purpose.ADMINISTRATOR, Purpose.INVITATION])
async def test_link_that_arrives_is_live_and_below_the_public_url(
    mailer: Mailer, house: House, ada: User, purpose: Purpose
):
    await house.order(ada, purpose)
    await mailer.deliver()
    (received,) = mailer.postbox.received
    assert received.recipients == [ADA]
    link = f"{PUBLIC_URL}/reset?token={received.token}"
    assert link in received.text.split()
    assert f'<a href="{link}">' in received.html
    assert await house.is_live(received.token)
    assert await house.jobs() == []
    (entry,) = await house.logged("mail.send")
    assert entry.entry["actor"] == {"kind": "system", "name": "mail"}
    assert (entry.entry["outcome"], entry.entry["request"]["id"]) == ("success", "r-1")
    assert entry.personal == {"target.display": ADA, "changes.0.new": f"link.{purpose.value}"}
    assert mailer.told == {(f"link.{purpose.value}", "sent"): 1}
    assert mailer.waiting == [0]


async def test_link_goes_to_the_address_that_the_user_has_when_it_is_sent(
    mailer: Mailer, house: House, ada: User
):
    await tell(house, ada)
    await house.change(ada, userName="countess@acme.example")
    await mailer.deliver()
    assert [recipient for recipient, _ in mailer.arrived] == ["countess@acme.example"]


async def test_of_two_links_that_wait_the_last_one_to_arrive_works(mailer: Mailer, house: House, ada: User):
    await house.order(ada)
    await house.order(ada)
    await mailer.deliver()
    first, last = (received.token for received in mailer.postbox.received)
    assert (await house.is_live(first), await house.is_live(last)) == (False, True)


async def test_links_go_before_notices(mailer: Mailer, house: House, ada: User):
    await tell(house, ada)
    await house.order(ada)
    await mailer.deliver()
    assert [subject.split()[0] for _, subject in mailer.arrived] == ["Set", "Your"]


async def test_token_is_in_no_row_and_in_no_line_whatever_becomes_of_the_mail(
    mailer: Mailer, house: House, ada: User
):
    tokens: list[str] = []

    class Watched:
        async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
            body = message.get_body(("plain",))
            assert body is not None
            tokens.append(body.get_content().partition("?token=")[2].split()[0])
            await smtp(mailer.postbox).send(message, sender, recipient)

    watched = mailer_of(house, mailer.postbox, Watched())
    mailer.postbox.says("RCPT", LATER)
    mailer.postbox.says("DATA", "451 4.3.0 Later")
    with structlog.testing.capture_logs() as lines:
        await house.order(ada)
        for _ in range(3):
            await watched.deliver()
            house.hands.move(minutes=5)
    written = await house.everything() + str(lines)
    assert [line["event"] for line in lines] == ["mail.deferred", "mail.deferred", "mail.sent"]
    assert ADA not in str(lines)
    assert len(tokens) == 3
    for token in tokens:
        assert token not in written
        assert token.encode().hex() not in written


# -- to whom ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("notice", list(Notice))
async def test_notice_arrives_and_holds_no_link(mailer: Mailer, house: House, ada: User, notice: Notice):
    await tell(house, ada, notice)
    await mailer.deliver()
    (received,) = mailer.postbox.received
    assert received.recipients == [ADA]
    assert "http" not in received.text + received.html
    assert mailer.told == {(notice.value.value, "sent"): 1}


async def test_mail_says_whom_the_organisation_wants_to_be_asked(mailer: Mailer, house: House, ada: User):
    await house.connection.execute("UPDATE organizations SET support_contact = 'helpdesk@acme.example'")
    await tell(house, ada)
    await mailer.deliver()
    (received,) = mailer.postbox.received
    assert "Help: helpdesk@acme.example" in received.text.splitlines()


@pytest.mark.parametrize(
    "notice,arrives",
    [
        (Notice.PASSWORD_CHANGED, True),
        (Notice.PASSWORD_RESET, True),
        (Notice.PASSWORD_SET_BY_ADMINISTRATOR, False),
    ],
)
async def test_deactivated_user_is_told_only_what_was_done_in_the_users_name(
    mailer: Mailer, house: House, ada: User, notice: Notice, arrives: bool
):
    await tell(house, ada, notice)
    await house.change(ada, active=False)
    await mailer.deliver()
    assert bool(mailer.arrived) is arrives
    assert await house.jobs() == ([] if arrives else [(notice.value.value, "inactive")])


async def test_placeholder_of_a_clone_gets_no_mail(mailer: Mailer, house: House, ada: User):
    async with house.work() as work:
        clone = await cloning.clone(work, ada)
    await tell(house, clone)
    await mailer.deliver()
    assert mailer.arrived == []
    assert await house.jobs() == [("notice.password_changed", "no_address")]
    (entry,) = await house.logged("mail.send")
    assert (entry.entry["outcome"], entry.entry["reason"]) == ("failure", "no_address")


async def test_free_user_name_that_is_no_address_gets_mail_at_the_primary_one(mailer: Mailer, house: House):
    free = await house.found(domain="free.example", addresses=Addresses.FREE)
    mails = [{"value": "a@free.example"}, {"value": "b@free.example", "primary": True}]
    named = await house.user("ada", organization=free, emails=mails)
    silent = await house.user("bob", organization=free)
    async with house.work(organization=free) as work:
        notices.tell(work, named, Notice.PASSWORD_CHANGED)
        notices.tell(work, silent, Notice.PASSWORD_CHANGED)
    await mailer.deliver()
    assert [recipient for recipient, _ in mailer.arrived] == ["b@free.example"]


async def test_address_before_a_change_is_told_where_it_signed_in_with_a_password(
    mailer: Mailer, house: House, ada: User, desk: PasswordDesk
):
    async with house.work() as work:
        ada = await users.update(work, ada, ada.document, desk.take("seventeen blue socks"))
    bob = await house.user("bob@acme.example")
    await house.change(ada, userName="countess@acme.example")
    await house.change(bob, userName="robert@acme.example")
    await mailer.deliver()
    (received,) = mailer.postbox.received
    assert received.recipients == [ADA]
    assert "countess" not in received.text + received.html
    assert await house.connection.fetchval("SELECT count(*) FROM mail_jobs") == 0


# -- trying again ----------------------------------------------------------------------------------


async def test_mail_that_is_refused_for_now_is_tried_again_later_and_later(
    mailer: Mailer, house: House, ada: User
):
    await house.order(ada)
    mailer.postbox.says("RCPT", *[LATER] * 8)
    waits: list[float] = []
    for _ in range(8):
        await mailer.deliver()
        due = await house.connection.fetchval("SELECT due FROM mail_jobs")
        waits.append((due - house.hands.now).total_seconds() / 60)
        house.hands.now = due - timedelta(milliseconds=1)
        await mailer.deliver()
        house.hands.now = due
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert mailer.arrived == []
    assert await house.jobs() == [("link.administrator", "not_now")]
    await mailer.deliver()
    (received,) = mailer.postbox.received
    assert await house.is_live(received.token)
    assert await house.jobs() == []
    # Only what came of it is on record.
    assert [entry.entry["outcome"] for entry in await house.logged("mail.send")] == ["success"]
    assert mailer.told == {("link.administrator", "deferred"): 8, ("link.administrator", "sent"): 1}


async def test_mail_is_given_up_after_its_last_moment(mailer: Mailer, house: House, ada: User):
    await house.order(ada)
    house.hands.move(days=3)
    mailer.postbox.says("RCPT", LATER)
    await mailer.deliver()
    house.hands.move(hours=1)
    await mailer.deliver()
    assert mailer.arrived == []
    assert await house.jobs() == [("link.administrator", "too_late")]
    (entry,) = await house.logged("mail.send")
    assert entry.entry["reason"] == "too_late"


async def test_mail_that_is_refused_for_good_is_kept_as_failed_and_on_record(
    mailer: Mailer, house: House, ada: User
):
    await tell(house, ada)
    mailer.postbox.says("RCPT", UNKNOWN)
    await mailer.deliver()
    assert await house.jobs() == [("notice.password_changed", "recipient_refused")]
    (entry,) = await house.logged("mail.send")
    assert (entry.entry["outcome"], entry.entry["reason"]) == ("failure", "recipient_refused")
    assert entry.personal == {
        "target.display": ADA,
        "changes.0.new": "notice.password_changed",
        "changes.1.new": UNKNOWN,
    }
    assert ADA not in str(entry.entry)
    house.hands.move(days=1)
    await mailer.deliver()
    assert mailer.arrived == []
    assert mailer.told == {("notice.password_changed", "failed"): 1}


async def test_refusal_that_repeats_the_token_is_not_put_on_record(house: House, ada: User):
    class Parrot:
        async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
            body = message.get_body(("plain",))
            assert body is not None
            raise Never(Failure.MESSAGE_REFUSED, f"554 {body.get_content()}")

    await house.order(ada)
    await mailer_of(house, Postbox(), Parrot()).deliver()
    (entry,) = await house.logged("mail.send")
    assert "changes.1.new" not in entry.personal


async def test_mail_server_that_takes_nothing_is_left_alone_for_a_while(house: House, ada: User):
    tries = 0

    class Down:
        async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
            nonlocal tries
            tries += 1
            raise NotNow(Failure.UNREACHABLE)

    for _ in range(5):
        await tell(house, ada)
    mailer = mailer_of(house, Postbox(), Down())
    mailer.worker.every = 3600.0
    await mailer.deliver()
    await mailer.deliver()
    assert tries == 1
    assert mailer.waiting == [5, 5]


# -- several at once, and crashes ------------------------------------------------------------------


async def test_several_workers_send_each_mail_once(mailer: Mailer, house: House, ada: User):
    for _ in range(12):
        await tell(house, ada)
    workers = [mailer_of(house, mailer.postbox) for _ in range(3)]
    await asyncio.gather(*(each.deliver() for each in workers))
    assert len(mailer.arrived) == 12
    assert len(await house.logged("mail.send")) == 12
    assert await house.jobs() == []


async def test_mail_that_somebody_is_about_to_claim_is_passed_over(mailer: Mailer, house: House, ada: User):
    await tell(house, ada)
    house.hands.move(seconds=1)
    await tell(house, ada)
    async with asyncio.timeout(20), house.connection.transaction():
        await house.connection.execute("SELECT FROM mail_jobs ORDER BY created LIMIT 1 FOR UPDATE")
        await mailer.deliver()
        assert len(mailer.arrived) == 1
    await mailer.deliver()
    assert len(mailer.arrived) == 2


async def test_mail_of_a_worker_that_died_before_sending_is_sent_by_another(
    mailer: Mailer, house: House, ada: User
):
    await house.order(ada)
    assert await house.claimed() is not None
    await mailer.deliver()
    assert mailer.arrived == []
    house.hands.move(seconds=LEASE.total_seconds())
    await mailer.deliver()
    (received,) = mailer.postbox.received
    assert await house.is_live(received.token)


async def test_mail_of_a_worker_that_died_after_sending_is_sent_twice_and_the_second_link_works(
    mailer: Mailer, house: House, ada: User
):
    await house.order(ada)
    mailer.postbox.closing = True
    await mailer.deliver()
    mailer.postbox.closing = False
    house.hands.move(minutes=1)
    await mailer.deliver()
    first, second = (received.token for received in mailer.postbox.received)
    assert (await house.is_live(first), await house.is_live(second)) == (False, True)


async def test_worker_that_is_told_to_stop_sends_the_mail_in_hand_to_its_end(
    house: House, postbox: Postbox, ada: User
):
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
            begun.set()
            await may_go_on.wait()
            await smtp(postbox).send(message, sender, recipient)

    await tell(house, ada)
    await tell(house, ada)
    mailer = mailer_of(house, postbox, Slow())
    async with mailer.worker.running():
        await begun.wait()
        asyncio.get_running_loop().call_later(0.05, may_go_on.set)
    assert len(mailer.arrived) == 1
    assert await house.jobs() == [("notice.password_changed", None)]


# -- the budget ------------------------------------------------------------------------------------


async def test_organisation_that_sent_what_it_may_waits_and_others_do_not(
    house: House, postbox: Postbox, ada: User
):
    other = await house.found(domain="other.example")
    eve = await house.user("eve@other.example", organization=other)
    mailer = mailer_of(house, postbox, budget=2)
    for _ in range(4):
        await tell(house, ada)
    async with house.work(organization=other) as work:
        notices.tell(work, eve, Notice.PASSWORD_CHANGED)
    await mailer.deliver()
    assert sorted(recipient for recipient, _ in mailer.arrived) == [ADA, ADA, "eve@other.example"]
    assert await house.jobs() == [("notice.password_changed", "budget")] * 2
    house.hands.move(minutes=59)
    await mailer.deliver()
    assert len(mailer.arrived) == 3
    house.hands.move(minutes=6)
    await mailer.deliver()
    assert len(mailer.arrived) == 5
    assert await house.jobs() == []


async def test_budget_is_that_of_all_workers_together(house: House, postbox: Postbox, ada: User):
    for _ in range(8):
        await tell(house, ada)
    workers = [mailer_of(house, postbox, budget=3) for _ in range(3)]
    await asyncio.gather(*(each.deliver() for each in workers))
    assert len(postbox.received) == 3


async def test_trying_again_takes_nothing_from_the_budget(house: House, postbox: Postbox, ada: User):
    mailer = mailer_of(house, postbox, budget=1)
    await tell(house, ada)
    postbox.says("RCPT", LATER, LATER)
    for _ in range(3):
        await mailer.deliver()
        house.hands.move(minutes=5)
    assert len(mailer.arrived) == 1
