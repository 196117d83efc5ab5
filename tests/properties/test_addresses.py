"""Laws of addresses and of the Email Domain rule (P1, P2): for any text, beside its known traps."""

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scimserver.kernel.addresses import (
    Placeholder,
    address_key,
    format_placeholder,
    parse_address,
    parse_placeholder,
)
from scimserver.kernel.domains import (
    PUBLIC_MAIL_DOMAINS,
    AllowedDomain,
    clashes,
    covers,
    display_domain,
    parse_domain,
)
from scimserver.kernel.errors import InvalidValue

ANY_TEXT = st.text(max_size=40)
TRICKY = st.text(
    alphabet=st.one_of(
        st.sampled_from("aAkxnßẞςΣ\u0131İK\u0345\u0301\u1fb3ﬁ\u3002\uff0e\uff20@.-_%()[]:\u200b\u200d0 "),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=20,
)
LABEL = st.from_regex(r"(?!xn--)[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
UNICODE_LABEL = st.text(alphabet="abzüßςжяω例えआ\u0966", min_size=1, max_size=8)
DOMAIN = st.lists(st.sampled_from(["a", "b", "ab", "xa"]), min_size=1, max_size=3).map(
    lambda labels: ".".join([*labels, "example"])
)
EXACT = AllowedDomain(domain="example.com")
TREE = AllowedDomain(domain="example.com", subdomains=True)
ENTRY = st.builds(AllowedDomain, domain=DOMAIN, subdomains=st.booleans())


def accepted(text: str) -> str | None:
    """The canonical domain of the text, or None where it is refused."""
    try:
        return parse_domain(text)
    except InvalidValue:
        return None


@given(text=ANY_TEXT | TRICKY | st.builds("{}@xn--{}.{}".format, TRICKY, LABEL, TRICKY))
def test_address_key_is_idempotent(text: str) -> None:
    key = address_key(text)
    assert address_key(key) == key


@given(text=TRICKY)
def test_address_key_ignores_case(text: str) -> None:
    assert address_key(text) == address_key(text.casefold()) == address_key(text.lower().casefold())


@given(local=LABEL | TRICKY, label=UNICODE_LABEL | TRICKY)
def test_address_key_is_one_for_every_spelling_of_an_accepted_address(local: str, label: str) -> None:
    text = f"{local}@{label}.example"
    try:
        address = parse_address(text)
    except InvalidValue:
        return
    for domain in (address.domain, address.domain.upper(), display_domain(address.domain)):
        assert address_key(f"{address.local}@{domain}") == address_key(text)


@given(local=LABEL, label=UNICODE_LABEL | LABEL)
def test_parse_address_gives_the_domain_that_parse_domain_gives(local: str, label: str) -> None:
    domain = accepted(f"{label}.example")
    if domain is not None:
        assert parse_address(f"{local}@{label}.example").domain == domain


@given(text=ANY_TEXT | TRICKY | TRICKY.map("a@{}.example".format))
def test_parse_address_accepts_or_refuses_and_never_fails_otherwise(text: str) -> None:
    try:
        address = parse_address(text)
    except InvalidValue:
        return
    assert f"{address.local}@{address.written}" == text


@given(text=UNICODE_LABEL.map("{}.example".format) | TRICKY.map("{}.example".format))
def test_parse_domain_gives_an_ascii_name_that_it_gives_again(text: str) -> None:
    domain = accepted(text)
    if domain is not None:
        assert domain.isascii()
        assert parse_domain(domain) == domain


@given(text=UNICODE_LABEL.map("{}.example".format) | TRICKY.map("{}.example".format))
def test_display_domain_reads_back_as_the_same_domain(text: str) -> None:
    domain = accepted(text)
    if domain is not None:
        assert parse_domain(display_domain(domain)) == domain


@given(labels=st.lists(LABEL | st.text("ab-0", max_size=6), min_size=1, max_size=4))
def test_parse_domain_agrees_with_idna_on_ascii_names(labels: list[str]) -> None:
    name = ".".join([*labels, "example"])
    try:
        expected = idna.encode(name).decode("ascii")
    except idna.IDNAError:
        expected = None
    assert accepted(name) == expected


@given(stem=st.text(min_size=1, max_size=20), number=st.integers(1, 999_999_999))
def test_parse_placeholder_gives_back_what_format_placeholder_was_given(stem: str, number: int) -> None:
    placeholder = Placeholder(stem=stem, number=number)
    assert parse_placeholder(format_placeholder(placeholder)) == placeholder


@pytest.mark.parametrize(
    "entry,domain,covered",
    [
        (EXACT, "example.com", True),
        (EXACT, "mail.example.com", False),
        (EXACT, "com", False),
        (TREE, "example.com", True),
        (TREE, "mail.example.com", True),
        (TREE, "a.b.example.com", True),
        (TREE, "evilexample.com", False),
        (TREE, "example.com.evil.example", False),
        (TREE, "example.co", False),
    ],
)
def test_covers_respects_label_boundaries(entry: AllowedDomain, domain: str, covered: bool) -> None:
    other = AllowedDomain(domain="other.example")
    assert covers([other, entry], domain) is covered


def test_covers_nothing_when_the_list_is_empty() -> None:
    assert not covers([], "example.com")


@pytest.mark.parametrize(
    "one,other,clash",
    [
        (EXACT, EXACT, True),
        (EXACT, TREE, True),
        (TREE, AllowedDomain(domain="mail.example.com"), True),
        (TREE, AllowedDomain(domain="mail.example.com", subdomains=True), True),
        (EXACT, AllowedDomain(domain="mail.example.com", subdomains=True), False),
        (TREE, AllowedDomain(domain="evilexample.com", subdomains=True), False),
    ],
)
def test_clashes_finds_entries_that_share_a_domain(
    one: AllowedDomain, other: AllowedDomain, clash: bool
) -> None:
    assert (clashes(one, other), clashes(other, one)) == (clash, clash)


@given(entry=ENTRY, domain=DOMAIN)
def test_covers_exactly_the_domain_and_its_labels_in_front(entry: AllowedDomain, domain: str) -> None:
    own, tail = domain.split("."), entry.domain.split(".")
    deeper = len(own) > len(tail) and own[-len(tail) :] == tail
    assert covers([entry], domain) is (own == tail or (entry.subdomains and deeper))


@given(one=ENTRY, other=ENTRY, domain=DOMAIN)
def test_clashes_whenever_both_cover_one_domain(
    one: AllowedDomain, other: AllowedDomain, domain: str
) -> None:
    if covers([one], domain) and covers([other], domain):
        assert clashes(one, other)


@given(one=ENTRY, other=ENTRY)
def test_clashes_only_when_both_cover_one_domain(one: AllowedDomain, other: AllowedDomain) -> None:
    shared = [
        domain for domain in (one.domain, other.domain) if covers([one], domain) and covers([other], domain)
    ]
    assert clashes(one, other) is bool(shared)


def test_public_mail_domains_are_all_canonical() -> None:
    assert {parse_domain(domain) for domain in PUBLIC_MAIL_DOMAINS} == PUBLIC_MAIL_DOMAINS


@pytest.mark.parametrize("domain", ["gmail.com", "outlook.com", "yahoo.co.uk", "mail.ru", "qq.com", "gmx.de"])
def test_public_mail_domains_hold_the_well_known(domain: str) -> None:
    assert domain in PUBLIC_MAIL_DOMAINS
