"""Requests and sessions: endpoints, verbs, headers, queries, and how the bytes are sent.

Most are nearly valid, with a good token and an id that there is: so they reach what lies deep.
"""

from collections.abc import Callable
from urllib.parse import quote

from tests.hostile import bodies, filters, oversized
from tests.hostile.choices import Choices
from tests.hostile.crowds import crowd
from tests.hostile.headers import HEADERS, JSON
from tests.hostile.malformed import malformed
from tests.hostile.places import BASE, MARKS, STRAYS, one
from tests.hostile.plan import Mark, Request, Sending, Session
from tests.hostile.values import encoded, text
from tests.hostile.vocabulary import Kind, Vocabulary

SESSION_SIZE = 25
"""Requests in a session."""


def session(c: Choices, vocabulary: Vocabulary) -> Session:
    """A session of `SESSION_SIZE` requests."""
    found: list[Request] = []
    while len(found) < SESSION_SIZE:
        how = c.below(400)
        if how < 359:
            found.append(request(c, vocabulary))
        elif how < 399:
            found += _story(c, vocabulary)
        else:
            found += [_sent(c, each, 0) for each in crowd(c)]
    return tuple(found[:SESSION_SIZE])


def _story(c: Choices, vocabulary: Vocabulary) -> list[Request]:
    """A resource's life: created, changed, looked for, put into a group, replaced, deleted."""
    kind = c.pick(vocabulary.kinds)
    made = MARKS[kind.name][1].at()
    at = f"{kind.endpoint}/{made}"
    story = [
        _dressed(c, b"POST", kind.endpoint, bodies.damaged(c, bodies.resource(c, kind))),
        _dressed(c, b"PATCH", at, bodies.damaged(c, bodies.patch(c, kind))),
        _dressed(c, b"GET", f"{kind.endpoint}?filter=" + quote(f'id eq "{made}"')),
        _dressed(c, b"PATCH", f"/Groups/{Mark.GROUP.at(c.below(5))}", _joining(c)),
        _dressed(c, b"PUT", at, bodies.damaged(c, bodies.resource(c, kind))),
        _dressed(c, b"GET", at),
        _dressed(c, b"DELETE", at),
        _dressed(c, c.pick((b"GET", b"DELETE", b"PUT")), at),
    ]
    return [each for each in story if not c.chance(15)]


