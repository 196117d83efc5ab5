"""From a request to who calls and from where: nobody looks at headers again after this."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from aiohttp import web

from scimserver.http.requestid import request_id
from scimserver.kernel.actor import Origin
from scimserver.kernel.errors import Unauthenticated

Network = IPv4Network | IPv6Network

MAX_USER_AGENT = 200


def bearer_token(request: web.Request) -> str:
    """The secret of an `Authorization: Bearer` header (RFC 6750, section 2.1).

    Raises `Unauthenticated` where there is none, or more than one.
    """
    headers = request.headers.getall("Authorization", [])
    if len(headers) != 1:
        raise Unauthenticated("Send one Authorization header: Bearer and the connection's token.")
    scheme, _, secret = headers[0].partition(" ")
    if scheme.casefold() != "bearer" or not secret.strip():
        raise Unauthenticated("The Authorization header must be: Bearer and the connection's token.")
    return secret.strip()


def client_address(request: web.Request, trusted: Sequence[Network]) -> str | None:
    """The address of the client: the peer's, or the last one that no trusted proxy put there."""
    peer = request.remote
    hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")]
    while peer is not None and hops and _is_trusted(peer, trusted):
        peer = hops.pop()
    return peer if peer is None or _is_address(peer) else None


def origin(request: web.Request, route: str, trusted: Sequence[Network]) -> Origin:
    """Where the request came from, for the log; `route` is its path without identifiers."""
    return Origin(
        request_id=request_id(request),
        client_address=client_address(request, trusted),
        method=request.method,
        path=route,
        user_agent=request.headers.get("User-Agent", "")[:MAX_USER_AGENT] or None,
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in trusted)
