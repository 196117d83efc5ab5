"""A real mail server on the loopback interface, and certificates that nobody else trusts."""

import asyncio
import ipaddress
import ssl
import threading
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

USER, PASSWORD = "mailer", "pass%20word: of the relay"


@dataclass(frozen=True, slots=True)
class Received:
    """A mail, as the server took it."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    encrypted: bool
    user: str | None

    @property
    def text(self) -> str:
        """Its plain text."""
        part = self.message.get_body(("plain",))
        assert part is not None
        return part.get_content()

    @property
    def html(self) -> str:
        """Its page."""
        part = self.message.get_body(("html",))
        assert part is not None
        return part.get_content()

    @property
    def token(self) -> str:
        """The token of the link in it."""
        (found,) = {word.partition("?token=")[2] for word in self.text.split() if "?token=" in word}
        return found


@dataclass
class Postbox:
    """What the server took, and what it is to say next; the handler of aiosmtpd."""

    received: list[Received] = field(default_factory=list[Received])
    greeted: int = 0
    replies: dict[str, deque[str]] = field(default_factory=dict[str, deque[str]])
    port: int = 0
    closing: bool = False
    """Whether the server hangs up once it has taken a mail, before it says so."""
    holding: bool = False
    """Whether it says nothing at all once it has taken a mail."""

    def says(self, step: str, *replies: str) -> None:
        """Say this, instead of yes, the next times at that step: `MAIL`, `RCPT`, `DATA`, `QUIT`."""
        self.replies.setdefault(step, deque()).extend(replies)

    def _reply(self, step: str) -> str | None:
        planned = self.replies.get(step)
        return planned.popleft() if planned else None

    async def handle_EHLO(  # noqa: N802 - aiosmtpd finds handlers by these names
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.greeted += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802 - as above
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._reply("MAIL")
        if reply is None:
            envelope.mail_from = address
        return reply or "250 OK"

    async def handle_RCPT(  # noqa: N802 - as above
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._reply("RCPT")
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        reply = self._reply("DATA")
        if reply is not None:
            return reply
        assert isinstance(envelope.content, bytes)
        assert envelope.mail_from is not None
        message = message_from_bytes(envelope.content, policy=SMTPUTF8)
        assert isinstance(message, EmailMessage)
        assert isinstance(server.transport, asyncio.Transport)
        encrypted = session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None
        self.received.append(
            Received(envelope.mail_from, envelope.rcpt_tos, message, encrypted, session.auth_data)
        )
        if self.closing:
            server.transport.abort()
        while self.holding and not server.transport.is_closing():  # noqa: ASYNC110 - another thread says when
            await asyncio.sleep(0.01)
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        return self._reply("QUIT") or "221 Bye"


def _logged_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
    assert isinstance(given, LoginPassword)
    success = (given.login.decode(), given.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=success, handled=False, auth_data=given.login.decode())


@asynccontextmanager
async def serving(postbox: Postbox, **options: Any) -> AsyncGenerator[Postbox]:
    """The mail server. `tls` encrypts from the start; all else is aiosmtpd's."""
    tls: ssl.SSLContext | None = options.pop("tls", None)
    loop = asyncio.get_running_loop()
    options = {"hostname": "relay.test", "enable_SMTPUTF8": True, "authenticator": _logged_in, **options}
    server = await loop.create_server(
        lambda: SMTP(postbox, loop=loop, **options), "127.0.0.1", postbox.port, ssl=tls
    )
    postbox.port = server.sockets[0].getsockname()[1]
    try:
        yield postbox
    finally:
        server.close()
        # Those who have just been told goodbye hang up.
        await asyncio.wait_for(server.wait_closed(), 10)


@contextmanager
def serving_elsewhere() -> Generator[Postbox]:
    """A mail server without encryption, in a thread of its own: for tests without an event loop."""
    begun, done, postbox = threading.Event(), threading.Event(), Postbox()

    async def serve() -> None:
        async with serving(postbox):
            begun.set()
            await asyncio.to_thread(done.wait)
            postbox.holding = False

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert begun.wait(10)
        yield postbox
    finally:
        done.set()
        thread.join(20)


@pytest.fixture
async def postbox() -> AsyncGenerator[Postbox]:
    """A mail server without encryption."""
    async with serving(Postbox()) as opened:
        yield opened


# -- certificates ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of this test."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def path(self) -> Path:
        """The file of its own certificate."""
        return self.folder / "ca.pem"

    def server(self, name: str) -> ssl.SSLContext:
        """What a server called `name` presents."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives: list[x509.GeneralName] = [x509.DNSName(name)]
        if name[0].isdigit():
            alternatives = [x509.IPAddress(ipaddress.ip_address(name))]
        certificate = (
            _builder(name, self.certificate.subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate authority, whose certificate is in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
    certificate = (
        _builder("authority of a test", name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Authority(tmp_path, certificate, key)
    made.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return made


def _builder(name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
