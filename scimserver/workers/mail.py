"""Sending mail: every process takes what is due, one at a time, until nothing is.

A mail is claimed for as long as sending it may take, so that another process follows where this one
died. What was taken by the mail server is put on record after that: a crash between the two sends a
mail twice, and loses none. A link that is sent twice has another token each time, and the later one works.
Proven by tests/database/test_mail_worker.py and tests/database/test_mail_smtp.py.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from scimserver.access.refusals import Refusals
from scimserver.directory import mail, password_resets
from scimserver.directory.mail import Addressee, Allowance, Failure, Job, Kind
from scimserver.directory.reset_requests import Answered, ResetRequests
from scimserver.kernel.actor import NOBODY, Actor, ActorKind, Origin
from scimserver.kernel.clock import monotonic_ns
from scimserver.kernel.facts import PasswordResetRequested
from scimserver.work import Work, WorkRoom
from scimserver.workers.letters import About, letter, message
from scimserver.workers.mailserver import Sender
from scimserver.workers.post import SECONDS_FOR_ONE, Never, NotNow, NotTaken, Post
from scimserver.workers.rounds import one_round

_log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=3 * SECONDS_FOR_ONE)
"""How long a claimed mail is left to whoever claimed it."""

FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=1)
"""After how long a mail is tried again: twice as long each time."""

POSTPONED_FOR: Final = timedelta(minutes=5)
"""How long the mail of an organisation waits that has sent what it may."""

_LONGEST_REST_S: Final = 60.0
_FAREWELL_S: Final = 5.0
"""How long the mail that is being sent may take when the process ends."""

RESET_PATH: Final = "/reset"
"""Where the page is that takes a link's token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What stands in every letter."""

    public_url: str
    sender: Sender


