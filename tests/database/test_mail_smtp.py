"""Mail to a real mail server: encrypted, logged in, refused for now, refused for good."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from scimserver.directory.mail import Failure, Kind
from scimserver.workers.letters import About, letter, message
from scimserver.workers.mailserver import MailServer, Security, Sender
from scimserver.workers.post import Never, NotNow, NotTaken, Smtp
from tests.postbox import PASSWORD, USER, Authority, Postbox, serving

SENDER = Sender(address="no-reply@id.example", name="Acme, Inc.")
ADA = "ada@acme.example"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def mail(recipient: str = ADA, organization: str = "Acme") -> EmailMessage:
    about = About(account=recipient, organization=organization, happened=NOON)
    return message(letter(Kind.PASSWORD_CHANGED, about), sender=SENDER, recipient=recipient, now=NOON)


def way(
    postbox: Postbox,
    security: Security = Security.NONE,
    *,
    tls: ssl.SSLContext | None = None,
    password: str | None = None,
    host: str = "127.0.0.1",
) -> Smtp:
    user = USER if password is not None else None
    server = MailServer(host=host, port=postbox.port, security=security, user=user, password=password)
    return Smtp(server=server, own_name="id.example", tls=tls)


async def send(smtp: Smtp, recipient: str = ADA) -> None:
    await smtp.send(mail(recipient), SENDER.address, recipient)


async def refusal(smtp: Smtp, recipient: str = ADA) -> NotTaken:
    with pytest.raises(NotTaken) as caught:
        await send(smtp, recipient)
    return caught.value


@pytest.fixture
async def trusting(authority: Authority) -> ssl.SSLContext:
    """What trusts the test's own authority, and no other."""
    return ssl.create_default_context(cafile=authority.path)


async def test_mail_arrives_with_envelope_headers_text_and_page(postbox: Postbox):
    await send(way(postbox))
    (received,) = postbox.received
    assert (received.sender, received.recipients) == ("no-reply@id.example", [ADA])
    assert not received.encrypted
    headers = received.message
    assert headers["From"] == '"Acme, Inc." <no-reply@id.example>'
    assert headers["To"] == ADA
    assert headers["Subject"] == "Your password for Acme was changed"
    assert headers["Date"].datetime == NOON
    assert headers["Message-ID"].endswith("@id.example>")
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["MIME-Version"] == "1.0"
    assert headers.get_content_type() == "multipart/alternative"
    assert "01 January 2026 at 12:00 UTC" in received.text
    assert "<p>If that was not you" in received.html


async def test_each_mail_has_an_id_of_its_own(postbox: Postbox):
    await send(way(postbox))
    await send(way(postbox))
    assert len({received.message["Message-ID"] for received in postbox.received}) == 2


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_mail_is_encrypted_and_logged_in(
    authority: Authority, trusting: ssl.SSLContext, security: Security
):
    presented = authority.server("localhost")
    options = {"tls": presented} if security is Security.TLS else {"tls_context": presented}
    # aiosmtpd takes a connection that was encrypted from the start for one in clear.
    lenient = security is Security.STARTTLS
    async with serving(Postbox(), auth_require_tls=lenient, **options) as postbox:
        await send(way(postbox, security, tls=trusting, password=PASSWORD, host="localhost"))
        assert [(each.encrypted, each.user) for each in postbox.received] == [(True, USER)]


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("fault", ["another name", "unknown authority"])
async def test_mail_server_whose_certificate_is_wrong_gets_nothing(
    authority: Authority, trusting: ssl.SSLContext, security: Security, fault: str
):
    presented = authority.server("localhost" if fault == "unknown authority" else "elsewhere.test")
    trust = ssl.create_default_context() if fault == "unknown authority" else trusting
    options = {"tls": presented} if security is Security.TLS else {"tls_context": presented}
    async with serving(Postbox(), **options) as postbox:
        refused = await refusal(way(postbox, security, tls=trust, password=PASSWORD, host="localhost"))
        assert isinstance(refused, NotNow)
        assert refused.failure is Failure.UNTRUSTED
        assert refused.any_mail
        assert postbox.received == []


async def test_mail_server_without_starttls_gets_neither_password_nor_mail(
    postbox: Postbox, trusting: ssl.SSLContext
):
    refused = await refusal(way(postbox, Security.STARTTLS, tls=trusting, password=PASSWORD))
    assert (type(refused), refused.failure) == (NotNow, Failure.UNTRUSTED)
    assert postbox.received == []


