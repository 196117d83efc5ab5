"""Ways on which mail leaves: through a mail server (RFC 5321), or into files where there is none.

Either takes a mail for good, or says in one of two ways that it did not: never, or not now.
Proven by tests/database/test_mail_smtp.py and tests/unit/test_post_folder.py.
"""

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Final, Protocol

import aiosmtplib
from aiosmtplib import SMTP

from scimserver.directory.mail import Failure
from scimserver.kernel.ids import new_uuid
from scimserver.workers.mailserver import MailServer, Security

SECONDS_FOR_ONE: Final = 60.0
"""How long handing over one mail may take in all."""

_STEP_SECONDS: Final = 20.0
"""How long a mail server may take for each answer."""

_PERMANENT: Final = 500
"""Replies from this code on are for good (RFC 5321, section 4.2.1)."""


class NotTaken(Exception):
    """A mail was not taken. `reply`: what the mail server said, which may name the address."""

    def __init__(self, failure: Failure, reply: str = "") -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.reply = reply

    @property
    def code(self) -> str:
        """The code of the reply alone, which names nobody; empty where there was no reply."""
        code = self.reply[:3]
        return code if code.isdecimal() else ""


class NotNow(NotTaken):
    """Trying again later makes sense. `any_mail`: no other mail would be taken now either."""

    def __init__(self, failure: Failure, reply: str = "", *, any_mail: bool = True) -> None:
        super().__init__(failure, reply)
        self.any_mail = any_mail


class Never(NotTaken):
    """This mail will not be taken, however often it is tried."""


class Post(Protocol):
    """What takes mail."""

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Hand a mail over; when this returns, it is somebody else's to deliver.

        Raises `NotNow` or `Never`. A mail that was taken although nobody heard of it is `NotNow`: sending
        it again may deliver it twice, but never not at all.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Writes each mail to a file of its own, that only the server's account can read."""

    path: Path

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Write the mail: a file is there whole, or not at all."""
        try:
            await asyncio.to_thread(self._write, message.as_bytes(policy=SMTPUTF8))
        except OSError as error:
            raise NotNow(Failure.NOT_WRITTEN, error.strerror or "") from error

    def _write(self, text: bytes) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The name says the order in which they were written.
        name = f"{new_uuid()}.eml"
        unfinished = self.path / f".{name}"
        try:
            descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self.path / name)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """Hands each mail to a mail server, over a connection of its own."""

    server: MailServer
    own_name: str
    """What we call ourselves to the mail server."""
    tls: ssl.SSLContext | None
    """What it takes to trust a mail server; None where nothing is encrypted."""

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Hand the mail over, within `SECONDS_FOR_ONE`."""
        try:
            async with asyncio.timeout(SECONDS_FOR_ONE), self._connected() as client:
                await _hand_over(client, message, sender, recipient)
        except TimeoutError as error:
            raise NotNow(Failure.UNREACHABLE) from error

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[SMTP]:
        client = SMTP(
            hostname=self.server.host,
            port=self.server.port,
            local_hostname=self.own_name,
            timeout=_STEP_SECONDS,
            use_tls=self.server.security is Security.TLS,
            start_tls=False,
            tls_context=self.tls,
        )
        try:
            await self._greet(client)
            yield client
        finally:
            client.close()

    async def _greet(self, client: SMTP) -> None:
        """Connect, encrypt and log in; a failure says at which of them."""
        step = Failure.UNREACHABLE
        try:
            await client.connect()
            if self.server.security is Security.STARTTLS:
                step = Failure.UNTRUSTED
                await client.starttls()
            if self.server.user is not None:
                step = Failure.NOT_LOGGED_IN
                await client.login(self.server.user, self.server.password or "")
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotNow(_at_step(step, error), _reply(error)) from error


async def _hand_over(client: SMTP, message: EmailMessage, sender: str, recipient: str) -> None:
    try:
        await client.send_message(message, sender=sender, recipients=[recipient])
    except aiosmtplib.SMTPRecipientsRefused as refused:
        reply = refused.recipients[0]
        raise _by_code(reply, Failure.RECIPIENT_REFUSED) from refused
    except aiosmtplib.SMTPSenderRefused as refused:
        raise NotNow(Failure.SENDER_REFUSED, _reply(refused)) from refused
    except aiosmtplib.SMTPResponseException as refused:
        raise _by_code(refused, Failure.MESSAGE_REFUSED) from refused
    except aiosmtplib.SMTPNotSupported as refused:
        # Letters beyond ASCII before the @ (RFC 6531).
        raise Never(Failure.RECIPIENT_REFUSED, _reply(refused)) from refused
    except (aiosmtplib.SMTPException, OSError) as error:
        raise NotNow(Failure.UNREACHABLE, _reply(error)) from error
    # It is the mail server's now, whatever it says to our farewell.
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit()


def _by_code(refused: aiosmtplib.SMTPResponseException, failure: Failure) -> NotTaken:
    if refused.code >= _PERMANENT:
        return Never(failure, _reply(refused))
    return NotNow(Failure.NOT_NOW, _reply(refused), any_mail=False)


def _reply(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return ""


def _at_step(step: Failure, error: Exception) -> Failure:
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Failure.UNTRUSTED
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | TimeoutError):
        return Failure.UNREACHABLE
    return step