@dataclass(slots=True, kw_only=True)
class MailWorker:
    """Sends what is due, for one process."""

    room: WorkRoom
    requests: ResetRequests
    refusals: Refusals
    post: Post
    letterhead: Letterhead
    budget: Allowance
    """How many mails of one organisation are sent within an hour."""
    told: Callable[[str, str], None]
    """Told of each try: the letter's kind, and what came of it."""
    waiting: Callable[[int], None]
    """Told how many mails wait."""
    every: float = 1.0
    """Seconds between two looks for what is due."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _rest_s: float = 0.0
    _resting_until: int = 0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Send mail during the block; the one that is being sent at its end is sent to its end."""
        task = asyncio.create_task(self._rounds())
        try:
            yield
        finally:
            self._stopping.set()
            _, unfinished = await asyncio.wait({task}, timeout=_FAREWELL_S)
            for each in unfinished:
                each.cancel()
                with suppress(asyncio.CancelledError):
                    await each

    async def once(self) -> None:
        """Answer all requests and send all mail that is due. Raises `Unavailable` and `Conflicted`."""
        while not self._stopping.is_set() and (answered := await self.requests.answer_next()):
            await self._record(answered)
        while not self._is_resting() and (job := await self._claimed()):
            await self._send(job)
        self.waiting(await mail.waiting(self.room.database))

    async def _rounds(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self.every)
                return
            await one_round("mail", self.once)

    def _is_resting(self) -> bool:
        return self._stopping.is_set() or monotonic_ns() < self._resting_until

    async def _claimed(self) -> Job | None:
        now = self.room.clock()
        return await mail.claim(self.room.database, now, now + LEASE)

    # -- requests ------------------------------------------------------------

    async def _record(self, answered: Answered) -> None:
        """Put on record that somebody asked for a link to an address that nobody has; the address is not."""
        if answered.accounts is None:
            _log.warning("mail.request_dropped")
        elif answered.accounts == 0:
            entry = self.refusals.seen(
                NOBODY,
                answered.origin,
                reason="unknown_address",
                now=self.room.clock(),
                status=None,
                event=PasswordResetRequested.attempt,
            )
            if entry is not None:
                await self.room.record(entry)

    # -- one mail ------------------------------------------------------------

    async def _send(self, job: Job) -> None:
        to = await mail.addressee(self.room.database, job)
        if to is None:
            return  # The user was deleted, and the job with it.
        against = self._against(job, to)
        if against is not None:
            await self._give_up(job, to, against)
        elif not await self._may_send(job):
            self.told(job.kind.value, "postponed")
        else:
            await self._hand_over(job, to)

    def _against(self, job: Job, to: Addressee) -> Failure | None:
        """Why the mail is not to be sent, now that its user is looked at."""
        if self.room.clock() > job.until:
            return Failure.TOO_LATE
        if not to.active and job.kind not in mail.EVEN_TO_DEACTIVATED:
            return Failure.INACTIVE
        if job.kind is Kind.PASSWORD_MANAGED and to.provider is None:
            return Failure.NOT_MANAGED
        return Failure.NO_ADDRESS if to.mailbox is None else None

    async def _may_send(self, job: Job) -> bool:
        """Count a mail of its organisation; where it has sent what it may, all of its mail waits."""
        if job.attempt > 1:
            return True  # Counted when it was tried first.
        async with self._work(job) as work:
            allowed = await mail.spend(work, self.budget, "")
            if not allowed:
                await mail.postpone(work, job, work.now + POSTPONED_FOR)
        return allowed

    async def _hand_over(self, job: Job, to: Addressee) -> None:
        link = None
        if job.kind in mail.LINKS:
            link = await self._link(job, to)
            if link is None:
                return  # Withdrawn while it was on its way, or somebody else's by now.
        assert to.mailbox is not None
        written = letter(
            job.kind,
            About(
                account=to.user_name,
                organization=to.organization_title,
                support_contact=to.support_contact,
                happened=job.created,
                link=link or "",
                provider=to.provider,
            ),
        )
        sender = self.letterhead.sender
        mailed = message(written, sender=sender, recipient=to.mailbox, now=self.room.clock())
        try:
            await self.post.send(mailed, sender.address, to.mailbox)
        except Never as never:
            await self._give_up(job, to, never.failure, reply=_without(link, never))
        except NotNow as failure:
            await self._try_again(job, failure)
        else:
            await self._sent(job, to)

    async def _link(self, job: Job, to: Addressee) -> str | None:
        async with self._work(job) as work:
            token = await password_resets.issue(work, job, to.user_name_key)
        return token and f"{self.letterhead.public_url}{RESET_PATH}?token={token}"

    async def _sent(self, job: Job, to: Addressee) -> None:
        self._rest_s = 0.0
        async with self._work(job) as work:
            await mail.sent(work, job, to.user_name)
        self.told(job.kind.value, "sent")
        _log.info("mail.sent", kind=job.kind.value, attempt=job.attempt)

    async def _give_up(self, job: Job, to: Addressee, failure: Failure, *, reply: str = "") -> None:
        async with self._work(job) as work:
            await mail.give_up(work, job, to.user_name, failure, reply)
        self.told(job.kind.value, "failed")
        _log.warning("mail.given_up", kind=job.kind.value, attempt=job.attempt, failure=failure.value)

    async def _try_again(self, job: Job, failure: NotNow) -> None:
        pause = min(FIRST_PAUSE * 2 ** min(job.attempt - 1, 10), LONGEST_PAUSE)
        async with self._work(job) as work:
            await mail.defer(work, job, failure.failure, work.now + pause)
        self.told(job.kind.value, "deferred")
        # The rest of the reply may name the address.
        _log.warning(
            "mail.deferred",
            kind=job.kind.value,
            attempt=job.attempt,
            failure=failure.failure.value,
            code=failure.code,
        )
        if failure.any_mail:
            self._rest_s = min(2 * self._rest_s or self.every, _LONGEST_REST_S)
            self._resting_until = monotonic_ns() + int(self._rest_s * 1e9)

    def _work(self, job: Job) -> Work:
        """A unit of work of nobody but the server, as a part of the request that caused the mail."""
        who = Actor(
            kind=ActorKind.SYSTEM, organization=job.organization, permissions=frozenset(), name="mail"
        )
        return self.room.open(who, Origin(request_id=job.request_id))


def _without(link: str | None, refused: NotTaken) -> str:
    """What the mail server said, unless it repeats the letter: a token goes into no log."""
    return "" if link and link.rpartition("=")[2] in refused.reply else refused.reply
