"""Where mail to a user goes: a table."""

from typing import Any

import pytest

from scimserver.directory.mailboxes import deliverable, mailbox

MAILS = [{"value": "other@acme.example"}, {"value": "work@acme.example", "primary": True}]


@pytest.mark.parametrize(
    "user_name,emails,expected",
    [
        ("ada@acme.example", [], "ada@acme.example"),
        ("ada@acme.example", MAILS, "ada@acme.example"),
        # The local part as it is stored; the domain as mail servers know it.
        ("Ada.L@BÜCHER.example", [], "Ada.L@xn--bcher-kva.example"),
        ("żaneta@acme.example", [], "żaneta@acme.example"),
        # A clone's placeholder gets no mail, at no address.
        ("ada@acme.example (Copy 1)", [], None),
        ("ada@acme.example (copy 12)", MAILS, None),
        # Free user names.
        ("ada", MAILS, "work@acme.example"),
        ("ada", MAILS[:1], None),
        ("ada", [], None),
        ("ada", [{"value": "no address", "primary": True}], None),
        ("ada", [{"value": "a@b.example (Copy 1)", "primary": True}], None),
        ("ada", [{"primary": True}], None),
        ("ada@acme.example,eve@evil.example", [], None),
        ("ada@acme.example\r\nBcc: eve@evil.example", [], None),
    ],
)
def test_mailbox_is_the_user_name_or_else_the_primary_mail(
    user_name: str, emails: list[dict[str, Any]], expected: str | None
):
    assert mailbox(user_name, {"emails": emails}) == expected


def test_mailbox_of_a_user_without_mails_is_none():
    assert mailbox("ada", {}) is None


@pytest.mark.parametrize(
    "text,expected",
    [
        ("ada@acme.example", "ada@acme.example"),
        ("ada@acme.example (Copy 3)", None),
        ("ada", None),
        ("", None),
    ],
)
def test_deliverable_is_an_address_that_is_no_placeholder(text: str, expected: str | None):
    assert deliverable(text) == expected
