"""Members by the thousand, over several requests to one group.

An organisation has few users: the same ones are named again and again, or such as there are not.
"""

from collections.abc import Sequence

from tests.hostile.bodies import PATCH_OP, Body
from tests.hostile.choices import Choices
from tests.hostile.oversized import Sent
from tests.hostile.plan import Mark
from tests.hostile.values import PLAIN

_CROWDS = (100, 300, 1_000, 1_000, 3_000, 5_000, 10_000, 20_000, 20_001)
_NOBODY = "0190b4f0-0000-7000-8000-%012x"


def crowd(c: Choices) -> list[Sent]:
    """Requests about thousands of members of one group: those that there are, said often, and strangers."""
    path = f"/Groups/{Mark.GROUP.at(c.below(8))}"
    return [_crowding(c, path) for _ in range(2 + c.below(4))]


def _crowding(c: Choices, path: str) -> Sent:
    ids = _ids(c)
    match c.below(6):
        case 0 | 1:
            verb = c.pick(("add", "add", "replace", "remove"))
            return b"PATCH", path, _operations([{"op": verb, "path": "members", "value": _references(ids)}])
        case 2:
            verb = c.pick(("remove", "remove", "add"))
            named = {each: {"op": verb, "path": f'members[value eq "{each}"]'} for each in set(ids)}
            return b"PATCH", path, _operations([named[each] for each in ids])
        case 3:
            parts = [ids[at::10] for at in range(10)]
            verbs = [c.pick(("add", "replace", "remove")) for _ in parts]
            pairs = zip(verbs, parts, strict=True)
            made = [{"op": verb, "path": "members", "value": _references(part)} for verb, part in pairs]
            return b"PATCH", path, _operations(made)
        case 4:
            verb, at = c.pick(((b"PUT", path), (b"POST", "/Groups")))
            body = {"schemas": [_GROUP], "displayName": c.pick(PLAIN), "members": _references(ids)}
            return verb, at, body
        case _:
            joined = {each: {"op": "add", "path": "members", "value": [{"value": each}]} for each in set(ids)}
            return b"PATCH", path, _operations([joined[each] for each in ids])


_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def _operations(made: Sequence[Body]) -> Body:
    return {"schemas": [PATCH_OP], "Operations": made}


def _references(ids: Sequence[str]) -> list[Body]:
    made = {each: {"value": each} for each in set(ids)}
    return [made[each] for each in ids]


def _ids(c: Choices) -> list[str]:
    """Ids: of users that there are; or rarely of others among them, or of nobody at all."""
    count = c.pick(_CROWDS)
    users = [Mark.USER.at(number) for number in range(30)]
    ids = (users * (count // 30 + 1))[:count]
    how = c.below(10)
    if how < 8:
        return ids
    if how < 9:
        return [*ids[1:], c.pick((Mark.STRANGER.at(), Mark.GROUP.at(1), "x"))]
    return [_NOBODY % number for number in range(count)]
