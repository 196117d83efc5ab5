"""Filters out of all proportion: of thousands of terms, brackets within brackets, strings that never end.

Few choices make much, by repeating: a sender that is busy making measures slow answers.
"""

from collections.abc import Sequence

from tests.hostile.choices import Choices
from tests.hostile.filters import DEPTHS
from tests.hostile.vocabulary import Kind

MOST = 1_000_000
"""Characters of what is made, about what a body may have."""

MOST_DISTINCT = 80_000
"""Of anything that is repeated with a number in it; then they come again."""

_TIMES = (100, 150, 198, 199, 200, 1_000, 5_000, 20_000, 100_000)
"""Terms: up to about as many as the server takes, and far beyond."""


def several(one: str, count: int, joint: str, most: int = MOST) -> str:
    """Something repeated, each with its number where `#` stands, up to about that many characters."""
    count = max(1, min(count, most // (len(one) + len(joint) + 4)))
    distinct = min(count, MOST_DISTINCT)
    text = joint.join([one.replace("#", str(number)) for number in range(distinct)])
    return joint.join([text] * (count // distinct))


_CONDITIONS = (
    "externalId pr",
    'displayName co "a#"',
    'not (externalId eq "x#")',
    '(displayName sw "#")',
    'id eq "#"',
    'meta.created gt "2026-01-02T03:04:05Z"',
    "x# pr",
)
_CONDITIONS_OF: dict[str, tuple[str, ...]] = {
    "User": (
        "title pr",
        'title co "a#"',
        'name.givenName eq "a#"',
        'emails[type eq "t#"]',
        'emails.value co "a#"',
        'emails[value sw "a#" and type pr]',
        'groups.display co "a#"',
        "groups pr",
        'addresses[locality co "#"]',
        "active eq true",
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "#"',
    ),
    "Group": (
        "members pr",
        'members[value eq "a#"]',
        'members.display co "a#"',
        'members[type eq "User"]',
    ),
    "Case": (
        "owner pr",
        'owner.value eq "a#"',
        'owner.display co "a#"',
        'status eq "#"',
        'subject sw "a#"',
    ),
}
INNER = (
    "value pr",
    'value eq "a#"',
    'type eq "t#"',
    "primary eq true",
    'display co "a#"',
    'not (type eq "#")',
    '(VALUE sw "#")',
    '$ref co "#"',
    "x# pr",
)
"""Terms of a filter on the entries of a list."""

LISTS = {"User": ("emails", "phoneNumbers", "addresses", "roles"), "Group": ("members",)}
"""Names of lists, by the kind of resource."""

_FILLINGS = ("a", "\\\\", '\\"', "\\u0301", "\u0301", "\U0001f600", "%", " and ", "]", "(")


def condition(c: Choices, terms: Sequence[str], most: int = MOST) -> str:
    """A filter of far too many terms, or far too deep."""
    one, other = c.pick(terms), c.pick(terms)
    joint = c.pick((" and ", " or "))
    match c.below(8):
        case 0 | 1:
            return several(one, c.pick(_TIMES), joint, most)
        case 2 | 3:
            return several(f"{one} and {other}", c.pick(_TIMES) // 2, joint, most)
        case 4:
            depth = min(c.pick(DEPTHS), most // 10)
            return c.pick(("(", "not (")) * depth + one + ")" * depth
        case 5:
            depth = c.pick((3, 30, 300))
            return several("(" * depth + one + ")" * depth, c.pick(_TIMES), joint, most)
        case 6:
            # Right-leaning: each bracket holds a term and the next bracket.
            depth = min(c.pick(DEPTHS), most // (len(one) + len(joint) + 2))
            return f"({one}{joint}" * depth + other + ")" * depth
        case _:
            filling = c.pick(_FILLINGS)
            name = terms[0].partition(" ")[0]
            return f'{name} eq "{filling * min(c.pick(DEPTHS) * 20, most // len(filling.encode()))}"'


def terms_of(kind: Kind) -> tuple[str, ...]:
    """Terms of a filter on resources."""
    return _CONDITIONS_OF.get(kind.name, ()) + _CONDITIONS


def selecting(c: Choices, kind: Kind, inside: str) -> str:
    """A path to the entries of a list that a filter selects."""
    name = c.pick(LISTS.get(kind.name, ("members",)))
    return f"{c.pick(('', '', kind.schema + ':'))}{name}[{inside}]{c.pick(('', '.value', '.type', '.x'))}"
