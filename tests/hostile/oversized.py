"""Requests that are sound but out of all proportion: long filters, thousands of names, in bodies and queries.

Few choices make much, by repeating: a sender that is busy making measures slow answers.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from tests.hostile.bodies import PATCH_OP, SEARCH, Body
from tests.hostile.choices import Choices
from tests.hostile.long_filters import (
    INNER,
    LISTS,
    MOST,
    MOST_DISTINCT,
    condition,
    selecting,
    several,
    terms_of,
)
from tests.hostile.places import MARKS
from tests.hostile.plan import Mark
from tests.hostile.values import PLAIN, address
from tests.hostile.vocabulary import Kind

_MOST_OF_A_GROUP = 15_000_000
"""Characters where groups are written; rarely, for it takes longer to send than to refuse."""

_LONGEST_QUERY = 32_000
"""A first line may have 32 KiB."""

Sent = tuple[bytes, str, Body | None]
"""Verb, path below the base, and body."""


def request(c: Choices, kind: Kind) -> Sent:
    """A request of which one part is larger than anybody's."""
    how = c.below(20)
    if how < 7:
        return b"PATCH", _one(c, kind), patch(c, kind)
    if how < 12:
        verb, path = c.pick(((b"POST", kind.endpoint), (b"PUT", _one(c, kind))))
        return verb, path, resource(c, kind)
    if how < 15:
        return b"POST", _searched(c, kind), search(c, kind)
    if how < 17:
        return b"GET", kind.endpoint + _query(c, _parameter(c, kind, _LONGEST_QUERY)), None
    return lookup(c, kind)


def _one(c: Choices, kind: Kind) -> str:
    mark = MARKS[kind.name][0].at(c.below(8))
    return f"{kind.endpoint}/{mark}"


def _searched(c: Choices, kind: Kind) -> str:
    return c.pick((kind.endpoint + "/.search", "/.search"))


def _most(c: Choices, kind: Kind) -> int:
    return _MOST_OF_A_GROUP if kind.name == "Group" and c.chance(3) else MOST


def lookup(c: Choices, kind: Kind) -> Sent:
    """A search that an index answers, with as many further terms as a filter may have."""
    own = ('userName eq "%s"', 'emails.value eq "%s"', 'emails[type eq "work" and value eq "%s"]')
    shared = ('externalId eq "%s"', 'displayName eq "%s"')
    found = c.pick((f"seed{c.below(30):02d}@{Mark.DOMAIN.at()}", "x", Mark.USER.at(c.below(30))))
    first = c.pick((*own, *shared) if kind.name == "User" else shared) % found
    terms = several(
        c.pick(terms_of(kind)), c.pick((98, 150, 197, 198, 199)), c.pick((" and ", " or ")), 7_000
    )
    condition = f"{first} and {c.pick(('(%s)', '(%s)', '%s', 'not (%s)')) % terms}"
    if c.chance(50):
        return b"GET", kind.endpoint + _query(c, {"filter": condition}), None
    return b"POST", _searched(c, kind), {"schemas": [SEARCH], "filter": condition}


