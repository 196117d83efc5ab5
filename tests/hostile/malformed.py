"""What strains HTTP itself: credentials, first lines, headers, lengths, and what comes after a request."""

from collections.abc import Callable

from tests.hostile import bodies
from tests.hostile.choices import Choices
from tests.hostile.headers import BROKEN, CREDENTIALS, FRAMINGS, JSON
from tests.hostile.places import BASE, one
from tests.hostile.plan import Mark, Request, Sending
from tests.hostile.values import encoded
from tests.hostile.vocabulary import Kind

VERBS = (b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"PATCH", b"DELETE", b"POST")
OUTSIDE = (b"/", b"/scim", b"/scim/v1/Users", b"/healthz", b"/readyz", b"/metrics", b"/scim/v2x")
AUTHORIZATION = (b"Authorization", b"Bearer " + Mark.TOKEN.at().encode())


def malformed(c: Choices, kind: Kind) -> Request:
    """A request that is hardly one."""
    return c.pick(_KINDS)(c, kind)


def _path(c: Choices, kind: Kind) -> bytes:
    return (BASE + one(c, kind)).encode()


def _other_credential(c: Choices, kind: Kind) -> Request:
    sent = c.pick(CREDENTIALS)
    return Request(method=b"GET", target=_path(c, kind), headers=sent, is_http=len(sent) < 2)


def _two_credentials(c: Choices, kind: Kind) -> Request:
    sent = (AUTHORIZATION, *c.pick(CREDENTIALS))
    return Request(method=b"GET", target=_path(c, kind), headers=sent, is_http=len(sent) == 1)


def _no_method(c: Choices, kind: Kind) -> Request:
    method = c.pick(METHODS)
    return Request(method=method, target=_path(c, kind), headers=(AUTHORIZATION,), is_http=False)


def _no_target(c: Choices, _: Kind) -> Request:
    return Request(method=b"GET", target=c.pick(TARGETS), headers=(AUTHORIZATION,), is_http=False)


def _no_header(c: Choices, kind: Kind) -> Request:
    sent = (AUTHORIZATION, c.pick(BROKEN))
    return Request(method=b"GET", target=_path(c, kind), headers=sent, is_http=False)


def _no_framing(c: Choices, kind: Kind) -> Request:
    sent = (AUTHORIZATION, JSON, *c.pick(FRAMINGS))
    return Request(
        method=b"POST", target=_path(c, kind), headers=sent, body=_resource(c, kind), is_http=False
    )


def _many_headers(c: Choices, kind: Kind) -> Request:
    many = [(b"X-H%d" % each, b"y" * 20) for each in range(c.pick((50, 150, 2000)))]
    sent = (AUTHORIZATION, *many)
    return Request(method=b"GET", target=_path(c, kind), headers=sent, is_http=len(many) < 100)


def _long_header(c: Choices, kind: Kind) -> Request:
    sent = (AUTHORIZATION, (b"X-Long", b"x" * c.pick((8_000, 8_190, 8_200, 70_000))))
    return Request(method=b"GET", target=_path(c, kind), headers=sent, is_http=False)


def _long_target(c: Choices, kind: Kind) -> Request:
    target = _path(c, kind) + b"?a=" + b"b" * c.pick((7_000, 8_190, 20_000, 100_000))
    return Request(method=b"GET", target=target, headers=(AUTHORIZATION,), is_http=len(target) < 7_500)


def _followed(c: Choices, kind: Kind) -> Request:
    body = _resource(c, kind) if c.chance(50) else b""
    return Request(
        method=b"POST" if body else b"GET",
        target=_path(c, kind),
        headers=(AUTHORIZATION, JSON) if body else (AUTHORIZATION,),
        body=body,
        tail=c.pick(TAILS),
        is_http=False,
    )


def _half(c: Choices, kind: Kind) -> Request:
    return Request(
        method=c.pick((b"PUT", b"PATCH", b"POST")),
        target=_path(c, kind),
        headers=(AUTHORIZATION, JSON),
        body=_resource(c, kind),
        sending=Sending.HALF,
        is_http=False,
    )


def _outside(c: Choices, _: Kind) -> Request:
    return Request(method=c.pick(VERBS), target=c.pick(OUTSIDE), headers=(AUTHORIZATION,))


def _resource(c: Choices, kind: Kind) -> bytes:
    return encoded(c, bodies.resource(c, kind))


_KINDS: tuple[Callable[[Choices, Kind], Request], ...] = (
    _other_credential,
    _two_credentials,
    _no_method,
    _no_target,
    _no_header,
    _no_framing,
    _many_headers,
    _long_header,
    _long_target,
    _followed,
    _half,
    _outside,
)

METHODS = (
    b"get",
    b"CONNECT",
    b"G\x00T",
    b"",
    b"GET GET",
    b"\xff",
    b"X" * 5000,
    b"PRI",
    b"GET\t",
    b"{}",
    b"__class__",
)
TARGETS = (
    b"*",
    b"",
    b"scim/v2/Users",
    b"http://evil.example/scim/v2/Users",
    b"https://[::1/scim/v2/Users",
    b"http://",
    b"//evil.example/scim/v2/Users",
    b"/scim/v2/Users?\xff\xfe",
    b"/scim/v2/Users/\x00",
    b"/scim/v2/Users/ x",
    b"/scim/v2/Users\r\nX: y",
    b"/scim/v2/\xf0\x9f\x98\x80",
    b"/scim/v2/Users#frag",
    b"?",
    b"#",
    b"/scim/v2/Users?" + b"%" * 50,
    b"http://a:b@c:99999/scim/v2/Users",
    b"/\\",
    b"[",
    b"http://%zz/",
    b":0",
)
TAILS = (
    b"\x00" * 50,
    b"GARBAGE\r\n\r\n",
    b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /scim/v2/Users HTTP/9.9\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /scim/v2/Users HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"x" * 100_000,
)
