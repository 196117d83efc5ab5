"""Domain names of mail, and the Email Domain rule (P2): pure, in one canonical spelling.

Canonical is the lower-case A-label form of IDNA 2008 (RFC 5890, 5891) after the UTS #46 mapping,
within the lengths of RFC 1035, with at least two labels and no number as the last (RFC 3696,
section 2). Equal strings are equal domains, so a look-alike in another script is simply a
different domain, and errors show its A-label.
Proven by tests/unit/test_addresses.py and tests/properties/test_addresses.py.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import idna

from scimserver.kernel.errors import DomainNotAllowed, InvalidValue

MAX_DOMAIN_OCTETS = 253
MAX_LABEL_OCTETS = 63

PUBLIC_MAIL_DOMAINS = frozenset(
    """
    126.com 163.com aol.com fastmail.com fastmail.fm foxmail.com free.fr gmail.com gmx.at gmx.ch gmx.com
    gmx.de gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.fr hotmail.it
    hushmail.com icloud.com inbox.ru laposte.net libero.it list.ru live.com mac.com mail.com mail.ru me.com
    msn.com naver.com orange.fr outlook.com pm.me posteo.de proton.me protonmail.ch protonmail.com qq.com
    rambler.ru rediffmail.com rocketmail.com seznam.cz sina.com t-online.de tuta.com tutanota.com uol.com.br
    web.de wp.pl ya.ru yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.ar yahoo.com.au
    yahoo.com.br yahoo.com.mx yahoo.de yahoo.es yahoo.fr yahoo.in yahoo.it yandex.by yandex.com yandex.kz
    yandex.ru yeah.net ymail.com zoho.com zohomail.com
    """.split()  # noqa: SIM905 - a list literal would be eighty lines
)
"""Domains where anybody gets a mailbox: to list one as an Email Domain takes an explicit override."""

_LABEL = r"(?!(?!xn)..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ASCII_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DOTS = ".\u3002\uff0e\uff61"
"""What people type for a dot, and UTS #46 reads as one."""

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What draws nothing although Unicode calls it a letter, mark or symbol."""

_FAULTS = (
    (re.compile(r"\s"), "contains a space: remove it"),
    (re.compile(r"(?i)^(?:\[|[0-9.]+$|[0-9a-f]*:[0-9a-f:.]*$)"), "is an IP address: write a domain name"),
    (re.compile(r"[()]"), "contains a comment in parentheses: remove it"),
    (re.compile(r"[/:\\?#@<>]"), "holds more than a name: write only the name, as example.com"),
    (re.compile(r"_"), "contains an underscore, which no mail domain may: correct it"),
    (re.compile(rf"[{_DOTS}]$"), "ends with a dot: remove it"),
    (re.compile(rf"^[{_DOTS}]|[{_DOTS}]{{2}}"), "begins with a dot or has two in a row: remove one"),
    (re.compile(rf"(?:^|[{_DOTS}])-|-(?:[{_DOTS}]|$)"), "has a hyphen beside a dot or an end: correct it"),
    (re.compile(rf"(?i)[{_DOTS}](?:[0-9]+|0x[0-9a-f]*)$"), "ends in a number: correct it"),
    (re.compile(rf"^[^{_DOTS}]+$"), "has only one part: write it in full, as example.com"),
)
"""How a malformed domain is explained: the first pattern found says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedDomain:
    """One entry of an organisation's Email Domains."""

    domain: str
    """In canonical form, as `parse_domain` returns it."""
    subdomains: bool = False
    """Whether every sub-domain is allowed too."""


def parse_domain(text: str, *, attribute: str = "domain") -> str:
    """The canonical form of a domain that an administrator typed.

    Spaces around it and one dot at its end are forgiven. Raises InvalidValue, naming `attribute`
    and saying what to write instead.
    """
    name = text.strip()
    if name and name[-1] in _DOTS:
        name = name[:-1]
    bare = name.lstrip("@*" + _DOTS)
    domain = canonical_domain(bare, attribute=attribute)
    if name == bare:
        return domain
    advice = "without the @" if name.startswith("@") else "and choose to allow its sub-domains"
    raise InvalidValue(f'Write "{display_domain(domain)}" {advice}.', attribute=attribute)