@pytest.mark.parametrize("supported", [True, False])
async def test_wrong_password_is_for_the_operator_to_correct(supported: bool):
    mechanisms = [] if supported else ["LOGIN", "PLAIN"]
    async with serving(Postbox(), auth_require_tls=False, auth_exclude_mechanism=mechanisms) as postbox:
        refused = await refusal(way(postbox, password="wrong"))
        assert (type(refused), refused.failure) == (NotNow, Failure.NOT_LOGGED_IN)
        assert "wrong" not in f"{refused} {refused.reply}"


@pytest.mark.parametrize(
    "step,reply,kind,failure,any_mail",
    [
        ("RCPT", "550 5.1.1 No such user here", Never, Failure.RECIPIENT_REFUSED, None),
        ("RCPT", "552 5.2.2 Mailbox full", Never, Failure.RECIPIENT_REFUSED, None),
        ("RCPT", "450 4.2.0 Greylisted", NotNow, Failure.NOT_NOW, False),
        ("DATA", "554 5.7.1 Not such a message", Never, Failure.MESSAGE_REFUSED, None),
        ("DATA", "451 4.3.0 Later", NotNow, Failure.NOT_NOW, False),
        ("MAIL", "550 5.7.1 Not from you", NotNow, Failure.SENDER_REFUSED, True),
        ("MAIL", "421 4.3.2 Shutting down", NotNow, Failure.SENDER_REFUSED, True),
    ],
)
async def test_refusal_is_for_now_or_for_good(
    postbox: Postbox,
    step: str,
    reply: str,
    kind: type[NotTaken],
    failure: Failure,
    any_mail: bool | None,
):
    postbox.says(step, reply)
    refused = await refusal(way(postbox))
    assert (type(refused), refused.failure, refused.reply, refused.code) == (kind, failure, reply, reply[:3])
    assert getattr(refused, "any_mail", None) is any_mail
    assert postbox.received == []


async def test_mail_is_taken_whatever_the_mail_server_says_to_the_farewell(postbox: Postbox):
    postbox.says("QUIT", "421 4.4.2 Too slow")
    await send(way(postbox))
    assert len(postbox.received) == 1


async def test_mail_server_that_is_not_there_is_tried_again(unused_tcp_port: int):
    refused = await refusal(way(Postbox(port=unused_tcp_port)))
    assert (type(refused), refused.failure) == (NotNow, Failure.UNREACHABLE)


async def test_mail_server_whose_name_is_unknown_is_tried_again(postbox: Postbox):
    refused = await refusal(way(postbox, host="no-such-host.invalid"))
    assert (type(refused), refused.failure) == (NotNow, Failure.UNREACHABLE)


async def test_mail_that_was_taken_without_saying_so_is_tried_again(postbox: Postbox):
    postbox.closing = True
    refused = await refusal(way(postbox))
    assert (type(refused), refused.failure) == (NotNow, Failure.UNREACHABLE)
    assert len(postbox.received) == 1


async def test_mail_server_that_says_nothing_is_given_up(silent_port: int):
    smtp = way(Postbox(port=silent_port))
    # Bounded from outside here; in operation by its own limits.
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await send(smtp)


async def test_letters_beyond_ascii_before_the_at_arrive(postbox: Postbox):
    await send(way(postbox), "żaneta@acme.example")
    (received,) = postbox.received
    assert received.recipients == ["żaneta@acme.example"]
    assert received.message["To"] == "żaneta@acme.example"


async def test_letters_beyond_ascii_are_refused_for_good_where_the_server_knows_none():
    async with serving(Postbox(), enable_SMTPUTF8=False) as postbox:
        refused = await refusal(way(postbox), "żaneta@acme.example")
        assert (type(refused), refused.failure) == (Never, Failure.RECIPIENT_REFUSED)


async def test_title_beyond_ascii_arrives(postbox: Postbox):
    title = "Größe & <b>Ltd</b>"
    await way(postbox).send(mail(organization=title), SENDER.address, ADA)
    (received,) = postbox.received
    assert received.message["Subject"] == f"Your password for {title} was changed"
    assert title in received.text
    assert "Größe &amp; &lt;b&gt;Ltd&lt;/b&gt;" in received.html


@pytest.fixture
async def silent_port() -> AsyncGenerator[int]:
    """The port of a server that takes connections and says nothing."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for writer in held:
        writer.close()
    server.close()
