"""Where mail is handed over, and whom it is from: what an operator writes, taken apart.

Proven by tests/unit/test_mailserver.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.policy import SMTP
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from scimserver.directory.mailboxes import deliverable


class Security(StrEnum):
    """How the way to a mail server is protected, by the scheme of its URL."""

    NONE = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


_PORTS: Final = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}
_SCHEMES: Final = frozenset(each.value for each in Security)
_HOW: Final = "write it like smtp+starttls://user:password@mail.example.com:587 (or smtps://, smtp://)"
_SPEAKABLE: Final = re.compile(r"[^\x00-\x1f\x7f]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A mail server that takes our mail. The password is shown as stars."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whom mail is from: a mailbox, and a name for people, which may be empty."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """The domain of the mailbox."""
        return self.address.rpartition("@")[2]


def parse_mail_server(url: str) -> MailServer:
    """The mail server of a URL. Raises `ValueError`, whose text says how to write one and repeats nothing."""
    parts = _split(url)
    security = Security(parts.scheme)
    user = _plain(parts.username)
    password = _plain(parts.password)
    if (user is None) != (password is None):
        raise ValueError("it has a user without a password, or the other way round: write both, or neither")
    assert parts.hostname is not None
    if password is not None and security is Security.NONE and not _is_loopback(parts.hostname):
        raise ValueError("a password would travel in clear: use smtp+starttls:// or smtps://")
    return MailServer(
        host=parts.hostname,
        port=parts.port or _PORTS[security],
        security=security,
        user=user,
        password=password,
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(_HOW) from None
    more = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in _SCHEMES or not parts.hostname or more or port == 0:
        raise ValueError(_HOW)
    return parts


def _plain(text: str | None) -> str | None:
    if not text:
        return None
    plain = unquote(text)
    if not _SPEAKABLE.fullmatch(plain):
        raise ValueError("user and password have no control characters")
    return plain


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_sender(text: str) -> Sender:
    """The sender of `Name <address>`, or of an address alone. Raises `ValueError`."""
    if _SPEAKABLE.fullmatch(text):
        header = SMTP.header_factory("From", text)
        written: Sequence[Address] = header.addresses
        is_one = len(written) == 1 and not header.defects and header.groups[0].display_name is None
        address = deliverable(written[0].addr_spec) if is_one else None
        if address is not None and address.isascii():
            return Sender(address=address, name=written[0].display_name)
    raise ValueError("write it like Acme Directory <no-reply@acme.example>")


class MailSettings(BaseSettings):
    """What an operator may set about mail; a part of the settings of all (scimserver.config)."""

    smtp_url: SecretStr | None = Field(
        None,
        description="The mail server, such as smtp+starttls://user:password@mail.example.com:587; smtps:// is"
        " TLS from the start, smtp:// is in clear, for a relay on the same machine. Without it, mail is"
        " written to files in the folder `mail` of the data directory.",
    )
    smtp_ca: Path | None = Field(
        None,
        description="A PEM file with the certificates to trust for the mail server, instead of the system's.",
    )
    mail_from: str | None = Field(
        None,
        description="Whom mail is from, such as Acme Directory <no-reply@acme.example>. `serve` does not"
        " start with a mail server and without it.",
    )
    mail_budget: int = Field(
        200, ge=1, le=100_000, description="Mails of one organisation within an hour; those beyond it wait."
    )

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_mail_server(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_sender(cls, value: str | None) -> str | None:
        if value is not None:
            parse_sender(value)
        return value

    @property
    def mail_server(self) -> MailServer | None:
        """The mail server, if there is one."""
        return parse_mail_server(self.smtp_url.get_secret_value()) if self.smtp_url else None
