"""Values of attributes: mostly right, often at the edge, sometimes of another type altogether."""

import json
import re
from typing import Any

from tests.hostile.choices import Choices
from tests.hostile.plan import Mark
from tests.hostile.vocabulary import Attribute

PASSWORD = "Sesame-7f3Q-open-wide"
"""Every password that is sent; no answer may hold it."""

PLAIN = ("Anna", "Bo Berg", "Engineer", "de-CH", "Europe/Berlin", "work", "home", "+41 44 123 45 67", "true")

ODD = (
    "",
    " ",
    "\u0000",
    "a\u0000b",
    "\ud800",
    "\udfffx\ud800",
    "\U0001f469\u200d\U0001f680",
    "\U0010ffff\ufffe\uffff",
    "a" + "\u0301" * 5,
    "a" + "\u0301" * 31,
    "\u0344" * 30,
    "\u202eanna\u202c",
    "\u200b\ufeff\u00ad",
    "\ufdfa\ufdfa",
    "\u0130stanbul \u00df \u01c5",
    "\u1e9b\u0323",
    "\x01\x1f\x7f\x80\x9f",
    "line\nfeed\r\n\ttab\u2028\u2029\x85",
    "%_\\%",
    "'; DROP TABLE users; --",
    "$1 $2 {} {0} %s %(x)s ${x}",
    '{"value":"x"}',
    '{"value":"x","displayName":"\\u0000"}',
    '"\\',
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "null",
    "-1",
    "1e400",
    "Admin Role",
    "Minimal Permissions",
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "bulkId:x",
    "2026-02-30T25:61:61Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:60-23:59",
    "=?utf-8?q?anna?=",
    Mark.USER.at(1),
    Mark.STRANGER.at(0),
)
LENGTHS = (40, 255, 256, 1023, 1024, 1025, 3000, 8000, 40_000)
REPEATED = (
    "x",
    "\u0130",
    "\u5bc6",
    "\U0001f600",
    "a\u0301",
    "\ufdfa",
    "%",
    "\\",
    '"',
    "\u0301",
    "\u1100",
    " ",
)

NUMBERS = (0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 1.5, -0.0, 1e300)
TOKENS = (
    "1e400",
    "-1e400",
    "1e-400",
    "9" * 5000,
    "0." + "1" * 60,
    "NaN",
    "Infinity",
    "01",
    "+1",
    "0x1",
    "1.",
    "-",
)
"""What stands where a number does: not all of it is JSON."""

_TOKEN = re.compile(r'"zztoken:([^"]*)"')

ADDRESSES = (
    "%s@" + Mark.DOMAIN.at(),
    "%s@ZZD00ZZ.example",
    "%s@example.org",
    "%s@sub." + Mark.DOMAIN.at(),
    "%s@" + Mark.DOMAIN.at() + ".",
    "%s@@" + Mark.DOMAIN.at(),
    "%s",
    '"%s x"@' + Mark.DOMAIN.at(),
    "%s@m\u00fcnchen.example",
    "%s@xn--mnchen-3ya.example",
    "%s@[127.0.0.1]",
    "%s@" + "a." * 130 + "example",
    "%s" * 40 + "@" + Mark.DOMAIN.at(),
    "\uff41%s@" + Mark.DOMAIN.at(),
    "\u0130%s@" + Mark.DOMAIN.at(),
    "%s (Copy 1)@" + Mark.DOMAIN.at(),
    "%s\u3002x@" + Mark.DOMAIN.at(),
)
_FRESH = 100_000
MOST_CHARACTERS = 2_000_000
"""Of a list; each may become six octets."""

MOST_OCTETS = 20_000_000
"""Of a body: more than any may have. Whoever sends a gigabyte is still sending when the refusal is gone."""


def text(c: Choices) -> str:
    """A string: plain, odd, long, or of any characters."""
    how = c.below(20)
    if how < 11:
        return c.pick(PLAIN)
    if how < 16:
        return c.pick(ODD)
    if how < 18:
        return c.text()
    return c.pick(REPEATED) * c.pick(LENGTHS) if how == 18 else c.text() + c.pick(ODD)


