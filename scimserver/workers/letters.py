"""What is written in mail: one text, as plain text and as HTML, without anything loaded from elsewhere. Pure.

Nothing of it was written by users but the organisation's title and support contact, and the account's name.
Proven by tests/unit/test_letters.py.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from typing import Final

from scimserver.directory.limits import shown
from scimserver.directory.mail import Kind
from scimserver.directory.password_resets import LASTS, PURPOSES
from scimserver.kernel.ids import new_uuid
from scimserver.kernel.providers import IdentityProvider
from scimserver.workers.mailserver import Sender

_WORDS: Final = {
    Kind.LINK_SELF_SERVICE: """
        Set a new password for {organization}

        Somebody asked for a link to set a new password for {account} at {organization}.

        [Set a new password]

        The link works once, for {span} from when this was sent.

        If that was not you, do nothing: the password stays as it is.
    """,
    Kind.LINK_ADMINISTRATOR: """
        Set a new password for {organization}

        An administrator of {organization} asks you to set a new password for {account}.

        [Set a new password]

        The link works once, for {span} from when this was sent.

        If you did not expect this, ask your administrator before you use the link.
    """,
    Kind.LINK_INVITATION: """
        Your account at {organization}

        You have an account at {organization}: {account}. Set a password to sign in.

        [Set a password]

        The link works once, for {span} from when this was sent.

        If you did not expect this, do nothing.
    """,
    Kind.PASSWORD_CHANGED: """
        Your password for {organization} was changed

        The password of {account} at {organization} was changed on {when}, by somebody who knew the one
        before.

        If that was not you, tell your administrator at once.
    """,
    Kind.PASSWORD_SET_BY_ADMINISTRATOR: """
        Your password for {organization} was set by an administrator

        An administrator of {organization} set a password for {account} on {when}. The one before it no
        longer works.

        Nobody sends you the new one by mail. If you do not know of it, ask your administrator.
    """,
    Kind.PASSWORD_RESET: """
        Your password for {organization} was reset

        A new password was set for {account} at {organization} on {when}, with a link that was mailed to
        this address.

        If that was not you, tell your administrator at once.
    """,
    # The new address is not told to whoever reads the mail of the one before.
    Kind.ADDRESS_CHANGED: """
        Your address for {organization} was changed

        Since {when}, your account at {organization} has another address. This one no longer signs in,
        and gets no more mail about it.

        If that was not you, tell your administrator at once.
    """,
    Kind.PASSWORD_MANAGED: """
        Your password for {organization} is managed elsewhere

        Somebody asked for a link to set a new password for {account} at {organization}.

        There is no password to set here: you sign in by {provider} ({host}), where your password is managed.
        Change it there, or ask the systems administrator of {organization}.

        [Where your password is managed]

        If you did not ask for this, do nothing.
    """,
    Kind.RECOVERY_USED: """
        A recovery account of {organization} was used

        Somebody signed in to {organization} by a recovery account on {when}: with a password and a code,
        past the identity provider. The log says whose account it was. You are told because you, {account},
        may change how people sign in.

        If none of you did that, withdraw the account at once.
    """,
}
"""The letters: a subject, then paragraphs; the one in brackets is the label of the link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a letter is about."""

    account: str
    """The user's name: the address that signs in."""
    organization: str
    """The organisation's title."""
    happened: datetime
    """When what the letter tells of happened."""
    support_contact: str = ""
    """Whom to ask for help; empty where the organisation says nobody."""
    link: str = ""
    """Where the password can be set; a secret. Empty in letters without one."""
    provider: IdentityProvider | None = None
    """Who manages the password instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter. A paragraph in brackets stands for the link, and is its label."""

    subject: str
    paragraphs: tuple[str, ...]
    link: str


def letter(kind: Kind, about: About) -> Letter:
    """The letter of a kind."""
    values = {
        "account": _one_line(about.account),
        "organization": _one_line(about.organization),
        "when": f"{about.happened:%d %B %Y at %H:%M} UTC",
        "span": _span(LASTS[PURPOSES[kind]]) if kind in PURPOSES else "",
        "provider": _one_line(about.provider.name) if about.provider else "",
        "host": about.provider.host if about.provider else "",
    }
    subject, *paragraphs = (
        " ".join(part.split()).format_map(values) for part in re.split(r"\n\s*\n", _WORDS[kind])
    )
    link, contact = about.link, about.support_contact
    if kind is Kind.PASSWORD_MANAGED and about.provider is not None:
        link, contact = about.provider.reset_uri or "", about.provider.contact
        paragraphs = [part for part in paragraphs if link or not _label(part)]
    helping = [f"Help: {_one_line(contact)}"] if _one_line(contact) else []
    return Letter(subject=subject, paragraphs=(*paragraphs, *helping), link=link)


def message(letter: Letter, *, sender: Sender, recipient: str, now: datetime) -> EmailMessage:
    """The letter as a mail to one address. Each has an id of its own: sent again, it is another mail."""
    local, _, domain = recipient.rpartition("@")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = Address(username=local, domain=domain)
    mail["Subject"] = letter.subject
    mail["Date"] = now
    mail["Message-ID"] = f"<{new_uuid()}@{sender.domain}>"
    # Nobody's absence is answered to it (RFC 3834, section 5).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(as_text(letter))
    mail.add_alternative(as_html(letter), subtype="html")
    return mail


def as_text(letter: Letter) -> str:
    """The letter as plain text."""
    parts = (
        f"{label}:\n{letter.link}" if (label := _label(paragraph)) else paragraph
        for paragraph in letter.paragraphs
    )
    return "\n\n".join(parts) + "\n"


def as_html(letter: Letter) -> str:
    """The letter as a page that loads nothing."""
    parts = (
        _linked(label, letter.link) if (label := _label(paragraph)) else f"<p>{escape(paragraph)}</p>"
        for paragraph in letter.paragraphs
    )
    return _PAGE.format(subject=escape(letter.subject), body="\n".join(parts))


_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{subject}</title>
</head>
<body style="margin: 2em auto; max-width: 36em; padding: 0 1em; font: 16px/1.5 sans-serif">
{body}
</body>
</html>
"""


def _linked(label: str, link: str) -> str:
    # Where it leads is shown too: a label hides that.
    target = escape(link)
    shown_too = f'<p style="word-break: break-all">{target}</p>'
    return f'<p><a href="{target}">{escape(label)}</a></p>\n{shown_too}'


def _label(paragraph: str) -> str:
    found = re.fullmatch(r"\[(.+)\]", paragraph)
    return found[1] if found else ""


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes} minutes" if minutes <= 60 else f"{minutes // 60} hours"


def _one_line(text: str) -> str:
    """The text without what ends a line, or is too long: titles, and free user names, may be anything."""
    spaced = " ".join(text.split())
    return shown("".join(letter for letter in spaced if letter.isprintable()))
