"""Paths below the base: of resources that there are, and of what nobody serves."""

from tests.hostile.choices import Choices
from tests.hostile.plan import Mark
from tests.hostile.vocabulary import Kind

BASE = "/scim/v2"

MARKS = {
    "User": (Mark.USER, Mark.MADE_USER, 30),
    "Group": (Mark.GROUP, Mark.MADE_GROUP, 8),
    "Role": (Mark.ROLE, Mark.MADE_ROLE, 4),
    "Case": (Mark.CASE, Mark.MADE_CASE, 8),
}
"""For each resource type: one that there is, one that the session made, and how many there are."""


def one(c: Choices, kind: Kind) -> str:
    """The path of one resource: mostly one that there is."""
    there, made, count = MARKS[kind.name]
    how = c.below(20)
    if how < 9:
        return f"{kind.endpoint}/{there.at(c.below(count))}"
    if how < 17:
        return f"{kind.endpoint}/{made.at(c.below(3))}"
    if how < 18:
        return f"{kind.endpoint}/{Mark.STRANGER.at(c.below(3))}"
    return f"{kind.endpoint}/{c.pick(IDS)}"


IDS = (
    "0190b4f0-0000-7000-8000-000000000000",
    "00000000-0000-0000-0000-000000000000",
    "x",
    "%00",
    "%ff%fe",
    "%C0%AF",
    "..%2f..%2fetc",
    "%2e%2e",
    "..",
    ".",
    "%0d%0aX-Injected:1",
    "%E2%80%AE",
    "%ED%A0%80",
    "%zz",
    "%",
    "a%2Fb",
    "bulkId:x",
    "{id}",
    "%7B%7D",
    "me",
    ".search",
    "x" * 300,
    "x" * 7000,
    "%F0%9F%98%80" * 20,
    "a;b=c",
    "a,b",
    "@",
    "+",
    "'",
)

STRAYS = (
    "/",
    "",
    "//",
    "/Users/",
    "/Users//",
    "//Users",
    "/users",
    "/USERS/" + Mark.USER.at(),
    "/Users/" + Mark.USER.at() + "/",
    "/Users/" + Mark.USER.at() + "/x",
    "/Users/" + Mark.USER.at() + "/.search",
    "/Users/.search/x",
    "/.search",
    "/.search/",
    "/Nothing",
    "/%55sers",
    "/Users%2F" + Mark.USER.at(),
    "/Users/%2e%2e/Groups",
    "/Users/../Groups",
    "/./Users",
    "/Users%00",
    "/Users%0a",
    "/%0a",
    "/Users\\x",
    "/Users;a=b",
    "/Users#x",
    "/Schemas/urn:x",
    "/Schemas/%00",
    "/ResourceTypes/Nothing",
    "/ServiceProviderConfig/x",
    "/Users?" + "a=b&" * 1500,
    "/Users/" + "%61" * 2000,
)