def address(c: Choices) -> str:
    """What may be sent as a user's name: mostly an address that is free."""
    if c.chance(15):
        return Mark.USER.at(c.below(5)) if c.chance(20) else f"seed{c.below(30):02d}@{Mark.DOMAIN.at()}"
    form = c.pick(ADDRESSES) if c.chance(25) else ADDRESSES[0]
    return form.replace("%s", f"h{c.below(_FRESH)}")


def token(c: Choices) -> str:
    """What `encoded` writes as it is, where a value stands."""
    return "zztoken:" + c.pick(TOKENS)


def anything(c: Choices, depth: int = 3) -> Any:
    """Any JSON value, and sometimes what is none."""
    how = c.below(12 if depth else 8)
    match how:
        case 0:
            return None
        case 1 | 2:
            return c.chance(50)
        case 3:
            return c.pick(NUMBERS)
        case 4:
            return token(c) if c.chance(30) else c.pick(NUMBERS)
        case 5 | 6 | 7:
            return text(c)
        case 8 | 9:
            return [anything(c, depth - 1) for _ in range(c.below(4))]
        case _:
            return {c.pick(KEYS): anything(c, depth - 1) for _ in range(c.below(4))}


KEYS = (
    "value",
    "type",
    "display",
    "$ref",
    "primary",
    "operation",
    "",
    "VALUE",
    "schemas",
    "id",
    "\u0000",
    "x" * 300,
)

DATES = (
    "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05.123456789+14:00",
    "2026-01-02T03:04:05",
    "2026-01-02",
    "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59.999999-14:00",
    "-0001-01-01T00:00:00Z",
    "20260102T030405Z",
)
REFERENCES = (
    "https://scim.test/scim/v2/Users/" + Mark.USER.at(2),
    "../Users/" + Mark.USER.at(2),
    "urn:x",
    "http://[::1",
    "https://x/" + "y" * 3000,
    "Users/",
    "//",
    "#",
)


def value(c: Choices, attribute: Attribute) -> Any:
    """A value for an attribute: mostly of its type."""
    if c.chance(8):
        return anything(c)
    if not attribute.many:
        return single(c, attribute)
    if c.chance(4):
        return single(c, attribute)
    if c.chance(2):
        one, times = single(c, attribute), c.pick((50, 101, 1000))
        return [one] * max(2, min(times, MOST_CHARACTERS // len(repr(one))))
    return [single(c, attribute) for _ in range(c.below(4))]


def single(c: Choices, attribute: Attribute) -> Any:
    """One value of the attribute's type."""
    if attribute.name.lower() == "password":
        return PASSWORD + (text(c) if c.chance(30) else "")
    if attribute.name in ("members", "groups", "manager"):
        return reference(c)
    match attribute.type:
        case "complex":
            return {each.name: value(c, each) for each in attribute.inner if c.chance(40)}
        case "boolean":
            return c.pick((True, False, "True", "false", 0, None))
        case "dateTime":
            return c.pick(DATES)
        case "reference":
            return c.pick(REFERENCES)
        case "integer" | "decimal":
            return c.pick(NUMBERS)
        case _:
            return c.pick(attribute.canonical) if attribute.canonical and c.chance(60) else text(c)


def reference(c: Choices) -> Any:
    """A reference to a user: mostly one that there is."""
    how = c.below(10)
    if how < 6:
        return {"value": Mark.USER.at(c.below(30))}
    if how < 8:
        return {"value": Mark.MADE_USER.at(c.below(3)), "display": text(c), "type": c.pick(("User", "Group"))}
    strange = (Mark.STRANGER.at(c.below(2)), Mark.GROUP.at(1), text(c))
    return c.pick((Mark.USER.at(2), {"$ref": c.pick(REFERENCES)}, {"value": c.pick(strange)}, "", [], None))


def encoded(c: Choices, document: Any) -> bytes:
    """The value as JSON text, with what `token` stood for."""
    written = json.dumps(document, ensure_ascii=not c.chance(30))
    if "zztoken:" in written:
        written = _TOKEN.sub(r"\1", written)
    return written.encode("utf-8", "surrogatepass")[:MOST_OCTETS]