def _many_names(c: Choices, kind: Kind, most: int) -> list[str]:
    """Distinct names of attributes, thousands of them."""
    count = c.pick((90, 300, 1_000, 10_000, MOST_DISTINCT))
    if c.chance(20):
        path = c.pick(kind.paths)[0].lower()
        count = min(count, 5_000, most // len(path))
        return [_spelled(path, number) for number in range(min(count, 2 ** min(len(path), 20)))]
    one = c.pick(_NAMES)
    return several(one, count, ",", most).split(",")


_NAMES = ("x#", "emails.x#", "x#.value", "urn:x:#:a", "x" * 200 + "#", "\u00e9#", 'emails[type eq "#"].value')


def _spelled(name: str, number: int) -> str:
    """The name in capitals where the number has a bit."""
    return "".join([one.upper() if number >> at & 1 else one for at, one in enumerate(name)])


def _parameter(c: Choices, kind: Kind, most: int) -> Body:
    """One of the parameters of a search, or two."""
    name = c.pick(("attributes", "excludedAttributes"))
    match c.below(6):
        case 0:
            return {"sortBy": selecting(c, kind, condition(c, INNER, most))}
        case 1:
            return {"sortBy": condition(c, terms_of(kind), most)}
        case 2:
            return {name: [selecting(c, kind, condition(c, INNER, most))] * c.pick((1, 1, 3))}
        case 3:
            return {"filter": condition(c, terms_of(kind), most)}
        case 4:
            half = most // 2
            return {name: _many_names(c, kind, half), "filter": condition(c, terms_of(kind), half)}
        case _:
            return {name: _many_names(c, kind, most)}


def search(c: Choices, kind: Kind) -> Body:
    """A search whose parameters fill the body."""
    asked = _parameter(c, kind, MOST)
    if c.chance(30):
        asked = {name: ",".join(item) if isinstance(item, list) else item for name, item in asked.items()}
    return {"schemas": [SEARCH], **asked}


def _query(c: Choices, asked: Body) -> str:
    """The same in a first line, as far as there is room."""
    pairs = [(name, ",".join(item) if isinstance(item, list) else item) for name, item in asked.items()]
    each = _LONGEST_QUERY // len(pairs)
    kept = c.pick(("", '()[],:."'))
    return "?" + "&".join(
        f"{name}={quote_plus(item[:each], safe=kept, errors='surrogatepass')[: each - len(name) - 2]}"
        for name, item in pairs
    )


_ITEMS: tuple[Any, ...] = (0, "", "x", None, True, [], {}, {"value": 0})


def _object(c: Choices, most: int = MOST) -> Body:
    """An object of very many distinct names."""
    one = c.pick(("k#", "k#", "attribute#", "#", "urn:x:#:2.0:User", "k" * 100 + "#", "\u00e9#", "x.#", "$#"))
    item = c.pick(_ITEMS)
    count = c.pick((1_000, 5_000, 20_000, 40_000, MOST_DISTINCT))
    count = min(count, most // (len(one.encode()) + len(str(item)) + 10))
    return dict.fromkeys([one.replace("#", str(number)) for number in range(count)], item)


def resource(c: Choices, kind: Kind) -> Body:
    """A resource, sound but for very many names that nobody knows, at the top or inside."""
    body: Body = {"schemas": [kind.schema]}
    if kind.name == "User":
        body["userName"] = address(c)
    else:
        body["subject" if kind.name == "Case" else "displayName"] = c.pick(PLAIN)
    most = _most(c, kind)
    if c.chance(15):
        few = _object(c, c.pick((500, 5_000)))
        return {**body, c.pick(LISTS.get(kind.name, ("members",))): _entries(few, most)}
    names = _object(c, most)
    place = c.pick(_PLACES)
    if place == "schemas":
        return {**body, "schemas": [kind.schema, *names]}
    match place:
        case "":
            return {**names, **body} if c.chance(30) else {**body, **names}
        case "emails" | "members" | "roles":
            known = {"value": Mark.USER.at(c.below(30)) if place == "members" else "a@b.example"}
            return {**body, place: [{**known, **names}]}
        case _:
            return {**body, place: names}


_PLACES = (
    "",
    "",
    "",
    "name",
    "emails",
    "members",
    "roles",
    "meta",
    "schemas",
    "unknown",
    "urn:x:unknown",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
)


def _entries(names: Body, most: int) -> list[Body]:
    size = 12 * len(names) + sum(map(len, names))
    return [names] * max(1, min(2_000, most // size))


def patch(c: Choices, kind: Kind) -> Body:
    """Operations that reach by filters out of all proportion, or set very many names."""
    return {"schemas": [PATCH_OP], "Operations": c.pick(_PATCHES)(c, kind)}


def _operation(c: Choices, path: str) -> Body:
    verb = c.pick(("add", "replace", "remove"))
    made: Body = {"op": verb, "path": path, "value": c.pick(("x", True, {"value": "a@b.example"}, ["x"]))}
    if verb == "remove" and c.chance(70):
        del made["value"]
    return made


def _long_path(c: Choices, kind: Kind) -> list[Body]:
    most = _most(c, kind)
    if c.chance(15):
        return [_operation(c, condition(c, terms_of(kind), most))]
    return [_operation(c, selecting(c, kind, condition(c, INNER, most)))]


def _long_name(c: Choices, kind: Kind) -> list[Body]:
    most = _most(c, kind)
    name = selecting(c, kind, condition(c, INNER, most))
    value: Body = {name: "x"}
    if c.chance(20):
        value = {c.pick((*kind.extensions, "name", "emails")): value}
    return [{"op": c.pick(("add", "replace")), "value": value}]


def _filters(c: Choices, kind: Kind) -> list[str]:
    """Paths that each have a filter with about as many terms as one may have, of several shapes or one."""
    count = c.pick((10, 50, 99, 100, 101))
    grows, joint = c.chance(50), c.pick((" and ", " or "))
    terms, one = c.pick((20, 140, 190)), c.pick(INNER)
    form = selecting(c, kind, "%s")
    most = MOST // count
    made = [several(one, terms + (number if grows else 0), joint, most) for number in range(count)]
    return [form.replace("%s", each) for each in made]


def _many_filters(c: Choices, kind: Kind) -> list[Body]:
    verb = c.pick(("add", "replace", "remove"))
    value = {} if verb == "remove" else {"value": "x"}
    return [{"op": verb, "path": path, **value} for path in _filters(c, kind)]


def _many_filtered_names(c: Choices, kind: Kind) -> list[Body]:
    return [{"op": c.pick(("add", "replace")), "value": dict.fromkeys(_filters(c, kind), "x")}]


def _names_set(c: Choices, kind: Kind) -> list[Body]:
    place = c.pick((None, None, "name", "emails", "meta", "members", "x", kind.schema + ":name"))
    names = _object(c, _most(c, kind))
    value: Any = [names] if place in ("emails", "members") else names
    operation: Body = {"op": c.pick(("add", "replace", "remove")), "value": value}
    return [operation if place is None else {**operation, "path": place}]


_PATCHES: tuple[Callable[[Choices, Kind], list[Body]], ...] = (
    _long_path,
    _long_path,
    _long_name,
    _many_filters,
    _many_filters,
    _many_filtered_names,
    _names_set,
)
