"""Identifiers: UUIDv7 (RFC 9562, section 5.7), so that the primary key is also creation order."""

import os
import time
from datetime import datetime
from typing import NewType
from uuid import UUID

OrganizationId = NewType("OrganizationId", UUID)
ConnectionId = NewType("ConnectionId", UUID)
SamlConnectionId = NewType("SamlConnectionId", UUID)
SamlKeyId = NewType("SamlKeyId", UUID)
TokenId = NewType("TokenId", UUID)
SessionId = NewType("SessionId", UUID)
UserId = NewType("UserId", UUID)
GroupId = NewType("GroupId", UUID)
CaseId = NewType("CaseId", UUID)
RoleId = NewType("RoleId", UUID)
EntryId = NewType("EntryId", UUID)

INSTALLATION = OrganizationId(UUID(int=0))
"""The organisation whose log holds what belongs to no organisation: operators' acts, unknown tokens."""


def new_uuid() -> UUID:
    """A fresh UUIDv7: Unix milliseconds, 12 bits of their fraction, then 62 random bits.

    The fraction (RFC 9562, section 6.2, method 3) keeps what one process makes within a millisecond
    in its order, to a quarter of a microsecond.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    value = (milliseconds & (2**48 - 1)) << 80
    value |= 0x7 << 76
    value |= (nanoseconds * 4096 // 1_000_000) << 64
    value |= 0b10 << 62
    return UUID(int=value | int.from_bytes(os.urandom(8), "big") & (2**62 - 1))


def oldest_uuid(moment: datetime) -> UUID:
    """What is before every identifier that is made at a moment or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def parse_uuid(text: str) -> UUID | None:
    """The UUID in its one canonical spelling, or None: identifiers are case-exact (RFC 7643, 3.1)."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text else None
