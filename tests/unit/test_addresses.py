"""Addresses, their keys and placeholders, and what a domain is (P1, P2, P6), as tables."""

import pytest

from scimserver.kernel.addresses import (
    Address,
    Placeholder,
    address_key,
    format_placeholder,
    is_written_alike,
    parse_address,
    parse_placeholder,
)
from scimserver.kernel.domains import (
    AllowedDomain,
    display_domain,
    parse_domain,
    refusal,
)
from scimserver.kernel.errors import DomainNotAllowed, InvalidValue


@pytest.mark.parametrize(
    "one,other",
    [
        ("Anna@Example.COM", "anna@example.com"),
        ("ÄNNE@example.com", "änne@example.com"),
        ("a\u0308nne@example.com", "änne@example.com"),
        ("Groß@example.com", "gross@example.com"),
        ("Σίσυφος@example.com", "σίσυφοσ@example.com"),
        ("\uff41nna\uff20example\uff0ecom", "anna@example.com"),
        ("anna@example\u3002com", "anna@example.com"),
        ("anna@BÜCHER.example", "anna@bücher.example"),
        ("anna@XN--BCHER-KVA.example", "anna@bücher.example"),
        ("anna@example.com (copy 2)", "anna@example.com (Copy 2)"),
        ("\u1fb3\u0345", "\u03b1\u03b9\u03b9"),
    ],
)
def test_address_key_is_equal_for_spellings_of_one_address(one: str, other: str) -> None:
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(
    "one,other",
    [
        ("anna@example.com", "anna@example.org"),
        ("anna@example.com", "\u0430nna@example.com"),
        ("anna@example.com", "anna@ex\u0430mple.com"),
        ("anna@example.com", "anna+hr@example.com"),
        ("anna@example.com", "anna@example.com (Copy 1)"),
        ("a.b@example.com", "a\u3002b@example.com"),
        ("anna@gmail.com", "a.nna@gmail.com"),
    ],
)
def test_address_key_differs_for_different_addresses(one: str, other: str) -> None:
    assert address_key(one) != address_key(other)


@pytest.mark.parametrize(
    "one,other,alike",
    [
        ("ada@acme.com", "Ada@ACME.com", True),
        ("\u00e4da@acme.com", "\u00e4da@acme.com", True),
        ("J\u00f6rg@acme.com", "j\u00f6rg@acme.com", True),
        ("j\u00f6rg@acme.com", "jo\u0308rg@acme.com", False),
        ("\u017fusan@acme.com", "susan@acme.com", False),
        ("stra\u00dfe@acme.com", "strasse@acme.com", False),
        ("\u00c4da@acme.com", "\u00e4da@acme.com", False),
        ("\u212aate@acme.com", "kate@acme.com", False),
    ],
    ids=ascii,
)
def test_addresses_of_one_key_are_written_alike_only_with_the_same_letters(
    one: str, other: str, alike: bool
) -> None:
    assert address_key(one) == address_key(other)
    assert is_written_alike(one, other) is alike
    assert is_written_alike(other, one) is alike


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "xn--",
        "a@xn--",
        "a@xn--99999999.example",
        "a@xn--a.xn--" + "b" * 2000,
        "\x00\ud800@\u3002",
        "\u2103",
    ],
)
def test_address_key_takes_any_text(text: str) -> None:
    assert address_key(address_key(text)) == address_key(text)


@pytest.mark.parametrize(
    "text,local,domain",
    [
        ("anna@example.com", "anna", "example.com"),
        ("Anna.Berg+hr@Example.COM", "Anna.Berg+hr", "example.com"),
        ("o'neil_{x}~1@mail.example.co.uk", "o'neil_{x}~1", "mail.example.co.uk"),
        ("用户@例え.テスト", "用户", "xn--r8jz45g.xn--zckzah"),
        ("anna@BÜCHER.example", "anna", "xn--bcher-kva.example"),
        ("anna@XN--BCHER-KVA.Example", "anna", "xn--bcher-kva.example"),
        ("anna@straße.example", "anna", "xn--strae-oqa.example"),
        ("anna@例え\u3002example\uff0ecom", "anna", "xn--r8jz45g.example.com"),
        ("anna@\uff45xample.com", "anna", "example.com"),
        ("anna@ex\u0430mple.com", "anna", "xn--exmple-4nf.com"),
        ("a" * 64 + "@example.com", "a" * 64, "example.com"),
        ("anna@" + "a" * 63 + ".example", "anna", "a" * 63 + ".example"),
    ],
)
def test_parse_address_gives_the_local_part_as_sent_and_the_domain_in_a_labels(
    text: str, local: str, domain: str
) -> None:
    written = text.partition("@")[2]
    assert parse_address(text) == Address(local=local, domain=domain, written=written)


