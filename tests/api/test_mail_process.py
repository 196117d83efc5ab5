"""Mail of a running server: it arrives, whoever of the processes dies, and holds nobody up."""

import asyncio
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTPUTF8
from pathlib import Path

import pytest

from scimserver.db.pool import Database, DatabaseSettings
from scimserver.directory import password_resets
from tests.postbox import Postbox, serving_elsewhere
from tests.processes import PUBLIC_URL, asked, program, provision, until
from tests.served import Serving, two_workers

ADA = "ada@example.com"


@contextmanager
def served(dsn: str, **settings: str | Path | int) -> Generator[Serving]:
    """A server of two workers where there is a user."""
    token = asyncio.run(provision(dsn))
    given = {"port": 0, "workers": 2, "database_url": dsn, "public_url": PUBLIC_URL, **settings}
    with program("serve", **given) as running:
        serving = Serving(running, dsn, token)
        assert serving.create_user(ADA).status == 201
        yield serving


@pytest.fixture
def postbox() -> Generator[Postbox]:
    """A mail server."""
    with serving_elsewhere() as opened:
        yield opened


@pytest.fixture
def mailing(database_dsn: str, postbox: Postbox) -> Generator[Serving]:
    """A server whose mail goes to `postbox`."""
    url = f"smtp://127.0.0.1:{postbox.port}"
    with served(database_dsn, smtp_url=url, mail_from="Acme <no-reply@scim.test>") as serving:
        yield serving


def order(serving: Serving) -> None:
    """Have a link mailed, as an operator beside the server does."""
    with program("user", "reset-link", "acme", ADA, database_url=serving.dsn) as command:
        assert command.wait() == 0, command.stderr


def is_live(dsn: str, token: str) -> bool:
    async def look() -> bool:
        async with Database.open(DatabaseSettings(dsn=dsn, points_size=1, searches_size=1)) as database:
            return await password_resets.peek(database, token, datetime.now(UTC)) is not None

    return asyncio.run(look())


def waiting(dsn: str) -> int:
    return asked(dsn, "SELECT count(*) FROM mail_jobs")[0]


def test_link_that_an_operator_orders_arrives_and_works(mailing: Serving, postbox: Postbox):
    order(mailing)
    (received,) = until(lambda: postbox.received, "no mail arrived")
    assert received.recipients == [ADA]
    assert f"{PUBLIC_URL}/reset?token={received.token}" in received.text.split()
    assert is_live(mailing.dsn, received.token)
    until(lambda: waiting(mailing.dsn) == 0, "the mail is not done with")
    until(
        lambda: mailing.metric("scimserver_mail_total", kind="link.administrator", outcome="sent") == 1,
        "the mail is not counted",
    )
    assert received.token not in mailing.running.stderr
    assert ADA not in mailing.running.stderr
    assert mailing.running.lines("serve.mail_to_files") == []


def test_mail_of_a_process_that_is_killed_after_sending_is_sent_again(mailing: Serving, postbox: Postbox):
    postbox.holding = True
    order(mailing)
    until(lambda: postbox.received, "no mail arrived")
    killed = two_workers(mailing)
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    assert waiting(mailing.dsn) == 1
    until(lambda: mailing.running.workers() - set(killed), "the workers were not replaced")
    postbox.holding = False
    # What whoever claimed it had time for is over.
    asked(mailing.dsn, "UPDATE mail_jobs SET due = now() RETURNING 1")
    first, second = until(
        lambda: postbox.received if len(postbox.received) == 2 else None, "the mail was not sent again"
    )
    until(lambda: waiting(mailing.dsn) == 0, "the mail is not done with")
    assert (is_live(mailing.dsn, first.token), is_live(mailing.dsn, second.token)) == (False, True)


def test_mail_server_that_says_nothing_holds_up_nobody(mailing: Serving, postbox: Postbox):
    postbox.holding = True
    for _ in range(2):
        order(mailing)
    until(lambda: len(postbox.received) == 2, "not every process is sending")
    answers = [mailing.create_user(f"user-{number}@example.com").status for number in range(20)]
    assert answers == [201] * 20
    assert len(postbox.received) == 2
    postbox.holding = False


def test_server_that_stops_lets_the_mail_in_hand_be_sent(mailing: Serving, postbox: Postbox):
    postbox.holding = True
    order(mailing)
    until(lambda: postbox.received, "no mail arrived")
    mailing.running.signal(signal.SIGTERM)
    until(lambda: mailing.running.lines("serve.draining"), "the server does not stop")
    postbox.holding = False
    assert mailing.running.wait() == 0
    assert waiting(mailing.dsn) == 0


def test_mail_without_a_mail_server_is_written_to_files_and_serve_says_so(database_dsn: str, tmp_path: Path):
    with served(database_dsn, data_dir=tmp_path) as serving:
        (line,) = serving.running.lines("serve.mail_to_files")
        assert line["folder"] == str(tmp_path / "mail")
        order(serving)
        (path,) = until(lambda: list((tmp_path / "mail").glob("*.eml")), "no file was written")
        mail = message_from_bytes(path.read_bytes(), policy=SMTPUTF8)
        assert (mail["To"], mail["From"]) == (ADA, "no-reply@scim.test")
        assert path.stat().st_mode & 0o777 == 0o600
