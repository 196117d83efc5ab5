"""What sends the mail of a house to a mail server on the loopback interface."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from scimserver.access.refusals import Refusals
from scimserver.directory.mail import of_organization
from scimserver.directory.reset_requests import ResetRequests
from scimserver.workers.mail import Letterhead, MailWorker
from scimserver.workers.mailserver import MailServer, Security, Sender
from scimserver.workers.post import Post, Smtp
from tests.mailing import SECRET, House
from tests.postbox import Postbox

PUBLIC_URL = "https://id.example/directory"


@dataclass
class Mailer:
    """A worker, what it told, and where its mail arrives."""

    house: House
    postbox: Postbox
    worker: MailWorker
    told: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    waiting: list[int] = field(default_factory=list[int])

    @property
    def requests(self) -> ResetRequests:
        """Where those who cannot sign in ask."""
        return self.worker.requests

    @property
    def arrived(self) -> list[tuple[str, str]]:
        """Who got mail, and its subject."""
        return [
            (recipient, received.message["Subject"])
            for received in self.postbox.received
            for recipient in received.recipients
        ]

    async def deliver(self) -> None:
        """Send what is due."""
        await self.worker.once()


def smtp(postbox: Postbox) -> Smtp:
    """The way to a mail server without encryption."""
    server = MailServer(host="127.0.0.1", port=postbox.port, security=Security.NONE)
    return Smtp(server=server, own_name="id.example", tls=None)


def mailer_of(house: House, postbox: Postbox, post: Post | None = None, *, budget: int = 200) -> Mailer:
    """A worker of the house."""
    told: Counter[tuple[str, str]] = Counter()
    waiting: list[int] = []
    worker = MailWorker(
        room=house.room,
        requests=ResetRequests(house.room, SECRET),
        refusals=Refusals(),
        post=post or smtp(postbox),
        letterhead=Letterhead(public_url=PUBLIC_URL, sender=Sender(address="no-reply@id.example")),
        budget=of_organization(budget),
        told=lambda kind, outcome: told.update([(kind, outcome)]),
        waiting=waiting.append,
        # Rests are as long as this, and tests do not wait.
        every=0.0,
    )
    return Mailer(house, postbox, worker, told, waiting)


@pytest.fixture
def mailer(house: House, postbox: Postbox) -> Mailer:
    """What sends the mail of `house` to `postbox`."""
    return mailer_of(house, postbox)
