"""Bodies of POST, PUT, PATCH, searches and Bulk: near what the schemas say, then damaged."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.hostile import filters
from tests.hostile.choices import Choices
from tests.hostile.plan import Mark
from tests.hostile.values import PASSWORD, PLAIN, address, anything, encoded, reference, text, value
from tests.hostile.vocabulary import Attribute, Kind

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
PASSWORD_REQUEST = "urn:ietf:params:scim:api:messages:scimserver:2.0:PasswordRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

Body = dict[str, Any]


def resource(c: Choices, kind: Kind) -> Body:
    """A resource to create or to put in place of another."""
    body: Body = {"schemas": [kind.schema]}
    if kind.name == "User":
        body["userName"] = address(c)
    elif kind.name == "Case":
        body["subject"] = c.pick(PLAIN)
        if c.chance(60):
            body["owner"] = reference(c)
    else:
        body["displayName"] = c.pick(PLAIN)
        body["members"] = [reference(c) for _ in range(c.below(4))]
    for _ in range(c.below(5)):
        chosen = c.pick(kind.attributes)
        if chosen.name not in ("userName", "members") or c.chance(20):
            body[chosen.name] = value(c, chosen)
    for urn, attributes in kind.extensions.items():
        if c.chance(20):
            body["schemas"].append(urn)
            body[urn] = _some(c, attributes)
    return _bent(c, body) if c.chance(12) else body


def _some(c: Choices, attributes: Sequence[Attribute]) -> Any:
    if c.chance(5):
        return anything(c)
    return {each.name: value(c, each) for each in attributes if c.chance(35)}


def _bent(c: Choices, body: Body) -> Body:
    match c.below(7):
        case 0:
            return {**body, "schemas": anything(c)}
        case 1:
            return {name.swapcase(): item for name, item in body.items()}
        case 2:
            return {**body, text(c): anything(c)}
        case 3:
            return {**body, "USERNAME": "x", "DISPLAYNAME": "y"}
        case 4:
            left_out = c.pick(tuple(body))
            return {name: item for name, item in body.items() if name != left_out}
        case 5:
            return {
                **body,
                "manager": anything(c),
                "groups": [reference(c)],
                "id": text(c),
                "meta": anything(c),
            }
        case _:
            return {**body, **{f"attribute{number}": number for number in range(c.pick((10, 300, 5_000)))}}


VERBS = ("add", "replace", "remove", "Add", "REPLACE", "move", "", None, 1)


def patch(c: Choices, kind: Kind) -> Any:
    """Operations on a resource."""
    many = c.pick((99, 100, 101, 500)) if c.chance(1) else 0
    operations = [operation(c, kind) for _ in range(1 if many else 1 + c.below(3))] * (many or 1)
    body: Body = {"schemas": [PATCH_OP], "Operations": operations}
    if c.chance(4):
        return {**body, c.pick(("Operations", "schemas", "operations", "x")): anything(c)}
    return anything(c) if c.chance(1) else body


def operation(c: Choices, kind: Kind) -> Any:
    """One operation."""
    verb = c.pick(VERBS) if c.chance(10) else c.pick(VERBS[:3])
    how = c.below(20)
    if how < 4:
        return {"op": verb, "value": _pathless(c, kind)}
    if how < 13:
        path, attribute = c.pick(kind.paths)
        return {"op": verb, "path": path, "value": address(c) if path == "userName" else value(c, attribute)}
    if how < 15 and kind.name == "Group":
        member = Mark.USER.at(c.below(30))
        if c.chance(40):
            return {"op": verb, "path": f'members[value eq "{member}"]'}
        return {"op": verb, "path": "members", "value": [reference(c) for _ in range(1 + c.below(3))]}
    if how < 15 and kind.name == "Case":
        return {"op": verb, "path": c.pick(("owner", "owner.value", "owner.$ref")), "value": reference(c)}
    if how < 19:
        made: Body = {"op": verb, "path": filters.path(c, kind), "value": anything(c)}
        return {name: item for name, item in made.items() if not c.chance(5)}
    return (
        anything(c)
        if c.chance(30)
        else {"op": verb, "path": anything(c), c.pick(("value", "x")): anything(c)}
    )


def _pathless(c: Choices, kind: Kind) -> Any:
    if c.chance(8):
        return anything(c)
    chosen = [c.pick(kind.paths) for _ in range(c.below(4))]
    written = {path: value(c, attribute) for path, attribute in chosen}
    return {**written, filters.path(c, kind): anything(c)} if c.chance(25) else written


def password(c: Choices, kind: Kind) -> Any:
    """A password for somebody."""
    body: Body = {"schemas": [PASSWORD_REQUEST], "method": "set", "password": PASSWORD}
    if c.chance(30):
        body["password"] = c.pick(("", "short", PASSWORD + text(c), anything(c)))
    if c.chance(20):
        body = {"schemas": [PASSWORD_REQUEST], "method": "email"}
    if c.chance(50):
        body["mustChange"] = c.pick((True, False, "false", None))
    if c.chance(20):
        body[c.pick(("method", "schemas", "mustchanged", text(c)))] = anything(c)
    return anything(c) if c.chance(3) else body


def search(c: Choices, kind: Kind) -> Any:
    """A search that comes as a body."""
    body: Body = {"schemas": [SEARCH]}
    if c.chance(75):
        body["filter"] = anything(c) if c.chance(4) else filters.condition(c, kind)
    for name, item in parameters(c, kind):
        body[name] = anything(c, 1) if c.chance(5) else item
    return body


def parameters(c: Choices, kind: Kind) -> list[tuple[str, Any]]:
    """Some of what a search may be asked beside its filter."""
    found: list[tuple[str, Any]] = []
    for _ in range(c.below(4)):
        match c.below(7):
            case 0:
                found.append(("sortBy", filters.path(c, kind)))
            case 1:
                found.append(("sortOrder", c.pick(("ascending", "descending", "DESCENDING", "up", ""))))
            case 2:
                found.append(("startIndex", c.pick(INDEXES)))
            case 3:
                found.append(("count", c.pick(INDEXES)))
            case 4:
                found.append(("cursor", c.pick(("", Mark.CURSOR.at(), "x", "A" * 3000, text(c)))))
            case 5:
                found.append(("attributes", _names(c, kind)))
            case _:
                found.append(("excludedAttributes", _names(c, kind)))
    return found


_NUMBERS = (1, 0, 2, 10, -1, 1000, 1001, 2**31, 2**53, 2**63, 2**64, 10**30, "zztoken:" + "9" * 4_500)
INDEXES = (*_NUMBERS, "", "1.5", "x", "0x10", "1_0", "\u0663")


def _names(c: Choices, kind: Kind) -> Any:
    names = [filters.path(c, kind) for _ in range(c.below(4))]
    if c.chance(5):
        names = names * 300
    return names if c.chance(10) else ",".join(names)


def bulk(c: Choices, kind: Kind) -> Any:
    """Operations for several resources at once."""
    verbs = ("POST", "PUT", "PATCH", "DELETE", "GET", "post")
    operations = [
        {
            "method": c.pick(verbs),
            "path": c.pick(
                (kind.endpoint, f"{kind.endpoint}/{Mark.USER.at(c.below(30))}", "", "/", "bulkId:b0")
            ),
            "bulkId": c.pick(("b0", "b1", "", "bulkId:b0", text(c))),
            "data": resource(c, kind) if c.chance(70) else patch(c, kind),
        }
        for _ in range(c.below(3))
    ]
    return {"schemas": [BULK], "failOnErrors": c.pick((1, 0, -1, "x")), "Operations": operations}


def damaged(c: Choices, document: Any) -> bytes:
    """The document as bytes, mostly as it is."""
    body = encoded(c, document)
    return c.pick(_DAMAGES)(c, body) if c.chance(12) else body


Damage = Callable[[Choices, bytes], bytes]


def _cut(c: Choices, body: bytes) -> bytes:
    return body[: len(body) * c.below(100) // 100]


def _encoded_otherwise(c: Choices, body: bytes) -> bytes:
    encoding = c.pick(("utf-16", "utf-16-le", "utf-32", "utf-7", "utf-8-sig"))
    return body.decode("utf-8", "replace").encode(encoding)


_BYTES = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00", b",", b"}", b"\\u")


def _inserted(c: Choices, body: bytes) -> bytes:
    at = len(body) * c.below(100) // 100
    return body[:at] + c.pick(_BYTES) + body[at:]


def _replaced(c: Choices, body: bytes) -> bytes:
    at = c.below(max(1, len(body)))
    return body[:at] + bytes([c.below(256)]) + body[at + 1 :]


def _said_twice(_: Choices, body: bytes) -> bytes:
    return body[:-1] + b', "userName": "twice@example.com", "userName": "twice"}'


def _followed(c: Choices, body: bytes) -> bytes:
    return body + c.pick((b"x", b"{}", b"\x00", b" " * 1000, b"//", b"]"))


_OTHERS = (b"", b" ", b"null", b"[]", b'""', b"0", b"{", b"{}", b"userName=anna", b"<User/>", b"--x")


def _other(c: Choices, _: bytes) -> bytes:
    return c.pick(_OTHERS)


_NO_JSON = (b"1e400", b"9" * 5000, b"-", b"nul", b"'x'", b"\\x")


def _with_no_json(c: Choices, body: bytes) -> bytes:
    return body[:-1] + b', "title": ' + c.pick(_NO_JSON) + b"}"


def _quoted_otherwise(c: Choices, body: bytes) -> bytes:
    return body.replace(b'"', b"'", c.below(4))


def _spaced(c: Choices, body: bytes) -> bytes:
    return body.replace(b":", b": \t\n ", c.below(50)) + b"\n" * c.below(50)


def _listed(c: Choices, body: bytes) -> bytes:
    return b"[" + b",".join([body] * c.below(3)) + b"]"


def _long(c: Choices, body: bytes) -> bytes:
    return body[:-1] + b', "title": "' + c.pick((b"\xcc\x81", b"\\u0301", b"\xe1\xbc\x80")) * 40_000 + b'"}'


def _many_entries(c: Choices, body: bytes) -> bytes:
    entries = b'{"value":"a@b.example"},' * c.pick((10, 1_000, 40_000))
    return body[:-1] + b', "emails": [' + entries + b"{}]}"


def _many_names(c: Choices, body: bytes) -> bytes:
    return body[:-1] + b"".join(b',"k%d":%d' % (each, each) for each in range(c.pick((9, 3_000)))) + b"}"


def _deep(c: Choices, _: bytes) -> bytes:
    depth = c.pick((31, 32, 33, 100, 1_000, 100_000))
    opening, closing = c.pick(((b'{"a":', b"}"), (b"[", b"]"), (b'{"emails":[', b"]}")))
    return opening * depth + b"1" + closing * (depth if c.chance(70) else 0)


def _large(c: Choices, body: bytes) -> bytes:
    # Rarely the most that a group may have: it takes longer to send than to refuse.
    size = 16 * 1024 * 1024 if c.chance(2) else c.pick((60_000, 1024 * 1024 - 200, 1024 * 1024 + 1))
    return body[:-1] + b', "x": "' + b"x" * (size - len(body)) + b'"}'


_DAMAGES: tuple[Damage, ...] = (
    _cut,
    _encoded_otherwise,
    _inserted,
    _replaced,
    _said_twice,
    _followed,
    _other,
    _with_no_json,
    _quoted_otherwise,
    _spaced,
    _listed,
    _long,
    _many_entries,
    _many_names,
    _deep,
    _large,
)
