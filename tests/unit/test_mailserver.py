"""What an operator writes of a mail server and of a sender: tables."""

import pytest

from scimserver.workers.mailserver import MailServer, Security, Sender, parse_mail_server, parse_sender

PASSWORD = "p@ss:w/rd"


@pytest.mark.parametrize(
    "url,expected",
    [
        ("smtp://relay.example", ("relay.example", 25, Security.NONE, None, None)),
        ("smtp://127.0.0.1:1025/", ("127.0.0.1", 1025, Security.NONE, None, None)),
        ("smtp://u:p@localhost", ("localhost", 25, Security.NONE, "u", "p")),
        ("smtp://u:p@[::1]:2525", ("::1", 2525, Security.NONE, "u", "p")),
        ("smtps://relay.example", ("relay.example", 465, Security.TLS, None, None)),
        (
            "smtp+starttls://a%40b.example:p%40ss%3Aw%2Frd@relay.example",
            ("relay.example", 587, Security.STARTTLS, "a@b.example", PASSWORD),
        ),
    ],
)
def test_mail_server_of_a_url(url: str, expected: tuple[str, int, Security, str | None, str | None]):
    host, port, security, user, password = expected
    assert parse_mail_server(url) == MailServer(
        host=host, port=port, security=security, user=user, password=password
    )


@pytest.mark.parametrize(
    "url,why",
    [
        ("relay.example", "write it like"),
        ("http://relay.example", "write it like"),
        ("smtp://", "write it like"),
        ("smtp://relay.example:0", "write it like"),
        ("smtp://relay.example:99999", "write it like"),
        ("smtp://relay.example:mail", "write it like"),
        ("smtps://relay.example/inbox", "write it like"),
        ("smtps://relay.example?tls=no", "write it like"),
        ("smtps://relay.example#x", "write it like"),
        ("smtps://secretuser@relay.example", "write both"),
        ("smtps://:secret@relay.example", "write both"),
        ("smtp://u:secret@relay.example", "in clear"),
        ("smtps://u:secret%0D%0ARSET@relay.example", "control characters"),
    ],
)
def test_url_that_is_wrong_is_explained_without_being_repeated(url: str, why: str):
    with pytest.raises(ValueError, match=why) as refused:
        parse_mail_server(url)
    assert "secret" not in str(refused.value)


def test_password_is_not_shown():
    assert PASSWORD not in repr(parse_mail_server("smtps://u:p%40ss%3Aw%2Frd@relay.example"))


@pytest.mark.parametrize(
    "text,expected",
    [
        ("no-reply@acme.example", Sender(address="no-reply@acme.example")),
        ("Acme <no-reply@acme.example>", Sender(address="no-reply@acme.example", name="Acme")),
        ('"Acme, Inc." <a@ACME.example>', Sender(address="a@acme.example", name="Acme, Inc.")),
        ("Bücher <a@bücher.example>", Sender(address="a@xn--bcher-kva.example", name="Bücher")),
    ],
)
def test_sender_of_a_text(text: str, expected: Sender):
    assert parse_sender(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Acme",
        "a@acme.example, b@acme.example",
        "Acme, Inc. <a@acme.example>",
        "Acme <a@acme.example> more",
        "Group: a@acme.example;",
        "Acme <a@acme.example>\r\nBcc: eve@evil.example",
        "Acme <żaneta@acme.example>",
    ],
)
def test_text_that_is_no_sender_is_refused(text: str):
    with pytest.raises(ValueError, match="write it like"):
        parse_sender(text)


def test_sender_has_a_domain():
    assert Sender(address="a@acme.example").domain == "acme.example"
