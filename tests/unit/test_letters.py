"""Letters: the same in text and page, nothing that users wrote works as more than text."""

from dataclasses import replace
from datetime import UTC, datetime
from email.policy import SMTP
from html.parser import HTMLParser

import pytest

from scimserver.directory import mail
from scimserver.directory.mail import Kind
from scimserver.workers.letters import About, Letter, as_html, as_text, letter, message
from scimserver.workers.mailserver import Sender
from tests.providers import OKTA

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LINK = "https://id.example/reset?token=abc-_DEF"
PROVIDER = replace(OKTA, name="Acme Okta", reset_uri=LINK, contact="it@acme.example")
ABOUT = About(account="ada@acme.example", organization="Acme", happened=NOON, provider=PROVIDER)
LINKED = mail.LINKS | {Kind.PASSWORD_MANAGED}
SENDER = Sender(address="no-reply@id.example", name="Acme")
SPAN = {
    Kind.LINK_SELF_SERVICE: "60 minutes",
    Kind.LINK_ADMINISTRATOR: "24 hours",
    Kind.LINK_INVITATION: "72 hours",
}


class Page(HTMLParser):
    """What of a page is seen, and what of it would be loaded or followed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links.extend(value for name, value in attrs if name in ("href", "src"))

    def handle_data(self, data: str) -> None:
        self.words.extend(data.split())


def written(kind: Kind, about: About = ABOUT) -> Letter:
    return letter(kind, replace(about, link=LINK if kind in mail.LINKS else ""))


@pytest.mark.parametrize("kind", list(Kind))
def test_text_and_page_say_the_same(kind: Kind):
    made = written(kind)
    page = Page(as_html(made))
    text = as_text(made).replace(":\nhttps", "\nhttps").split()
    # The page has the subject as its title.
    assert page.words == made.subject.split() + text


@pytest.mark.parametrize("kind", list(Kind))
def test_page_loads_nothing_and_leads_nowhere_else(kind: Kind):
    page = Page(as_html(written(kind)))
    assert page.tags <= {"html", "head", "meta", "title", "body", "p", "a"}
    assert page.links == ([LINK] if kind in LINKED else [])


@pytest.mark.parametrize("kind", list(Kind))
def test_letter_is_filled_in(kind: Kind):
    text = as_text(written(kind))
    assert not set("{}[]") & set(text)
    assert "Acme" in text
    assert ("ada@acme.example" in text) is (kind is not Kind.ADDRESS_CHANGED)
    assert SPAN.get(kind, "") in text
    assert ("01 January 2026 at 12:00 UTC" in text) is (kind not in LINKED)


@pytest.mark.parametrize("said", ["Acme Okta", "acme.okta.example", LINK, "Help: it@acme.example"])
def test_letter_about_a_managed_password_says_where_and_whom_to_ask(said: str):
    assert said in as_text(written(Kind.PASSWORD_MANAGED))


def test_letter_about_a_managed_password_leads_nowhere_where_nothing_is_known():
    unknown = replace(ABOUT, provider=replace(PROVIDER, reset_uri=None, contact=""))
    text = as_text(written(Kind.PASSWORD_MANAGED, unknown))
    assert "http" not in text
    assert "Help:" not in text


@pytest.mark.parametrize("kind", list(Kind))
def test_what_users_wrote_is_text_on_one_line(kind: Kind):
    nasty = '<script>alert(1)</script>"\r\nBcc: eve@evil.example\u202e{link}[x]'
    made = written(kind, replace(ABOUT, organization=nasty, account=nasty))
    assert "\n" not in made.subject
    assert "\u202e" not in made.subject
    assert Page(as_html(made)).tags <= {"html", "head", "meta", "title", "body", "p", "a"}
    sent = message(made, sender=SENDER, recipient="ada@acme.example", now=NOON)
    assert "Bcc" not in sent
    assert sent.get_all("To") == ["ada@acme.example"]


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.PASSWORD_MANAGED}))
def test_letter_ends_with_whom_to_ask_for_help(kind: Kind):
    made = written(kind, replace(ABOUT, support_contact="IT desk,\r\nextension 100"))
    assert as_text(made).splitlines()[-1] == "Help: IT desk, extension 100"
    assert "Help" not in as_text(written(kind))


def test_title_that_is_very_long_is_cut():
    made = written(Kind.PASSWORD_CHANGED, replace(ABOUT, organization="x" * 5000))
    assert len(made.subject) < 200


def test_link_stands_on_one_line_of_its_own_in_the_text():
    sent = message(written(Kind.LINK_INVITATION), sender=SENDER, recipient="ada@acme.example", now=NOON)
    body = sent.get_body(("plain",))
    assert body is not None
    assert LINK in body.get_content().splitlines()


def test_lines_are_as_long_as_mail_servers_take():
    link = "https://id.example/" + "x" * 900 + "?token=" + "y" * 64
    made = replace(written(Kind.LINK_INVITATION), link=link)
    raw = message(made, sender=SENDER, recipient="ada@acme.example", now=NOON).as_bytes(policy=SMTP)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
