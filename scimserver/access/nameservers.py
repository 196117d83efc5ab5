"""Asking DNS for TXT records, in a bounded time.

Proven by tests/unit/test_nameservers.py.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated, Final

from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.nameserver import Do53Nameserver
from dns.resolver import NXDOMAIN, NoAnswer
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from scimserver.kernel.errors import Unavailable

SECONDS: Final = 10.0
"""How long an answer may take, all tries together."""

_PORT: Final = 53


class DnsSettings(BaseSettings):
    """A part of all settings."""

    dns_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses of DNS servers, separated by commas, that are asked for the proof of Email"
        " Domains; with a port as 192.0.2.1:5353. Without it, those that the system asks.",
    )

    @field_validator("dns_servers", mode="before")
    @classmethod
    def _split_servers(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("dns_servers")
    @classmethod
    def _are_servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                parse_server(each)
            except ValueError:
                raise ValueError("write addresses such as 192.0.2.1 or [2001:db8::1]:53") from None
        return value


class Nameservers:
    """Asks the servers at these addresses, or those that the system asks."""

    def __init__(self, addresses: Sequence[str] = (), *, seconds: float = SECONDS) -> None:
        self._addresses = addresses
        self._seconds = seconds

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each with its strings joined; none where there is no such name.

        What cannot be printed is replaced: anybody may have written them. Raises `Unavailable`.
        """
        try:
            answer = await self._resolver().resolve(name, "TXT", search=False, lifetime=self._seconds)
        except (NXDOMAIN, NoAnswer):
            return []
        except (DNSException, OSError) as failed:
            raise Unavailable(
                f"DNS did not say whether there is a TXT record at {name} ({type(failed).__name__}):"
                " try again, or name other servers in SCIMSERVER_DNS_SERVERS."
            ) from failed
        return [_plain(b"".join(record.strings)) for record in answer]

    def _resolver(self) -> Resolver:
        resolver = Resolver(configure=not self._addresses)
        if self._addresses:
            resolver.nameservers = [
                Do53Nameserver(host, port) for host, port in map(parse_server, self._addresses)
            ]
        return resolver


def parse_server(text: str) -> tuple[str, int]:
    """The address and port of a server written `192.0.2.1`, `192.0.2.1:5353` or `[2001:db8::1]:5353`.

    Raises `ValueError`.
    """
    host, port = text, str(_PORT)
    if text.startswith("[") and "]" in text:
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest else port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{port} is no port")
    return str(ip_address(host)), int(port)


def _plain(record: bytes) -> str:
    text = record.decode(errors="replace")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
