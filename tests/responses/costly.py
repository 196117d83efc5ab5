"""Responses that nobody signed, and that take long to put in canonical form: that comes first."""

from itertools import product
from string import ascii_lowercase

from tests.responses import Response
from tests.responses.provider import DS, ENVELOPED, EXCLUSIVE, SAML, SAMLP, sent

ELEMENTS = 3900
"""So many, each a mark of its own, are nearly as many as a response may have."""

NAMES = ["".join(each) for each in product(ascii_lowercase, repeat=2)]


def prefixes(count: int) -> str:
    """A list of so many, each of which has to be sought."""
    return " ".join(NAMES[:count])


def _signature(of: str, listed: str, transforms: tuple[str, ...]) -> str:
    """Nobody's: of what is in it, all is computed but what the key is for."""
    parameter = f'<e:InclusiveNamespaces PrefixList="{listed}"/>' if listed else ""
    made = "".join(
        f'<d:Transform Algorithm="{each}">{parameter if each == EXCLUSIVE else ""}</d:Transform>'
        for each in transforms
    )
    return (
        f'<d:Signature xmlns:d="{DS}" xmlns:e="{EXCLUSIVE}"><d:SignedInfo>'
        f'<d:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        '<d:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        f'<d:Reference URI="#{of}"><d:Transforms>{made}</d:Transforms>'
        '<d:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><d:DigestValue>AAAA</d:DigestValue>'
        "</d:Reference></d:SignedInfo><d:SignatureValue>AAAA</d:SignatureValue></d:Signature>"
    )


def nested(
    depth: int,
    declared: int,
    listed: str = "",
    *,
    transforms: tuple[str, ...] = (ENVELOPED, EXCLUSIVE),
    inside: str = "",
) -> str:
    """As many elements as there may be, below some within each other that declare so many namespaces each."""
    opened = "".join(
        "<x"
        + "".join(
            f' xmlns:{NAMES[(level * declared + each) % len(NAMES)]}="u:{level}.{each}"'
            for each in range(declared)
        )
        + ">"
        for level in range(depth)
    )
    body = opened + "<x/>" * (ELEMENTS - depth) + "</x>" * depth
    return _sent(inside + body, listed, transforms)


def _sent(body: str, listed: str = "", transforms: tuple[str, ...] = (ENVELOPED, EXCLUSIVE)) -> str:
    return sent(
        f'<p:Response xmlns:p="{SAMLP}" ID="r" InResponseTo="_request"><a:Assertion xmlns:a="{SAML}" ID="a">'
        f"{_signature('a', listed, transforms)}{body}</a:Assertion></p:Response>".encode()
    )


def sorted_slowly(attributes: int, length: int) -> str:
    """Elements whose attributes come in the order in which each is compared with all before it."""
    spaces = {name[0] * 3: f"u:{'u' * length}{number:02}" for number, name in enumerate(NAMES[::26][:12])}
    declared = "".join(f'<x xmlns:{prefix}="{space}">' for prefix, space in spaces.items())
    written = "".join(
        f' {prefix}:{name}=""' for prefix in spaces for name in NAMES[: attributes // len(spaces)]
    )
    return _sent(f"{declared}{f'<x{written}/>' * (ELEMENTS // attributes)}{'</x>' * len(spaces)}")


def with_long_prefixes(length: int) -> str:
    """Prefixes that are sought, and differ from all others in the last letter."""
    names = [f"{'p' * length}{name}" for name in NAMES[:24]]
    declared = "".join(f'<x xmlns:{one}="u:p" xmlns:{other}="u:p">' for one, other in pairs(names))
    return _sent(f"{declared}{'<x/>' * 3800}{'</x>' * 12}", " ".join(names[::2]))


def pairs(names: list[str]) -> list[tuple[str, str]]:
    """Two by two."""
    return list(zip(names[::2], names[1::2], strict=True))


def responses() -> dict[str, Response]:
    """All of them."""
    return {
        "deep, with namespaces and prefixes": lambda: nested(240, 7, prefixes(85)),
        "deep": lambda: nested(240, 0),
        "deep, with namespaces": lambda: nested(100, 7),
        "deeper than any, with prefixes": lambda: nested(15, 1, prefixes(12)),
        "many namespaces in one place": lambda: nested(1, 200, prefixes(12)),
        "some more namespaces than any": lambda: nested(10, 4, prefixes(12)),
        "some more prefixes than any": lambda: nested(10, 2, prefixes(13)),
        "as deep, with as many namespaces and prefixes as there may be": lambda: nested(12, 2, prefixes(12)),
        "many attributes, in namespaces with long names": lambda: sorted_slowly(552, 2000),
        "namespaces with long names": lambda: sorted_slowly(12, 300),
        "more attributes than any": lambda: sorted_slowly(24, 100),
        "as many attributes, in namespaces with names as long, as there may be": lambda: sorted_slowly(
            12, 250
        ),
        "long prefixes": lambda: with_long_prefixes(160),
        "prefixes that are as long as they may be": lambda: with_long_prefixes(14),
        "put in canonical form twice": lambda: nested(1, 1, transforms=(EXCLUSIVE, EXCLUSIVE)),
    }