@pytest.mark.parametrize(
    "text,says",
    [
        ("", "is missing"),
        (" \t", "is missing"),
        ("anna", "has no @"),
        ("anna@@example.com", "has more than one @"),
        ("anna@evil.example@example.com", "has more than one @"),
        ("anna\uff20evil.example@example.com", "holds more than an address"),
        ("@example.com", "has nothing before the @"),
        ("anna@", "has nothing after the @"),
        (" anna@example.com", "begins or ends with a space"),
        ("anna@example.com\n", "begins or ends with a space"),
        ("anna berg@example.com", "contains a space"),
        ("an\x00na@example.com", "cannot be seen (U+0000)"),
        ("anna@exam\r\nple.com", "cannot be seen (U+000D)"),
        ("anna\xa0berg@example.com", "cannot be seen (U+00A0)"),
        ("anna@exam\u200bple.com", "cannot be seen (U+200B)"),
        ("anna@exam\xadple.com", "cannot be seen (U+00AD)"),
        ("anna\u202e@example.com", "cannot be seen (U+202E)"),
        ("anna\u3164@example.com", "cannot be seen (U+3164)"),
        ("anna\ufe0f@example.com", "cannot be seen (U+FE0F)"),
        ("anna\ud800@example.com", "cannot be seen (U+D800)"),
        ('"anna berg"@example.com', "is quoted"),
        ('"anna@evil.example"@example.com', "is quoted"),
        ("Anna Berg <anna@example.com>", "holds more than an address"),
        ("anna,berg@example.com", "holds more than an address"),
        ("anna(work)@example.com", "contains a comment"),
        ("anna@example.com(work)", "contains a comment"),
        ("anna%evil.example@example.com", "contains % or !"),
        ("evil.example!anna@example.com", "contains % or !"),
        ("anna\uff05evil.example@example.com", "contains % or !"),
        ("=?utf-8?q?anna=40evil.example?=@example.com", "contains an encoded word"),
        (".anna@example.com", "has a dot too many"),
        ("anna.@example.com", "has a dot too many"),
        ("anna..berg@example.com", "has a dot too many"),
        ("anna\U0001f600@example.com", "contains U+1F600"),
        ("a" * 65 + "@example.com", "more than 64 octets"),
        ("ä" * 33 + "@example.com", "more than 64 octets"),
        ("a" * 64 + "@" + "a." * 95 + "com", "longer than 254 octets"),
        ("anna@example.com (Copy 1) (Copy 2)", "contains a space"),
        ("anna@example.com (Copy 0)", "contains a space"),
        ("(Copy 1)", "has no @"),
    ],
)
def test_parse_address_refuses_and_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_address(text)
    assert says in refused.value.detail
    assert refused.value.attribute == "userName"


MALFORMED_DOMAINS = [
    ("[192.0.2.1]", "is an IP address"),
    ("[IPv6:2001:db8::1]", "is an IP address"),
    ("192.0.2.1", "is an IP address"),
    ("2001:db8::1", "is an IP address"),
    ("1.2.3.0x4", "ends in a number"),
    ("example.123", "ends in a number"),
    ("localhost", "has only one part"),
    ("bücher", "has only one part"),
    ("my_host.example", "contains an underscore"),
    ("exam ple.com", "contains a space"),
    ("example..com", "two in a row"),
    ("-example.com", "has a hyphen beside"),
    ("example-.com", "has a hyphen beside"),
    ("example.com:8080", "holds more than a name"),
    ("https://example.com/", "holds more than a name"),
    ("a" * 64 + ".example", "has a part longer than 63 octets"),
    ("ü" * 60 + ".example", "is not a valid domain name"),
    ("a." * 126 + "com", "longer than 253 octets"),
    ("ex%61mple.com", "is not a valid domain name"),
    ("ex\U0001f600mple.com", "is not a valid domain name"),
    ("xn--a.example", "is not a valid domain name"),
    ("xn---bbk.example", "is not a valid domain name"),
    ("ab--cd.example", "is not a valid domain name"),
    ("\u0301x.example", "is not a valid domain name"),
    ("\u05d0a.example", "is not a valid domain name"),
]


