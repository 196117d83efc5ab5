"""Fetching an identity provider's metadata, from public https addresses alone.

Whoever names the address may be anybody who administers an organisation: the server must not be made to ask
its own network for something. Which address a name stands for is looked up once, looked at, and then used:
between the two it cannot become another one. Proven by tests/unit/test_saml_fetch.py.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from scimserver.access.saml.metadata import MAX_METADATA
from scimserver.kernel.errors import InvalidValue

SECONDS: Final = 10
MOST_REDIRECTS: Final = 3

_GIVEN_OUT: Final = IPv6Network("2000::/3")
_NOT_OF_HOSTS: Final = (IPv6Network("2002::/16"), IPv6Network("3fff::/20"))
"""6to4, which holds an address of IPv4, and what is for documentation."""

_HEADERS: Final = {
    "Accept": "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.9",
    "Accept-Encoding": "identity",
}


class NotPublic(OSError):
    """A name stands for an address that is not on the public network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Fetches metadata. Tests let it fetch from this machine."""

    tls: ssl.SSLContext | None = None
    """Whom to trust, instead of whom the system does."""
    public_only: bool = True

    async def fetch(self, url: str) -> bytes:
        """The document at an https address. Raises `InvalidValue`, which says what was wrong."""
        _require_https(url)
        resolver = PublicResolver() if self.public_only else None
        connector = aiohttp.TCPConnector(resolver=resolver, ssl=self.tls or True, limit=1)
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        try:
            async with (
                asyncio.timeout(SECONDS),
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, headers=_HEADERS, auto_decompress=False
                ) as session,
            ):
                return await self._followed(session, url)
        except NotPublic as refused:
            raise _failed(url, str(refused)) from None
        except TimeoutError:
            raise _failed(url, f"it took more than {SECONDS} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            cause = failure.__cause__
            said = str(cause) if isinstance(cause, NotPublic) else type(failure).__name__
            raise _failed(url, said) from None

    async def _followed(self, session: aiohttp.ClientSession, url: str) -> bytes:
        host = urlsplit(url).hostname
        for _ in range(MOST_REDIRECTS + 1):
            self._require_public_literal(url)
            async with session.get(url, allow_redirects=False) as response:
                if response.status not in (301, 302, 303, 307, 308):
                    return await _body(url, response)
                url = urljoin(url, response.headers.get("Location", ""))
            _require_https(url)
            if urlsplit(url).hostname != host:
                raise _failed(url, "it redirects to another host")
        raise _failed(url, "it redirects again and again")

    def _require_public_literal(self, url: str) -> None:
        """Look at an address that stands in the URL itself: no name is looked up for it."""
        if self.public_only:
            host = urlsplit(url).hostname or ""
            try:
                _require_public(host)
            except ValueError:
                return


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses, and to no others."""

    def __init__(self) -> None:
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises `NotPublic` where one of them is not public."""
        found = await self._resolver.resolve(host, port, family)
        for each in found:
            _require_public(each["host"])
        return found

    async def close(self) -> None:
        """Let go of what resolving took."""
        await self._resolver.close()


def _require_public(address: str) -> None:
    """Raise `NotPublic` for an address that is not on the public network, `ValueError` for what is none."""
    parsed = ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    if not mapped.is_global or mapped.is_multicast or _may_lead_elsewhere(mapped):
        raise NotPublic("it is not on the public network")


def _may_lead_elsewhere(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address of IPv6 is outside of what is given out, or holds one of IPv4."""
    return address.version == 6 and (
        address not in _GIVEN_OUT or any(address in network for network in _NOT_OF_HOSTS)
    )


async def _body(url: str, response: aiohttp.ClientResponse) -> bytes:
    if response.status != 200:
        raise _failed(url, f"it answered {response.status}")
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        # A little of it may unfold to more than there is memory; nobody asked for it.
        raise _failed(url, "it is compressed, which was not asked for")
    body = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        body += chunk
        if len(body) > MAX_METADATA:
            raise _failed(url, f"it is larger than {MAX_METADATA} octets")
    return bytes(body)


def _require_https(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        is_good = False
    # What is not ASCII, one reader takes for a name and another for an address.
    if not is_good or not url.isprintable() or not url.isascii():
        raise _failed(url, "it is no https address")


def _failed(url: str, what: str) -> InvalidValue:
    # A redirect may hold octets that are no text, and that could not be kept.
    told = url[:200].encode("utf-8", "backslashreplace").decode()
    return InvalidValue(f'The metadata at "{told}" cannot be fetched: {what}.', attribute="metadataUrl")
