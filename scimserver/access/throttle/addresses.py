"""How addresses count: an IPv4 address for itself, an IPv6 address with its network of 64 bits.

Whoever has one IPv6 address has all of its network. Proven by tests/unit/test_throttle.py.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_MAPPED: Final = bytes(10) + b"\xff\xff"
_NETWORK: Final = bytes(7) + b"\x06"
"""Stands for the lower half of an address: not all zeros, which in a ledger is a place that is free."""
_UNKNOWN: Final = b"\xff" * 16


def account_of(address: str | None) -> bytes:
    """The 16 bytes under which an address is counted; all that is no address is one."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return _UNKNOWN
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if isinstance(parsed, IPv4Address):
        return _MAPPED + parsed.packed
    return parsed.packed[:8] + _NETWORK
