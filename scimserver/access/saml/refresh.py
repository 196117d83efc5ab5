"""Reading a connection's metadata again, to see whether it still is what counts. Nothing takes effect by it.

Proven by tests/database/test_saml_looking.py.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple

from scimserver.access.saml.metadata import parse_metadata
from scimserver.directory.saml import Provider, SamlConnection
from scimserver.kernel.errors import InvalidValue

Fetch = Callable[[str], Awaitable[bytes]]
"""Brings the document at an address. Raises `InvalidValue`, which says why it does not."""


class Found(NamedTuple):
    """What is at the address of a connection's metadata."""

    provider: Provider | None
    failure: str | None
    """Why it cannot be read, where it has an address."""


async def found_at(fetch: Fetch, connection: SamlConnection, now: datetime) -> Found:
    """What is at the address of a connection's metadata, if it has one."""
    url = connection.wanted.metadata_url
    if url is None:
        return Found(None, None)
    try:
        return Found(await asyncio.to_thread(parse_metadata, await fetch(url), now), None)
    except InvalidValue as refused:
        return Found(None, refused.detail)
