"""Identifiers: UUIDv7 (RFC 9562, section 5.7), so that the primary key is also creation order."""

import os
import time
from typing import NewType
from uuid import UUID

OrganizationId = NewType("OrganizationId", UUID)
ConnectionId = NewType("ConnectionId", UUID)
TokenId = NewType("TokenId", UUID)
UserId = NewType("UserId", UUID)
GroupId = NewType("GroupId", UUID)
RoleId = NewType("RoleId", UUID)
EntryId = NewType("EntryId", UUID)

INSTALLATION = OrganizationId(UUID(int=0))
"""The organisation whose log holds what belongs to no organisation: operators' acts, unknown tokens."""


def new_uuid() -> UUID:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (2**48 - 1)) << 80
    value |= 0x7 << 76
    value |= ((random >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random & (2**62 - 1)
    return UUID(int=value)


def parse_uuid(text: str) -> UUID | None:
    """The UUID in its one canonical spelling, or None: identifiers are case-exact (RFC 7643, 3.1)."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text else None