def canonical_domain(text: str, *, attribute: str) -> str:
    """The lower-case A-label form of a mail domain, taken exactly as written.

    Raises InvalidValue, naming `attribute` and saying what to correct.
    """
    domain = _a_labels(text)
    if domain is None:
        raise InvalidValue(f"The domain {_fault(text)}.", attribute=attribute)
    return domain


def display_domain(domain: str) -> str:
    """A canonical domain as people read it; `parse_domain` of the answer gives it back.

    A domain whose Unicode form would be refused or read as another stays in A-labels.
    """
    shown = unicode_labels(domain)
    return shown if _a_labels(shown) == domain else domain


def hidden_character(text: str) -> str | None:
    """The first character that a reader cannot see, as "U+200B", or None.

    Hidden are controls, formats (bidirectional, zero width), separators but the plain space,
    surrogates, private and unassigned code points, fillers and variation selectors.
    """
    if text.isprintable() and text.isascii():
        return None
    for character in text:
        if not character.isprintable() or _INVISIBLE.match(character):
            return f"U+{ord(character):04X}"
    return None


def covers(allowed: Iterable[AllowedDomain], domain: str) -> bool:
    """Whether an entry allows the canonical `domain`: itself, or as a true sub-domain."""
    return any(_covers(entry, domain) for entry in allowed)


def clashes(one: AllowedDomain, other: AllowedDomain) -> bool:
    """Whether some domain is covered by both entries: it may then not belong to two organisations."""
    return _covers(one, other.domain) or _covers(other, one.domain)


def refusal(
    written: str, allowed: Iterable[AllowedDomain], *, attribute: str = "userName"
) -> DomainNotAllowed:
    """The error for a valid domain, `written` as the client sent it, that no entry in `allowed` covers.

    It names the domain, its A-label where that differs, and where an administrator adds it; of the
    organisation's list it tells only of a parent domain. Raises InvalidValue if `written` is no domain.
    """
    domain = canonical_domain(written, attribute=attribute)
    name = f'"{written}"' if written.lower() == domain else f'"{written}" ({domain})'
    detail = (
        f"The domain {name} is not in the organisation's Email Domains. An administrator adds it with "
        "`scimserver domain add`."
    )
    for entry in allowed:
        if domain.endswith("." + entry.domain):
            detail += f' "{display_domain(entry.domain)}" is listed there without its sub-domains.'
            break
    return DomainNotAllowed(detail, attribute=attribute)


def unicode_labels(domain: str) -> str:
    """A lower-case domain with plain dots and every valid A-label decoded; the rest stays. Never raises."""
    plain = domain.replace("\u3002", ".")
    if "xn--" not in plain or len(plain) > MAX_DOMAIN_OCTETS:
        return plain
    return ".".join(_unicode_label(label) for label in plain.split("."))


def _unicode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except UnicodeError:
        return label


def _covers(entry: AllowedDomain, domain: str) -> bool:
    return domain == entry.domain or (entry.subdomains and domain.endswith("." + entry.domain))


def _a_labels(text: str) -> str | None:
    # UTS #46 would drop some hidden characters in silence, and make one domain of two spellings.
    if hidden_character(text) is not None:
        return None
    domain = text.lower()
    if not domain.isascii() or "xn--" in domain:
        domain = _encoded(text)
    if len(domain) > MAX_DOMAIN_OCTETS or _ASCII_DOMAIN.fullmatch(domain) is None:
        return None
    _, dot, last = domain.rpartition(".")
    return domain if dot and _NUMBER.fullmatch(last) is None else None


def _encoded(text: str) -> str:
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except UnicodeError:
        return ""


def _fault(text: str) -> str:
    if not text:
        return "is missing: write it in full, as example.com"
    if len(text) > MAX_DOMAIN_OCTETS:
        return f"is longer than {MAX_DOMAIN_OCTETS} octets: shorten it"
    hidden = hidden_character(text)
    if hidden is not None:
        return f"contains a character that cannot be seen ({hidden}): remove it"
    for pattern, sentence in _FAULTS:
        if pattern.search(text):
            return sentence
    if any(len(label) > MAX_LABEL_OCTETS for label in re.split(f"[{_DOTS}]", text)):
        return f"has a part longer than {MAX_LABEL_OCTETS} octets: shorten it"
    return "is not a valid domain name (RFC 5891): correct it"
