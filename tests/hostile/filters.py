"""Filters and paths: from the grammar of RFC 7644, section 3.4.2.2, from beside it, and from nowhere."""

import json

from tests.hostile.choices import Choices
from tests.hostile.plan import Mark
from tests.hostile.values import DATES, NUMBERS, PASSWORD, TOKENS, text
from tests.hostile.vocabulary import Kind

OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "Co", "in", "=", "re", "")
GARBAGE = (
    "",
    " ",
    "(",
    ")",
    "[]",
    "not",
    "not (",
    "eq",
    "userName",
    'userName eq "',
    'userName eq "\\u00"',
    'userName eq "\\ud800"',
    "userName eq 'x'",
    'userName eq "a" and',
    'or userName eq "a"',
    'userName eq "a" userName eq "b"',
    'emails[type eq "work"',
    'emails[type eq "work"]]',
    'emails[emails[type eq "x"]]',
    'emails[type eq "work"].value.x eq "y"',
    "emails[].value pr",
    "urn:ietf:params:scim:schemas:core:2.0:User:",
    'urn:a:b:c:d eq "x"',
    ":::: pr",
    "..  pr",
    "a.b.c.d.e pr",
    "not not (userName pr)",
    "not userName pr",
    "userName pr pr",
    "userName eq nul",
    "userName eq True",
    f'password eq "{PASSWORD}"',
    f'password sw "{PASSWORD[:4]}"',
    "PASSWORD pr",
    "groups.value pr and members.value pr",
    'manager eq "x" or manager.value pr',
    "meta.location pr",
    "schemas eq null",
    "$ref pr",
    "emails.value eq {}",
    "active gt true",
    "\u0000",
    'userName\u00a0eq\u2003"x"',
    "\ud800 pr",
)
TIMES = (10, 199, 200, 201, 1_000, 20_000, 100_000)
MOST_CHARACTERS = 2_000_000
"""Of a filter: twice what a body may have."""

DEPTHS = (5, 30, 90, 300, 1_000, 10_000, 50_000)


def condition(c: Choices, kind: Kind, depth: int = 2) -> str:
    """A filter: mostly sound and small."""
    how = c.below(40)
    if how < 26 or not depth:
        return comparison(c, kind)
    if how < 30:
        joint = c.pick((" and ", " or ", " AND "))
        return joint.join(condition(c, kind, depth - 1) for _ in range(2 + c.below(2)))
    if how < 32:
        return f"not ({condition(c, kind, depth - 1)})"
    if how < 33:
        return f"({condition(c, kind, depth - 1)})"
    if how < 36:
        return value_path(c, kind)
    return c.pick(GARBAGE) if how < 38 else monster(c, kind)


def monster(c: Choices, kind: Kind) -> str:
    """A filter out of all proportion."""
    one = comparison(c, kind)
    match c.below(5):
        case 0:
            return c.pick((" and ", " or ")).join([one] * min(c.pick(TIMES), 1 + MOST_CHARACTERS // len(one)))
        case 1:
            depth = c.pick(DEPTHS)
            return "(" * depth + one + ")" * depth
        case 2:
            depth = c.pick(DEPTHS)
            return "not (" * depth + one + ")" * depth
        case 3:
            return c.pick(("(", "[", "not ", '"', "\\", "a.", "a:", "emails[")) * c.pick(DEPTHS)
        case _:
            return c.text() + one + c.text()


def comparison(c: Choices, kind: Kind) -> str:
    """One attribute compared."""
    path, attribute = c.pick(kind.paths)
    if c.chance(10):
        path = f"{kind.schema}:{path}"
    if c.chance(5):
        path = path.swapcase()
    if c.chance(15):
        return f"{path} pr"
    operator = c.pick(OPERATORS) if c.chance(30) else c.pick(OPERATORS[:3])
    if attribute.type == "dateTime" and c.chance(80):
        return f'{path} {operator} "{c.pick(DATES)}"'
    return f"{path} {operator} {literal(c)}"


def literal(c: Choices) -> str:
    """What an attribute is compared with."""
    how = c.below(20)
    if how < 5:
        return (
            f'"{Mark.USER.at(c.below(30))}"'
            if c.chance(50)
            else f'"seed{c.below(30):02d}@{Mark.DOMAIN.at()}"'
        )
    if how < 14:
        return json.dumps(text(c), ensure_ascii=c.chance(60))
    if how < 17:
        return c.pick(("true", "false", "null"))
    return str(c.pick(NUMBERS)) if how < 19 else c.pick(TOKENS)


def value_path(c: Choices, kind: Kind) -> str:
    """A filter on the entries of a multi-valued attribute."""
    lists = [each for each in kind.attributes if each.many and each.inner] or list(kind.attributes)
    chosen = c.pick(lists)
    names = [each.name for each in chosen.inner] or ["value"]
    inner = f"{c.pick(names)} {c.pick(OPERATORS[:4])} {literal(c)}"
    if c.chance(30):
        inner += f" {c.pick(('and', 'or'))} {c.pick(names)} pr"
    return f"{chosen.name}[{inner}]"


PATHS = (
    "",
    " ",
    ".",
    "/userName",
    "name..givenName",
    "name.givenName.x",
    "emails[",
    "emails]",
    "emails[]",
    "emails[0]",
    "emails[*].value",
    'emails[type eq "work"]value',
    'emails[type eq "work"].',
    'emails[type eq "\\u0000"].value',
    'emails[type eq "\\ud800"].value',
    'emails[value eq "x" and type eq "work" and primary eq true].display',
    'emails[not (type eq "work")].value',
    'emails[type ne "work" or value pr].value',
    "emails.value",
    "members.value",
    "members.display",
    "groups",
    "id",
    "meta.version",
    "schemas",
    "password",
    "password.x",
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:",
    "urn:x:y",
    "manager",
    "userName eq",
    "userName pr",
    "\u0000",
    "\ud800",
    "emails[" * 200,
    "a." * 500,
    "x" * 5_000,
)


def path(c: Choices, kind: Kind) -> str:
    """Where a PATCH writes: mostly an attribute that there is."""
    how = c.below(20)
    if how < 11:
        return c.pick(kind.paths)[0]
    if how < 13:
        return f"{kind.schema}:{c.pick(kind.paths)[0]}"
    if how < 16:
        chosen = value_path(c, kind)
        return chosen + c.pick(("", ".value", ".type", ".primary", ".display", ".x"))
    if how < 17:
        return condition(c, kind)
    return c.pick(PATHS) if how < 19 else c.pick(kind.paths)[0].swapcase()