@pytest.mark.parametrize("text,says", [*MALFORMED_DOMAINS, ("example.com.", "ends with a dot")])
def test_parse_address_refuses_a_malformed_domain(text: str, says: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_address("anna@" + text)
    assert says in refused.value.detail
    assert refused.value.attribute == "userName"


@pytest.mark.parametrize(
    "text,says",
    [
        *MALFORMED_DOMAINS,
        ("", "is missing"),
        ("@", "is missing"),
        ("*.", "is missing"),
        ("com.", "has only one part"),
        ("@localhost", "has only one part"),
        ("example.com..", "ends with a dot"),
        ("exam\u200bple.com", "cannot be seen (U+200B)"),
        ("anna@example.com", "holds more than a name"),
        ("@example.com", 'Write "example.com" without the @.'),
        ("@BÜCHER.example", 'Write "bücher.example" without the @.'),
        ("*.example.com", 'Write "example.com" and choose to allow its sub-domains.'),
        (".example.com", 'Write "example.com" and choose to allow its sub-domains.'),
    ],
)
def test_parse_domain_refuses_and_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_domain(text)
    assert says in refused.value.detail
    assert refused.value.attribute == "domain"


@pytest.mark.parametrize(
    "text,domain",
    [
        (" Example.COM ", "example.com"),
        ("example.com.", "example.com"),
        ("example\u3002com\uff61", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("b\u0075\u0308cher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    ],
)
def test_parse_domain_gives_the_canonical_form(text: str, domain: str) -> None:
    assert parse_domain(text) == domain


@pytest.mark.parametrize(
    "domain,shown",
    [
        ("example.com", "example.com"),
        ("xn--bcher-kva.example", "bücher.example"),
        ("xn--strae-oqa.example", "straße.example"),
        ("xn--a.example", "xn--a.example"),
        ("xn--mgba3gch31f060k.example", "xn--mgba3gch31f060k.example"),
    ],
    ids=["ascii", "decoded", "sharp s", "invalid stays", "with a hidden joiner stays"],
)
def test_display_domain_shows_what_reads_back_as_the_same_domain(domain: str, shown: str) -> None:
    assert display_domain(domain) == shown


@pytest.mark.parametrize(
    "text,placeholder",
    [
        ("anna@example.com (Copy 1)", Placeholder(stem="anna@example.com", number=1)),
        ("anna@example.com (copy 12)", Placeholder(stem="anna@example.com", number=12)),
        ("badge 7 (Copy 3)", Placeholder(stem="badge 7", number=3)),
        ("a@example.com (Copy 1) (Copy 2)", Placeholder(stem="a@example.com (Copy 1)", number=2)),
        ("anna@example.com", None),
        ("anna@example.com (Copy 0)", None),
        ("anna@example.com (Copy 01)", None),
        ("anna@example.com (Copy \u0661)", None),
        ("anna@example.com (Copy 1234567890)", None),
        ("anna@example.com(Copy 1)", None),
        ("anna@example.com (Copy 1) ", None),
        (" (Copy 1)", None),
    ],
)
def test_parse_placeholder_recognises_only_what_cloning_makes(
    text: str, placeholder: Placeholder | None
) -> None:
    assert parse_placeholder(text) == placeholder


def test_format_placeholder_appends_copy_and_the_number() -> None:
    assert format_placeholder(Placeholder(stem="a@example.com", number=2)) == "a@example.com (Copy 2)"


def test_parse_address_gives_the_parts_of_the_stem_when_it_is_a_placeholder() -> None:
    assert parse_address("Anna@BÜCHER.example (Copy 2)") == Address(
        local="Anna", domain="xn--bcher-kva.example", written="BÜCHER.example", is_placeholder=True
    )


WHERE = " is not in the organisation's Email Domains. An administrator adds it with `scimserver domain add`."


@pytest.mark.parametrize(
    "written,detail",
    [
        ("Evil.example", 'The domain "Evil.example"' + WHERE),
        ("ex\u0430mple.com", 'The domain "ex\u0430mple.com" (xn--exmple-4nf.com)' + WHERE),
        (
            "mail.example.com",
            'The domain "mail.example.com"'
            + WHERE
            + ' "example.com" is listed there without its sub-domains.',
        ),
    ],
    ids=["another", "look-alike", "sub-domain of an exact entry"],
)
def test_refusal_names_the_domain_and_where_to_add_it(written: str, detail: str) -> None:
    entries = [AllowedDomain(domain=name) for name in ("other.example", "example.com")]
    error = refusal(written, entries)
    assert isinstance(error, DomainNotAllowed)
    assert (error.detail, error.attribute) == (detail, "userName")


@pytest.mark.parametrize("length", [200, 243, 244, 253])
def test_keys_of_all_copies_of_an_address_begin_alike(length: int):
    stem = "ada@xn--bcher-kva." + "a" * (length - len("xn--bcher-kva..example")) + ".example"
    keys = [address_key(f"{stem} (Copy {number})") for number in (1, 10, 100)]
    assert keys == [f"{address_key(stem)} (copy {number})" for number in (1, 10, 100)]