def _joining(c: Choices) -> bytes:
    member = {"value": Mark.MADE_USER.at()}
    return encoded(
        c, {"schemas": [bodies.PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": [member]}]}
    )


def request(c: Choices, vocabulary: Vocabulary) -> Request:
    """One request."""
    kind = c.pick(vocabulary.kinds)
    if c.chance(2):
        # A tolerant and a strict connection read unknown names in ways of their own.
        return _sent(c, oversized.request(c, kind), c.pick((0, 0, 1)))
    how = c.below(100)
    for below, make in _REQUESTS:
        if how < below:
            return make(c, kind)
    if how < 88:
        return _dressed(c, b"GET", c.pick(vocabulary.discovered) + (_query(c, kind) if c.chance(30) else ""))
    return _stray(c, kind) if how < 94 else malformed(c, kind)


def _sent(c: Choices, made: oversized.Sent, connection: int) -> Request:
    verb, path, body = made
    token = Mark.TOKEN.at(connection).encode()
    return _dressed(c, verb, path, b"" if body is None else encoded(c, body), token=token)


def _post(c: Choices, kind: Kind) -> Request:
    return _dressed(c, b"POST", kind.endpoint + _projection(c, kind), _body(c, kind, "resource"))


def _patch(c: Choices, kind: Kind) -> Request:
    return _dressed(c, b"PATCH", one(c, kind) + _projection(c, kind), _body(c, kind, "patch"))


def _put(c: Choices, kind: Kind) -> Request:
    return _dressed(c, b"PUT", one(c, kind) + _projection(c, kind), _body(c, kind, "resource"))


def _delete(c: Choices, kind: Kind) -> Request:
    return _dressed(c, b"DELETE", one(c, kind))


def _get(c: Choices, kind: Kind) -> Request:
    return _dressed(c, b"GET", one(c, kind) + _projection(c, kind))


def _list(c: Choices, kind: Kind) -> Request:
    return _dressed(c, b"GET", c.pick((kind.endpoint, kind.endpoint, "/", "")) + _query(c, kind))


def _search(c: Choices, kind: Kind) -> Request:
    at = c.pick((kind.endpoint + "/.search", kind.endpoint + "/.search", "/.search"))
    return _dressed(c, b"POST", at, _body(c, kind, "search"))


def _clone(c: Choices, kind: Kind) -> Request:
    """A clone of somebody, or of what cannot be cloned; mostly without a body."""
    body = _body(c, kind, c.pick(("resource", "patch"))) if c.chance(40) else b""
    return _dressed(c, b"POST", one(c, kind) + "/.clone", body)


def _unserved(c: Choices, kind: Kind) -> Request:
    verb = c.pick((b"POST", b"GET", b"PUT"))
    return _dressed(c, verb, c.pick(("/Bulk", "/Me", "/Me/x", "/Bulk/x")), _body(c, kind, "bulk"))


_REQUESTS: tuple[tuple[int, Callable[[Choices, Kind], Request]], ...] = (
    (16, _post),
    (42, _patch),
    (54, _put),
    (57, _delete),
    (64, _get),
    (76, _list),
    (83, _search),
    (84, _clone),
    (86, _unserved),
)
"""What is sent, and how often: up to this many of a hundred."""


def _body(c: Choices, kind: Kind, what: str) -> bytes:
    if c.chance(3):
        what = c.pick(("resource", "patch", "search", "bulk"))
    make = {"resource": bodies.resource, "patch": bodies.patch, "search": bodies.search, "bulk": bodies.bulk}[
        what
    ]
    return bodies.damaged(c, make(c, kind))


VERBS = (
    b"GET",
    b"HEAD",
    b"OPTIONS",
    b"TRACE",
    b"PUT",
    b"PATCH",
    b"DELETE",
    b"POST",
    b"PROPFIND",
    b"QUERY",
    b"SEARCH",
    b"LOCK",
    b"get",
    b"Patch",
    b"M-SEARCH",
)


def _stray(c: Choices, kind: Kind) -> Request:
    """A path that is not served, or a verb that a path does not have."""
    path = c.pick((*STRAYS, kind.endpoint, one(c, kind), "/Schemas", "/Me", "/Bulk"))
    verb = c.pick(VERBS)
    body = _body(c, kind, "resource") if c.chance(40) else b""
    return _dressed(c, verb, path, body, is_http=verb in VERBS[:12] and "\\" not in path and "#" not in path)


def _projection(c: Choices, kind: Kind) -> str:
    return _query(c, kind) if c.chance(10) else ""


def _query(c: Choices, kind: Kind) -> str:
    """A query: what a search may be asked, and what nobody should ask."""
    pairs: list[tuple[str, str]] = []
    if c.chance(70):
        pairs.append(("filter", filters.condition(c, kind)[:7_000]))
    for name, item in bodies.parameters(c, kind):
        pairs.append((name, ",".join(map(str, item)) if isinstance(item, list) else str(item)))
    if pairs and c.chance(8):
        name, item = c.pick(pairs)
        pairs.append(
            (c.pick((name, name.upper(), name.lower(), name + "[]", text(c))), c.pick((item, "", text(c))))
        )
    query = "&".join(f"{_quoted(name)}={_quoted(item)}" for name, item in pairs)
    if c.chance(4):
        query += c.pick(
            ("&", "&&&", "&=", "&%", "&a%zz=%", "&filter", "&count=1;x", "&%00=%00", "&a=%ff", "?x", "&a=+")
        )
    return "?" + query[:7_500] if query else c.pick(("", "?", "?="))


def _quoted(item: str) -> str:
    return quote(item.removeprefix("zztoken:")[:4_000], safe="", errors="surrogatepass")


def _dressed(
    c: Choices,
    verb: bytes,
    path: str,
    body: bytes = b"",
    *,
    is_http: bool = True,
    token: bytes | None = None,
) -> Request:
    """The request with its headers, sent in one of the ways there are."""
    sending = Sending.WHOLE
    headers = [(b"Authorization", b"Bearer " + (token or _token(c)))]
    if body:
        headers.append(JSON)
        if c.chance(6):
            sending = c.pick((Sending.PIECES, Sending.CHUNKED, Sending.CHUNKED, Sending.HALF))
    extra = [c.pick(HEADERS) for _ in range(1 + c.below(3))] if c.chance(15) else []
    if not c.chance(5):
        named = {name.lower() for name, _ in extra}
        headers = [header for header in headers if header[0].lower() not in named]
    headers += extra
    # Of some headers there is one at most: a server may refuse two before it looks at anything else.
    is_http = is_http and len({name.lower() for name, _ in headers}) == len(headers)
    if sending is Sending.HALF:
        # A server may end a connection as its client does, without an answer.
        is_http = False
    return Request(
        method=verb,
        target=(BASE + path).encode("utf-8", "surrogatepass"),
        headers=tuple(headers),
        body=body,
        sending=sending,
        is_http=is_http,
    )


def _token(c: Choices) -> bytes:
    """A token: mostly of a tolerant connection that may read and write."""
    how = c.below(20)
    return Mark.TOKEN.at(0 if how < 9 else how - 8 if how < 16 else 0).encode()
